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
 * (volatile.*.host_name) and addresses of their inner ends (volatile.*.hwaddr), may be empty.
 * handler is called once, from the loop.
 */
int inventory_ask(struct inventory *inv, const char *project, const char *instance,
                  const char *veths, inventory_handler handler, void *userdata,
                  struct inventory_query **ret) _warn_unused_;
void inventory_cancel(struct inventory_query *q);

/* ---- removing ---- */

struct removal_target {
        const char *run, *project, *instance; /* instance must be named as one of that run's */
        const char *veths;
};

struct removed_item {
        char name[256];
        char error[256]; /* "" = it is gone */
};

struct removed_answer {
        int error; /* 0 or negative: nothing is known of what became of it */
        const char *error_text;
        const struct removed_item *items; /* what there was of that kind */
        size_t n;
};

typedef void (*inventory_remove_handler)(const struct removed_answer *answer, void *userdata);

struct inventory_removal;

/*
 * Has the helper remove what the host has of one kind of an instance. It finds the
 * things itself and refuses names that are not the run's. Whether the API still has
 * the instance is the caller's to ask, right before. handler is called once, from
 * the loop.
 */
int inventory_remove(struct inventory *inv, const struct removal_target *target,
                     enum leftover_kind kind, inventory_remove_handler handler, void *userdata,
                     struct inventory_removal **ret) _warn_unused_;
/* Asks for the names on this host that look like those of instances of a run, whichever it
 * is: the answer's items have them as `name`, with PROJECT_ before it in a project. */
int inventory_names(struct inventory *inv, inventory_remove_handler handler, void *userdata,
                    struct inventory_removal **ret) _warn_unused_;
void inventory_remove_cancel(struct inventory_removal *m);
/* Both by what an inventory is made of, target NULL for the names; inventory-remove.c. */
int inventory_remove_with(sd_event *event, const char *helper, const char *lxd_dir,
                          int64_t limit_ns, const struct removal_target *target,
                          enum leftover_kind kind, inventory_remove_handler handler, void *userdata,
                          struct inventory_removal **ret) _warn_unused_;

/* How long an answer may take; for tests. */
void inventory_set_time_limit(struct inventory *inv, int64_t limit_ns);
