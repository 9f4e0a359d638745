/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long phases take by how many instances there were, for people and as JSON; see summary.h. */

#include <inttypes.h>
#include <math.h>

#include "base/parse.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH 100

const char *summary_lives_untold(const struct summary *s, char *buf, size_t size)
{
        double spread = 0;

        for (int p = 0; p < PHASE_MAX_; p++) {
                if (s->live[p].slope.told)
                        return NULL;
                spread = MAX(spread, s->live[p].slope.spread);
        }
        if (spread < LIVE_SPREAD_MIN)
                snprintf(buf, size,
                         "how many instances a host had hardly varied (by %.0f for most of the "
                         "run), so nothing can be told of what more of them cost",
                         spread);
        else
                snprintf(buf, size,
                         "too few units to tell what more instances on a host cost: needs %d of a "
                         "phase that ended well",
                         LIVE_BLOCKS_MIN);
        return buf;
}

const char *summary_format_hundred(double slope, char *buf, size_t size)
{
        snprintf(buf, size, "%c%s", slope < 0 ? '-' : '+', DURATION(fabs(100 * slope)));
        return buf;
}

#define HUNDRED(slope) summary_format_hundred((slope), (char[40]){0}, 40)

/* The bucket of a phase that begins there, if it has one. */
static const struct summary_live_bucket *bucket_of(const struct summary_live *live, int64_t from)
{
        for (size_t i = 0; i < live->n_buckets; i++)
                if (live->buckets[i].from == from)
                        return live->buckets + i;
        return NULL;
}

/* The first of all phases' buckets that begins at `from` or behind it; NULL = there is none. */
static const struct summary_live_bucket *next_bucket(const struct summary *s, int64_t from)
{
        const struct summary_live_bucket *next = NULL;

        for (int p = 0; p < PHASE_MAX_; p++)
                for (size_t i = 0; i < s->live[p].n_buckets; i++) {
                        const struct summary_live_bucket *b = s->live[p].buckets + i;

                        if (b->from >= from && (!next || b->from < next->from))
                                next = b;
                }
        return next;
}

static int64_t p50_of(const struct summary_live_bucket *b)
{
        return b->p50_ns;
}

static int64_t p99_of(const struct summary_live_bucket *b)
{
        return b->p99_ns;
}

/* A row a bucket, a column a phase. */
static void bucket_rows(struct table *t, const struct summary *s,
                        int64_t (*value)(const struct summary_live_bucket *))
{
        const struct summary_live_bucket *row;

        for (int64_t from = 0; (row = next_bucket(s, from)); from = row->to + 1) {
                table_cellf(t, "%" PRId64 "–%" PRId64, row->from, row->to);
                for (int p = 0; p < PHASE_MAX_; p++) {
                        const struct summary_live_bucket *b = bucket_of(s->live + p, row->from);

                        if (s->live[p].n_buckets > 0)
                                table_cell(t, b ? DURATION(value(b)) : NULL);
                }
        }
}

static double slope_of(const struct live_slope *slope)
{
        return slope->slope;
}

static double low_of(const struct live_slope *slope)
{
        return slope->lo;
}

static double high_of(const struct live_slope *slope)
{
        return slope->hi;
}

static void slope_row(struct table *t, const struct summary *s, const char *name,
                      double (*value)(const struct live_slope *))
{
        table_cell(t, name);
        for (int p = 0; p < PHASE_MAX_; p++)
                if (s->live[p].n_buckets > 0)
                        table_cell(t, s->live[p].slope.told ? HUNDRED(value(&s->live[p].slope))
                                                            : NULL);
}

static void print_table(const struct summary *s, bool median, FILE *out)
{
        char align[PHASE_MAX_ + 2] = "l";
        struct table t;

        for (int p = 0; p < PHASE_MAX_; p++)
                if (s->live[p].n_buckets > 0)
                        strcat(align, "r");
        table_init(&t, align);
        table_cell(&t, median ? "median" : "p99");
        for (int p = 0; p < PHASE_MAX_; p++)
                if (s->live[p].n_buckets > 0)
                        table_cell(&t, phase_name(p));
        bucket_rows(&t, s, median ? p50_of : p99_of);
        if (median) {
                slope_row(&t, s, "a hundred more", slope_of);
                slope_row(&t, s, "  at least", low_of);
                slope_row(&t, s, "  at most", high_of);
        }
        table_print(&t, "", out);
        table_deinit(&t);
}

void summary_print_lives(const struct summary *s, FILE *out)
{
        char why[200];

        if (!next_bucket(s, 0))
                return;
        if (summary_lives_untold(s, why, sizeof(why))) {
                fputc('\n', out);
                text_wrap("", why, WIDTH, 2, out);
                return;
        }
        fputs("\nby how many instances of the run a host had when the phase began; what a hundred "
              "more cost,\nwith its 95 % interval\n",
              out);
        print_table(s, true, out);
        fputc('\n', out);
        print_table(s, false, out);
}

static json_object *bucket_json(const struct summary_live_bucket *b)
{
        const struct {
                const char *key;
                int64_t value;
        } members[] = {
                {"from", b->from},     {"to", b->to},         {"count", b->count},
                {"p50_ns", b->p50_ns}, {"p90_ns", b->p90_ns}, {"p99_ns", b->p99_ns},
                {"max_ns", b->max_ns},
        };
        json_object *o = json_object_new_object();

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                json_object_object_add(o, members[i].key, json_object_new_int64(members[i].value));
        return o;
}

static json_object *live_json(const struct summary_live *live)
{
        const struct live_slope *slope = &live->slope;
        const struct {
                const char *key;
                double value;
        } members[] = {{"per_hundred_ns", slope_of(slope)},
                       {"low_ns", low_of(slope)},
                       {"high_ns", high_of(slope)}};
        json_object *o = json_object_new_object(), *buckets = json_object_new_array();

        for (size_t i = 0; i < live->n_buckets; i++)
                json_object_array_add(buckets, bucket_json(live->buckets + i));
        json_object_object_add(o, "buckets", buckets);
        json_object_object_add(o, "spread", json_object_new_double(slope->spread));
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                json_object_object_add(
                        o, members[i].key,
                        slope->told ? json_object_new_int64(llround(100 * members[i].value))
                                    : NULL);
        return o;
}

json_object *summary_lives_json(const struct summary *s)
{
        json_object *o = json_object_new_object();

        for (int p = 0; p < PHASE_MAX_; p++)
                json_object_object_add(o, phase_name(p), live_json(s->live + p));
        return o;
}
