/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long phases take by how many instances there are; see report/live-latency.h. */

#include <inttypes.h>

#include "report/html-internal.h"
#include "report/summary-internal.h"

#define HUNDRED(slope) summary_format_hundred((slope), (char[40]){0}, 40)

bool html_has_lives(const struct html_page *page)
{
        for (int p = 0; p < PHASE_MAX_; p++)
                if (page->summary->live[p].n_buckets > 0)
                        return true;
        return false;
}

static void write_slopes(const struct html_page *page)
{
        html_begin_table(page, "What a hundred instances more cost", false);
        html_write_head(page, "phase|#a hundred more|#95 % interval");
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct live_slope *slope = &page->summary->live[p].slope;

                if (slope->told)
                        fprintf(page->out,
                                "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s to %s</td></tr>\n",
                                phase_name(p), HUNDRED(slope->slope), HUNDRED(slope->lo),
                                HUNDRED(slope->hi));
        }
        html_end_table(page);
}

static void write_buckets(const struct html_page *page, bool open)
{
        fprintf(page->out,
                "<details%s><summary>Each phase by how many instances there were</summary>\n",
                open ? " open" : "");
        html_begin_table(page, "Each phase by how many instances there were", false);
        html_write_head(page, "phase|#instances|#count|#p50|#p90|#p99|#max");
        for (int p = 0; p < PHASE_MAX_; p++)
                for (size_t i = 0; i < page->summary->live[p].n_buckets; i++) {
                        const struct summary_live_bucket *b = page->summary->live[p].buckets + i;
                        const int64_t values[] = {b->p50_ns, b->p90_ns, b->p99_ns, b->max_ns};

                        fprintf(page->out,
                                "<tr><th scope=\"row\">%s</th><td>%" PRId64 "–%" PRId64
                                "</td><td>%" PRId64 "</td>",
                                phase_name(p), b->from, b->to, b->count);
                        for (size_t k = 0; k < ELEMENTSOF(values); k++)
                                fprintf(page->out, "<td>%s</td>", HTML_DURATION(values[k]));
                        fputs("</tr>\n", page->out);
                }
        html_end_table(page);
        fputs("</details>\n", page->out);
}

void html_write_lives(const struct html_page *page)
{
        char why[200];
        bool told = !summary_lives_untold(page->summary, why, sizeof(why));

        if (!html_has_lives(page))
                return;
        fputs("<section id=\"live\"><h2>By the count of instances</h2>\n<p class=\"note\">How long "
              "each phase takes by how many of the run's instances its host had when it began",
              page->out);
        fprintf(page->out, "%s%s.", told ? "" : "; ", told ? "" : why);
        fputs("</p>\n", page->out);
        if (told)
                write_slopes(page);
        write_buckets(page, told);
        fputs("</section>\n", page->out);
}
