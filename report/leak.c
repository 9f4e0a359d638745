/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See leak.h. */

#include "report/leak.h"

#include <math.h>

#include "base/clock.h"
#include "report/stats-trend.h"

#define FLOOR_THINGS    0.01
#define FLOOR_BYTES     8192.0
#define ALPHA           0.01
#define WARM_UP         10 /* the first tenth of the units */
#define WARM_UP_UNITS   20 /* at least */
#define LATER_PACE      0.6
#define STEP_SHARE      0.5
#define STEP_SLACK      0.5 /* of the step's share of the units */
#define HALF_MIN        3
#define RSS_UNITS_MIN   2000
#define RSS_TIME_MIN_NS (1800 * NSEC_PER_SEC)
#define POINTS_MAX      400 /* of more, every second, third … one is taken */

double leak_floor(enum census_kind kind)
{
        return kind == CENSUS_RSS ? FLOOR_BYTES : FLOOR_THINGS;
}

/* ---- the points ---- */

static int compare_points(const void *a, const void *b)
{
        const struct leak_point *x = a, *y = b;

        return x->realtime_ns < y->realtime_ns ? -1 : x->realtime_ns > y->realtime_ns;
}

void leak_arrange(struct leak_point *points, size_t n)
{
        int64_t before = 0, offset = 0;

        if (n > 1)
                qsort(points, n, sizeof(*points), compare_points);
        for (size_t i = 0; i < n; i++) {
                if (points[i].units + offset < before)
                        offset = before;
                points[i].units += offset;
                before = points[i].units;
        }
}

void leak_choose(const struct leak_point *points, size_t n, struct leak_series *ret)
{
        struct leak_series best = {0};

        for (size_t i = 0, end; i < n; i = end) {
                struct leak_series s = {.first = i};
                int64_t begin = points[i].units, warm;

                for (end = i + 1; end < n && points[end].daemon_pid == points[i].daemon_pid; end++)
                        ;
                warm = (points[end - 1].units - begin) / WARM_UP;
                warm = begin + MAX(warm, (int64_t)WARM_UP_UNITS);
                while (s.first < end && points[s.first].units < warm)
                        s.first++;
                s.n = end - s.first;
                if (s.n > 0)
                        s.units = points[end - 1].units - points[s.first].units;
                if (s.units > best.units || best.n == 0)
                        best = s;
        }
        *ret = best;
}

/* ---- one kind ---- */

struct series {
        double x[POINTS_MAX], y[POINTS_MAX];
        size_t n;
        int64_t span_ns;
};

/* Those that have a figure. */
static void take(const struct leak_point *points, const struct leak_series *in,
                 enum census_kind kind, struct series *ret)
{
        size_t step = (in->n + POINTS_MAX - 1) / POINTS_MAX;
        int64_t first_ns = 0;

        ret->n = 0;
        ret->span_ns = 0;
        for (size_t i = 0; i < in->n; i += step) {
                const struct leak_point *p = points + in->first + i;

                if (p->count[kind] < 0)
                        continue;
                if (ret->n == 0)
                        first_ns = p->realtime_ns;
                ret->span_ns = p->realtime_ns - first_ns;
                ret->x[ret->n] = (double)p->units;
                ret->y[ret->n++] = (double)p->count[kind];
        }
}

static bool too_little(const struct series *s, enum census_kind kind)
{
        double units = s->n > 0 ? s->x[s->n - 1] - s->x[0] : 0;

        if (s->n < LEAK_POINTS_MIN || units < LEAK_UNITS_MIN)
                return true;
        return kind == CENSUS_RSS && (units < RSS_UNITS_MIN || s->span_ns < RSS_TIME_MIN_NS);
}

/* The slope of a part of the points; 0 if they are all at one place. */
static int slope_of(const struct series *s, size_t begin, size_t n, double *ret)
{
        struct stats_slope slope = {0};
        int r = stats_slope(s->x + begin, s->y + begin, n, ALPHA, &slope);

        *ret = slope.slope;
        return r == -ENODATA ? 0 : r;
}

/* The second half of the units against the first; each has three points at least. */
static int rises_later(const struct series *s, bool *ret)
{
        double half = (s->x[0] + s->x[s->n - 1]) / 2, early, later;
        size_t cut = HALF_MIN;
        int r;

        while (cut < s->n - HALF_MIN && s->x[cut] < half)
                cut++;
        r = slope_of(s, 0, cut, &early);
        if (r >= 0)
                r = slope_of(s, cut, s->n - cut, &later);
        if (r >= 0)
                *ret = later > 0 && later >= LATER_PACE * early;
        return r;
}

static bool is_one_step(const struct series *s)
{
        double total = s->y[s->n - 1] - s->y[0], units = s->x[s->n - 1] - s->x[0];

        for (size_t i = 1; i < s->n; i++) {
                double rise = s->y[i] - s->y[i - 1], share = (s->x[i] - s->x[i - 1]) / units;

                if (rise > total * (STEP_SHARE + STEP_SLACK * share))
                        return true;
        }
        return false;
}

/* p is of a test that looks both ways; the kinds are tested together (Bonferroni). */
static bool is_significant(const struct stats_kendall *k)
{
        return k->s > 0 && k->p / 2 <= ALPHA / CENSUS_MAX_;
}

static int judge(const struct series *s, enum census_kind kind, struct leak_judged *ret)
{
        struct stats_kendall kendall;
        struct stats_slope slope;
        bool later = false;
        int r;

        r = stats_kendall(s->x, s->y, s->n, &kendall);
        if (r >= 0)
                r = stats_slope(s->x, s->y, s->n, ALPHA, &slope);
        if (r >= 0)
                r = rises_later(s, &later);
        if (r < 0)
                return r == -ENOMEM ? r : 0; /* figures that are none tell nothing */
        ret->answer = LEAK_NONE;
        ret->per_unit = slope.slope;
        ret->low = slope.lo;
        ret->high = slope.hi;
        ret->visible = leak_floor(kind) + (slope.hi - slope.lo) / 2;
        ret->total = (int64_t)llround(slope.slope * (s->x[s->n - 1] - s->x[0]));
        if (is_significant(&kendall) && slope.lo > leak_floor(kind) && later && !is_one_step(s))
                ret->answer = LEAK_FOUND;
        return 0;
}

int leak_judge(const struct leak_point *points, const struct leak_series *series,
               enum census_kind kind, struct leak_judged *ret)
{
        struct series *s;
        int r = 0;

        *ret = (struct leak_judged){.answer = LEAK_TOO_LITTLE};
        if (series->n == 0)
                return 0;
        s = malloc(sizeof(*s));
        if (!s)
                return -ENOMEM;
        take(points, series, kind, s);
        if (!too_little(s, kind))
                r = judge(s, kind, ret);
        free(s);
        return r;
}
