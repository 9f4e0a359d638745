/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A summary for people. The first two lines say how it went and how fast; what follows is in the
 * order of what one asks next: which phase, which host, what is left, what LXD said, and whether
 * the agents themselves kept up. It computes nothing.
 */

#include <ctype.h>
#include <inttypes.h>
#include <time.h>

#include "base/parse.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH          100
#define LEFT_SHOWN     20
#define HOSTS_BY_PHASE 4  /* with more, phases are shown for all together only */
#define HOSTS_SHOWN    40 /* with more, only those with something to say */

#define SIZE(bytes) format_size((bytes), (char[32]){0}, 32)

static bool finished(const struct summary_part *h)
{
        return streq(h->state, store_host_state_name(STORE_HOST_FINISHED));
}

static void print_verdict(const struct summary *s, const struct summary_style *style, FILE *out)
{
        const char *color = s->verdict == VERDICT_PASS ? "\033[1;32m" : "\033[1;31m";
        char word[16], first[32];
        size_t n = 0;

        for (const char *w = verdict_word(s->verdict); w[n] && n < sizeof(word) - 1; n++)
                word[n] = (char)toupper((unsigned char)w[n]);
        word[n] = '\0';
        if (!style || !style->color) {
                snprintf(first, sizeof(first), "%s: ", word);
                text_wrap(first, s->reason, WIDTH, 4, out);
                return;
        }
        /* the escape sequences are not part of the width */
        fprintf(out, "%s%s\033[0m", color, word);
        text_wrap(": ", s->reason, WIDTH - n, 4, out);
}

/* 0 is none: nothing ended, nothing was measured. */
static const char *or_dash(int64_t ns, const char *text)
{
        return ns > 0 ? text : "-";
}

/* Over all buckets, a container; INT64_MIN = not known. */
static int64_t memory_each(const struct summary *s)
{
        int64_t sum = 0, n = 0;

        for (size_t i = 0; i < s->n_buckets; i++)
                if (s->buckets[i].mem_each != INT64_MIN) {
                        sum += s->buckets[i].mem_each * s->buckets[i].held;
                        n += s->buckets[i].held;
                }
        return n > 0 ? sum / n : INT64_MIN;
}

static void print_figures(const struct summary *s, FILE *out)
{
        const struct summary_part *t = &s->total;
        int64_t each = memory_each(s);
        char line[512];
        int n;

        n = snprintf(line, sizeof(line), "%zu host%s · %" PRId64 " at a time%s · %s", s->n_hosts,
                     s->n_hosts == 1 ? "" : "s", s->parallel, s->n_hosts == 1 ? "" : " on each",
                     s->wall_ns > 0 ? DURATION(s->wall_ns) : "no time");
        if (s->mode == MODE_DENSITY)
                snprintf(line + n, sizeof(line) - (size_t)n, " · %" PRId64 " containers up%s%s",
                         t->units.held, each == INT64_MIN ? "" : ", each taking about ",
                         each == INT64_MIN ? "" : SIZE(each));
        else if (t->oldest_ns > 0)
                snprintf(line + n, sizeof(line) - (size_t)n,
                         " · %.2f units/s · longest gap %s · oldest unit %s", t->units_per_sec,
                         or_dash(t->gap_max_ns, DURATION(t->gap_max_ns)), DURATION(t->oldest_ns));
        else
                snprintf(line + n, sizeof(line) - (size_t)n, " · no unit came to its end");
        text_wrap("", line, WIDTH, 2, out);
}

