/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much values in a row have in common. Containers that are started at the same time wait for
 * each other, so a hundred of them say less than a hundred that were started alone, and a test that
 * takes them for independent finds differences between two halves of the same run. Pure.
 */

#include "base/util.h"

#define STATS_LAGS_MAX 1000

/*
 * By how much the variance of the mean of x, in the order in which they came, is larger than if
 * they did not depend on each other: 1 + 2 Σ ρ(k), estimated with Geyer's initial monotone sequence
 * (Statistical Science 7, 1992). At least 1. group: whose value it is (the host); every group has a
 * mean of its own, and values of two groups are not set against each other; NULL = all of one.
 * Values of a group stand together. -EINVAL a number is NaN, infinite or beyond 1e300, -ENODATA
 * n is 0, -ENOMEM.
 */
int stats_inflation(const double *x, const double *group, size_t n, double *ret) _warn_unused_;
