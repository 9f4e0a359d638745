/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See run-thresholds.h. */

#include "coordinator/run-thresholds.h"

struct run_thresholds {
        struct threshold *items;
        size_t n;
        struct threshold_facts facts;
        struct histogram *phases[PHASE_MAX_];
        int64_t passed, begun_ns, ended_ns; /* ended: the last unit, or the begin */
        bool told;
};

int run_thresholds_new(const struct string_list *texts, int64_t now_ns, struct run_thresholds **ret)
{
        _cleanup_(run_thresholds_freep)
        struct run_thresholds *t = calloc(1, sizeof(*t));
        int r = 0;

        if (!t)
                return -ENOMEM;
        t->items = calloc(texts->n + 1, sizeof(*t->items));
        if (!t->items)
                return -ENOMEM;
        for (size_t i = 0; i < texts->n && r == 0; i++) {
                r = threshold_parse(texts->items[i], t->items + t->n, NULL);
                t->n += t->items[t->n].abort;
        }
        for (int p = 0; p < PHASE_MAX_ && r == 0 && t->n > 0; p++) {
                r = histogram_new(&t->phases[p]);
                t->facts.phases[p].ok = t->phases[p];
        }
        if (r < 0)
                return r;
        t->begun_ns = t->ended_ns = now_ns;
        *ret = t->n > 0 ? TAKE(t) : NULL;
        return 0;
}

struct run_thresholds *run_thresholds_free(struct run_thresholds *t)
{
        if (!t)
                return NULL;
        for (int p = 0; p < PHASE_MAX_; p++)
                histogram_free(t->phases[p]);
        free(t->items);
        free(t);
        return NULL;
}

static void take_sample(struct run_thresholds *t, const struct record *r)
{
        int p = (int)r->sample.phase;

        if (r->sample.result == RESULT_INTERRUPTED)
                return;
        t->facts.phases[p].count++;
        if (r->sample.result == RESULT_OK)
                histogram_record(t->phases[p], r->sample.duration_ns);
        else
                t->facts.phases[p].failed++;
}

void run_thresholds_record(struct run_thresholds *t, const struct record *r, bool counted,
                           int64_t now_ns)
{
        if (!t)
                return;
        if (r->kind == RECORD_SAMPLE)
                take_sample(t, r);
        if (r->kind != RECORD_OUTCOME || !counted || r->outcome.outcome == OUTCOME_INTERRUPTED)
                return;
        t->facts.ended++;
        t->facts.failed += r->outcome.outcome != OUTCOME_PASSED;
        t->passed += r->outcome.outcome == OUTCOME_PASSED;
        t->facts.gap_ns = MAX(t->facts.gap_ns, now_ns - t->ended_ns);
        t->ended_ns = now_ns;
}

const char *run_thresholds_broken(struct run_thresholds *t, int64_t now_ns)
{
        struct threshold_facts now;

        if (!t || t->told)
                return NULL;
        now = t->facts;
        now.gap_ns = MAX(now.gap_ns, now_ns - t->ended_ns); /* the one that lasts */
        if (now_ns > t->begun_ns)
                now.units_per_sec = (double)t->passed * 1e9 / (double)(now_ns - t->begun_ns);
        for (size_t i = 0; i < t->n; i++)
                if (threshold_aborts(t->items + i, &now)) {
                        t->told = true;
                        return t->items[i].text;
                }
        return NULL;
}
