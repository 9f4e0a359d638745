/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a run comes to: computed from its store, then shown as text or JSON, both from the same
 * struct. It reads only.
 *
 * How things are counted
 *   units       from table `unit`: one outcome each. interrupted ones are not measured.
 *   phases      from table `sample`, of every attempt (a late attempt's create was a create too).
 *               count = ended ones, ok or failed; failed = fail, timeout, lost; interrupted ones
 *               are in neither. exec counts commands, not units.
 *   percentiles of the ok ones only: a failure that came at once would make LXD look fast, one that
 *               ran into its deadline slow. Over hosts from merged histograms, never averaged.
 *   throughput  passed units over the wall time of the run.
 *   unit        a whole unit, every attempt, from its intent to its end. Those that did not pass
 *               (failed, wedged, interrupted) lasted at least so long, and so did those that are
 *               still out: created, and neither deleted nor ended as far as the store goes; they
 *               were last seen with the last sample of their agent.
 *   longest gap between two completions one after the other (by the hosts' own realtime; over
 *               hosts as good as their clocks agree), and from the start to the first.
 *   oldest      the greatest age any unit in flight reached, ended or not.
 *   leftovers   what was there at the end of the run. outlived: everything that outlived its unit,
 *               gone later or not.
 *   drift       of how long each phase's good samples took, over all hosts, and of what is measured
 *               of each host (table `metric`), against time; see drift.h. p is corrected over all
 *               series. Not in density mode, where the load itself grows.
 *   live        of each phase's good samples, by how many of the run's instances were on the host
 *               when it began, over all hosts; see live-count.h and live-latency.h.
 *   leaks       from table `census`: what grows with the units; see leak.h.
 */

#include <json-c/json.h>

#include "base/histogram.h"
#include "report/html-gauges.h"
#include "report/live-latency.h"
#include "report/store.h"
#include "report/threshold.h"
#include "report/trend.h"
#include "report/verdict.h"

struct summary_phase {
        int64_t count, failed;
        int64_t p50_ns, p90_ns, p99_ns, p999_ns, max_ns; /* of the ok ones; 0 when none */
        int64_t unended; /* cut short, timed out or lost: they lasted at least so long */
        int64_t km_p50_ns, km_p90_ns, km_p99_ns; /* with those (Kaplan-Meier); -1 = so many were not
                                                    seen to end */
};

struct summary_units {
        int64_t planned; /* of the run; -1 = without an end. A host: -1 */
        int64_t passed, failed, wedged, interrupted;
        int64_t held; /* density: came up and stayed; part of the others once they ended */
        int64_t late; /* outcomes not counted */
};

struct summary_steady {              /* of one host: what leaks are told from */
        int64_t points;              /* steady points, all of them */
        int64_t judged;              /* of one process of the daemon's, without the first ones */
        int64_t units;               /* that those span */
        bool enough;                 /* some kind could be judged */
        bool strangers;              /* instances that are not the run's were on the host */
        double visible[CENSUS_MAX_]; /* a unit, the least that would have been seen; < 0: none */
};

struct summary_part { /* the run, or one host */
        char name[256];
        struct summary_units units;
        struct summary_phase phases[PHASE_MAX_];
        int64_t gap_max_ns, oldest_ns;
        double units_per_sec; /* passed */
        int64_t leftovers;
        /* hosts only */
        struct summary_steady steady;
        char server[65], state[16], text[ERROR_TEXT_MAX];
        bool has_pong;
        struct msg_pong pong;
};

struct summary_outlived {
        char host[256], kind[16], name[256], detail[256];
        int64_t unit; /* -1 = not known */
        bool at_end;  /* still there at the end: a leftover */
};

struct summary_leak { /* what grows with every unit; leak.h says when it is one */
        char host[256], kind[16];
        char what[160]; /* what the things are, as far as that shows; "" = not known */
        double per_unit, low, high;
        int64_t total; /* what it grew by, all in all */
        bool accepted; /* --allow-leak */
};

struct summary_drift {    /* of a phase, or of a figure of one host */
        int host;         /* of hosts; -1 = all together */
        int figure;       /* as thresholds name it */
        const char *name; /* the phase's, or its column's in table `metric` */
        enum html_unit unit;
        struct trend trend; /* t is in hours since drift_begin_ns */
};

struct summary_line { /* of a journal, near where a level changes; not in JSON */
        int64_t near_ns, realtime_ns;
        char text[240];
};

struct summary_wedge {
        char host[256], class[24], instance[NAME_SIZE], suspect[SUSPECT_MAX];
        char detail[ERROR_TEXT_MAX], evidence[EVIDENCE_NAME_MAX];
        char cleared_by[24];                             /* "" = it has not cleared */
        char tried[160];                                 /* the rungs that were, in order */
        int64_t number, unit;                            /* unit 0 = the daemon itself */
        int64_t sure, since_ns, detected_ns, cleared_ns; /* realtime */
};

struct summary_error {
        int64_t count, hosts, code;
        char phase[16], result[16];
        char text[ERROR_TEXT_MAX]; /* LXD's own; of several of a kind (error-pattern.h), one */
};

struct summary_bucket { /* density: by how many were up on the host */
        int64_t from, to, held;
        int64_t time_p50_ns, time_max_ns; /* create to up, one container */
        int64_t mem_each; /* bytes a container (below 0: memory came back); INT64_MIN = not known */
        int64_t mem_available; /* least, at its end; -1 = not known */
};

struct summary_live { /* of a phase, by how many instances there were when it began */
        struct summary_live_bucket {
                int64_t from, to, count;
                int64_t p50_ns, p90_ns, p99_ns, max_ns;
        } buckets[LIVE_BUCKETS]; /* those with something in them; the same for all phases */
        size_t n_buckets;
        struct live_slope slope;
};

struct summary_threshold {
        struct threshold threshold;
        enum threshold_state state;
        double value; /* where it was measured */
};

struct summary {
        char run[RUN_ID_SIZE];
        enum mode mode;
        enum verdict verdict;
        char reason[256]; /* why that verdict, one line */
        char *missing;    /* what is not to be had of the run, a line each; NULL = nothing */
        int64_t parallel, seed, duration_ns;
        int64_t started_realtime_ns, wall_ns;
        bool ended, stopped; /* ended: the coordinator saw it to its end */

        struct summary_part total;
        struct summary_part *hosts;
        size_t n_hosts;
        struct summary_outlived *outlived; /* at_end first; at most SUMMARY_OUTLIVED_MAX */
        size_t n_outlived;
        int64_t outlived_total, leftovers_total;
        struct summary_wedge *wedges; /* in the order in which they were noticed; at most
                                         SUMMARY_WEDGES_MAX */
        size_t n_wedges;
        int64_t wedges_total;
        int64_t allow_leak;         /* 1 << CENSUS_… */
        struct summary_leak *leaks; /* by host; of one, what was not accepted first */
        size_t n_leaks;
        struct summary_drift *drifts; /* phases first, then host by host */
        size_t n_drifts;
        int64_t drift_begin_ns, drift_step_ns;
        struct summary_line *lines; /* none unless somebody looked for them: journal-near.h */
        size_t n_lines;
        struct summary_error *errors; /* most frequent first; at most SUMMARY_ERRORS_MAX */
        size_t n_errors;
        int64_t error_kinds, errors_total; /* of all, also beyond SUMMARY_ERRORS_MAX */
        struct summary_bucket *buckets;
        size_t n_buckets;
        struct summary_live live[PHASE_MAX_];
        struct summary_phase unit; /* whole ones; failed: and wedged; unended: did not pass */
        struct summary_threshold *thresholds; /* in the order in which they were given */
        size_t n_thresholds;
        char aborted[THRESHOLD_TEXT_MAX]; /* the one that ended the run; "" = none did */
};

#define SUMMARY_OUTLIVED_MAX 1000
#define SUMMARY_WEDGES_MAX   1000
#define SUMMARY_ERRORS_MAX   1000
#define SUMMARY_ERRORS_SHOWN 10 /* where there is little room */

int summary_new(struct store *store, struct summary **ret, struct error *err) _warn_unused_;
struct summary *summary_free(struct summary *s);
DEFINE_CLEANUP(struct summary *, summary_free)

struct summary_style {
        bool color;   /* the verdict in colour: only when out is a terminal and NO_COLOR unset */
        bool verbose; /* tables of every host even when there are many */
};

/* Verdict first; at most 100 columns, UTF-8. style NULL = plain. */
void summary_print(const struct summary *s, const struct summary_style *style, FILE *out);

/* A new object: keys as documented in docs/store.md. */
json_object *summary_to_json(const struct summary *s);

/* "3 more kinds, 17 errors": what is not among the first ones, of which so many are shown. Returns
 * buf; NULL = there are no more. */
const char *summary_format_more_errors(const struct summary *s, size_t shown, char *buf,
                                       size_t size);

/* On stdout, as every program shows it: the page, in colour where a terminal takes it, or the JSON
 * object. verbose as in the style. */
void summary_show(const struct summary *s, bool json, bool verbose);
