/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Removes, as root, what a scan attributes to one instance and nothing else: a
 * kind at a time, each in a file of its own. Whoever calls it has checked that the
 * name is a run's own (owned.h) and that the API does not have it any more or that
 * what it has is to go; what exists is found by a scan of our own, never named by
 * anybody. Any of it may wait in the kernel: it runs in a child that can be given up.
 *
 * Nothing is done to processes, mounts and links of a made-up tree (root not ""):
 * their numbers and names would be those of real ones.
 */

#include "agent/scan.h"

#define REMOVE_RESULTS_MAX 512

struct remove_result {
        char name[256];  /* as the scan calls it */
        char error[160]; /* "" = it is gone */
};

struct removal {
        const char *root, *lxd_dir; /* as for a scan */
        const char *project, *instance, *veths;
        char *doing; /* SCAN_DOING_SIZE bytes */

        struct remove_result results[REMOVE_RESULTS_MAX];
        size_t n_results;
};

/* The verbs. Only what keeps them from working at all is an error. */
int remove_processes(struct removal *r) _warn_unused_;
int remove_mounts(struct removal *r) _warn_unused_;
int remove_cgroups(struct removal *r) _warn_unused_;
int remove_links(struct removal *r) _warn_unused_;
int remove_volumes(struct removal *r) _warn_unused_;

/* NULL: nothing of that kind is removed by us. */
typedef int (*remove_function)(struct removal *r);
remove_function remove_find(enum leftover_kind kind);

/* ---- for the parts ---- */

/* A scan with the instance as its one target, carried out by `parts`, ended by NULL. */
typedef int (*scan_part)(struct scan *s);
int remove_scan(struct removal *r, const scan_part *parts, struct scan **ret) _warn_unused_;

/* What became of one thing; the last word about it counts. Error text "" = gone. */
void remove_note(struct removal *r, const char *name, const char *format, ...) _printf_(3, 4);

/* Is lxd_dir a daemon's, and not one that somebody made to look like it? Not for all to
 * write, and with a directory of root's in it (its own owner may be another: Debian's
 * /var/lib/lxd belongs to user lxd). */
int remove_check_lxd_dir(const struct removal *r) _warn_unused_;
