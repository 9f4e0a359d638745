/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a series rises or falls, and how fast: Mann-Kendall's test and the Theil-Sen slope. Both
 * compare every two points, so they hold for any distribution, and a stray point counts as one.
 * They assume that points are independent of each other: give them block medians (stats-block.h)
 * and not a raw series, or they see drift in what merely wanders.
 *
 * Pure. x is what the series runs over (time, units done), NULL = 1, 2, 3 …; it need not be sorted.
 * Work and memory grow with n²: 2,000 points are 2 million pairs and 16 MB, the most allowed.
 *
 * Errors of all: -EINVAL a number is NaN, infinite or beyond 1e300, -ENODATA too few points (fewer
 * than three, or all at one x), -E2BIG more than STATS_TREND_MAX, -ENOMEM. Results are untouched on
 * failure.
 */

#include "base/util.h"

#define STATS_TREND_MAX 2000

struct stats_kendall {
        double s;   /* Σ sgn(xj − xi) sgn(yj − yi) over i < j */
        double var; /* of s, when there is no trend */
        double z;   /* sgn(s) (|s| − 1) / √var; 0 when s or var is */
        double p;   /* two-sided */
};

/*
 * Mann (Econometrica 13, 1945) and Kendall (Rank Correlation Methods, 1970, ch. 4): without ties in
 * x, var = [n(n−1)(2n+5) − Σ t(t−1)(2t+5)] / 18 over groups of t equal y; with ties in both,
 * Kendall's full formula. As trend::mk.test() of R.
 */
int stats_kendall(const double *x, const double *y, size_t n,
                  struct stats_kendall *ret) _warn_unused_;

struct stats_slope {
        double slope; /* of y by x: the median of (yj − yi) / (xj − xi) over pairs with xi ≠ xj */
        double lo, hi;    /* its interval */
        double intercept; /* median(y) − slope · median(x) */
        size_t pairs;
};

/*
 * Theil (1950) and Sen (JASA 63, 1968). alpha: 0.05 gives the 95 % interval. Its ends are slopes
 * number (pairs ∓ z √var) / 2 of those in order, with Mann-Kendall's var; as
 * scipy.stats.theilslopes() and trend::sens.slope() of R. With very few points the interval ends at
 * the extreme slopes, and says less than it seems to.
 */
int stats_slope(const double *x, const double *y, size_t n, double alpha,
                struct stats_slope *ret) _warn_unused_;