const char *summary_format_time(int64_t realtime_ns, char *buf, size_t size)
{
        time_t at = (time_t)(realtime_ns / NSEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&at, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                snprintf(buf, size, "?");
        return buf;
}

static void print_run(const struct summary *s, FILE *out)
{
        char when[32];

        fprintf(out, "run %s · %s · started %s · seed %" PRId64 "%s\n", s->run,
                mode_name((int)s->mode),
                summary_format_time(s->started_realtime_ns, when, sizeof(when)), s->seed,
                s->ended ? "" : " · not ended: as far as is known");
}

/* Before any figure: none of them can be trusted to be whole. */
static void print_missing(const struct summary *s, FILE *out)
{
        if (!s->missing)
                return;
        fputs("\nmissing\n", out);
        for (const char *line = s->missing; *line;) {
                _cleanup_(freep)
                char *one = strndup(line, strcspn(line, "\n"));

                text_wrap("  ", one ? one : "", WIDTH, 4, out);
                line += strcspn(line, "\n");
                line += *line == '\n';
        }
}

static void phase_row(struct table *t, const char *phase, const char *host, bool with_host,
                      const struct summary_phase *p)
{
        bool ok = p->count > p->failed;
        const int64_t values[] = {p->p50_ns, p->p90_ns, p->p99_ns, p->p999_ns, p->max_ns};

        if (p->count == 0)
                return;
        table_cell(t, phase);
        if (with_host)
                table_cellf(t, "%.30s", host);
        table_cellf(t, "%" PRId64, p->count);
        table_cellf(t, "%" PRId64, p->failed);
        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                table_cell(t, ok ? DURATION(values[i]) : NULL);
}

static void print_phases(const struct summary *s, const struct summary_style *style, FILE *out)
{
        static const char *const head[] = {"phase", "host", "count", "failed", "p50",
                                           "p90",   "p99",  "p99.9", "max"};
        bool by_host =
                s->n_hosts > 1 && (s->n_hosts <= HOSTS_BY_PHASE || (style && style->verbose));
        struct table t;

        table_init(&t, by_host ? "llrrrrrrr" : "lrrrrrrr");
        table_cell(&t, head[0]);
        for (size_t i = by_host ? 1 : 2; i < ELEMENTSOF(head); i++)
                table_cell(&t, head[i]);
        for (int p = 0; p < PHASE_MAX_; p++) {
                phase_row(&t, phase_name(p), "all", by_host, s->total.phases + p);
                for (size_t i = 0; i < s->n_hosts && by_host; i++)
                        phase_row(&t, "", s->hosts[i].name, true, s->hosts[i].phases + p);
        }
        if (t.n_cells > t.columns) {
                fputc('\n', out);
                table_print(&t, "", out);
        }
        table_deinit(&t);
}

static bool noteworthy(const struct summary_part *h)
{
        return !finished(h) || h->units.failed || h->units.wedged || h->units.interrupted ||
               h->leftovers;
}

static void host_row(struct table *t, const struct summary *s, const struct summary_part *h)
{
        const struct summary_units *u = &h->units;

        table_cellf(t, "%.30s", h->name);
        table_cellf(t, "%" PRId64, s->mode == MODE_DENSITY ? u->held : u->passed);
        table_cellf(t, "%" PRId64, u->failed);
        table_cellf(t, "%" PRId64, u->wedged);
        table_cellf(t, "%" PRId64, u->interrupted);
        table_cellf(t, "%" PRId64, h->leftovers);
        if (s->mode != MODE_DENSITY) {
                table_cellf(t, "%.2f", h->units_per_sec);
                table_cell(t, or_dash(h->gap_max_ns, DURATION(h->gap_max_ns)));
                table_cell(t, or_dash(h->oldest_ns, DURATION(h->oldest_ns)));
        }
        table_cellf(t, "%s%s%.20s", finished(h) ? "" : h->state,
                    finished(h) || !h->server[0] ? "" : ", ", h->server);
}

static void print_hosts(const struct summary *s, const struct summary_style *style, FILE *out)
{
        static const char *const churn[] = {"host",        "passed", "failed",  "wedged",
                                            "interrupted", "left",   "units/s", "longest gap",
                                            "oldest",      "server"};
        static const char *const density[] = {"host",        "came up", "failed", "wedged",
                                              "interrupted", "left",    "server"};
        bool all = s->n_hosts <= HOSTS_SHOWN || (style && style->verbose);
        size_t shown = 0;
        struct table t;

        table_init(&t, s->mode == MODE_DENSITY ? "lrrrrrl" : "lrrrrrrrrl");
        table_row(&t, s->mode == MODE_DENSITY ? density : churn);
        for (size_t i = 0; i < s->n_hosts; i++)
                if (all || (noteworthy(s->hosts + i) && shown < HOSTS_SHOWN)) {
                        host_row(&t, s, s->hosts + i);
                        shown++;
                }
        if (shown > 0) {
                fputc('\n', out);
                table_print(&t, "", out);
        }
        table_deinit(&t);
        if (shown < s->n_hosts)
                fprintf(out, "%s%zu more hosts\n", shown > 0 ? "and " : "\n", s->n_hosts - shown);
        for (size_t i = 0, n = 0; i < s->n_hosts && n < HOSTS_SHOWN; i++) {
                const struct summary_part *h = s->hosts + i;
                char first[300];

                if (finished(h) || !h->text[0])
                        continue;
                n++;
                snprintf(first, sizeof(first), "%.40s %s: ", h->name, h->state);
                text_wrap(first, h->text, WIDTH, 3, out);
        }
}

static void print_density(const struct summary *s, FILE *out)
{
        static const char *const head[] = {"containers", "came up",     "time p50",
                                           "time max",   "memory each", "memory available"};
        struct table t;

        if (s->n_buckets == 0)
                return;
        table_init(&t, "rrrrrr");
        table_row(&t, head);
        for (size_t i = 0; i < s->n_buckets; i++) {
                const struct summary_bucket *b = s->buckets + i;

                table_cellf(&t, "%" PRId64 "–%" PRId64, b->from, b->to);
                table_cellf(&t, "%" PRId64, b->held);
                table_cell(&t, b->held > 0 ? DURATION(b->time_p50_ns) : NULL);
                table_cell(&t, b->held > 0 ? DURATION(b->time_max_ns) : NULL);
                table_cell(&t, b->mem_each == INT64_MIN ? NULL : SIZE(b->mem_each));
                table_cell(&t, b->mem_available < 0 ? NULL : SIZE(b->mem_available));
        }
        fputs("\nas the count on a host grows (time: create, start and ready of one)\n", out);
        table_print(&t, "", out);
        table_deinit(&t);
}

/* Names stay whole, since one would paste them: a long one gets a line of its own. */
static void print_one_left(const struct summary_outlived *l, FILE *out)
{
        char where[128], unit[32] = "";
        int n;

        if (l->unit >= 0)
                snprintf(unit, sizeof(unit), ", unit %" PRId64, l->unit);
        n = snprintf(where, sizeof(where), "%.40s%s: %s%s", l->host, unit, l->kind,
                     l->at_end ? "" : " (gone)");
        fprintf(out, "  %s%s%s\n", where, (size_t)n + strlen(l->name) + 3 <= WIDTH ? " " : "\n    ",
                l->name);
}

static void print_left(const struct summary *s, FILE *out)
{
        int64_t gone = s->outlived_total - s->leftovers_total;

        if (s->outlived_total == 0)
                return;
        fprintf(out, "\nleft behind: %" PRId64, s->leftovers_total);
        if (gone > 0)
                fprintf(out, " (and %" PRId64 " that outlived their unit, but are gone by now)",
                        gone);
        fputc('\n', out);
        for (size_t i = 0; i < s->n_outlived && i < LEFT_SHOWN; i++)
                print_one_left(s->outlived + i, out);
        if (s->outlived_total > LEFT_SHOWN)
                fprintf(out, "  and %" PRId64 " more\n", s->outlived_total - LEFT_SHOWN);
}

/* A measured figure: the agent says -1 where it does not know. */
static const char *measured(int64_t v, const char *text)
{
        return v < 0 ? NULL : text;
}

static void agent_row(struct table *t, const char *name, const struct msg_pong *p, int64_t units)
{
        table_cellf(t, "%.30s", name);
        table_cell(t, measured(p->loop_cpu_max_ns, DURATION(p->loop_cpu_max_ns)));
        table_cellf(t, "%" PRId64, MAX(p->loop_waits, INT64_C(0)));
        table_cell(t, measured(p->loop_late_p99_ns, DURATION(p->loop_late_p99_ns)));
        table_cell(t, measured(p->loop_late_max_ns, DURATION(p->loop_late_max_ns)));
        table_cell(t, measured(p->cpu_ns, DURATION(p->cpu_ns)));
        table_cell(t, units > 0 && p->cpu_ns >= 0 ? DURATION(p->cpu_ns / units) : NULL);
        table_cell(t, measured(p->rss, SIZE(p->rss)));
        table_cellf(t, "%" PRId64, MAX(p->requests, INT64_C(0)));
        table_cellf(t, "%" PRId64, MAX(p->connections, INT64_C(0)));
}

static int64_t units_ended(const struct summary_part *part)
{
        const struct summary_units *u = &part->units;

        return u->passed + u->failed + u->wedged + u->interrupted;
}

/* The worst of each figure, whichever host it is of. */
static void worst_row(struct table *t, const struct summary *s)
{
        struct msg_pong worst = {0};
        int64_t units = 0;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct msg_pong *p = &s->hosts[i].pong;

                if (!s->hosts[i].has_pong)
                        continue;
                worst.loop_cpu_max_ns = MAX(worst.loop_cpu_max_ns, p->loop_cpu_max_ns);
                worst.loop_waits = MAX(worst.loop_waits, p->loop_waits);
                worst.loop_late_p99_ns = MAX(worst.loop_late_p99_ns, p->loop_late_p99_ns);
                worst.loop_late_max_ns = MAX(worst.loop_late_max_ns, p->loop_late_max_ns);
                worst.cpu_ns = MAX(worst.cpu_ns, p->cpu_ns);
                worst.rss = MAX(worst.rss, p->rss);
                worst.requests = MAX(worst.requests, p->requests);
                worst.connections = MAX(worst.connections, p->connections);
                units = MAX(units, units_ended(s->hosts + i));
        }
        agent_row(t, "worst", &worst, units);
}

