/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Time lines as still pictures (SVG), in the frames into which scripts draw those one can zoom.
 * What a picture shows is also said in a sentence beneath its title.
 */

#include "report/html-charts.h"

#include <math.h>
#include <time.h>

void html_write_time(FILE *out, int64_t realtime_ns, int64_t span_ns)
{
        time_t at = (time_t)(realtime_ns / NSEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&at, &tm))
                return;
        if (span_ns == INT64_MAX)
                fprintf(out, "%04d-", tm.tm_year + 1900);
        if (span_ns > 36 * 3600 * NSEC_PER_SEC)
                fprintf(out, "%02d-%02d ", tm.tm_mon + 1, tm.tm_mday);
        fprintf(out, "%02d:%02d", tm.tm_hour, tm.tm_min);
        if (span_ns == INT64_MAX || span_ns <= 1800 * NSEC_PER_SEC)
                fprintf(out, ":%02d", tm.tm_sec);
}

void html_begin_plot(const struct html_page *page, const char *label_id,
                     const struct html_scale *scale)
{
        FILE *out = page->out;

        fputs("<div class=\"still\"><div class=\"y\" aria-hidden=\"true\">", out);
        for (size_t i = 0; i < scale->n_ticks; i++)
                fprintf(out, "<span>%s</span>", html_scale_tick(scale, i, (char[32]){0}, 32));
        fprintf(out,
                "</div><svg viewBox=\"0 0 1000 %d\" preserveAspectRatio=\"none\" role=\"img\" "
                "aria-labelledby=\"%s\"><path class=\"g\" d=\"",
                HTML_HEIGHT, label_id);
        for (size_t i = 0; i < scale->n_ticks; i++)
                fprintf(out, "M0 %zuh1000", i * HTML_HEIGHT / (scale->n_ticks - 1));
        fputs("\"/>", out);
}

void html_end_plot(const struct html_page *page, const struct html_axis *axis)
{
        const int labels = 4;
        int64_t span_ns = (int64_t)axis->n * axis->step_ns;
        FILE *out = page->out;

        fputs("</svg><div class=\"x\" aria-hidden=\"true\">", out);
        for (int i = 0; i <= labels; i++) {
                fputs("<span>", out);
                html_write_time(out, axis->begin_ns + span_ns * i / labels, span_ns);
                fputs("</span>", out);
        }
        fputs("</div></div>\n", out);
}

/* The time they lasted, and when they began. */
void html_write_marks(const struct html_page *page, const struct html_axis *axis)
{
        const struct summary *s = page->summary;

        fputs("<path class=\"ws\" d=\"", page->out);
        for (size_t i = 0; i < MIN(s->n_wedges, page->limits->wedges); i++) {
                const struct summary_wedge *w = s->wedges + i;
                double from = html_axis_permille(axis, w->since_ns),
                       to = html_axis_permille(axis, w->cleared_ns); /* 0 = it has not cleared */

                if (to > from)
                        fprintf(page->out, "M%.4g 0h%.3gv%dh-%.3gz", from, to - from, HTML_HEIGHT,
                                to - from);
        }
        fputs("\"/><path class=\"wl\" d=\"", page->out);
        for (size_t i = 0; i < MIN(s->n_wedges, page->limits->wedges); i++)
                fprintf(page->out, "M%.4g 0v%d", html_axis_permille(axis, s->wedges[i].since_ns),
                        HTML_HEIGHT);
        fputs("\"/>", page->out);
}

size_t html_column_buckets(const struct html_page *page, const struct html_axis *axis)
{
        return (axis->n + page->limits->columns - 1) / page->limits->columns;
}

/* A line through the middles of columns; a gap where nothing is known. */
void html_write_line(const struct html_page *page, const struct html_axis *axis,
                     const struct html_scale *scale, const char *class, const double *columns)
{
        size_t width = html_column_buckets(page, axis), n = (axis->n + width - 1) / width;
        int x = 0, y = 0;
        bool drawing = false;

        fprintf(page->out, "<path class=\"%s\" d=\"", class);
        for (size_t i = 0; i < n; i++) {
                double middle = (double)(i * width) + (double)MIN(width, axis->n - i * width) / 2;
                int to_x = (int)lround(middle / (double)axis->n * 1000), to_y;

                if (isnan(columns[i])) {
                        drawing = false;
                        continue;
                }
                to_y = html_scale_y(scale, columns[i]);
                if (!drawing) /* a round end makes a lone point visible */
                        fprintf(page->out, "M%d %dh0", to_x, to_y);
                else if (to_y == y)
                        fprintf(page->out, "h%d", to_x - x);
                else
                        fprintf(page->out, "l%d%s%d", to_x - x, to_y < y ? "" : " ", to_y - y);
                drawing = true;
                x = to_x;
                y = to_y;
        }
        fputs("\"/>", page->out);
}

/* ---- gauges ---- */

