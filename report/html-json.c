/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What scripts draw, as JSON in the page; docs/report.md describes it. A series is a number (all of
 * it is that), null (there is none), or {lo, hi, d}: in d, two buckets are three characters, 18
 * bits in base 64, 9 for each: 0 is lo, 510 is hi, 511 is not known; with "log" the steps are those
 * of the logarithm. Both ends are exact, so the highest value is. That is finer than a screen, and
 * a quarter less than whole characters.
 */

#include <inttypes.h>
#include <math.h>

#include "report/drift.h"
#include "report/html-charts.h"

#define STEPS   510
#define UNKNOWN 511

static void write_pair(FILE *out, int first, int second)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        int bits = first << 9 | second;

        for (int shift = 12; shift >= 0; shift -= 6)
                fputc(digits[bits >> shift & 63], out);
}

/* The step of a value between two ends that are from and from + span (of the logarithm, with log).
 */
static int step_of(double value, double from, double span, bool log)
{
        double part;

        if (isnan(value))
                return UNKNOWN;
        part = span > 0 ? ((log ? log10(value) : value) - from) / span : 1;
        return (int)lround(fmin(fmax(part, 0), 1) * STEPS);
}

/* Values are NAN where nothing is known; with log, above 0. */
static void write_series(FILE *out, const double *values, size_t n, bool log)
{
        double lo = INFINITY, hi = -INFINITY, from, span;
        size_t known = 0;

        for (size_t i = 0; i < n; i++)
                if (!isnan(values[i])) {
                        lo = fmin(lo, values[i]);
                        hi = fmax(hi, values[i]);
                        known++;
                }
        if (known == 0) {
                fputs("null", out);
                return;
        }
        if (known == n && lo == hi) {
                fprintf(out, "%.7g", lo);
                return;
        }
        fprintf(out, "{\"lo\":%.7g,\"hi\":%.7g%s,\"d\":\"", lo, hi, log ? ",\"log\":1" : "");
        from = log ? log10(lo) : lo;
        span = log ? log10(hi) - from : hi - lo;
        for (size_t i = 0; i < n; i += 2)
                write_pair(out, step_of(values[i], from, span, log),
                           i + 1 < n ? step_of(values[i + 1], from, span, log) : UNKNOWN);
        fputs("\"}", out);
}

static void write_axis(FILE *out, const struct html_axis *a)
{
        fprintf(out, "{\"t0\":%" PRId64 ",\"step\":%" PRId64 ",\"n\":%zu}",
                a->begin_ns / NSEC_PER_MSEC, a->step_ns / NSEC_PER_MSEC, a->n);
}

static void write_lines(const struct html_page *page, enum html_gauge gauge, bool extreme)
{
        const struct html_data *d = page->data;
        size_t n = html_gauge_axis(d, gauge)->n;
        double values[HTML_BUCKETS_MAX];

        for (size_t slot = 0; slot < d->n_slots; slot++) {
                for (size_t i = 0; i < n; i++)
                        values[i] = extreme ? html_value_extreme(d, gauge, slot, i)
                                            : html_value_line(d, gauge, slot, i);
                fputs(slot > 0 ? "," : "", page->out);
                write_series(page->out, values, n, false);
        }
}

static void write_gauges(const struct html_page *page)
{
        const char *between = "";

        for (int g = 0; g < HTML_GAUGE_MAX_; g++) {
                const struct html_gauge_kind *kind = html_gauge_kinds + g;

                if (!html_gauge_drawn(page->data, (enum html_gauge)g))
                        continue;
                fprintf(page->out,
                        "%s\n{\"name\":\"%s\",\"unit\":\"%s\",\"axis\":%d,\"total\":%s,"
                        "\"lines\":[",
                        between, kind->name, html_unit_name(kind->unit),
                        !html_gauge_is_own((enum html_gauge)g),
                        html_gauge_is_total((enum html_gauge)g) ? "true" : "false");
                write_lines(page, (enum html_gauge)g, false);
                fputs("]", page->out);
                if (kind->how == HTML_MEAN_MAX || kind->how == HTML_MEAN_MIN) {
                        fprintf(page->out, ",\"%s\":[", kind->how == HTML_MEAN_MAX ? "max" : "min");
                        write_lines(page, (enum html_gauge)g, true);
                        fputs("]", page->out);
                }
                fputs("}", page->out);
                between = ",";
        }
}

