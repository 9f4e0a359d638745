/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of a page share. html.c puts them together and writes the file; each part writes
 * one section into page->out and computes nothing that the summary or html-data.h have.
 *
 * Text that is not ours goes through html-text.h, without exception.
 */

#include "base/parse.h"
#include "report/html-data.h"
#include "report/html-text.h"
#include "report/html.h"

/* How much is shown; html.c tries them from the longest. */
struct html_limits {
        size_t wedges, outlived, hosts; /* rows of tables */
        bool host_bands;                /* latencies over time also host by host */
        size_t columns;                 /* of a still picture */
};

struct html_page {
        FILE *out;
        const struct summary *summary;
        const struct html_data *data;
        const struct html_limits *limits;
        const char *run_dir, *page_dir; /* both absolute */
};

#define HTML_DURATION(ns) format_duration((ns), (char[32]){0}, 32)

/* What meson has put into the program: tools/embed. size 0: it was not there. */
struct html_asset {
        const unsigned char *text;
        size_t size;
        const char *hash; /* as a Content-Security-Policy names it */
};
extern const struct html_asset html_style, html_script, html_dygraphs;

/* html-top.c */
void html_write_top(const struct html_page *page);
void html_write_missing(const struct html_page *page);
void html_write_thresholds(const struct html_page *page);

/* html-tables.c */
void html_write_density(const struct html_page *page);
void html_write_phases(const struct html_page *page);
/* Those, and whole units, that were not all seen to end. */
void html_write_unended(const struct html_page *page);
/* One, host by host. */
void html_write_phase_hosts(const struct html_page *page, enum phase phase);
void html_write_hosts(const struct html_page *page);
void html_write_errors(const struct html_page *page);
void html_write_ruler(const struct html_page *page);
void html_write_notes(const struct html_page *page);
/* The header row of a table: names divided by '|'; one that begins with '#' is of numbers. */
void html_write_head(const struct html_page *page, const char *names);
/* Begins a table in a box that scrolls by itself; caption is ours. stack: on a phone its cells
 * stand beneath each other. */
void html_begin_table(const struct html_page *page, const char *caption, bool stack);
void html_end_table(const struct html_page *page);

/* html-wedges.c */
void html_write_wedges(const struct html_page *page);
void html_write_outlived(const struct html_page *page);

/* html-leaks.c: what grows with every unit */
bool html_has_leaks(const struct html_page *page);
void html_write_leaks(const struct html_page *page);

/* html-live.c: what goes with the count of instances */
bool html_has_lives(const struct html_page *page);
void html_write_lives(const struct html_page *page);

/* html-drift.c: what goes with time */
bool html_has_drift(const struct html_page *page);
void html_write_drift(const struct html_page *page);
/* The chart that shows the series. */
const char *html_drift_chart(const struct summary_drift *d);
/* The i-th place where a level changes, of all that are shown; false: there are no more. */
bool html_drift_change(const struct html_page *page, size_t i, const struct summary_drift **ret,
                       const struct trend_change **ret_change);
/* Those of a chart, as marks in its still picture. */
void html_write_changes(const struct html_page *page, const struct html_axis *axis,
                        const char *chart);

/* html-charts.c: time lines as still pictures, in the frames where scripts draw theirs */
void html_write_charts(const struct html_page *page);
/* A time as the labels of an axis that long show it; span_ns INT64_MAX = in full. */
void html_write_time(FILE *out, int64_t realtime_ns, int64_t span_ns);

/* html-latency.c, called by it: of each phase percentiles over time, a heat map, and a table of
 * hosts */
void html_write_latency(const struct html_page *page);

/* html-json.c: the same for scripts */
void html_write_json(const struct html_page *page);

/* A phase that was measured at all. */
static inline bool html_has_phase(const struct summary *s, int phase)
{
        return s->total.phases[phase].count > s->total.phases[phase].failed;
}
