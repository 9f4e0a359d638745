/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Steps of a series, see trend-internal.h: found over blocks that have little in common any more,
 * placed among the points, and believed when levels with steps between them describe the series
 * better than a line does.
 */

#include <math.h>

#include "report/stats-block.h"
#include "report/stats-change.h"
#include "report/stats-order.h"
#include "report/trend-internal.h"

#define CHANGE_ALPHA 0.005
#define PERMUTATIONS 199
#define SEGMENT_MIN  3 /* blocks */
#ifndef STEP_HIGH
#define STEP_HIGH 5 /* standard errors */
#define CLEARLY   8
#endif

/* Levels: from bounds[i] to bounds[i + 1], in points. */
struct levels {
        size_t bounds[TREND_CHANGES_MAX + 2];
        double level[TREND_CHANGES_MAX + 1];
        size_t n;
};

static int set_levels(const double *y, struct levels *l)
{
        int r = 0;

        for (size_t i = 0; i < l->n && r == 0; i++)
                r = stats_median_of(y + l->bounds[i], l->bounds[i + 1] - l->bounds[i],
                                    l->level + i);
        return r;
}

/* Where between from and to the points go over from one level to the other: the least sum of
 * distances to them. */
static size_t place(const double *y, size_t from, size_t to, double before, double after)
{
        double sum = 0, least = 0;
        size_t best = from;

        for (size_t i = from; i < to; i++) {
                sum += fabs(y[i] - before) - fabs(y[i] - after);
                if (sum < least) {
                        least = sum;
                        best = i + 1;
                }
        }
        return best;
}

/* Moves every bound, by a block at most, to where the points change. */
static void place_bounds(const double *y, size_t n, size_t blocks, const struct stats_change *c,
                         struct levels *l)
{
        for (size_t i = 1; i < l->n; i++)
                l->bounds[i] = place(y, stats_block_begin(n, blocks, c[i - 1].at - 1) + 1,
                                     stats_block_begin(n, blocks, c[i - 1].at + 1) - 1,
                                     l->level[i - 1], l->level[i]);
}

static size_t level_of(const struct trend_blocks *b, const double *t, const struct levels *l,
                       size_t i, size_t k)
{
        while (k + 1 < l->n && b->x[i] >= t[l->bounds[k + 1]])
                k++;
        return k;
}

/* What is left of the blocks when the levels are taken away. */
static void take_away(const struct trend_blocks *b, const double *t, const struct levels *l,
                      double *ret)
{
        for (size_t i = 0, k = 0; i < b->n; i++) {
                k = level_of(b, t, l, i, k);
                ret[i] = b->y[i] - l->level[k];
        }
}

static double inflation(const double *left, size_t n_left, const double *y, const struct levels *l)
{
        struct trend_left blocks = {0}, points = {0};

        for (size_t i = 0; i < n_left; i++)
                trend_left_add(&blocks, left[i]);
        for (size_t k = 0; k < l->n; k++)
                for (size_t i = l->bounds[k]; i < l->bounds[k + 1]; i++)
                        trend_left_add(&points, y[i] - l->level[k]);
        return trend_inflation(&blocks, &points, 2 * l->n - 1);
}

/* A sum of distances, never 0, so that it has a logarithm. */
static double distance(const struct trend_blocks *b, const double *left)
{
        double sum = 0, most = 0;

        for (size_t i = 0; i < b->n; i++) {
                sum += fabs(left[i]);
                most = fmax(most, fabs(b->y[i]));
        }
        return fmax(sum, most * 1e-9);
}

/*
 * Whether steps describe the blocks clearly better than the line and than one level, by Schwarz's
 * criterion (Annals of Statistics 6, 1978) for distances: 2 n log Σ|r| + parameters · log n, with n
 * the blocks that are worth one of their own. A step costs two parameters, its place and its
 * height.
 */
