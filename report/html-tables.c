/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables of a page: phases, hosts, errors, the ruler; see html-internal.h. */

#include <inttypes.h>

#include "report/html-internal.h"
#include "report/summary-internal.h"

#define N PRId64

void html_begin_table(const struct html_page *page, const char *caption, bool stack)
{
        fprintf(page->out,
                "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">"
                "<table%s><caption>%s</caption>\n",
                caption, stack ? " class=\"stack\"" : "", caption);
}

void html_end_table(const struct html_page *page)
{
        fputs("</tbody></table></div>\n", page->out);
}

void html_write_head(const struct html_page *page, const char *names)
{
        fputs("<thead><tr>", page->out);
        for (const char *s = names; *s;) {
                size_t n = strcspn(s, "|");
                bool number = *s == '#';

                fprintf(page->out, "<th scope=\"col\"%s>%.*s</th>", number ? " class=\"n\"" : "",
                        (int)n - number, s + number);
                s += n + (s[n] == '|');
        }
        fputs("</tr></thead><tbody>\n", page->out);
}

/* Density: what one more container costs as their count grows. */
void html_write_density(const struct html_page *page)
{
        const struct summary *s = page->summary;
        char size[32];

        if (s->n_buckets == 0)
                return;
        fputs("<section id=\"density\"><h2>As the count grows</h2>\n<p class=\"note\">By how many "
              "were up on the host. Time is create, start and ready of one.</p>\n",
              page->out);
        html_begin_table(page, "As the count on a host grows", false);
        html_write_head(page, "containers|#came up|#time p50|#time max|#memory each|#memory "
                              "available");
        for (size_t i = 0; i < s->n_buckets; i++) {
                const struct summary_bucket *b = s->buckets + i;

                fprintf(page->out,
                        "<tr><th scope=\"row\">%" N "–%" N "</th><td>%" N "</td><td>%s</td>"
                        "<td>%s</td>",
                        b->from, b->to, b->held, b->held > 0 ? HTML_DURATION(b->time_p50_ns) : "–",
                        b->held > 0 ? HTML_DURATION(b->time_max_ns) : "–");
                fprintf(page->out, "<td>%s</td>",
                        b->mem_each == INT64_MIN ? "–"
                                                 : format_size(b->mem_each, size, sizeof(size)));
                fprintf(page->out, "<td>%s</td></tr>\n",
                        b->mem_available < 0 ? "–"
                                             : format_size(b->mem_available, size, sizeof(size)));
        }
        html_end_table(page);
        fputs("</section>\n", page->out);
}

static void phase_cells(const struct html_page *page, const struct summary_phase *p)
{
        const int64_t values[] = {p->p50_ns, p->p90_ns, p->p99_ns, p->p999_ns, p->max_ns};

        fprintf(page->out, "<td>%" N "</td><td%s>%" N "</td>", p->count,
                p->failed > 0 ? " class=\"bad\"" : "", p->failed);
        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                fprintf(page->out, "<td>%s</td>",
                        p->count > p->failed ? HTML_DURATION(values[i]) : "–");
        fputs("</tr>\n", page->out);
}

void html_write_unended(const struct html_page *page)
{
        const struct summary_phase *x;
        const char *name;
        bool any = false;

        for (int i = 0; (x = summary_lasting(page->summary, i, &name)); i++)
                any = any || x->unended > 0;
        if (!any)
                return;
        fputs("<section id=\"unended\"><h2>Not seen to end</h2>\n<p "
              "class=\"note\">With " SUMMARY_LASTING
              " (Kaplan-Meier; –: so many were not seen to end).</p>\n",
              page->out);
        html_begin_table(page, "Not all of these were seen to end", false);
        html_write_head(page, "phase|#not ended|#p50|#p90|#p99");
        for (int i = 0; (x = summary_lasting(page->summary, i, &name)); i++) {
                const int64_t values[] = {x->km_p50_ns, x->km_p90_ns, x->km_p99_ns};

                if (x->unended == 0)
                        continue;
                fprintf(page->out, "<tr><th scope=\"row\">%s</th><td>%" N "</td>", name,
                        x->unended);
                for (size_t k = 0; k < ELEMENTSOF(values); k++)
                        fprintf(page->out, "<td>%s</td>",
                                values[k] < 0 ? "–" : HTML_DURATION(values[k]));
                fputs("</tr>\n", page->out);
        }
        html_end_table(page);
        fputs("</section>\n", page->out);
}

