/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What drifts over the run, where levels change, and from how little that would have been seen; see
 * report/drift.h. */

#include <math.h>

#include "report/drift.h"
#include "report/html-charts.h"
#include "report/summary-internal.h"

#define SLOPE(d, slope) summary_format_slope((d), (slope), (char[40]){0}, 40)

const char *html_drift_chart(const struct summary_drift *d)
{
        int gauge = d->host < 0 ? -1 : html_gauge_find(HTML_METRIC, d->name);

        return gauge < 0 ? d->name : html_gauge_kinds[gauge].name;
}

/* The i-th change of all: what of, and which of its; false when there are no more. */
bool html_drift_change(const struct html_page *page, size_t i, const struct summary_drift **ret,
                       const struct trend_change **ret_change)
{
        const struct summary *s = page->summary;

        if (i >= page->limits->wedges)
                return false;
        for (size_t k = 0; k < s->n_drifts; k++) {
                const struct summary_drift *d = s->drifts + k;

                if (i < d->trend.n_changes) {
                        *ret = d;
                        *ret_change = d->trend.changes + i;
                        return true;
                }
                i -= d->trend.n_changes;
        }
        return false;
}

void html_write_changes(const struct html_page *page, const struct html_axis *axis,
                        const char *chart)
{
        const struct summary_drift *d;
        const struct trend_change *c;
        bool any = false;

        for (size_t i = 0; html_drift_change(page, i, &d, &c); i++) {
                if (!streq(html_drift_chart(d), chart))
                        continue;
                fprintf(page->out, "%sM%.4g 0v%d", any ? "" : "<path class=\"cl\" d=\"",
                        html_axis_permille(axis,
                                           drift_time_ns(page->summary->drift_begin_ns, c->t)),
                        HTML_HEIGHT);
                any = true;
        }
        if (any)
                fputs("\"/>", page->out);
}

/* Its name, and its host's in the next cell. */
static void name_cells(const struct html_page *page, const struct summary_drift *d)
{
        const char *host = summary_drift_host(page->summary, d);

        fputs("<th scope=\"row\">", page->out);
        html_text(page->out, d->name);
        fputs("</th><td class=\"t\">", page->out);
        if (host)
                html_foreign(page->out, host);
        else
                fputs("all", page->out);
        fputs("</td>", page->out);
}

static void drift_row(const struct html_page *page, const struct summary_drift *d)
{
        const struct trend *t = &d->trend;
        FILE *out = page->out;

        fputs("<tr>", out);
        name_cells(page, d);
        fprintf(out, "<td class=\"t\">%s</td><td>%s</td><td>%s to ", trend_verdict_word(t->verdict),
                SLOPE(d, t->slope), SLOPE(d, t->lo));
        fprintf(out, "%s</td><td>%.2g</td><td>%s</td></tr>\n", SLOPE(d, t->hi), t->p,
                HTML_FORMAT(d->unit, t->level));
}

static void write_drifting(const struct html_page *page, size_t found)
{
        const struct summary *s = page->summary;
        size_t shown = 0;

        html_begin_table(page, "What drifts", true);
        html_write_head(page, "series|host|verdict|#an hour|#95 % interval|#p|#level");
        for (size_t i = 0; i < s->n_drifts && shown < page->limits->outlived; i++)
                if (summary_drift_found(s->drifts + i)) {
                        drift_row(page, s->drifts + i);
                        shown++;
                }
        html_end_table(page);
        if (found > shown)
                fprintf(page->out, "<p class=\"note\">And %zu more, in --json.</p>\n",
                        found - shown);
}

