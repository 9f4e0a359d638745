/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verdict of drift; see trend.h. trend-change.c has the steps. */

#include <math.h>

#include "report/stats-block.h"
#include "report/stats-compare.h"
#include "report/stats-normal.h"
#include "report/stats-order.h"
#include "report/stats-trend.h"
#include "report/trend-internal.h"

#define BLOCK_POINTS  3    /* at least, in a block, */
#define BLOCKS_ENOUGH 24   /* where there are enough for so many */
#define WARM_UP_MOST  0.15 /* of the series */
#define WARM_UP_FAR   3    /* off the line by so many standard deviations of the rest */
#define MAD_TO_SIGMA  1.4826
#define RHO_MAX       0.9

const char *trend_verdict_word(enum trend_verdict v)
{
        static const char *const words[] = {
#define X(n, w) w,
                TREND_VERDICTS(X)
#undef X
        };

        return words[v];
}

double trend_residual(const struct trend_blocks *b, const struct trend_line *line, size_t i)
{
        return b->y[i] - line->intercept - line->slope * b->x[i];
}

static int make_blocks(const double *t, const double *y, size_t n, size_t most,
                       struct trend_blocks *ret)
{
        ret->n = MAX(n / BLOCK_POINTS, (size_t)BLOCKS_ENOUGH);
        ret->n = MIN(ret->n, most);
        ret->n = MIN(ret->n, n);
        return stats_block_centers(t, y, n, ret->n, ret->x, ret->y);
}

/* How many points the blocks at the beginning hold that are far off the line through the rest, all
 * on one side of it. */
static int find_warm_up(const double *t, const double *y, size_t n, size_t blocks, size_t *ret)
{
        double away[TREND_BLOCKS_MAX], first, spread;
        struct trend_blocks b;
        struct trend_line line;
        struct stats_slope s;
        size_t most, k = 0;
        int r = make_blocks(t, y, n, blocks, &b);

        if (r < 0)
                return r;
        most = (size_t)((double)b.n * WARM_UP_MOST);
        r = stats_slope(b.x + most, b.y + most, b.n - most, TREND_ALPHA, &s);
        if (r < 0)
                return r;
        line = (struct trend_line){s.slope, s.intercept};
        for (size_t i = most; i < b.n; i++)
                away[i - most] = fabs(trend_residual(&b, &line, i));
        spread = stats_median(away, b.n - most) * MAD_TO_SIGMA;
        first = trend_residual(&b, &line, 0);
        for (; k < most; k++) {
                double off = trend_residual(&b, &line, k);

                if (!(fabs(off) > WARM_UP_FAR * spread && off * first > 0))
                        break;
        }
        *ret = stats_block_begin(n, b.n, k);
        return 0;
}

/* The line through the blocks, its interval and p. */
static int fit(const struct trend_blocks *b, const double *t, const double *y, size_t n,
               struct trend *trend, struct trend_line *ret)
{
        const double z = stats_normal_quantile(1 - TREND_ALPHA / 2);
        struct trend_left blocks = {0}, points = {0};
        struct stats_kendall k;
        struct stats_slope s;
        int r = stats_slope(b->x, b->y, b->n, TREND_ALPHA, &s);

        if (r == 0)
                r = stats_kendall(b->x, b->y, b->n, &k);
        if (r < 0)
                return r;
        *ret = (struct trend_line){s.slope, s.intercept};
        for (size_t i = 0; i < b->n; i++)
                trend_left_add(&blocks, trend_residual(b, ret, i));
        for (size_t i = 0; i < n; i++)
                trend_left_add(&points, y[i] - ret->intercept - ret->slope * t[i]);
        trend->inflation = trend_inflation(&blocks, &points, 2);
        /* the ends of the interval go with z √var, so a level that has √inflation in its z will do
         */
        r = stats_slope(b->x, b->y, b->n, stats_normal_two_sided(z * sqrt(trend->inflation)), &s);
        if (r < 0)
                return r;
        trend->slope = s.slope;
        trend->lo = s.lo;
        trend->hi = s.hi;
        trend->p = stats_normal_two_sided(k.z / sqrt(trend->inflation));
        return 0;
}

static enum trend_verdict decide(const struct trend *t)
{
        if (t->n_changes > 0)
                return TREND_STEP;
        if (t->p < TREND_ALPHA && t->lo > t->floor)
                return TREND_UP;
        if (t->p < TREND_ALPHA && t->hi < -t->floor)
                return TREND_DOWN;
        return TREND_FLAT;
}

/* t and y are in order, and what is left of them is enough. */
static int compute(const double *t, const double *y, size_t n, size_t most,
                   const struct trend_options *o, struct trend *trend)
{
        const double found = stats_normal_quantile(TREND_POWER);
        const double z = stats_normal_quantile(1 - TREND_ALPHA / 2);
        struct trend_blocks b;
        struct trend_line line;
        double span = t[n - 1] - t[0], floor;
        int r = make_blocks(t, y, n, most, &b);

        trend->blocks = b.n;
        trend->from = t[0];
        trend->to = t[n - 1];
        if (r == 0)
                r = fit(&b, t, y, n, trend, &line);
        if (r == 0)
                r = stats_median_of(y, n, &trend->level);
        if (r < 0)
                return r;
        floor = o->floor_absolute > 0 ? o->floor_absolute : o->floor_share * fabs(trend->level);
        trend->floor = floor / span;
        trend->visible = trend->floor + (z + found) * (trend->hi - trend->lo) / (2 * z);
        r = trend_find_changes(t, y, n, &b, &line, floor, trend);
        if (r == 0)
                trend->verdict = decide(trend);
        return r;
}

int trend_compute(double *t, double *y, size_t n, const struct trend_options *options,
                  struct trend *ret)
{
        const size_t most = MIN(options->blocks ?: TREND_BLOCKS, (size_t)TREND_BLOCKS_MAX);
        struct trend trend = {.verdict = TREND_SHORT, .n = n};
        int r = stats_finite(t, n);

        if (r == 0)
                r = stats_finite(y, n);
        if (r == 0)
                r = stats_sort_points(t, y, n);
        if (r < 0)
                return r;
        if (n >= TREND_POINTS_MIN && t[n - 1] > t[0]) {
                if (options->warm_up >= 0)
                        while (trend.warm_up < n && t[trend.warm_up] - t[0] < options->warm_up)
                                trend.warm_up++;
                else if (n >= BLOCKS_ENOUGH)
                        r = find_warm_up(t, y, n, most, &trend.warm_up);
        }
        if (r == 0 && n - trend.warm_up >= TREND_POINTS_MIN && t[n - 1] > t[trend.warm_up])
                r = compute(t + trend.warm_up, y + trend.warm_up, n - trend.warm_up, most, options,
                            &trend);
        if (r == 0)
                *ret = trend;
        return r;
}

int trend_adjust(struct trend *const *trends, size_t n)
{
        _cleanup_(freep)
        double *p = calloc(MAX(n, (size_t)1), sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                p[i] = trends[i]->verdict == TREND_SHORT ? (double)NAN : trends[i]->p;
        r = stats_adjust(p, n, p);
        for (size_t i = 0; i < n && r == 0; i++)
                if (trends[i]->verdict != TREND_SHORT) {
                        trends[i]->p = p[i];
                        trends[i]->verdict = decide(trends[i]);
                }
        return r;
}
