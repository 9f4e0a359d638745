/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything of a summary that goes through the samples: percentiles of phases by merged
 * histograms, and density's cost of a container as the count grows.
 */

#include "report/summary-internal.h"

struct phase_set {
        struct histogram *of[PHASE_MAX_];      /* those that ended well */
        struct histogram *unended[PHASE_MAX_]; /* cut short, timed out, lost */
        struct summary_part *part;
        struct summary_drifts *drifts; /* of all hosts; may be NULL */
        struct summary_lives *lives;   /* of all hosts */
        size_t host;
};

static void phase_set_deinit(struct phase_set *set)
{
        for (int p = 0; p < PHASE_MAX_; p++) {
                histogram_free(set->of[p]);
                histogram_free(set->unended[p]);
        }
}

static int phase_set_init(struct phase_set *set, struct summary_part *part,
                          struct summary_drifts *drifts)
{
        *set = (struct phase_set){.part = part, .drifts = drifts};
        for (int p = 0; p < PHASE_MAX_; p++) {
                int r = histogram_new(&set->of[p]);

                if (r == 0)
                        r = histogram_new(&set->unended[p]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int phase_set_finish(struct phase_set *set)
{
        int r = 0;

        for (int p = 0; p < PHASE_MAX_ && r == 0; p++)
                r = summary_fill_phase(set->of[p], set->unended[p], set->part->phases + p);
        return r;
}

static int row_sample(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct phase_set *set = userdata;
        int phase = phase_from_name(summary_text(st, 0));
        int result = result_from_name(summary_text(st, 1));
        struct summary_life life = {
                .phase = (enum phase)phase,
                .ok = result == RESULT_OK,
                .duration_ns = sqlite3_column_int64(st, 2),
                .start_realtime_ns = sqlite3_column_int64(st, 3),
                .start_monotonic_ns = sqlite3_column_int64(st, 4),
                .agent = sqlite3_column_int64(st, 5),
                .seq = sqlite3_column_int64(st, 6),
                .unit = sqlite3_column_int64(st, 7),
        };
        int64_t end_ns;
        int r;

        if (phase < 0 || result < 0)
                return 0;
        if (__builtin_add_overflow(life.start_realtime_ns, life.duration_ns, &end_ns))
                end_ns = INT64_MAX; /* a store may say anything */
        r = summary_lives_sample(c, set->lives, set->host, &life);
        if (r < 0)
                return r;
        if (result == RESULT_INTERRUPTED || result == RESULT_TIMEOUT || result == RESULT_LOST)
                histogram_record(set->unended[phase], life.duration_ns);
        if (result == RESULT_INTERRUPTED)
                return 0;
        set->part->phases[phase].count++;
        if (result == RESULT_OK) {
                histogram_record(set->of[phase], life.duration_ns);
                c->samples_ok++;
                return summary_drifts_sample(set->drifts, life.phase, end_ns, life.duration_ns);
        }
        set->part->phases[phase].failed++;
        return 0;
}

static int read_host_phases(struct summary_context *c, size_t i, struct phase_set *total)
{
        struct summary_part *host = c->summary->hosts + i;
        _cleanup_(phase_set_deinit)
        struct phase_set set = {0};
        int r;

        r = phase_set_init(&set, host, total->drifts);
        set.lives = total->lives;
        set.host = i;
        if (r == 0)
                r = summary_each(c,
                                 "SELECT phase, result, duration_ns, start_realtime_ns,"
                                 " start_monotonic_ns, agent, seq, unit FROM sample WHERE run = ?1"
                                 " AND agent IN"
                                 " (SELECT agent FROM agent WHERE run = ?1 AND host = ?2)"
                                 " ORDER BY agent, seq",
                                 host->name, row_sample, &set);
        if (r == 0)
                r = summary_lives_end_host(c, set.lives, i);
        for (int p = 0; p < PHASE_MAX_ && r == 0; p++) {
                total->part->phases[p].count += host->phases[p].count;
                total->part->phases[p].failed += host->phases[p].failed;
                r = histogram_merge(total->of[p], set.of[p]);
                if (r == 0)
                        r = histogram_merge(total->unended[p], set.unended[p]);
        }
        return r < 0 ? r : phase_set_finish(&set);
}

int summary_read_phases(struct summary_context *c)
{
        _cleanup_(phase_set_deinit)
        struct phase_set total = {0};
        _cleanup_(summary_drifts_freep)
        struct summary_drifts *drifts = NULL;
        _cleanup_(summary_lives_freep)
        struct summary_lives *lives = NULL;
        struct summary_out *out;
        size_t n_out;
        int r;

        r = summary_drifts_new(c->summary, &drifts);
        if (r == 0)
                r = summary_lives_new(c, &lives);
        if (r == 0)
                r = phase_set_init(&total, &c->summary->total, drifts);
        total.lives = lives;
        for (size_t i = 0; i < c->summary->n_hosts && r == 0; i++)
                r = read_host_phases(c, i, &total);
        if (r == 0)
                r = phase_set_finish(&total);
        if (r == 0)
                r = summary_read_drift(c, drifts);
        if (r == 0)
                r = summary_read_lives(c, lives);
        if (r == 0) {
                out = summary_lives_out(lives, &n_out);
                r = summary_read_unit_times(c, out, n_out);
        }
        return r < 0 ? r : summary_hold_thresholds(c->summary, total.of);
}

struct point { /* one container that came up */
        size_t host;
        int64_t live, mem, time_ns;
};

struct points {
        struct point *items;
        size_t n;
        int64_t live_max;
};

static int row_point(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct points *points = userdata;
        struct summary_part *h = summary_host(c->summary, summary_text(st, 0));
        struct point *items = summary_grow(points->items, points->n, sizeof(*items));

        if (!items)
                return -ENOMEM;
        points->items = items;
        items[points->n++] = (struct point){
                .host = h ? (size_t)(h - c->summary->hosts) : 0,
                .live = sqlite3_column_int64(st, 1),
                .mem = sqlite3_column_type(st, 2) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 2),
                .time_ns = sqlite3_column_int64(st, 3),
        };
        points->live_max = MAX(points->live_max, sqlite3_column_int64(st, 1));
        return 0;
}

/* 1, 2 or 5 times a power of ten, so that ten buckets are enough. */
static int64_t bucket_width(int64_t live_max)
{
        static const int steps[] = {1, 2, 5};

        for (int64_t power = 1;; power *= 10)
                for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                        if (live_max <= 10 * power * steps[i])
                                return power * steps[i];
}

static int compare_i64(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* points are in the order of host and count. before: of each host the last point of the buckets
 * before this one, if any. */
static void bucket_memory(struct summary_bucket *b, const struct points *points,
                          const struct point **before)
{
        int64_t drop = 0, gain = 0;

        b->mem_available = -1;
        b->mem_each = INT64_MIN;
        for (size_t i = 0; i < points->n; i++) {
                const struct point *p = points->items + i, *old = before[p->host];

                if (p->live < b->from || p->live > b->to || p->mem < 0)
                        continue;
                if (old) {
                        drop += old->mem - p->mem;
                        gain += p->live - old->live;
                }
                before[p->host] = p;
                if (b->mem_available < 0 || p->mem < b->mem_available)
                        b->mem_available = p->mem;
        }
        if (gain > 0)
                b->mem_each = drop / gain;
}

static int fill_buckets(struct summary *s, const struct points *points)
{
        int64_t width = bucket_width(points->live_max);
        size_t n = (size_t)((points->live_max + width - 1) / width);
        _cleanup_(freep)
        const struct point **before = calloc(s->n_hosts, sizeof(*before));
        _cleanup_(freep)
        int64_t *times = calloc(points->n, sizeof(*times));

        s->buckets = calloc(n, sizeof(*s->buckets));
        if (!s->buckets || !before || !times)
                return -ENOMEM;
        for (size_t k = 0; k < n; k++) {
                struct summary_bucket *b = s->buckets + s->n_buckets++;
                size_t n_times = 0;

                b->from = (int64_t)k * width + 1;
                b->to = MIN(b->from + width - 1, points->live_max);
                for (size_t i = 0; i < points->n; i++)
                        if (points->items[i].live >= b->from && points->items[i].live <= b->to)
                                times[n_times++] = points->items[i].time_ns;
                b->held = (int64_t)n_times;
                qsort(times, n_times, sizeof(*times), compare_i64);
                if (n_times > 0) {
                        b->time_p50_ns = times[(n_times - 1) / 2];
                        b->time_max_ns = times[n_times - 1];
                }
                bucket_memory(b, points, before);
        }
        return 0;
}

int summary_read_density(struct summary_context *c)
{
        struct points points = {0};
        int r;

        if (c->summary->mode != MODE_DENSITY)
                return 0;
        r = summary_each(c,
                         "SELECT h.host, h.live, h.mem_available, coalesce(t.ns, 0) FROM held h"
                         " LEFT JOIN (SELECT agent, unit, attempt, sum(duration_ns) AS ns"
                         "  FROM sample WHERE run = ?1 AND phase IN ('create', 'start', 'ready')"
                         "  GROUP BY agent, unit, attempt) t USING (agent, unit, attempt)"
                         " WHERE h.run = ?1 ORDER BY h.host, h.live",
                         NULL, row_point, &points);
        if (r == 0 && points.n > 0 && points.live_max > 0 && c->summary->n_hosts > 0)
                r = fill_buckets(c->summary, &points);
        free(points.items);
        return r;
}
