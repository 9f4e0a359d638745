/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The top of a page: verdict and why, key figures, what is missing, what was asked of the run; see
 * html-internal.h. */

#include <inttypes.h>
#include <time.h>

#include "report/html-internal.h"

#define N PRId64

static const char *verdict_sign(enum verdict verdict)
{
        switch (verdict) {
        case VERDICT_PASS: return "✓";
        case VERDICT_INCONCLUSIVE: return "?";
        case VERDICT_STOPPED: return "■";
        default: return "✗";
        }
}

static const char *when(int64_t realtime_ns, char *buf, size_t size)
{
        time_t at = (time_t)(realtime_ns / NSEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&at, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                snprintf(buf, size, "?");
        return buf;
}

static void figure(const struct html_page *page, const char *name, const char *value, bool bad)
{
        fprintf(page->out, "<div%s><dt>%s</dt><dd>%s</dd></div>", bad ? " class=\"bad\"" : "", name,
                value);
}

static void count(const struct html_page *page, const char *name, int64_t n, bool bad)
{
        char text[32];

        snprintf(text, sizeof(text), "%" N, n);
        figure(page, name, text, bad && n > 0);
}

static void figures(const struct html_page *page)
{
        const struct summary *s = page->summary;
        const struct summary_units *u = &s->total.units;
        char text[64];

        fputs("<dl class=\"figures\">", page->out);
        if (s->mode == MODE_DENSITY)
                count(page, "came up", u->held, false);
        if (u->planned >= 0)
                snprintf(text, sizeof(text), "%" N " <small>of %" N "</small>", u->passed,
                         u->planned);
        else
                snprintf(text, sizeof(text), "%" N, u->passed);
        figure(page, "units passed", text, false);
        count(page, "failed", u->failed, true);
        count(page, "wedged", u->wedged, true);
        if (u->interrupted > 0)
                count(page, "interrupted", u->interrupted, false);
        count(page, "wedges", s->wedges_total, true);
        count(page, "left behind", s->leftovers_total, true);
        snprintf(text, sizeof(text), "%.2f", s->total.units_per_sec);
        figure(page, "units/s", text, false);
        figure(page, "longest gap",
               s->total.gap_max_ns > 0 ? HTML_DURATION(s->total.gap_max_ns) : "–", false);
        figure(page, "oldest unit",
               s->total.oldest_ns > 0 ? HTML_DURATION(s->total.oldest_ns) : "–", false);
        fputs("</dl>\n", page->out);
}

static void contents(const struct html_page *page)
{
        const struct summary *s = page->summary;

        fputs("<nav aria-label=\"Contents\"><a href=\"#phases\">Phases</a>", page->out);
        if (s->wedges_total > 0)
                fprintf(page->out, "<a href=\"#wedges\">Wedges (%" N ")</a>", s->wedges_total);
        if (html_has_lives(page))
                fputs("<a href=\"#live\">By the count</a>", page->out);
        if (html_has_leaks(page))
                fputs("<a href=\"#leaks\">Leaks</a>", page->out);
        if (html_has_drift(page))
                fputs("<a href=\"#drift\">Drift</a>", page->out);
        if (s->outlived_total > 0)
                fprintf(page->out, "<a href=\"#left\">Left behind (%" N ")</a>", s->outlived_total);
        if (s->errors_total > 0)
                fprintf(page->out, "<a href=\"#errors\">Errors (%" N ")</a>", s->errors_total);
        fputs("<a href=\"#hosts\">Hosts</a><a href=\"#time\">Time lines</a>"
              "<a href=\"#latency\">Latency</a><a href=\"#ruler\">The ruler</a></nav>\n",
              page->out);
}

void html_write_top(const struct html_page *page)
{
        const struct summary *s = page->summary;
        const char *word = verdict_word(s->verdict);
        FILE *out = page->out;
        char text[64];

        fprintf(out, "<header class=\"%s\"><p class=\"run\">lxdsoak · run <b>", word);
        html_text(out, s->run);
        fprintf(out,
                "</b></p>\n<h1><span aria-hidden=\"true\">%s</span> %s</h1>\n<p class=\"why\">",
                verdict_sign(s->verdict), word);
        html_text(out, s->reason);
        fprintf(out,
                "</p>\n<p class=\"what\">%s · %zu host%s · %" N
                " at a time%s · %s · started <time>%s</time> · seed %" N "%s</p>\n",
                mode_name((int)s->mode), s->n_hosts, s->n_hosts == 1 ? "" : "s", s->parallel,
                s->n_hosts == 1 ? "" : " on each",
                s->wall_ns > 0 ? HTML_DURATION(s->wall_ns) : "no time",
                when(s->started_realtime_ns, text, sizeof(text)), s->seed,
                s->ended ? "" : " · <b>not ended: as far as is known</b>");
        figures(page);
        fputs("</header>\n", out);
        contents(page);
}

/* Before any figure: none of them can be trusted to be whole. */
void html_write_missing(const struct html_page *page)
{
        if (!page->summary->missing)
                return;
        fputs("<section id=\"missing\"><h2>Missing</h2>\n<ul class=\"missing\">", page->out);
        for (const char *line = page->summary->missing; *line;) {
                _cleanup_(freep)
                char *one = strndup(line, strcspn(line, "\n"));

                fputs("<li>", page->out);
                html_foreign(page->out, one);
                fputs("</li>", page->out);
                line += strcspn(line, "\n");
                line += *line == '\n';
        }
        fputs("</ul></section>\n", page->out);
}

/* What was asked of the run. */
void html_write_thresholds(const struct html_page *page)
{
        static const char *const words[] = {[THRESHOLD_HOLDS] = "holds",
                                            [THRESHOLD_BROKEN] = "broken",
                                            [THRESHOLD_NOT_MEASURED] = "not measured"};
        const struct summary *s = page->summary;
        FILE *out = page->out;

        if (s->n_thresholds == 0)
                return;
        fputs("<section id=\"thresholds\"><h2>Thresholds</h2>\n", out);
        html_begin_table(page, "Thresholds", false);
        html_write_head(page, "threshold|#is|state");
        for (size_t i = 0; i < s->n_thresholds; i++) {
                const struct summary_threshold *t = s->thresholds + i;
                char value[32] = "–";

                fputs("<tr><th scope=\"row\">", out);
                html_text(out, t->threshold.text);
                if (t->state != THRESHOLD_NOT_MEASURED)
                        threshold_format(&t->threshold, t->value, value, sizeof(value));
                fprintf(out, "</th><td>%s</td><td class=\"t%s\">%s%s</td></tr>\n", value,
                        t->state == THRESHOLD_HOLDS ? "" : " bad", words[t->state],
                        streq(t->threshold.text, s->aborted) ? ", ended the run" : "");
        }
        html_end_table(page);
        fputs("</section>\n", out);
}
