/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Before a run: is LXD there, can it do what the spec asks, is there the image
 * or the template. Finds the fingerprint once, so that every unit is made from
 * the same image whatever happens to the alias; for a copy it makes the
 * template where none is named. Asked of LXD, one request after the other.
 */

#include "agent/lxd.h"
#include "agent/requests.h"

struct preflight_answer {
        bool ok;
        int refuse;                 /* enum refuse_code */
        const char *text;           /* what, where, what to do */
        const char *server;         /* "lxd 5.0.2" */
        struct source_info *source; /* ok: taken over by the caller (profiles) */
};

typedef void (*preflight_handler)(const struct preflight_answer *answer, void *userdata);

struct preflight;

/* spec is borrowed until the handler was called. Frees itself after that. */
int preflight_start(struct lxd *lxd, const struct run_spec *spec, const char *agent_id,
                    preflight_handler handler, void *userdata,
                    struct preflight **ret) _warn_unused_;
void preflight_cancel(struct preflight *p);