static void write_change_rows(const struct html_page *page)
{
        const struct summary_drift *d;
        const struct trend_change *c;
        FILE *out = page->out;

        if (!html_drift_change(page, 0, &d, &c))
                return;
        fputs("<h3>Where levels change</h3>\n", out);
        html_begin_table(page, "Where levels change", true);
        html_write_head(page, "series|host|when|#from|#to");
        for (size_t i = 0; html_drift_change(page, i, &d, &c); i++) {
                fprintf(out, "<tr id=\"change-%zu\">", i + 1);
                name_cells(page, d);
                fputs("<td class=\"t\">", out);
                html_write_time(out, drift_time_ns(page->summary->drift_begin_ns, c->t), INT64_MAX);
                fprintf(out, "</td><td>%s</td><td>%s</td></tr>\n", HTML_FORMAT(d->unit, c->before),
                        HTML_FORMAT(d->unit, c->after));
        }
        html_end_table(page);
}

static bool is_less(const struct summary_drift *a, const struct summary_drift *b)
{
        double x = drift_percent(&a->trend, a->trend.visible),
               y = drift_percent(&b->trend, b->trend.visible);

        return isfinite(x) && isfinite(y) ? x < y : a->trend.visible < b->trend.visible;
}

/* A phase is there once, a figure once for every host. */
static void visible_row(const struct html_page *page, size_t first)
{
        const struct summary *s = page->summary;
        const struct summary_drift *least = NULL, *most = NULL;
        size_t flat = 0;

        for (size_t i = first; i < s->n_drifts; i++) {
                const struct summary_drift *d = s->drifts + i;

                if (d->figure != s->drifts[first].figure || d->trend.verdict != TREND_FLAT)
                        continue;
                if (!least || is_less(d, least))
                        least = d;
                if (!most || is_less(most, d))
                        most = d;
                flat++;
        }
        if (flat == 0)
                return;
        fputs("<tr><th scope=\"row\">", page->out);
        html_text(page->out, least->name);
        fprintf(page->out, "</th><td>%zu</td><td>%s</td><td>%s</td></tr>\n", flat,
                SLOPE(least, least->trend.visible) + 1, SLOPE(most, most->trend.visible) + 1);
}

static bool is_first(const struct summary *s, size_t at)
{
        for (size_t i = 0; i < at; i++)
                if (s->drifts[i].figure == s->drifts[at].figure)
                        return false;
        return true;
}

static void write_visible(const struct html_page *page, bool open)
{
        const struct summary *s = page->summary;

        fprintf(page->out,
                "<details%s><summary>The smallest drift that could have been seen, of what does "
                "not drift</summary>\n",
                open ? " open" : "");
        html_begin_table(page, "What would have been seen", false);
        html_write_head(page, "series|#of them|#at best|#at worst");
        for (size_t i = 0; i < s->n_drifts; i++)
                if (is_first(s, i))
                        visible_row(page, i);
        html_end_table(page);
        fputs("</details>\n", page->out);
}

bool html_has_drift(const struct html_page *page)
{
        return page->summary->n_drifts > 0;
}

void html_write_drift(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t found = 0, brief = 0;

        if (!html_has_drift(page))
                return;
        for (size_t i = 0; i < s->n_drifts; i++) {
                found += summary_drift_found(s->drifts + i);
                brief += s->drifts[i].trend.verdict == TREND_SHORT;
        }
        fputs("<section id=\"drift\"><h2>Drift</h2>\n<p class=\"note\">How the time "
              "each phase takes, and what is measured of each host, goes over the run: in percent "
              "of its level an hour.",
              page->out);
        if (brief > 0)
                fprintf(page->out, " %zu of %zu series %s too short to tell: needs %s.", brief,
                        s->n_drifts, brief == 1 ? "is" : "are", SUMMARY_DRIFT_NEEDS);
        else if (found == 0)
                fprintf(page->out, " None of %zu series drifts.", s->n_drifts);
        fputs("</p>\n", page->out);
        if (found > 0)
                write_drifting(page, found);
        write_change_rows(page);
        if (found + brief < s->n_drifts)
                write_visible(page, found == 0);
        fputs("</section>\n", page->out);
}
