/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What all statistics here begin with: whether numbers can be reckoned with, their order, their
 * median. Pure, without memory of its own. NaN has no place in any order, so everything that takes
 * numbers of others asks stats_finite() first.
 */

#include "base/util.h"

/* 0, or -EINVAL when one of them is NaN, infinite, or so large (beyond ±1e300) that a difference of
 * two would be. */
int stats_finite(const double *x, size_t n) _warn_unused_;

/* Ascending, in place. */
void stats_sort(double *x, size_t n);

/*
 * The k-th smallest (k from 0, below n), by partitioning in place: afterwards nothing before place
 * k is greater than it, nothing behind it smaller. O(n) on average whatever the order before (C. A.
 * R. Hoare, Algorithm 65: Find, 1961; the pivot is the median of three).
 */
double stats_select(double *x, size_t n, size_t k);

/* The median; of an even number, the mean of the middle two. Reorders x; n > 0. */
double stats_median(double *x, size_t n);

/* The same, and x stays as it is. -ENOMEM. */
int stats_median_of(const double *x, size_t n, double *ret) _warn_unused_;

/*
 * Ranks from 1, ties get the mean of theirs, into rank. Returns through *ret_ties (NULL = not
 * wanted) the sum of t³ - t over groups of t equal ones, which variances of rank statistics need.
 * -ENOMEM.
 */
int stats_rank(const double *x, size_t n, double *rank, double *ret_ties) _warn_unused_;
