/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long phases take by how many instances were on their host when they began; see
 * live-latency.h. The count is told from the samples themselves, in the order of their agent, while
 * they are gone through for percentiles (live-count.h), and from the outcomes of the units that
 * were unwound, which stand in other tables and are read along with them.
 */

#include "report/live-count.h"
#include "report/live-latency.h"
#include "report/summary-internal.h"

/* Where a record stands among those of all hosts. */
struct place {
        int64_t host, agent, seq; /* host: its number in the run */
};

struct summary_lives {
        sqlite3_stmt *unwound; /* units that ended otherwise than well, in the order of place */
        bool has_next;
        struct place next;               /* of the row it is at */
        struct place at;                 /* of the last sample */
        int64_t now_ns, now_realtime_ns; /* when that ended */
        struct live_count count;
        struct summary_out *out;
        size_t n_out;
        struct live_latency phases[PHASE_MAX_];
};

struct summary_lives *summary_lives_free(struct summary_lives *l)
{
        if (!l)
                return NULL;
        sqlite3_finalize(l->unwound);
        live_count_deinit(&l->count);
        free(l->out);
        for (size_t i = 0; i < PHASE_MAX_; i++)
                live_latency_deinit(l->phases + i);
        free(l);
        return NULL;
}

static int next_unwound(struct summary_context *c, struct summary_lives *l)
{
        int code = sqlite3_step(l->unwound);

        l->has_next = code == SQLITE_ROW;
        if (!l->has_next)
                return code == SQLITE_DONE ? 0 : summary_unreadable(c, code);
        l->next = (struct place){
                .host = sqlite3_column_int64(l->unwound, 0),
                .agent = sqlite3_column_int64(l->unwound, 1),
                .seq = sqlite3_column_int64(l->unwound, 2),
        };
        return 0;
}

int summary_lives_new(struct summary_context *c, struct summary_lives **ret)
{
        _cleanup_(summary_lives_freep)
        struct summary_lives *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        for (int p = 0; p < PHASE_MAX_; p++)
                live_latency_init(l->phases + p);
        r = live_count_init(&l->count);
        if (r == 0)
                r = summary_prepare(c,
                                    "SELECT h.number AS number, o.agent, o.seq, o.unit"
                                    " FROM (SELECT agent, seq, unit FROM unit"
                                    "  WHERE run = ?1 AND outcome != 'passed'"
                                    "  UNION ALL SELECT agent, seq, unit FROM late"
                                    "  WHERE run = ?1 AND outcome != 'passed') o"
                                    " JOIN agent a USING (agent)"
                                    " JOIN host h ON h.run = a.run AND h.host = a.host"
                                    " ORDER BY number, o.agent, o.seq",
                                    NULL, &l->unwound);
        if (r == 0)
                r = next_unwound(c, l);
        if (r == 0)
                *ret = TAKE(l);
        return r;
}

static bool is_before(const struct place *a, const struct place *b)
{
        if (a->host != b->host)
                return a->host < b->host;
        if (a->agent != b->agent)
                return a->agent < b->agent;
        return a->seq < b->seq;
}

/* The units that were unwound before a place; those of its agent leave the count. */
static int unwind(struct summary_context *c, struct summary_lives *l, const struct place *before)
{
        int r = 0;

        while (r == 0 && l->has_next && is_before(&l->next, before)) {
                if (l->next.host == before->host && l->next.agent == before->agent)
                        live_count_remove(&l->count, sqlite3_column_int64(l->unwound, 3),
                                          l->now_ns);
                r = next_unwound(c, l);
        }
        return r;
}

struct summary_out *summary_lives_out(struct summary_lives *l, size_t *ret_n)
{
        *ret_n = l->n_out;
        return l->out;
}

/* No more comes of this agent: what it still had is out. */
static int end_agent(struct summary_context *c, struct summary_lives *l)
{
        const struct place end = {.host = l->at.host, .agent = l->at.agent, .seq = INT64_MAX};
        int r = unwind(c, l, &end);

        for (size_t i = 0; i < l->count.n_units && r == 0; i++) {
                const struct live_unit *unit = l->count.units + i;
                struct summary_out *out = summary_grow(l->out, l->n_out, sizeof(*out));
                int64_t age_ns;

                if (!out)
                        return -ENOMEM;
                l->out = out;
                if (__builtin_sub_overflow(l->now_realtime_ns, unit->start_realtime_ns, &age_ns))
                        age_ns = 0;
                out[l->n_out++] = (struct summary_out){.agent = l->at.agent,
                                                       .unit = unit->unit,
                                                       .age_ns = MAX(age_ns, INT64_C(0))};
        }
        live_count_reset(&l->count);
        return r;
}

int summary_lives_sample(struct summary_context *c, struct summary_lives *l, size_t host,
                         const struct summary_life *life)
{
        const struct place at = {.host = (int64_t)host, .agent = life->agent, .seq = life->seq};
        int r = 0;

        if (at.host != l->at.host || at.agent != l->at.agent)
                r = end_agent(c, l);
        if (r == 0)
                r = unwind(c, l, &at);
        if (r == 0 && life->ok)
                r = live_latency_add(l->phases + life->phase,
                                     live_count_at(&l->count, life->start_monotonic_ns),
                                     life->duration_ns);
        if (r < 0)
                return r;
        l->at = at;
        /* a store may say anything */
        if (__builtin_add_overflow(life->start_monotonic_ns, life->duration_ns, &l->now_ns) ||
            __builtin_add_overflow(life->start_realtime_ns, life->duration_ns,
                                   &l->now_realtime_ns) ||
            !life->ok)
                return 0;
        if (life->phase == PHASE_CREATE)
                return live_count_add(&l->count,
                                      &(struct live_unit){life->unit, life->start_realtime_ns},
                                      l->now_ns);
        if (life->phase == PHASE_DELETE)
                live_count_remove(&l->count, life->unit, l->now_ns);
        return 0;
}

int summary_lives_end_host(struct summary_context *c, struct summary_lives *l, size_t host)
{
        size_t blocks = live_latency_blocks(host, c->summary->n_hosts);
        int r = end_agent(c, l);

        for (int p = 0; p < PHASE_MAX_ && r == 0; p++)
                r = live_latency_end_host(l->phases + p, blocks);
        return r;
}

static void fill_buckets(const struct live_latency *l, struct summary_live *ret)
{
        for (int64_t i = 0; i < LIVE_BUCKETS; i++) {
                const struct histogram *h = l->buckets[i];

                if (!h)
                        continue;
                ret->buckets[ret->n_buckets++] = (struct summary_live_bucket){
                        .from = i * l->width,
                        .to = (i + 1) * l->width - 1,
                        .count = (int64_t)histogram_count(h),
                        .p50_ns = histogram_percentile(h, 50),
                        .p90_ns = histogram_percentile(h, 90),
                        .p99_ns = histogram_percentile(h, 99),
                        .max_ns = histogram_max(h),
                };
        }
}

int summary_read_lives(struct summary_context *c, struct summary_lives *l)
{
        int64_t width = 1;
        int r = 0;

        for (int p = 0; p < PHASE_MAX_; p++)
                width = MAX(width, l->phases[p].width);
        for (int p = 0; p < PHASE_MAX_ && r == 0; p++) {
                struct summary_live *live = c->summary->live + p;

                r = live_latency_widen(l->phases + p, width);
                if (r == 0)
                        r = live_latency_tell(l->phases + p, &live->slope);
                fill_buckets(l->phases + p, live);
        }
        return r;
}
