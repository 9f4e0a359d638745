/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wedges of a page, with the way to their evidence, and what was left behind; see html-internal.h.
 */

#include <inttypes.h>
#include <sys/stat.h>

#include "proto/names.h"
#include "report/html-internal.h"

#define N PRId64

/* Where the evidence of a wedge is when it was fetched, below the run's directory. */
static bool evidence_path(const struct html_page *page, const struct summary_wedge *w, char *buf,
                          size_t size)
{
        const struct summary *s = page->summary;
        char name[EVIDENCE_HOST_SIZE], path[4096];
        struct stat st;
        size_t host = 0;

        while (host < s->n_hosts && !streq(s->hosts[host].name, w->host))
                host++;
        if (check_evidence_directory(w->evidence))
                return false;
        evidence_host_name(w->host, host, name, sizeof(name));
        if ((size_t)snprintf(buf, size, "evidence/%s/%s", name, w->evidence) >= size ||
            (size_t)snprintf(path, sizeof(path), "%s/%s", page->run_dir, buf) >= sizeof(path))
                return false;
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The run's directory as seen from the page's: "" or "../run/". Both are absolute, without dots. */
static void relative_prefix(const struct html_page *page, char *buf, size_t size)
{
        const char *to = page->run_dir, *from = page->page_dir;
        size_t same = 0, n = 0;

        for (size_t i = 0;; i++) {
                bool to_ends = to[i] == '/' || to[i] == '\0',
                     from_ends = from[i] == '/' || from[i] == '\0';

                if (to_ends && from_ends)
                        same = i;
                if (to[i] != from[i] || to[i] == '\0')
                        break;
        }
        buf[0] = '\0';
        for (const char *s = from + same; *s && n < size; s++)
                if (*s == '/' && s[1])
                        n += (size_t)snprintf(buf + n, size - n, "../");
        if (to[same] == '/' && to[same + 1] && n < size)
                snprintf(buf + n, size - n, "%s/", to + same + 1);
}

static void evidence_cell(const struct html_page *page, const struct summary_wedge *w)
{
        char path[512], prefix[4096] = "";
        FILE *out = page->out;

        if (!w->evidence[0])
                return;
        fputs("<br>evidence: ", out);
        if (!evidence_path(page, w, path, sizeof(path))) {
                fputs("<code>", out);
                html_text(out, w->evidence);
                fputs("</code> <small>(on the host)</small>", out);
                return;
        }
        relative_prefix(page, prefix, sizeof(prefix));
        fputs("<a href=\"", out);
        /* a name with a ':' in it is no scheme behind this */
        fputs(prefix[0] ? "" : "./", out);
        html_path(out, prefix);
        html_path(out, path);
        fputs("/\"><code>", out);
        html_text(out, path);
        fputs("</code></a>", out);
}

static void wedge_row(const struct html_page *page, size_t i)
{
        const struct summary_wedge *w = page->summary->wedges + i;
        FILE *out = page->out;

        fprintf(out, "<tr id=\"wedge-%zu\"><th scope=\"row\" class=\"class\">", i + 1);
        html_text(out, w->class);
        fprintf(out, "%s", w->sure < 100 ? "<br><small>" : "");
        if (w->sure < 100)
                fprintf(out, "%" N " %% sure</small>", w->sure);
        fputs("</th><td class=\"t\">", out);
        html_foreign(out, w->host);
        fputs("</td><td class=\"t\">", out);
        html_write_time(out, w->since_ns, INT64_MAX);
        fprintf(out, "<br><small>noticed %s later</small></td><td class=\"t said\">",
                HTML_DURATION(MAX(w->detected_ns - w->since_ns, INT64_C(0))));
        if (w->instance[0]) {
                html_foreign(out, w->instance);
                fputs("<br>", out);
        }
        html_foreign(out, w->suspect);
        fputs("</td><td class=\"t said\">", out);
        html_foreign(out, w->detail);
        evidence_cell(page, w);
        fputs("</td><td class=\"t\">", out);
        if (w->cleared_by[0]) {
                html_text(out, w->cleared_by);
                fprintf(out, "<br><small>%s after it was noticed</small>",
                        HTML_DURATION(MAX(w->cleared_ns - w->detected_ns, INT64_C(0))));
        } else {
                fputs("<b class=\"bad\">not cleared</b>", out);
        }
        if (w->tried[0]) {
                fputs("<br><small>tried: ", out);
                html_text(out, w->tried);
                fputs("</small>", out);
        }
        fputs("</td></tr>\n", out);
}

void html_write_wedges(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t n = MIN(s->n_wedges, page->limits->wedges);

        if (s->n_wedges == 0)
                return;
        fputs("<section id=\"wedges\"><h2>Wedges</h2>\n"
              "<p class=\"note\">What stopped making progress, in the order in which it was "
              "noticed; marked on every time line.</p>\n",
              page->out);
        html_begin_table(page, "Wedges", true);
        html_write_head(page, "class|host|since|suspect|what was seen|cleared by");
        for (size_t i = 0; i < n; i++)
                wedge_row(page, i);
        html_end_table(page);
        if (s->wedges_total > (int64_t)n)
                fprintf(page->out,
                        "<p class=\"note\">And %" N " more, in the store: "
                        "<code>SELECT * FROM wedge</code></p>\n",
                        s->wedges_total - (int64_t)n);
        fputs("</section>\n", page->out);
}

void html_write_outlived(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t n = MIN(s->n_outlived, page->limits->outlived);
        FILE *out = page->out;

        if (s->n_outlived == 0)
                return;
        fprintf(out,
                "<section id=\"left\"><h2>Left behind</h2>\n<p class=\"note\">%" N
                " there at the end, %" N " that outlived their unit and are gone by now.</p>\n",
                s->leftovers_total, s->outlived_total - s->leftovers_total);
        html_begin_table(page, "What outlived its unit", true);
        html_write_head(page, "host|kind|name|#unit|state|detail");
        for (size_t i = 0; i < n; i++) {
                const struct summary_outlived *l = s->outlived + i;

                fputs("<tr><th scope=\"row\">", out);
                html_foreign(out, l->host);
                fputs("</th><td class=\"t\">", out);
                html_text(out, l->kind);
                fputs("</td><td class=\"t said\">", out);
                html_foreign(out, l->name);
                fputs("</td><td>", out);
                if (l->unit >= 0)
                        fprintf(out, "%" N, l->unit);
                fprintf(out, "</td><td class=\"t%s\">%s</td><td class=\"t said\">",
                        l->at_end ? " bad" : "", l->at_end ? "there" : "gone");
                html_foreign(out, l->detail);
                fputs("</td></tr>\n", out);
        }
        html_end_table(page);
        if (s->outlived_total > (int64_t)n)
                fprintf(out,
                        "<p class=\"note\">And %" N " more, in the store: "
                        "<code>SELECT * FROM leftover</code></p>\n",
                        s->outlived_total - (int64_t)n);
        fputs("</section>\n", out);
}
