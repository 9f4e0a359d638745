/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which runs there are, and which one is meant. Directories are looked at as a coordinator makes
 * them: the store of a run is DIR/NAME/run.db, whatever NAME is; DIR itself may be one.
 */

#include "base/options.h"
#include "report/store.h"

struct run_place {
        char *path;                                   /* of its run.db's; NULL = from journals */
        char run[RUN_ID_SIZE], mode[16], verdict[16]; /* verdict "" = it has none (yet) */
        int64_t started_realtime_ns, wall_ns;
        int64_t planned;        /* -1 = without an end */
        int64_t passed, failed; /* failed: all that did not pass */
        int64_t hosts;
};

struct run_places {
        struct run_place *items; /* the oldest first */
        size_t n, n_unreadable;
        struct error unreadable; /* why, of the first one */
};

/* Of all dirs (none: the present one). What is no store, or cannot be read, is counted and left
 * out; a dir that is not there is an error. */
int runs_list(const struct string_list *dirs, struct run_places *ret,
              struct error *err) _warn_unused_;
void runs_release(struct run_places *p);

/* All but the path, from the run's store. */
int run_place_read(struct store *store, struct run_place *ret, struct error *err) _warn_unused_;
/* Adds one, and sets its path to a copy. */
int runs_add(struct run_places *p, const struct run_place *place, const char *path) _warn_unused_;
/* The oldest first. */
void runs_sort(struct run_places *p);

/*
 * Opens a run to read. what: a run's directory, its run.db, its id (looked for in dirs), or "last":
 * the one that began last of those in dirs. -ENOENT: there is none.
 */
int runs_open(const char *what, const struct string_list *dirs, struct store **ret,
              struct error *err) _warn_unused_;