/* The honest ruler. */
static void print_agents(const struct summary *s, const struct summary_style *style, FILE *out)
{
        static const char *const head[] = {"agent",    "callback",   "waits",  "late p99",
                                           "late max", "CPU",        "a unit", "memory",
                                           "requests", "connections"};
        bool all = s->n_hosts <= HOSTS_SHOWN || (style && style->verbose);
        struct table t;

        table_init(&t, "lrrrrrrrrr");
        table_row(&t, head);
        for (size_t i = 0; i < s->n_hosts && all; i++)
                if (s->hosts[i].has_pong)
                        agent_row(&t, s->hosts[i].name, &s->hosts[i].pong,
                                  units_ended(s->hosts + i));
        if (!all)
                worst_row(&t, s);
        if (t.n_cells > t.columns) {
                fputs("\nthe agents' loops: longest callback (CPU time; more than 50 ms is too "
                      "long), callbacks that\nwaited in the kernel, how late a timer was\n",
                      out);
                table_print(&t, "", out);
        }
        table_deinit(&t);
}

void summary_print(const struct summary *s, const struct summary_style *style, FILE *out)
{
        print_verdict(s, style, out);
        print_figures(s, out);
        print_run(s, out);
        print_missing(s, out);
        summary_print_thresholds(s, out);
        print_phases(s, style, out);
        summary_print_survival(s, out);
        print_density(s, out);
        summary_print_lives(s, out);
        print_hosts(s, style, out);
        summary_print_wedges(s, out);
        print_left(s, out);
        summary_print_leaks(s, out);
        summary_print_drift(s, out);
        summary_print_errors(s, out);
        print_agents(s, style, out);
}
