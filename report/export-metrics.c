/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A summary as metrics; see export.h. */

#include "report/export.h"

#include "report/metrics-text.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static void run_metrics(struct metrics_writer *w, const struct summary *s)
{
        char code[16];

        snprintf(code, sizeof(code), "%d", verdict_exit_code(s->verdict));
        metrics_family(w, "lxdsoak_run", "info", "The run these figures are of.");
        METRICS(w, 1, "run", s->run, "mode", mode_name((int)s->mode), "verdict",
                verdict_word(s->verdict), "exit_code", code);
        metrics_family(w, "lxdsoak_run_passed", "gauge", "1: the verdict is pass.");
        METRICS(w, s->verdict == VERDICT_PASS, "run", s->run);
        metrics_family(w, "lxdsoak_run_duration_seconds", "gauge", "How long the run took.");
        METRICS(w, SECONDS(s->wall_ns), "run", s->run);
        metrics_family(w, "lxdsoak_run_units_per_second", "gauge", "Units passed, over its time.");
        METRICS(w, s->total.units_per_sec, "run", s->run);
        if (s->total.units.planned >= 0) {
                metrics_family(w, "lxdsoak_run_units_planned", "gauge", "Units owed.");
                METRICS(w, (double)s->total.units.planned, "run", s->run);
        }
}

static void host_metrics(struct metrics_writer *w, const struct summary *s)
{
        metrics_family(w, "lxdsoak_units", "counter", "Units that ended, by how.");
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct summary_units *u = &s->hosts[i].units;
                const int64_t counts[] = {[OUTCOME_PASSED] = u->passed,
                                          [OUTCOME_FAILED] = u->failed,
                                          [OUTCOME_WEDGED] = u->wedged,
                                          [OUTCOME_INTERRUPTED] = u->interrupted};

                for (int o = 0; o < OUTCOME_MAX_; o++)
                        METRICS(w, (double)counts[o], "run", s->run, "host", s->hosts[i].name,
                                "outcome", outcome_name(o));
        }
        metrics_family(w, "lxdsoak_leftovers", "gauge", "Things left behind at the end.");
        for (size_t i = 0; i < s->n_hosts; i++)
                METRICS(w, (double)s->hosts[i].leftovers, "run", s->run, "host", s->hosts[i].name);
        metrics_family(w, "lxdsoak_gap_max_seconds", "gauge",
                       "Longest time between two units that ended.");
        for (size_t i = 0; i < s->n_hosts; i++)
                METRICS(w, SECONDS(s->hosts[i].gap_max_ns), "run", s->run, "host",
                        s->hosts[i].name);
        metrics_family(w, "lxdsoak_unit_age_max_seconds", "gauge",
                       "Greatest age of a unit in flight.");
        for (size_t i = 0; i < s->n_hosts; i++)
                METRICS(w, SECONDS(s->hosts[i].oldest_ns), "run", s->run, "host", s->hosts[i].name);
}

static void wedge_metrics(struct metrics_writer *w, const struct summary *s)
{
        int64_t counts[WEDGE_MAX_] = {0};

        for (size_t i = 0; i < s->n_wedges; i++) {
                int class = wedge_class_from_name(s->wedges[i].class);

                if (class >= 0)
                        counts[class]++;
        }
        metrics_family(w, "lxdsoak_wedges", "counter", "What stopped making progress, by class.");
        for (int c = 0; c < WEDGE_MAX_; c++)
                METRICS(w, (double)counts[c], "run", s->run, "class", wedge_class_name(c));
}

static void phase_metrics(struct metrics_writer *w, const struct summary *s,
                          const struct summary_part *part)
{
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct summary_phase *x = part->phases + p;
                const struct {
                        const char *quantile;
                        int64_t ns;
                } quantiles[] = {{"0.5", x->p50_ns},
                                 {"0.9", x->p90_ns},
                                 {"0.99", x->p99_ns},
                                 {"0.999", x->p999_ns},
                                 {"1", x->max_ns}};
                const char *const labels[] = {"run",   s->run,        "host", part->name,
                                              "phase", phase_name(p), NULL};

                for (size_t q = 0; x->count > x->failed && q < ELEMENTSOF(quantiles); q++)
                        METRICS(w, SECONDS(quantiles[q].ns), "run", s->run, "host", part->name,
                                "phase", phase_name(p), "quantile", quantiles[q].quantile);
                metrics_sample(w, "_count", (double)(x->count - x->failed), labels);
        }
}

static void phases_metrics(struct metrics_writer *w, const struct summary *s)
{
        metrics_family(w, "lxdsoak_phase_duration_seconds", "summary",
                       "How long phases took that ended well.");
        for (size_t i = 0; i < s->n_hosts; i++)
                phase_metrics(w, s, s->hosts + i);
        metrics_family(w, "lxdsoak_phases_failed", "counter", "Phases that did not end well.");
        for (size_t i = 0; i < s->n_hosts; i++)
                for (int p = 0; p < PHASE_MAX_; p++)
                        METRICS(w, (double)s->hosts[i].phases[p].failed, "run", s->run, "host",
                                s->hosts[i].name, "phase", phase_name(p));
}

static void threshold_metrics(struct metrics_writer *w, const struct summary *s)
{
        if (s->n_thresholds == 0)
                return;
        metrics_family(w, "lxdsoak_threshold_holds", "gauge", "1: it holds; 0: it does not.");
        for (size_t i = 0; i < s->n_thresholds; i++) {
                const struct summary_threshold *t = s->thresholds + i;

                if (t->state != THRESHOLD_NOT_MEASURED)
                        METRICS(w, t->state == THRESHOLD_HOLDS, "run", s->run, "threshold",
                                t->threshold.text);
        }
}

static void print(struct metrics_writer *w, const struct summary *s)
{
        run_metrics(w, s);
        host_metrics(w, s);
        wedge_metrics(w, s);
        phases_metrics(w, s);
        threshold_metrics(w, s);
        metrics_end(w);
}

void export_openmetrics(const struct summary *s, FILE *out)
{
        struct metrics_writer w = {.out = out,
                                   .openmetrics = true,
                                   .timestamp_ns = s->started_realtime_ns + s->wall_ns};

        print(&w, s);
}

void export_textfile(const struct summary *s, FILE *out)
{
        struct metrics_writer w = {.out = out};

        print(&w, s);
}