static void write_bands(const struct html_page *page, int slot, enum phase phase)
{
        const struct html_band *bands = html_bands(page->data, slot, phase);
        size_t n = page->data->axis.n;
        double values[HTML_BUCKETS_MAX];

        fputs("[", page->out);
        for (int which = 0; which < 3; which++) {
                for (size_t i = 0; i < n; i++) {
                        float v = which == 0   ? bands[i].p50
                                  : which == 1 ? bands[i].p99
                                               : bands[i].max;

                        values[i] = v > 0 ? (double)v : NAN;
                }
                fputs(which > 0 ? "," : "", page->out);
                write_series(page->out, values, n, true);
        }
        fputs("]", page->out);
}

static void write_phases(const struct html_page *page)
{
        int slots =
                page->limits->host_bands && page->data->n_slots > 1 ? (int)page->data->n_slots : 0;
        const char *between = "";

        for (int p = 0; p < PHASE_MAX_; p++) {
                if (!html_has_phase(page->summary, p))
                        continue;
                fprintf(page->out, "%s\n{\"name\":\"%s\",\"bands\":[", between, phase_name(p));
                for (int slot = -1; slot < slots; slot++) {
                        fputs(slot >= 0 ? "," : "", page->out);
                        write_bands(page, slot, (enum phase)p);
                }
                fputs("]}", page->out);
                between = ",";
        }
}

static void write_wedges(const struct html_page *page)
{
        const struct summary *s = page->summary;

        for (size_t i = 0; i < MIN(s->n_wedges, page->limits->wedges); i++) {
                const struct summary_wedge *w = s->wedges + i;

                fprintf(page->out, "%s\n{\"from\":%" PRId64, i > 0 ? "," : "",
                        w->since_ns / NSEC_PER_MSEC);
                if (w->cleared_by[0])
                        fprintf(page->out, ",\"to\":%" PRId64, w->cleared_ns / NSEC_PER_MSEC);
                fputs(",\"class\":", page->out);
                html_json_string(page->out, w->class);
                fputs(",\"host\":", page->out);
                html_json_string(page->out, w->host);
                fputs("}", page->out);
        }
}

static void write_changes(const struct html_page *page)
{
        const struct summary_drift *d;
        const struct trend_change *c;

        for (size_t i = 0; html_drift_change(page, i, &d, &c); i++) {
                fprintf(page->out, "%s\n{\"from\":%" PRId64 ",\"chart\":\"%s\"", i > 0 ? "," : "",
                        drift_time_ns(page->summary->drift_begin_ns, c->t) / NSEC_PER_MSEC,
                        html_drift_chart(d));
                if (d->host >= 0 && !page->data->merged)
                        fprintf(page->out, ",\"host\":%d", d->host);
                fputs("}", page->out);
        }
}

void html_write_json(const struct html_page *page)
{
        const struct summary *s = page->summary;
        const struct html_data *d = page->data;
        FILE *out = page->out;

        fputs("<script type=\"application/json\" id=\"data\">{\"run\":", out);
        html_json_string(out, s->run);
        fprintf(out, ",\"begin\":%" PRId64 ",\"end\":%" PRId64 ",\"axes\":[",
                d->begin_ns / NSEC_PER_MSEC, d->end_ns / NSEC_PER_MSEC);
        write_axis(out, &d->axis);
        fputs(",", out);
        write_axis(out, &d->slow);
        fputs("],\"hosts\":[", out);
        for (size_t i = 0; i < d->n_slots && !d->merged; i++) {
                fputs(i > 0 ? "," : "", out);
                html_json_string(out, s->hosts[i].name);
        }
        if (d->merged)
                fprintf(out, "\"all %zu hosts\"", s->n_hosts);
        fputs("],\"gauges\":[", out);
        write_gauges(page);
        fputs("],\"phases\":[", out);
        write_phases(page);
        fputs("],\"wedges\":[", out);
        write_wedges(page);
        fputs("],\"changes\":[", out);
        write_changes(page);
        fputs("]}</script>\n", out);
}
