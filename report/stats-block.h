/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Blocks: a series in few points that hardly depend on each other. What happens at one minute has
 * much to do with the minute before, and tests that take minutes for independent find drift in
 * anything that wanders: of series without drift, AR(1) with φ = 0.9, Mann-Kendall calls 64 % of
 * the raw ones drifting and 7 % of 24 block medians. Medians also let strays and the teeth of a
 * garbage collector's sawtooth go by.
 *
 * Pure.
 */

#include "base/util.h"

/*
 * Cuts n points, in the order given, into `blocks` runs of as equal length as can be (the first
 * ones are longer by one), and puts the medians of x and of y of each into ret_x and ret_y, which
 * have room for `blocks`. x NULL = 1, 2, 3 …. 0 < blocks <= n, or -ENODATA; -EINVAL a number is NaN
 * or infinite; -ENOMEM. Sort by x first (stats_sort_points()) where the order is not that of x.
 */
int stats_block_medians(const double *x, const double *y, size_t n, size_t blocks, double *ret_x,
                        double *ret_y) _warn_unused_;

/* The same with the pseudo-median of y (stats-compare.h), which sees more. */
int stats_block_centers(const double *x, const double *y, size_t n, size_t blocks, double *ret_x,
                        double *ret_y) _warn_unused_;

/* Where block k of that cut begins; block `blocks` would begin at n. */
size_t stats_block_begin(size_t n, size_t blocks, size_t k);

/* Puts x in ascending order and y along with it; equal x keep their order. -ENOMEM. */
int stats_sort_points(double *x, double *y, size_t n) _warn_unused_;