void html_write_phases(const struct html_page *page)
{
        const struct summary *s = page->summary;
        FILE *out = page->out;

        fputs("<section id=\"phases\"><h2>Phases</h2>\n"
              "<p class=\"note\">How long each step of a container's life took, of all hosts. "
              "Percentiles are of steps that ended well, from merged histograms. The name of a "
              "phase leads to its hosts and its course.</p>\n",
              out);
        html_begin_table(page, "Phases of all hosts", false);
        html_write_head(page, "phase|#count|#failed|#p50|#p90|#p99|#p99.9|#max");
        for (int p = 0; p < PHASE_MAX_; p++) {
                const char *name = phase_name(p);

                if (s->total.phases[p].count == 0)
                        continue;
                fputs("<tr><th scope=\"row\">", out);
                if (html_has_phase(s, p))
                        fprintf(out, "<a href=\"#phase-%s\">%s</a>", name, name);
                else
                        fputs(name, out);
                fputs("</th>", out);
                phase_cells(page, s->total.phases + p);
        }
        html_end_table(page);
        fputs("</section>\n", out);
}

void html_write_phase_hosts(const struct html_page *page, enum phase phase)
{
        const struct summary *s = page->summary;
        char caption[64];

        if (s->n_hosts < 2)
                return;
        fprintf(page->out, "<details%s><summary>%s, host by host</summary>\n",
                s->n_hosts <= 4 ? " open" : "", phase_name(phase));
        snprintf(caption, sizeof(caption), "%s, host by host", phase_name(phase));
        html_begin_table(page, caption, false);
        html_write_head(page, "host|#count|#failed|#p50|#p90|#p99|#p99.9|#max");
        for (size_t i = 0; i < MIN(s->n_hosts, page->limits->hosts); i++) {
                if (s->hosts[i].phases[phase].count == 0)
                        continue;
                fputs("<tr><th scope=\"row\">", page->out);
                html_foreign(page->out, s->hosts[i].name);
                fputs("</th>", page->out);
                phase_cells(page, s->hosts[i].phases + phase);
        }
        html_end_table(page);
        fputs("</details>\n", page->out);
}

static void host_row(const struct html_page *page, const struct summary_part *h)
{
        const struct summary_units *u = &h->units;
        const int64_t bad[] = {u->failed, u->wedged, u->interrupted, h->leftovers};
        bool finished = streq(h->state, store_host_state_name(STORE_HOST_FINISHED));
        FILE *out = page->out;

        fputs("<tr><th scope=\"row\">", out);
        html_foreign(out, h->name);
        fprintf(out, "</th><td>%" N "</td>",
                page->summary->mode == MODE_DENSITY ? u->held : u->passed);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                fprintf(out, "<td%s>%" N "</td>", bad[i] > 0 ? " class=\"bad\"" : "", bad[i]);
        fprintf(out, "<td>%.2f</td><td>%s</td><td>%s</td><td class=\"t\">", h->units_per_sec,
                h->gap_max_ns > 0 ? HTML_DURATION(h->gap_max_ns) : "–",
                h->oldest_ns > 0 ? HTML_DURATION(h->oldest_ns) : "–");
        html_foreign(out, h->server);
        fprintf(out, "</td><td class=\"t%s\">", finished ? "" : " bad");
        html_text(out, h->state);
        if (h->text[0]) {
                fputs(": ", out);
                html_foreign(out, h->text);
        }
        fputs("</td></tr>\n", out);
}

void html_write_hosts(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t n = MIN(s->n_hosts, page->limits->hosts);

        fputs("<section id=\"hosts\"><h2>Hosts</h2>\n", page->out);
        html_begin_table(page, "Hosts", false);
        html_write_head(page, s->mode == MODE_DENSITY
                                      ? "host|#came up|#failed|#wedged|#interrupted|#left|#units/s|"
                                        "#longest gap|#oldest unit|server|state"
                                      : "host|#passed|#failed|#wedged|#interrupted|#left|#units/s|"
                                        "#longest gap|#oldest unit|server|state");
        for (size_t i = 0; i < n; i++)
                host_row(page, s->hosts + i);
        html_end_table(page);
        if (n < s->n_hosts)
                fprintf(page->out, "<p class=\"note\">And %zu more hosts, in the store.</p>\n",
                        s->n_hosts - n);
        fputs("</section>\n", page->out);
}