static bool steps_are_best(const struct trend_blocks *b, const double *t, const double *y,
                           const struct trend_line *line, const struct levels *steps, double level)
{
        const struct levels flat = {.level = {level}, .n = 1};
        double left[TREND_BLOCKS_MAX], of_steps, of_line, of_flat, n;

        take_away(b, t, &flat, left);
        of_flat = distance(b, left);
        for (size_t i = 0; i < b->n; i++)
                left[i] = trend_residual(b, line, i);
        of_line = distance(b, left);
        take_away(b, t, steps, left);
        of_steps = distance(b, left);
        n = (double)b->n / inflation(left, b->n, y, steps);
        of_steps = 2 * n * log(of_steps) + (double)(2 * steps->n - 1) * log(n) + CLEARLY;
        return of_steps < 2 * n * log(of_line) + 2 * log(n) &&
               of_steps < 2 * n * log(of_flat) + log(n);
}

/* How many standard errors the smallest step is high. */
static double least_step(const struct trend_blocks *b, const double *t, const double *y,
                         const struct levels *l, size_t *ret)
{
        double left[TREND_BLOCKS_MAX], count[TREND_CHANGES_MAX + 1] = {0}, var = 0;
        double least = INFINITY;

        take_away(b, t, l, left);
        for (size_t i = 0, k = 0; i < b->n; i++) {
                k = level_of(b, t, l, i, k);
                count[k]++;
                var += left[i] * left[i];
        }
        var /= (double)b->n - (double)l->n;
        var *= inflation(left, b->n, y, l);
        for (size_t i = 0; i + 1 < l->n; i++) {
                double error = sqrt(var * (1 / count[i] + 1 / count[i + 1]));
                double high = fabs(l->level[i + 1] - l->level[i]) / error;

                if (!(high >= least)) {
                        least = high;
                        *ret = i;
                }
        }
        return least;
}

static void fill(const double *t, const struct levels *l, const struct stats_change *c,
                 struct trend *trend)
{
        trend->n_changes = l->n - 1;
        for (size_t i = 0; i < trend->n_changes; i++) {
                size_t at = l->bounds[i + 1];

                trend->changes[i] = (struct trend_change){
                        .t = t[at - 1] / 2 + t[at] / 2,
                        .before = l->level[i],
                        .after = l->level[i + 1],
                        .p = c[i].p,
                };
        }
}

static void drop(struct levels *l, struct stats_change *c, size_t at)
{
        memmove(l->bounds + at + 1, l->bounds + at + 2, (l->n - at - 1) * sizeof(*l->bounds));
        memmove(c + at, c + at + 1, (l->n - at - 2) * sizeof(*c));
        l->n--;
}

int trend_find_changes(const double *t, const double *y, size_t n, const struct trend_blocks *b,
                       const struct trend_line *line, double floor, struct trend *trend)
{
        struct stats_change c[TREND_CHANGES_MAX];
        struct levels l = {0};
        size_t found = 0, least = 0;
        double largest = 0;
        int r = stats_changes(b->y, b->n, SEGMENT_MIN, CHANGE_ALPHA, PERMUTATIONS, c, ELEMENTSOF(c),
                              &found);

        if (r < 0 || found == 0)
                return r;
        l.n = found + 1;
        for (size_t i = 0; i < found; i++)
                l.bounds[i + 1] = stats_block_begin(n, b->n, c[i].at);
        l.bounds[l.n] = n;
        r = set_levels(y, &l);
        if (r == 0) {
                place_bounds(y, n, b->n, c, &l);
                r = set_levels(y, &l);
        }
        while (r == 0 && l.n > 1 && least_step(b, t, y, &l, &least) < STEP_HIGH) {
                drop(&l, c, least);
                r = set_levels(y, &l);
        }
        for (size_t i = 0; i + 1 < l.n; i++)
                largest = fmax(largest, fabs(l.level[i + 1] - l.level[i]));
        if (r == 0 && largest > floor && steps_are_best(b, t, y, line, &l, trend->level))
                fill(t, &l, c, trend);
        return r;
}
