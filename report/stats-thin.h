/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Points kept in bounded memory however many come: when there is no room any more every second one
 * goes, and from then on only every second, fourth, eighth … is taken. What is kept is spread
 * evenly over what came, in its order. Pure.
 */

#include "base/util.h"

struct stats_thin {
        double *x, *y; /* owned */
        size_t n, most;
        uint64_t seen, every; /* how many came; which of them are taken */
        size_t room;
};

/* most: an even number, at least 2. Allocates as points come. */
void stats_thin_init(struct stats_thin *t, size_t most);
void stats_thin_deinit(struct stats_thin *t);
/* -ENOMEM, and the points so far stay. */
int stats_thin_add(struct stats_thin *t, double x, double y) _warn_unused_;