void html_write_errors(const struct html_page *page)
{
        const struct summary *s = page->summary;
        size_t shown = MIN(s->n_errors, page->limits->wedges);
        FILE *out = page->out;
        char more[80];

        if (s->n_errors == 0)
                return;
        fputs("<section id=\"errors\"><h2>Errors</h2>\n<p class=\"note\">What failed, in the words "
              "of LXD. Alike but for numbers, names and ids counts as one.</p>\n",
              out);
        html_begin_table(page, "Errors, the most frequent first", true);
        html_write_head(page, "#count|#hosts|phase|result|#code|error");
        for (size_t i = 0; i < shown; i++) {
                const struct summary_error *e = s->errors + i;

                fprintf(out, "<tr><td>%" N "</td><td>%" N "</td><td class=\"t\">", e->count,
                        e->hosts);
                html_text(out, e->phase);
                fputs("</td><td class=\"t\">", out);
                html_text(out, e->result);
                fputs("</td><td>", out);
                if (e->code != 0)
                        fprintf(out, "%" N, e->code);
                fputs("</td><td class=\"t said\">", out);
                html_foreign(out, e->text[0] ? e->text : "(no text)");
                fputs("</td></tr>\n", out);
        }
        html_end_table(page);
        if (summary_format_more_errors(s, shown, more, sizeof(more)))
                fprintf(out, "<p class=\"note\">And %s, in --json.</p>\n", more);
        fputs("</section>\n", out);
}

static void measured(const struct html_page *page, int64_t v, const char *text)
{
        fprintf(page->out, "<td>%s</td>", v < 0 ? "–" : text);
}

static void ruler_row(const struct html_page *page, size_t i)
{
        const struct summary_part *h = page->summary->hosts + i;
        const struct msg_pong *p = &h->pong;
        char size[32];

        fputs("<tr><th scope=\"row\">", page->out);
        html_foreign(page->out, h->name);
        fputs("</th>", page->out);
        measured(page, p->loop_cpu_max_ns, HTML_DURATION(p->loop_cpu_max_ns));
        fprintf(page->out, "<td>%" N "</td>", MAX(p->loop_waits, INT64_C(0)));
        measured(page, p->loop_late_p99_ns, HTML_DURATION(p->loop_late_p99_ns));
        measured(page, p->loop_late_max_ns, HTML_DURATION(p->loop_late_max_ns));
        measured(page, p->cpu_ns, HTML_DURATION(p->cpu_ns));
        measured(page, p->rss, format_size(p->rss, size, sizeof(size)));
        fprintf(page->out, "<td>%" N "</td><td>%" N "</td>", MAX(p->requests, INT64_C(0)),
                MAX(p->connections, INT64_C(0)));
        fprintf(page->out, "<td%s>%" N "</td></tr>\n",
                page->data->outside[i] > 0 ? " class=\"bad\"" : "", page->data->outside[i]);
}

void html_write_ruler(const struct html_page *page)
{
        const struct summary *s = page->summary;

        fputs("<section id=\"ruler\"><h2>The ruler</h2>\n"
              "<p class=\"note\">How well the agents themselves kept up: the longest callback of "
              "their loop (CPU time; more than 50 ms is too long), callbacks that waited in the "
              "kernel, how late a timer was, and samples whose time is not the run's, which tell "
              "of a host's clock.</p>\n",
              page->out);
        html_begin_table(page, "The agents' loops", false);
        html_write_head(page, "agent|#callback|#waits|#late p99|#late max|#CPU|#memory|#requests|"
                              "#connections|#outside");
        for (size_t i = 0; i < MIN(s->n_hosts, page->limits->hosts); i++)
                if (s->hosts[i].has_pong)
                        ruler_row(page, i);
        html_end_table(page);
        fputs("</section>\n", page->out);
}

void html_write_notes(const struct html_page *page)
{
        const struct html_axis *a = &page->data->axis;

        fprintf(page->out,
                "<footer><p>Times are UTC. Time lines have %zu steps of %s (hosts' figures %s); "
                "what happened in a step stands at its beginning, a step's maximum is kept. "
                "Percentiles along a time line are good to 3 %%, those of tables to three "
                "digits.</p>\n<p>Made from the run's store by lxdsoak-report. This page asks "
                "nothing of the network.</p></footer>\n",
                a->n, HTML_DURATION(a->step_ns), HTML_DURATION(page->data->slow.step_ns));
}
