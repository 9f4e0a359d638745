/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the host itself, not the API, still has of given instances: processes,
 * cgroups, mounts, veths, directories and volumes of the daemon's. Asked of lxdsoak-helper: over
 * its socket where systemd runs it, else over a socket pair to a helper the agent starts itself
 * (which then sees what the agent's user may see, and says which kinds it could not look at). One
 * question is under way at a time; what is asked meanwhile goes together into the next. Never
 * blocks, and an answer always comes: the things, or an error after the time limit.
 */

#include <systemd/sd-event.h>

#include "base/error.h"
#include "proto/soak.h"

struct inventory_item {
        enum leftover_kind kind;
        char name[256]; /* "pid 4711 [lxc monitor]", the path of a mount or cgroup, the link … */
        char detail[256];
        char instance[NAME_SIZE]; /* whose it is, as asked */
};

struct inventory_answer {
        int error; /* 0 or negative: the host could not be looked at */
        const char *error_text;
        const struct inventory_item *items;
        size_t n;
        unsigned blind; /* bits 1 << leftover_kind: kinds that could not be looked at for lack of
                           rights */
};

typedef void (*inventory_handler)(const struct inventory_answer *answer, void *userdata);

struct inventory;
struct inventory_query;

/* helper: path of the helper's socket or program; NULL = the installed ones. */
int inventory_new(sd_event *event, const char *helper, const char *lxd_dir,
                  struct inventory **ret) _warn_unused_;
struct inventory *inventory_free(struct inventory *inv);
DEFINE_CLEANUP(struct inventory *, inventory_free)

/*
 * Asks for one instance. project: empty or "default" = none in names.
 * veths: comma-separated names of its host side links as noted while it ran
 * (volatile.*.host_name) and addresses of their inner ends (volatile.*.hwaddr), may be empty. handler is called once, from the loop.
 */
int inventory_ask(struct inventory *inv, const char *project, const char *instance,
                  const char *veths, inventory_handler handler, void *userdata,
                  struct inventory_query **ret) _warn_unused_;
void inventory_cancel(struct inventory_query *q);

/* How long an answer may take; for tests. */
void inventory_set_time_limit(struct inventory *inv, int64_t limit_ns);
