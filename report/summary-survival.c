/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Phases of which some were not seen to end: how long they last when those are neither left out nor
 * taken for ended, but counted as lasting at least so long [stats-survival.h]; see summary.h.
 */

#include <inttypes.h>

#include "base/parse.h"
#include "report/stats-survival.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define DURATION(ns) format_duration((ns), (char[32]){0}, 32)

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

int summary_survival(const struct histogram *ok, const struct histogram *unended,
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

void summary_print_survival(const struct summary *s, FILE *out)
{
        static const char *const head[] = {"phase", "not ended", "p50", "p90", "p99"};
        struct table t;

        table_init(&t, "lrrrr");
        table_row(&t, head);
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct summary_phase *x = s->total.phases + p;
                const int64_t values[] = {x->km_p50_ns, x->km_p90_ns, x->km_p99_ns};

                if (x->unended == 0)
                        continue;
                table_cell(&t, phase_name(p));
                table_cellf(&t, "%" PRId64, x->unended);
                for (size_t i = 0; i < ELEMENTSOF(values); i++)
                        table_cell(&t, values[i] < 0 ? NULL : DURATION(values[i]));
        }
        if (t.n_cells > t.columns) {
                fputs("\nphases that were cut short, timed out or lost, counted as lasting at "
                      "least so long\n(Kaplan-Meier; -: so many were not seen to end)\n",
                      out);
                table_print(&t, "", out);
        }
        table_deinit(&t);
}
