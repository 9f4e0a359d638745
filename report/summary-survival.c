/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Phases, and whole units, of which some were not seen to end: how long they last when those are
 * neither left out nor taken for ended, but counted as lasting at least so long
 * [stats-survival.h]; see summary.h.
 */

#include <inttypes.h>

#include "base/parse.h"
#include "report/stats-survival.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH 100

/* The counters of a histogram that are not 0, behind the n there are. */
static size_t observe(const struct histogram *h, bool ended, struct stats_observation *ret,
                      size_t n)
{
        uint64_t count;
        int64_t value;

        for (size_t i = 0; histogram_next(h, &i, &value, &count); n++)
                ret[n] = (struct stats_observation){.t = (double)value,
                                                    .ended = ended ? count : 0,
                                                    .censored = ended ? 0 : count};
        return n;
}

static size_t n_filled(const struct histogram *h)
{
        uint64_t count;
        int64_t value;
        size_t n = 0;

        for (size_t i = 0; histogram_next(h, &i, &value, &count);)
                n++;
        return n;
}

static int64_t quantile(const struct stats_survival *steps, size_t n, double p)
{
        double t;

        return stats_survival_quantile(steps, n, p, &t) == 0 ? (int64_t)t : -1;
}

static int survival(const struct histogram *ok, const struct histogram *unended,
                    struct summary_phase *ret)
{
        size_t n = n_filled(ok) + n_filled(unended), n_steps = 0;
        _cleanup_(freep)
        struct stats_observation *observations = calloc(n + 1, sizeof(*observations));
        _cleanup_(freep)
        struct stats_survival *steps = calloc(n + 1, sizeof(*steps));
        int r;

        ret->unended = (int64_t)histogram_count(unended);
        ret->km_p50_ns = ret->km_p90_ns = ret->km_p99_ns = -1;
        if (!observations || !steps)
                return -ENOMEM;
        observe(unended, false, observations, observe(ok, true, observations, 0));
        r = stats_survival(observations, n, steps, &n_steps);
        if (r == -ENODATA)
                return 0;
        if (r < 0)
                return r;
        ret->km_p50_ns = quantile(steps, n_steps, 0.5);
        ret->km_p90_ns = quantile(steps, n_steps, 0.9);
        ret->km_p99_ns = quantile(steps, n_steps, 0.99);
        return 0;
}

int summary_fill_phase(const struct histogram *ok, const struct histogram *unended,
                       struct summary_phase *ret)
{
        ret->p50_ns = histogram_percentile(ok, 50);
        ret->p90_ns = histogram_percentile(ok, 90);
        ret->p99_ns = histogram_percentile(ok, 99);
        ret->p999_ns = histogram_percentile(ok, 99.9);
        ret->max_ns = histogram_count(ok) > 0 ? histogram_max(ok) : 0;
        return survival(ok, unended, ret);
}

/* ---- whole units ---- */

struct lives {
        struct histogram *passed, *others;
        struct summary_out *out; /* by agent and unit */
        size_t n;
};

static void lives_deinit(struct lives *l)
{
        histogram_free(l->passed);
        histogram_free(l->others);
}

static int compare_out(const void *a, const void *b)
{
        const struct summary_out *x = a, *y = b;

        if (x->agent != y->agent)
                return (x->agent > y->agent) - (x->agent < y->agent);
        return (x->unit > y->unit) - (x->unit < y->unit);
}

static int row_unit(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct lives *l = userdata;
        struct summary_phase *unit = &c->summary->unit;
        const struct summary_out key = {.agent = sqlite3_column_int64(st, 2),
                                        .unit = sqlite3_column_int64(st, 3)};
        struct summary_out *out =
                l->n > 0 ? bsearch(&key, l->out, l->n, sizeof(key), compare_out) : NULL;
        int outcome = outcome_from_name(summary_text(st, 0));

        if (out)
                out->ended = true;
        unit->count += outcome != OUTCOME_INTERRUPTED;
        unit->failed += outcome != OUTCOME_INTERRUPTED && outcome != OUTCOME_PASSED;
        histogram_record(outcome == OUTCOME_PASSED ? l->passed : l->others,
                         sqlite3_column_int64(st, 1));
        return 0;
}

int summary_read_unit_times(struct summary_context *c, struct summary_out *out, size_t n)
{
        _cleanup_(lives_deinit)
        struct lives l = {.out = out, .n = n};
        int r = histogram_new(&l.passed);

        if (r == 0)
                r = histogram_new(&l.others);
        if (r < 0)
                return r;
        if (n > 0)
                qsort(out, n, sizeof(*out), compare_out);
        r = summary_each(c,
                         "SELECT outcome, duration_ns, agent, unit FROM unit WHERE run = ?1"
                         " UNION ALL SELECT outcome, duration_ns, agent, unit FROM late"
                         " WHERE run = ?1",
                         NULL, row_unit, &l);
        for (size_t i = 0; i < n; i++)
                if (!out[i].ended)
                        histogram_record(l.others, out[i].age_ns);
        return r < 0 ? r : summary_fill_phase(l.passed, l.others, &c->summary->unit);
}

/* ---- showing ---- */

const struct summary_phase *summary_lasting(const struct summary *s, int i, const char **ret_name)
{
        if (i > PHASE_MAX_)
                return NULL;
        *ret_name = i < PHASE_MAX_ ? phase_name(i) : "unit";
        return i < PHASE_MAX_ ? s->total.phases + i : &s->unit;
}

void summary_print_survival(const struct summary *s, FILE *out)
{
        static const char *const head[] = {"phase", "not ended", "p50", "p90", "p99"};
        const struct summary_phase *x;
        const char *name;
        struct table t;

        table_init(&t, "lrrrr");
        table_row(&t, head);
        for (int i = 0; (x = summary_lasting(s, i, &name)); i++) {
                const int64_t values[] = {x->km_p50_ns, x->km_p90_ns, x->km_p99_ns};

                if (x->unended == 0)
                        continue;
                table_cell(&t, name);
                table_cellf(&t, "%" PRId64, x->unended);
                for (size_t k = 0; k < ELEMENTSOF(values); k++)
                        table_cell(&t, values[k] < 0 ? NULL : DURATION(values[k]));
        }
        if (t.n_cells > t.columns) {
                fputc('\n', out);
                text_wrap("", SUMMARY_LASTING " (Kaplan-Meier; -: so many were not seen to end)",
                          WIDTH, 3, out);
                table_print(&t, "", out);
        }
        table_deinit(&t);
}
