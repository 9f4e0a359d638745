/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What grows with every unit, and from how much it was told; see report/leak.h. */

#include <inttypes.h>

#include "report/html-internal.h"
#include "report/leak.h"
#include "report/summary-internal.h"

#define N                 PRId64
#define PER_UNIT(kind, v) summary_format_per_unit((kind), (v), (char[40]){0}, 40)

/* There were steady points, so that leaks could be looked for. */
bool html_has_leaks(const struct html_page *page)
{
        for (size_t i = 0; i < page->summary->n_hosts; i++)
                if (page->summary->hosts[i].steady.points > 0)
                        return true;
        return false;
}

static void leak_row(const struct html_page *page, const struct summary_leak *l)
{
        int kind = census_kind_from_name(l->kind);
        FILE *out = page->out;

        fprintf(out, "<tr><th scope=\"row\"%s>", l->accepted ? "" : " class=\"class\"");
        html_text(out, l->kind);
        fputs("</th><td class=\"t\">", out);
        html_foreign(out, l->host);
        fprintf(out, "</td><td>%s</td><td>%s to ", PER_UNIT(l->kind, l->per_unit),
                PER_UNIT(l->kind, l->low));
        fprintf(out, "%s</td><td>%s</td><td class=\"t said\">", PER_UNIT(l->kind, l->high),
                kind == CENSUS_RSS ? format_size(l->total, (char[32]){0}, 32)
                                   : PER_UNIT(l->kind, (double)l->total));
        html_foreign(out, l->what);
        fprintf(out, "</td><td class=\"t\">%s</td></tr>\n",
                l->accepted ? "accepted (--allow-leak)" : "");
}

static void steady_row(const struct html_page *page, const struct summary_part *h)
{
        const struct summary_steady *t = &h->steady;
        FILE *out = page->out;
        const char *between = "";

        fputs("<tr><th scope=\"row\">", out);
        html_foreign(out, h->name);
        fprintf(out, "</th><td>%" N "</td><td>%" N "</td><td class=\"t said\">", t->judged,
                t->units);
        if (!t->enough)
                fprintf(out, "too few to tell: %d points over %d units are needed", LEAK_POINTS_MIN,
                        LEAK_UNITS_MIN);
        for (int k = 0; k < CENSUS_MAX_ && t->enough; k++)
                if (t->visible[k] >= 0) {
                        fprintf(out, "%s%s %s", between, census_kind_name(k),
                                PER_UNIT(census_kind_name(k), t->visible[k]));
                        between = ", ";
                }
        fprintf(out, "</td><td class=\"t\">%s</td></tr>\n",
                t->strangers ? "other containers were there, and are in the figures" : "");
}

void html_write_leaks(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t n = MIN(s->n_leaks, page->limits->outlived);

        if (!html_has_leaks(page))
                return;
        fprintf(page->out,
                "<section id=\"leaks\"><h2>Leaks</h2>\n<p class=\"note\">What grows with every "
                "unit, "
                "told from what there was when nothing was in flight.%s</p>\n",
                n == 0 ? " None was seen." : "");
        if (n > 0) {
                html_begin_table(page, "Leaks", true);
                html_write_head(page, "what|host|#a unit|#99 % interval|#in all|which|remark");
                for (size_t i = 0; i < n; i++)
                        leak_row(page, s->leaks + i);
                html_end_table(page);
        }
        if (s->n_leaks > n)
                fprintf(page->out, "<p class=\"note\">And %zu more, in the store.</p>\n",
                        s->n_leaks - n);
        fprintf(page->out, "<details%s><summary>From how much that is told</summary>\n",
                n == 0 ? " open" : "");
        html_begin_table(page, "Steady points", true);
        html_write_head(page, "host|#steady points|#units|what would show, a unit|remark");
        for (size_t i = 0; i < MIN(s->n_hosts, page->limits->hosts); i++)
                if (s->hosts[i].steady.points > 0)
                        steady_row(page, s->hosts + i);
        html_end_table(page);
        fputs("</details></section>\n", page->out);
}
