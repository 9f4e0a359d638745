/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What runs left on this host, found by the keys in LXD's own ledger, and
 * removed or only listed. Nothing without our keys is touched, and nothing
 * whose name is not the one its keys say: that is a copy somebody made of
 * an instance of ours. With suspects given, what the host still has of them, and of
 * instances that would not go cleanly, is removed too (rungs.h).
 */

#include "agent/runner.h"
#include "agent/suspects.h"

enum sweep_mode {
        SWEEP_LIST,   /* only say what is there */
        SWEEP_REMOVE, /* stop, delete, verify */
};

struct sweep_item {
        enum leftover_kind kind;
        const char *name, *run, *unit; /* unit: as its key says */
        const char *instance;          /* whose it is; its own name for an instance */
        const char *detail;            /* LIST: its state */
        bool removed;
        const char *error; /* not removed: why; "" otherwise */
};

struct sweep_handlers {
        /* once for each thing found, when its fate is known */
        void (*item)(const struct sweep_item *item, void *userdata);
        /* once, at the end; error is "" or why it could not be carried out */
        void (*done)(const char *error, void *userdata);
        void *userdata;
};

struct sweep_request {
        enum sweep_mode mode;
        const char *project;
        const char *run;      /* "" = every run's */
        const char *skip_run; /* leave this one alone: it is being driven; "" = none */
        /* Instances remembered to have left things, kept up to date; NULL = only what
         * LXD lists. */
        struct suspects *suspects;
};

struct sweep;

/* Frees itself after done(). */
int sweep_start(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct sweep_request *request, const struct sweep_handlers *handlers,
                struct sweep **ret) _warn_unused_;
void sweep_cancel(struct sweep *s);
