/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See steady.h. */

#include "agent/steady.h"

#include "base/util.h"

#define UNITS_APART_MIN 10
#define GROWTH          12 /* the next one when 1/12 more units have ended */
#define SETTLE_MIN_NS   (100 * NSEC_PER_MSEC)
#define SETTLE_MAX_NS   (2 * NSEC_PER_SEC)
#define CENSUS_NS       (300 * NSEC_PER_MSEC) /* what one takes, till one was taken */
/* Beyond so many times the longest unit, and some, what is in flight is not waited for. */
#define LATE_FACTOR   2
#define LATE_EXTRA_NS (5 * NSEC_PER_SEC)
#define LATE_MAX_NS   (120 * NSEC_PER_SEC)

void steady_init(struct steady *s, int64_t share, int64_t parallel)
{
        *s = (struct steady){.share = share, .parallel = parallel};
}

void steady_unit_begins(struct steady *s, int64_t now_ns)
{
        if (s->begun_ns == 0)
                s->begun_ns = now_ns;
}

void steady_unit_ended(struct steady *s, int64_t took_ns)
{
        s->units++;
        s->units_ns += took_ns;
        s->longest_ns = MAX(s->longest_ns, took_ns);
}

static int64_t mean_ns(const struct steady *s)
{
        return s->units > 0 ? s->units_ns / s->units : 0;
}

int64_t steady_settle_ns(const struct steady *s)
{
        int64_t quarter = mean_ns(s) / 4;

        quarter = MAX(quarter, SETTLE_MIN_NS);
        return MIN(quarter, SETTLE_MAX_NS);
}

/* Before the first: that the daemon settles, and the tail of the drain. */
static int64_t expected_ns(const struct steady *s)
{
        return s->n > 0 ? s->cost_ns : steady_settle_ns(s) + CENSUS_NS + mean_ns(s) / 4;
}

bool steady_is_due(const struct steady *s, int64_t leased, int64_t now_ns)
{
        int64_t apart = MAX(s->parallel, (int64_t)UNITS_APART_MIN), grown = s->units / GROWTH;

        if (s->share <= 0 || s->begun_ns == 0 || s->drain_ns > 0 || leased < s->parallel)
                return false;
        /* The first one only when all that was begun at first has ended. */
        if (s->n == 0)
                apart += s->parallel;
        if (s->units - s->last_units < MAX(apart, grown))
                return false;
        return (s->spent_ns + expected_ns(s)) * 100 <= s->share * (now_ns - s->begun_ns);
}

void steady_drain(struct steady *s, int64_t now_ns)
{
        s->drain_ns = now_ns;
        s->drain_units = s->units;
}

bool steady_is_draining(const struct steady *s)
{
        return s->drain_ns > 0;
}

bool steady_is_late(const struct steady *s, int64_t now_ns)
{
        int64_t limit = LATE_FACTOR * s->longest_ns + LATE_EXTRA_NS;

        return s->drain_ns > 0 && now_ns - s->drain_ns > MIN(limit, (int64_t)LATE_MAX_NS);
}

/*
 * What was in flight when the drain began was half done, on average, and the host was at work on
 * it: so many half units, at the pace the run had till then, are no loss. The rest is.
 */
static int64_t cost_of(const struct steady *s, int64_t now_ns)
{
        int64_t took_ns = now_ns - s->drain_ns;
        int64_t worked_ns = s->drain_ns - s->begun_ns - s->spent_ns;
        int64_t done_ns = s->drain_units > 0
                                  ? worked_ns / s->drain_units * (s->units - s->drain_units) / 2
                                  : 0;

        return MAX(took_ns - done_ns, took_ns / 10);
}

void steady_resume(struct steady *s, int64_t now_ns)
{
        s->cost_ns = cost_of(s, now_ns);
        s->spent_ns += s->cost_ns;
        s->last_units = s->units;
        s->n++;
        s->drain_ns = 0;
}