/* The line of a slot, -1: of all together; of its extremes. */
static double value_at(const struct html_data *d, enum html_gauge gauge, int slot, bool extreme,
                       size_t bucket)
{
        double all = NAN;

        if (slot >= 0)
                return extreme ? html_value_extreme(d, gauge, (size_t)slot, bucket)
                               : html_value_line(d, gauge, (size_t)slot, bucket);
        for (size_t i = 0; i < d->n_slots; i++) {
                double v = value_at(d, gauge, (int)i, extreme, bucket);

                if (isnan(v) || isnan(all))
                        all = isnan(v) ? all : v;
                else if (!extreme)
                        all += v;
                else
                        all = html_gauge_kinds[gauge].how == HTML_MEAN_MIN ? fmin(all, v)
                                                                           : fmax(all, v);
        }
        return all;
}

static void fill_columns(const struct html_page *page, enum html_gauge gauge, int slot,
                         bool extreme, double *columns)
{
        const struct html_data *d = page->data;
        const struct html_axis *a = html_gauge_axis(d, gauge);
        size_t width = html_column_buckets(page, a);

        for (size_t from = 0; from < a->n; from += width) {
                double sum = 0, most = NAN;
                size_t n = 0;

                for (size_t i = from; i < MIN(from + width, a->n); i++) {
                        double v = value_at(d, gauge, slot, extreme, i);

                        if (isnan(v))
                                continue;
                        sum += v;
                        n++;
                        most = html_gauge_kinds[gauge].how == HTML_MEAN_MIN ? fmin(most, v)
                                                                            : fmax(most, v);
                }
                columns[from / width] = n == 0 ? NAN : extreme ? most : sum / (double)n;
        }
}

struct range {
        double min, max, sum;
        size_t n, bucket; /* of the most telling value */
        int slot;
};

/* Over all that is drawn; extremes too. */
static bool find_range(const struct html_data *d, enum html_gauge gauge, bool total,
                       struct range *ret)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        bool low = kind->how == HTML_MEAN_MIN, extreme = low || kind->how == HTML_MEAN_MAX;
        struct range r = {.slot = -1};

        for (int slot = total ? -1 : 0; slot < (total ? 0 : (int)d->n_slots); slot++)
                for (size_t i = 0; i < html_gauge_axis(d, gauge)->n; i++) {
                        double line = value_at(d, gauge, slot, false, i),
                               v = extreme ? value_at(d, gauge, slot, true, i) : line;

                        if (isnan(line))
                                continue;
                        if (r.n == 0 || (low ? v < r.min : v > r.max)) {
                                r.slot = slot;
                                r.bucket = i;
                        }
                        r.min = r.n == 0 ? fmin(line, v) : fmin(r.min, fmin(line, v));
                        r.max = r.n == 0 ? fmax(line, v) : fmax(r.max, fmax(line, v));
                        r.sum += line;
                        r.n++;
                }
        *ret = r;
        return r.n > 0;
}

static void write_words(const struct html_page *page, enum html_gauge gauge, bool total,
                        const struct range *r)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        const struct html_axis *a = html_gauge_axis(page->data, gauge);
        bool low = kind->how == HTML_MEAN_MIN;
        FILE *out = page->out;

        fprintf(out, "%s%s. Mean %s, %s %s", kind->about,
                total && page->summary->n_hosts > 1 ? ", all hosts together" : "",
                HTML_FORMAT(kind->unit, r->sum / (double)r->n), low ? "lowest" : "highest",
                HTML_FORMAT(kind->unit, low ? r->min : r->max));
        if (r->min == r->max) {
                fputs(" all the time.", out);
                return;
        }
        if (r->slot >= 0 && !page->data->merged && page->summary->n_hosts > 1) {
                fputs(" on ", out);
                html_foreign(out, page->summary->hosts[r->slot].name);
        }
        fputs(" at ", out);
        html_write_time(out, a->begin_ns + (int64_t)r->bucket * a->step_ns,
                        (int64_t)a->n * a->step_ns);
        fputs(".", out);
}

/* What never changed needs no picture, but for the work itself. */
bool html_gauge_drawn(const struct html_data *d, enum html_gauge gauge)
{
        struct range r;

        if (!d->gauges[gauge] || !find_range(d, gauge, html_gauge_is_total(gauge), &r))
                return false;
        if (gauge == HTML_GAUGE_FAILED)
                return r.max > 0;
        return r.min < r.max || html_gauge_kinds[gauge].group == HTML_GROUP_WORK;
}

static void write_unchanged(const struct html_page *page, enum html_group group)
{
        const struct html_data *d = page->data;
        const char *between = "<p class=\"note\">All the time the same: ";

        for (int g = 0; g < HTML_GAUGE_MAX_; g++) {
                const struct html_gauge_kind *kind = html_gauge_kinds + g;
                struct range r;

                if (kind->group != group || group == HTML_GROUP_WORK || !d->gauges[g] ||
                    !find_range(d, (enum html_gauge)g, false, &r) || r.min < r.max)
                        continue;
                fprintf(page->out, "%s%s <b>%s</b>", between, kind->title,
                        HTML_FORMAT(kind->unit, r.max));
                between = " · ";
        }
        if (*between != '<')
                fputs("</p>\n", page->out);
}

