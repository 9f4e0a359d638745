/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of a trend share: the series as blocks, its line, and the steps in it. */

#include "report/trend.h"

#define TREND_BLOCKS_MAX 200

struct trend_blocks {
        double x[TREND_BLOCKS_MAX], y[TREND_BLOCKS_MAX];
        size_t n;
};

/* The line of the blocks by Theil-Sen. */
struct trend_line {
        double slope, intercept;
};

double trend_residual(const struct trend_blocks *b, const struct trend_line *line, size_t i);

/* What is left when a model is taken away from the series, one after the other. */
struct trend_left {
        double n, sum, squares, products, first, last;
};
void trend_left_add(struct trend_left *l, double left);

/*
 * By how much what blocks have in common widens the variance of sums over them, told from what is
 * left of them and of the points when a model of so many parameters is taken away. 1 = not at all.
 */
double trend_inflation(const struct trend_left *blocks, const struct trend_left *points,
                       size_t parameters);

/*
 * Steps of the points t, y (n of them, in order of t, without the warm-up), into changes and
 * n_changes of trend: none where the levels between them do not describe the blocks clearly better
 * than the line and a single level do, or no step is as large as floor.
 */
int trend_find_changes(const double *t, const double *y, size_t n, const struct trend_blocks *b,
                       const struct trend_line *line, double floor,
                       struct trend *trend) _warn_unused_;
