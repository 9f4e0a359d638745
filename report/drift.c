/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See drift.h. */

#include "report/drift.h"

#include <math.h>

#include "proto/soak.h"
#include "report/stats-block.h"

#define HOUR_NS     (3600 * NSEC_PER_SEC)
#define STEP_VALUES 128 /* of a step; of more, evenly chosen ones */

void drift_axis_init(struct html_axis *a, int64_t begin_ns, int64_t wall_ns)
{
        /* a store may say anything */
        begin_ns = MIN(begin_ns, INT64_MAX / 4);
        wall_ns = MIN(wall_ns, INT64_MAX / 4);
        html_axis_init(a, begin_ns, begin_ns + MAX(wall_ns, INT64_C(0)), METRIC_PERIOD_NS,
                       HTML_BUCKETS_MAX);
}

int drift_add(struct drift_series *s, const struct html_axis *a, int64_t at_ns, double value)
{
        int64_t outside = 0;
        size_t step = html_axis_bucket(a, at_ns, &outside);

        if (outside > 0)
                return 0;
        if (!s->steps) {
                s->steps = calloc(a->n, sizeof(*s->steps));
                if (!s->steps)
                        return -ENOMEM;
                s->n = a->n;
                for (size_t i = 0; i < s->n; i++)
                        stats_thin_init(s->steps + i, STEP_VALUES);
        }
        return stats_thin_add(s->steps + step, (double)(at_ns - a->begin_ns) / (double)HOUR_NS,
                              value);
}

void drift_clear(struct drift_series *s)
{
        for (size_t i = 0; i < s->n; i++)
                stats_thin_deinit(s->steps + i);
        free(s->steps);
        *s = (struct drift_series){0};
}

int drift_tell(struct drift_series *s, size_t blocks, struct trend *ret)
{
        struct trend_options options = TREND_OPTIONS_DEFAULT;
        double t[HTML_BUCKETS_MAX], y[HTML_BUCKETS_MAX];
        struct trend trend;
        size_t n = 0;
        int r;

        for (size_t i = 0; i < s->n; i++) {
                struct stats_thin *step = s->steps + i;

                if (step->n == 0)
                        continue;
                r = stats_block_centers(step->x, step->y, step->n, 1, t + n, y + n);
                if (r < 0)
                        return r;
                n++;
        }
        options.floor_share = DRIFT_FLOOR;
        options.blocks = blocks;
        r = trend_compute(t, y, n, &options, &trend);
        if (r < 0)
                return r;
        if (trend.to - trend.from < (double)DRIFT_TIME_MIN_NS / (double)HOUR_NS)
                trend = (struct trend){.verdict = TREND_SHORT, .n = n};
        *ret = trend;
        return 0;
}

double drift_percent(const struct trend *t, double slope)
{
        double percent = 100 * slope / fabs(t->level);

        if (!(fabs(slope) > 0))
                return 0;
        return isfinite(percent) ? percent : (double)NAN;
}

int64_t drift_time_ns(int64_t begin_ns, double t)
{
        return begin_ns + llround(t * (double)HOUR_NS);
}
