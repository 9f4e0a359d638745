/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The units nobody has: the fresh ones, which are a single number (all from it on), and those that
 * came back, as ranges with the attempt they are due for. Pure; O(what came back).
 */

#include <stdint.h>

#include "base/util.h"

struct pool_range {
        int64_t first, end; /* first .. end-1 */
        int64_t attempt;    /* the next one of these units, 1.. */
        int64_t tries;      /* how often they were interrupted */
};

struct pool {
        int64_t fresh, end;       /* fresh .. end-1 were never lent */
        struct pool_range *items; /* what came back: sorted, disjoint */
        size_t n, allocated;
        int64_t n_back; /* units in items */
};

/* Units 1..total. */
void pool_init(struct pool *p, int64_t total);
void pool_deinit(struct pool *p);

/* How many units are in it. */
int64_t pool_left(const struct pool *p);

/* Takes at most max (>= 1) units that are alike and stand together; those that came back first.
 * false = empty. */
bool pool_take(struct pool *p, int64_t max, struct pool_range *ret);

/* Puts units back that are not in it. Empty ranges are fine. -ENOMEM: nothing changed. */
int pool_put(struct pool *p, const struct pool_range *range) _warn_unused_;

/* Takes out one unit that came back: 1 = done, 0 = it is not in it, -ENOMEM. */
int pool_remove(struct pool *p, int64_t unit) _warn_unused_;
