/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See live-latency.h. */

#include "report/live-latency.h"

#include <math.h>

#include "report/stats-block.h"
#include "report/stats-depend.h"
#include "report/stats-normal.h"
#include "report/stats-order.h"
#include "report/stats-trend.h"

#define POINTS          4096 /* of a host; of more, evenly chosen ones */
#define BLOCK_POINTS    3    /* at least, in a block, */
#define BLOCKS_ENOUGH   24   /* where there are enough for so many */
#define HOST_BLOCKS     4    /* with fewer a host has no level of its own to be set to */
#define HOST_BLOCKS_MAX ((size_t)72)
#define BLOCKS          ((size_t)720) /* of all hosts: work and memory go with their square */
#define DIGITS          2
#define ALPHA           0.05

void live_latency_init(struct live_latency *l)
{
        *l = (struct live_latency){.width = 1};
        stats_thin_init(&l->points, POINTS);
}

void live_latency_deinit(struct live_latency *l)
{
        for (size_t i = 0; i < LIVE_BUCKETS; i++)
                histogram_free(l->buckets[i]);
        stats_thin_deinit(&l->points);
        free(l->x);
        free(l->y);
        free(l->group);
        *l = (struct live_latency){0};
}

/* ---- buckets ---- */

/* What is in one goes to another. */
static int merge(struct histogram **to, struct histogram **from)
{
        int r = 0;

        if (!*to)
                *to = TAKE(*from);
        else if (*from)
                r = histogram_merge(*to, *from);
        *from = histogram_free(*from);
        return r;
}

int live_latency_widen(struct live_latency *l, int64_t width)
{
        int r = 0;

        for (; l->width < width && r == 0; l->width *= 2)
                for (size_t i = 1; i < LIVE_BUCKETS && r == 0; i++)
                        r = merge(l->buckets + i / 2, l->buckets + i);
        return r;
}

int live_latency_add(struct live_latency *l, int64_t live, int64_t duration_ns)
{
        struct histogram **bucket;
        int r = 0;

        while (live >= LIVE_BUCKETS * l->width && r == 0)
                r = live_latency_widen(l, 2 * l->width);
        if (r < 0)
                return r;
        bucket = l->buckets + live / l->width;
        if (!*bucket) {
                r = histogram_new_full(HISTOGRAM_MAX, DIGITS, bucket);
                if (r < 0)
                        return r;
        }
        histogram_record(*bucket, duration_ns);
        return stats_thin_add(&l->points, (double)live, (double)duration_ns);
}

/* ---- the slope ---- */

static int make_room(struct live_latency *l, size_t more)
{
        double **const columns[] = {&l->x, &l->y, &l->group};

        if (l->n + more <= l->room)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(columns); i++) {
                double *grown = reallocarray(*columns[i], 2 * l->n + more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                *columns[i] = grown;
        }
        l->room = 2 * l->n + more;
        return 0;
}

/* So that their median is 0. */
static int center(double *values, size_t n)
{
        double median = 0;
        int r = stats_median_of(values, n, &median);

        for (size_t i = 0; i < n && r == 0; i++)
                values[i] -= median;
        return r;
}

size_t live_latency_blocks(size_t host, size_t n_hosts)
{
        size_t every = n_hosts * HOST_BLOCKS / BLOCKS + 1; /* where there are too many */
        size_t blocks = n_hosts > 0 ? BLOCKS * every / n_hosts : 0;

        return host % every == 0 ? MIN(blocks, HOST_BLOCKS_MAX) : 0;
}

int live_latency_end_host(struct live_latency *l, size_t blocks)
{
        size_t n = MAX(l->points.n / BLOCK_POINTS, (size_t)BLOCKS_ENOUGH);
        int r = 0;

        blocks = MIN(blocks, HOST_BLOCKS_MAX);
        n = MIN(n, blocks);
        n = MIN(n, l->points.n);
        if (n >= HOST_BLOCKS) {
                r = make_room(l, n);
                if (r == 0)
                        r = stats_block_centers(l->points.x, l->points.y, l->points.n, n,
                                                l->x + l->n, l->y + l->n);
                if (r == 0)
                        r = center(l->x + l->n, n);
                if (r == 0)
                        r = center(l->y + l->n, n);
                for (size_t i = 0; i < n && r == 0; i++)
                        l->group[l->n + i] = (double)l->n_groups;
                if (r == 0) {
                        l->n += n;
                        l->n_groups++;
                }
        }
        stats_thin_deinit(&l->points);
        stats_thin_init(&l->points, POINTS);
        return r;
}

/* The line, with its interval as wide as what is left beside it says. */
static int fit(const struct live_latency *l, double *left, struct live_slope *ret)
{
        const double z = stats_normal_quantile(1 - ALPHA / 2);
        double inflation = 1;
        struct stats_slope s;
        int r = stats_slope(l->x, l->y, l->n, ALPHA, &s);

        if (r < 0)
                return r;
        for (size_t i = 0; i < l->n; i++)
                left[i] = l->y[i] - s.slope * l->x[i];
        r = stats_inflation(left, l->group, l->n, &inflation);
        /* the ends of the interval go with z √var: a level that has √inflation in its z will do */
        if (r == 0)
                r = stats_slope(l->x, l->y, l->n, stats_normal_two_sided(z * sqrt(inflation)), &s);
        if (r < 0)
                return r;
        ret->told = true;
        ret->slope = s.slope;
        ret->lo = s.lo;
        ret->hi = s.hi;
        return 0;
}

int live_latency_tell(const struct live_latency *l, struct live_slope *ret)
{
        _cleanup_(freep)
        double *copy = NULL;
        struct live_slope s = {0};
        int r;

        if (l->n > 0) {
                copy = malloc(l->n * sizeof(*copy));
                if (!copy)
                        return -ENOMEM;
                memcpy(copy, l->x, l->n * sizeof(*copy));
                s.spread = -stats_select(copy, l->n, l->n / 20);
                s.spread += stats_select(copy, l->n, l->n - 1 - l->n / 20);
        }
        if (l->n >= LIVE_BLOCKS_MIN && s.spread >= LIVE_SPREAD_MIN) {
                r = fit(l, copy, &s);
                if (r < 0)
                        return r;
        }
        *ret = s;
        return 0;
}
