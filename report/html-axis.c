/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See html-axis.h. */

#include "report/html-axis.h"

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static int64_t floor_to(int64_t ns, int64_t step_ns)
{
        int64_t rest = ns % step_ns;

        return ns - (rest < 0 ? rest + step_ns : rest);
}

static bool fits(int64_t begin_ns, int64_t end_ns, int64_t step_ns, size_t n_max)
{
        return (end_ns - floor_to(begin_ns, step_ns)) / step_ns < (int64_t)n_max;
}

void html_axis_init(struct html_axis *a, int64_t begin_ns, int64_t end_ns, int64_t step_min_ns,
                    size_t n_max)
{
        static const int seconds[] = {
                1,           2,          5,          10,          20,          30,
                MINUTE,      2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 20 * MINUTE,
                30 * MINUTE, HOUR,       2 * HOUR,   3 * HOUR,    6 * HOUR,    12 * HOUR,
        };
        int64_t step_ns = DAY * NSEC_PER_SEC;

        n_max = MAX(n_max, (size_t)1);
        n_max = MIN(n_max, (size_t)HTML_BUCKETS_MAX);
        begin_ns = MAX(begin_ns, INT64_C(0));
        end_ns = MAX(end_ns, begin_ns);
        for (size_t i = ELEMENTSOF(seconds); i > 0; i--)
                if (seconds[i - 1] * NSEC_PER_SEC >= step_min_ns &&
                    fits(begin_ns, end_ns, seconds[i - 1] * NSEC_PER_SEC, n_max))
                        step_ns = seconds[i - 1] * NSEC_PER_SEC;
        while (!fits(begin_ns, end_ns, step_ns, n_max))
                step_ns *= 2;
        a->step_ns = step_ns;
        a->begin_ns = floor_to(begin_ns, step_ns);
        a->n = (size_t)((end_ns - a->begin_ns) / step_ns) + 1;
}

size_t html_axis_bucket(const struct html_axis *a, int64_t at_ns, int64_t *ret_outside)
{
        if (at_ns >= a->begin_ns && at_ns < html_axis_end_ns(a))
                return (size_t)((at_ns - a->begin_ns) / a->step_ns);
        if (ret_outside)
                (*ret_outside)++;
        return at_ns < a->begin_ns ? 0 : a->n - 1;
}

int64_t html_axis_end_ns(const struct html_axis *a)
{
        return a->begin_ns + (int64_t)a->n * a->step_ns;
}

double html_axis_permille(const struct html_axis *a, int64_t at_ns)
{
        double x = (double)(at_ns - a->begin_ns) / (double)((int64_t)a->n * a->step_ns) * 1000;

        x = MAX(x, 0.0);
        return MIN(x, 1000.0);
}