static void write_gauge(const struct html_page *page, enum html_gauge gauge)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        const struct html_axis *a = html_gauge_axis(page->data, gauge);
        bool total = html_gauge_is_total(gauge);
        double columns[HTML_BUCKETS_MAX];
        struct html_scale scale;
        struct range r;
        char id[64];

        if (!find_range(page->data, gauge, total, &r))
                return;
        snprintf(id, sizeof(id), "t-%s", kind->name);
        fprintf(page->out,
                "<figure class=\"chart\" data-chart=\"%s\"><figcaption id=\"%s\"><h4>%s</h4>"
                "<p>",
                kind->name, id, kind->title);
        write_words(page, gauge, total, &r);
        fputs("</p></figcaption>\n", page->out);
        html_scale_init(&scale, kind->unit, r.min, r.max);
        html_begin_plot(page, id, &scale);
        if (kind->how == HTML_MEAN_MAX || kind->how == HTML_MEAN_MIN) {
                fill_columns(page, gauge, -1, true, columns);
                html_write_line(page, a, &scale, "x", columns);
        }
        for (int slot = total ? -1 : 0; slot < (total ? 0 : (int)page->data->n_slots); slot++) {
                char class[24] = "all";

                if (slot >= 0)
                        snprintf(class, sizeof(class), "h%d", slot);
                fill_columns(page, gauge, slot, false, columns);
                html_write_line(page, a, &scale, class, columns);
        }
        fprintf(page->out, "<use href=\"#marks%s\"/>", a == &page->data->slow ? "-slow" : "");
        html_write_changes(page, a, kind->name);
        html_end_plot(page, a);
        fputs("</figure>\n", page->out);
}

static void write_legend(const struct html_page *page)
{
        const struct summary *s = page->summary;
        FILE *out = page->out;

        if (page->data->merged) {
                fprintf(out, "<p class=\"note\">Lines are of all %zu hosts together.</p>\n",
                        s->n_hosts);
                return;
        }
        if (s->n_hosts < 2)
                return;
        fputs("<ul class=\"legend\" aria-label=\"Colours of hosts\">", out);
        for (size_t i = 0; i < s->n_hosts; i++) {
                fprintf(out, "<li><i class=\"h%zu\"></i>", i);
                html_foreign(out, s->hosts[i].name);
                fputs("</li>", out);
        }
        fputs("</ul>\n", out);
}

static bool group_known(const struct html_data *d, enum html_group group)
{
        for (int g = 0; g < HTML_GAUGE_MAX_; g++)
                if (html_gauge_kinds[g].group == group && d->gauges[g])
                        return true;
        return false;
}

void html_write_charts(const struct html_page *page)
{
        const struct html_data *d = page->data;
        const struct summary_drift *drift;
        const struct trend_change *change;
        FILE *out = page->out;

        fputs("<svg class=\"defs\" aria-hidden=\"true\" focusable=\"false\"><defs>", out);
        fputs("<g id=\"marks\">", out);
        html_write_marks(page, &d->axis);
        fputs("</g><g id=\"marks-slow\">", out);
        html_write_marks(page, &d->slow);
        fprintf(out,
                "</g></defs></svg>\n<section id=\"time\"><h2>Time lines</h2>\n<p class=\"note\">A "
                "line is the mean of a step of time; the thin dashed one is the highest value of "
                "any host (of memory the lowest).%s%s</p>\n<div id=\"tools\"></div>\n",
                page->summary->n_wedges > 0 ? " Marked and shaded: something was wedged." : "",
                html_drift_change(page, 0, &drift, &change)
                        ? " A dashed line across: the level changes."
                        : "");
        write_legend(page);
        for (int group = 0; group < HTML_GROUP_MAX_; group++) {
                bool begun = false;

                if (!group_known(d, (enum html_group)group))
                        continue;
                fprintf(out, "<h3>%s</h3>\n", html_group_titles[group]);
                for (int g = 0; g < HTML_GAUGE_MAX_; g++) {
                        if ((int)html_gauge_kinds[g].group != group ||
                            !html_gauge_drawn(d, (enum html_gauge)g))
                                continue;
                        fputs(begun ? "" : "<div class=\"charts\">\n", out);
                        begun = true;
                        write_gauge(page, (enum html_gauge)g);
                }
                fputs(begun ? "</div>\n" : "", out);
                write_unchanged(page, (enum html_group)group);
                if (group == HTML_GROUP_WORK)
                        html_write_latency(page);
        }
        fputs("</section>\n", out);
}
