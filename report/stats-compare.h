/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Two samples against each other: whether one tends to be larger, and by how much. By ranks and
 * pairs, so any distribution will do. Pure.
 *
 * Errors: -EINVAL a number is NaN, infinite or beyond 1e300, -ENODATA a sample is empty, -ENOMEM.
 * Results are untouched on failure.
 */

#include <stdint.h>

#include "base/util.h"

struct stats_mann_whitney {
        double u;   /* pairs in which x is larger than y; equal ones count half */
        double z;   /* with correction for continuity; below 0 when x tends to be smaller */
        double p;   /* two-sided, by z */
        bool exact; /* without ties and with at most STATS_EXACT_MAX pairs: */
        double p_exact;
};

#define STATS_EXACT_MAX 400

/*
 * Mann and Whitney (Annals of Mathematical Statistics 18, 1947): the variance is corrected for
 * ties, the exact p counts all arrangements. As scipy.stats.mannwhitneyu().
 *
 * inflate_x, inflate_y: by how much the variance of the mean of a sample is larger than if its
 * values did not depend on each other (stats-depend.h); 1 = they do not.
 */
int stats_mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, double inflate_x,
                       double inflate_y, struct stats_mann_whitney *ret) _warn_unused_;

struct stats_shift {
        double shift;  /* by how much y is larger: the median of y − x over all pairs */
        double lo, hi; /* its interval */
};

/*
 * Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963), with the interval that belongs
 * to the Mann-Whitney test (Hollander and Wolfe, Nonparametric Statistical Methods, 4.3, in the
 * large-sample form). x and y must be in ascending order. Pairs are counted and never made: work
 * grows with n_x + n_y, whatever the number of pairs. alpha: 0.05 gives the 95 % interval.
 */
int stats_shift(const double *x, size_t n_x, const double *y, size_t n_y, double inflate_x,
                double inflate_y, double alpha, struct stats_shift *ret) _warn_unused_;

/*
 * The same of one sample: the median of the means of all pairs, those of one with itself too. It is
 * as hard to lead astray as a median (up to 29 % strays), and nearly as exact as a mean: of normal
 * noise it needs 1.05 times the points of the mean, the median 1.57 times. x ascending, n > 0.
 */
double stats_pseudo_median(const double *x, size_t n);

/*
 * Whether a of n_a is another share than b of n_b: Fisher's exact test (1935), two-sided: all
 * tables as unlikely as this one. As fisher.test() of R. Work grows with a + b. -EINVAL when there
 * are more than all.
 */
int stats_fisher(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b, double *ret) _warn_unused_;

/*
 * Benjamini and Hochberg (JRSS B 57, 1995): p of n tests, corrected so that of what is called
 * significant at level q at most q is false on average. As p.adjust(method = "BH") of R. A p that
 * is NaN is no test: it is not counted and stays NaN. ret may be p. -ENOMEM.
 */
int stats_adjust(const double *p, size_t n, double *ret) _warn_unused_;
