/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rungs of a clean-up for one instance that would not go by the API alone, or
 * that the API has forgotten while the host has not: LXD is asked whether it has it,
 * the host what there is of it, the helper removes that a kind at a time, and the
 * host is asked again, a few times over. An instance that LXD still has only loses
 * its processes and what is mounted in it, and then is deleted through the API. One
 * that is somebody else's is left alone.
 */

#include "agent/runner.h"
#include "agent/suspects.h"

struct rungs;

enum rungs_end {
        RUNGS_CLEAN,   /* nothing of it is left */
        RUNGS_LEFT,    /* something would not go, or it could not be looked at */
        RUNGS_BLIND,   /* nothing was found, but not all could be looked at */
        RUNGS_FOREIGN, /* the name is somebody else's now */
};

struct rungs_handlers {
        /* for each thing found, once its fate is known; error "" unless it stayed */
        void (*thing)(enum leftover_kind kind, const char *name, const char *detail, bool removed,
                      const char *error, void *userdata);
        /* Once; it frees itself afterwards. LEFT: error says why LXD still has the instance or
         * why nothing could be done; "" if only things stayed. */
        void (*done)(enum rungs_end end, const char *error, void *userdata);
        void *userdata;
};

/* dry_run: things are told and left alone; nothing at all is told of an instance
 * that LXD still has. */
int rungs_start(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct suspect *suspect, bool dry_run, const struct rungs_handlers *handlers,
                struct rungs **ret) _warn_unused_;
void rungs_cancel(struct rungs *r);
