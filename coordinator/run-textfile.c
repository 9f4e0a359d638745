/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --textfile: the run and its hosts as node_exporter's textfile collector takes them, while the run
 * goes on and once more when it has ended. The file is replaced as a whole.
 */

#include "base/log.h"
#include "coordinator/run-internal.h"
#include "report/export.h"
#include "report/metrics-text.h"
#include "report/output-file.h"

#define PERIOD_NS (10 * NSEC_PER_SEC)

/* A figure of PONG; -1 is not known. */
struct figure {
        const char *name, *help;
        size_t offset;
        double per_unit; /* of its values in one of those shown */
};

#define AT(member) offsetof(struct msg_pong, member)

static const struct figure figures[] = {
        {"lxdsoak_units_in_flight", "Units begun that have not ended.", AT(in_flight), 1},
        {"lxdsoak_units_held", "Units that are up and stay.", AT(held), 1},
        {"lxdsoak_unit_age_seconds", "Age of the oldest unit in flight.", AT(oldest_ns), 1e9},
        {"lxdsoak_wedges_noticed", "Wedges of this run until now.", AT(wedges), 1},
        {"lxdsoak_units_late", "Units in flight that are slower than all before.", AT(late), 1},
        {"lxdsoak_api_instances", "Instances the API lists.", AT(api_instances), 1},
        {"lxdsoak_api_seconds", "How long the API took to list them.", AT(api_ns), 1e9},
        {"lxdsoak_daemon_seconds", "How long the daemon took to answer.", AT(daemon_ns), 1e9},
        {"lxdsoak_instance_seconds", "How long it took to tell of an instance.", AT(instance_ns),
         1e9},
        {"lxdsoak_mounts", "Mounts on the host.", AT(mounts), 1},
        {"lxdsoak_memory_available_bytes", "Memory available on the host.", AT(mem_available), 1},
        {"lxdsoak_agent_resident_bytes", "Memory of the agent.", AT(rss), 1},
};

/* NULL: it has not told, or not of late. */
static const struct msg_pong *fresh_pong(const struct run *run, size_t i)
{
        const struct link *l = fleet_link(run->fleet, i);

        return link_state(l) == LINK_READY ? link_pong(l, NULL) : NULL;
}

static void figure_metrics(struct metrics_writer *w, const struct run *run, const struct figure *f)
{
        metrics_family(w, f->name, "gauge", f->help);
        for (size_t i = 0; i < fleet_n(run->fleet); i++) {
                const struct msg_pong *pong = fresh_pong(run, i);
                int64_t value = pong ? *(const int64_t *)((const char *)pong + f->offset) : -1;

                if (value >= 0)
                        METRICS(w, (double)value / f->per_unit, "run", run->id, "host",
                                link_label(fleet_link(run->fleet, i)));
        }
}

static void print(const struct run *run, FILE *out)
{
        struct metrics_writer w = {.out = out};

        metrics_family(&w, "lxdsoak_run", "info", "The run these figures are of.");
        METRICS(&w, 1, "run", run->id, "mode", mode_name(run->spec.mode), "verdict", "",
                "exit_code", "");
        metrics_family(&w, "lxdsoak_host_up", "gauge", "1: its agent answers; 0: it does not.");
        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                METRICS(&w, fresh_pong(run, i) != NULL, "run", run->id, "host",
                        link_label(fleet_link(run->fleet, i)));
        metrics_family(&w, "lxdsoak_units", "counter", "Units that ended, by how.");
        for (size_t i = 0; i < fleet_n(run->fleet) && run->plan; i++) {
                struct plan_counts c;

                plan_host_counts(run->plan, i, &c);
                const int64_t counts[] = {[OUTCOME_PASSED] = c.passed,
                                          [OUTCOME_FAILED] = c.failed,
                                          [OUTCOME_WEDGED] = c.wedged,
                                          [OUTCOME_INTERRUPTED] = c.interrupted};

                for (int o = 0; o < OUTCOME_MAX_; o++)
                        METRICS(&w, (double)counts[o], "run", run->id, "host",
                                link_label(fleet_link(run->fleet, i)), "outcome", outcome_name(o));
        }
        for (size_t i = 0; i < ELEMENTSOF(figures); i++)
                figure_metrics(&w, run, figures + i);
}

/* s NULL: as it is now. That it cannot be written is no reason to end a run, and said once. */
static void write_textfile(struct run *run, const struct summary *s)
{
        _cleanup_(output_file_deinit)
        struct output_file o = {0};
        struct error err = ERROR_INIT;
        int r = output_file_open(run->options->textfile, &o, &err);

        if (r == 0) {
                if (s)
                        export_textfile(s, o.out);
                else
                        print(run, o.out);
                r = output_file_commit(&o, &err);
        }
        if (r < 0 && !run->textfile_trouble)
                run_say(run, LOG_WARNING, "--textfile: %s", err.text);
        run->textfile_trouble = r < 0;
}

void run_textfile(struct run *run, int64_t now_ns)
{
        if (!run->options->textfile || now_ns < run->textfile_next_ns)
                return;
        run->textfile_next_ns = now_ns + PERIOD_NS;
        write_textfile(run, NULL);
}

void run_textfile_end(struct run *run, const struct summary *s)
{
        if (run->options->textfile)
                write_textfile(run, s);
}
