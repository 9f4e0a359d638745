/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of the summary share. summary.c reads the rows there are few of and decides;
 * summary-samples.c goes through the samples; summary-text.c and summary-json.c show.
 */

#include <sqlite3.h>

#include "report/summary.h"

struct summary_context {
        struct summary *summary;
        struct store *store;
        struct error *err;
        int64_t samples_ok;
};

/*
 * Calls row for every row of a query, until it returns non-zero (which is then returned). ?1 is the
 * run, ?2 (if the query has one) param.
 */
int summary_each(struct summary_context *c, const char *sql, const char *param,
                 int (*row)(struct summary_context *c, sqlite3_stmt *st, void *userdata),
                 void *userdata) _warn_unused_;

/* The same, for who steps through the rows himself; sqlite3_finalize() it. */
int summary_prepare(struct summary_context *c, const char *sql, const char *param,
                    sqlite3_stmt **ret) _warn_unused_;
/* Neither a row nor the end came: tells why, and returns the errno. */
int summary_unreadable(struct summary_context *c, int sqlite_code);

/* A column as text, "" for NULL; as sqlite3_column_text(). */
const char *summary_text(sqlite3_stmt *st, int column);
/* The same, cut to size, made UTF-8 and without control characters but '\n' and '\t': a store may
 * come from anybody, and be shown on a terminal. */
void summary_column(sqlite3_stmt *st, int column, char *buf, size_t size);

/* Adds room for one more element; the new one is zeroed. */
void *summary_grow(void *items, size_t n, size_t size);

struct summary_part *summary_host(struct summary *s, const char *name);

/* "2025-07-01 12:00:00 UTC", as journalctl takes it. Returns buf. */
const char *summary_format_time(int64_t realtime_ns, char *buf, size_t size);

/* What grows a unit: "+1.0", "+0.052", "+12 KiB". Returns buf. */
const char *summary_format_per_unit(const char *kind, double v, char *buf, size_t size);

int summary_read_phases(struct summary_context *c) _warn_unused_;
int summary_read_errors(struct summary_context *c) _warn_unused_;
void summary_print_errors(const struct summary *s, FILE *out);
json_object *summary_errors_json(const struct summary *s);
int summary_read_wedges(struct summary_context *c) _warn_unused_;
void summary_print_wedges(const struct summary *s, FILE *out);
/* host NULL = of all */
json_object *summary_wedges_json(const struct summary *s, const char *host);
int summary_read_leaks(struct summary_context *c) _warn_unused_;
/* For the verdict: how many were not accepted, and the first of them in a few words. */
int64_t summary_count_leaks(const struct summary *s, char *ret_first, size_t size);
void summary_print_leaks(const struct summary *s, FILE *out);
json_object *summary_leaks_json(const struct summary *s, const char *host);
json_object *summary_steady_json(const struct summary_steady *steady);
/* The series of a run while its samples come. *ret NULL: none are looked at. */
struct summary_drifts;
int summary_drifts_new(const struct summary *s, struct summary_drifts **ret) _warn_unused_;
struct summary_drifts *summary_drifts_free(struct summary_drifts *d);
DEFINE_CLEANUP(struct summary_drifts *, summary_drifts_free)
/* A good sample that ended at a time. d may be NULL. */
int summary_drifts_sample(struct summary_drifts *d, enum phase phase, int64_t at_ns,
                          int64_t duration_ns) _warn_unused_;
/* When all have come: what drifts. */
int summary_read_drift(struct summary_context *c, struct summary_drifts *d) _warn_unused_;
/* Phases by how many instances there are, while the samples come: of each host in the order of its
 * agents, and of each of these in its own (agent, seq). */
struct summary_lives;
struct summary_life { /* a sample that ended */
        int64_t agent, seq, unit;
        enum phase phase;
        bool ok;
        int64_t start_realtime_ns, start_monotonic_ns, duration_ns;
};
int summary_lives_new(struct summary_context *c, struct summary_lives **ret) _warn_unused_;
struct summary_lives *summary_lives_free(struct summary_lives *l);
DEFINE_CLEANUP(struct summary_lives *, summary_lives_free)
int summary_lives_sample(struct summary_context *c, struct summary_lives *l, size_t host,
                         const struct summary_life *life) _warn_unused_;
/* All of that host have come. */
int summary_lives_end_host(struct summary_context *c, struct summary_lives *l,
                           size_t host) _warn_unused_;
int summary_read_lives(struct summary_context *c, struct summary_lives *l) _warn_unused_;
/* Units that were there when the last of their agent came; the array is l's. */
struct summary_out {
        int64_t agent, unit;
        int64_t age_ns;
        bool ended; /* for whoever finds out */
};
struct summary_out *summary_lives_out(struct summary_lives *l, size_t *ret_n);
/* Why nothing can be told of what more instances cost. Returns buf; NULL = it is told. */
const char *summary_lives_untold(const struct summary *s, char *buf, size_t size);
/* "+0.31 s": what a hundred instances more cost, by what one does. Returns buf. */
const char *summary_format_hundred(double slope, char *buf, size_t size);
void summary_print_lives(const struct summary *s, FILE *out);
json_object *summary_lives_json(const struct summary *s);
bool summary_drift_found(const struct summary_drift *d);
/* Its host; NULL = it is of all. */
const char *summary_drift_host(const struct summary *s, const struct summary_drift *d);
/* Of that series' level: "+4.2 %/h"; where it has none, in its unit. Returns buf. */
const char *summary_format_slope(const struct summary_drift *d, double slope, char *buf,
                                 size_t size);
/* When levels change, each time once however many series show it; returns how many, at most max. */
size_t summary_change_times(const struct summary *s, int64_t *ret, size_t max);
/* What is so near to a change that it may have to do with it. */
int64_t summary_near_ns(const struct summary *s);
#define SUMMARY_DRIFT_NEEDS "half an hour, with figures in at least 12 steps of its time"
void summary_print_drift(const struct summary *s, FILE *out);
json_object *summary_drift_json(const struct summary *s);
/* For thresholds: as many as there are drifts, the caller's to free(). */
int summary_drift_facts(const struct summary *s, struct threshold_drift **ret) _warn_unused_;
/* json: as in the store; NULL = none. */
int summary_take_thresholds(struct summary_context *c, const char *json) _warn_unused_;
/* Once all other figures are there. phases: histograms of the good samples. */
int summary_hold_thresholds(struct summary *s, struct histogram *const *phases) _warn_unused_;
/* For the verdict; text is room for what f points at. */
void summary_judge_thresholds(const struct summary *s, struct verdict_facts *f, char *text,
                              size_t size);
void summary_print_thresholds(const struct summary *s, FILE *out);
json_object *summary_thresholds_json(const struct summary *s);
/* Fills all figures of a phase but count and failed: from the good ones, and those that were not
 * seen to end. */
int summary_fill_phase(const struct histogram *ok, const struct histogram *unended,
                       struct summary_phase *ret) _warn_unused_;
/* Whole units; out: see summary_lives_out(). */
int summary_read_unit_times(struct summary_context *c, struct summary_out *out,
                            size_t n) _warn_unused_;
/* The i-th of what has km_… figures: phases, then the whole unit; NULL behind it. */
const struct summary_phase *summary_lasting(const struct summary *s, int i, const char **ret_name);
#define SUMMARY_LASTING                                                                            \
        "phases that were cut short, timed out or lost, and units that did not pass, counted as "  \
        "lasting at least so long"
void summary_print_survival(const struct summary *s, FILE *out);
int summary_read_density(struct summary_context *c) _warn_unused_;
