/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Steps, not slopes: where a series changes, and whether it does. Pure; the same numbers give the
 * same answer every time, also where chance is used.
 *
 * Places are counts of points before the change, from 1 to n - 1: a change at 5 is between the
 * fifth point and the sixth.
 *
 * Errors: -EINVAL a number is NaN, infinite or beyond 1e300, -ENODATA too few points, -E2BIG more
 * than STATS_CHANGE_MAX, -ENOMEM. Results are untouched on failure.
 */

#include <stdint.h>

#include "base/util.h"

#define STATS_CHANGE_MAX 2000

struct stats_pettitt {
        double u;  /* max |U(k)| */
        size_t at; /* where it is; the first one */
        double p;  /* approximate, and good for p below 0.5 */
};

/*
 * One change, by ranks: Pettitt (Applied Statistics 28, 1979), U(k) = 2 Σ rank(i ≤ k) − k(n+1),
 * p = 2 exp(−6u² / (n³+n²)), at most 1. As trend::pettitt.test() of R.
 */
int stats_pettitt(const double *x, size_t n, struct stats_pettitt *ret) _warn_unused_;

struct stats_change {
        size_t at;
        double p;
};

/*
 * Any number of changes: E-divisive (Matteson and James, JASA 109, 2014). The place where the
 * energy distance (exponent 1) between what is before and after is greatest is believed when
 * shuffling the points within the segments found so far seldom gives as great a one: at most alpha
 * of the times. No segment gets shorter than min_size (2 or more). As the detector of Apache Otava
 * with its permutation test.
 *
 * Puts at most max changes into ret, in the order of their places. Work grows with
 * permutations · n² for every change found. n >= 2 min_size.
 */
int stats_changes(const double *x, size_t n, size_t min_size, double alpha, unsigned permutations,
                  struct stats_change *ret, size_t max, size_t *ret_n) _warn_unused_;

/*
 * Tabular CUSUM (Page 1954; NIST/SEMATECH e-Handbook 6.3.2.3), one value at a time: for who watches
 * and knows what to expect. Zero high and low at the beginning. An alarm is when one of them is
 * above h: 1 above the target, -1 below, 0 none. It goes on after an alarm; values that are not
 * finite are passed over.
 */
struct stats_cusum {
        double target, k, h; /* all in units of the series */
        double high, low;
};
int stats_cusum_add(struct stats_cusum *c, double x);
