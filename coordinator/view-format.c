/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The live view as text; see view.h. Pure. */

#include <inttypes.h>

#include "base/parse.h"
#include "coordinator/view.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define DIM   "\033[2m"
#define RESET "\033[0m"

#define FIGURES_WIDTH 74 /* of all columns after the host's name */
#define UP_WIDTH      6
#define LABEL_MIN     12

/* How many columns s takes: characters, as none of ours is a wide one. */
static size_t width(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += (*s & 0xc0) != 0x80;
        return n;
}

/* Writes at most columns characters of s, the last an ellipsis if it is cut. */
static void put_cut(const char *s, size_t columns, FILE *out)
{
        bool cut = width(s) > columns;
        size_t left = cut && columns ? columns - 1 : columns;

        for (; *s; s++) {
                if ((*s & 0xc0) != 0x80 && left-- == 0)
                        break;
                putc(*s, out);
        }
        if (cut && columns)
                fputs("…", out);
}

static void put_line(const char *s, const char *color, size_t columns, FILE *out)
{
        if (color)
                fputs(color, out);
        put_cut(s, columns, out);
        fputs(color ? RESET "\n" : "\n", out);
}

struct sums {
        int64_t done, in_flight, failed, held, oldest_ns, instances, api_ns, mounts;
        double rate;
        bool api_waiting, instance_waiting;
        int64_t instance_ns, wedges, late;
        size_t api_down, troubled;
};

static void add_known(int64_t *sum, int64_t value)
{
        if (value != VIEW_NOT_KNOWN)
                *sum = MAX(*sum, 0) + value;
}

static struct sums sum_up(const struct view_data *d)
{
        struct sums s = {
                .oldest_ns = VIEW_NOT_KNOWN,
                .instances = VIEW_NOT_KNOWN,
                .api_ns = VIEW_NOT_KNOWN,
                .instance_ns = VIEW_NOT_KNOWN,
                .mounts = VIEW_NOT_KNOWN,
        };

        for (size_t i = 0; i < d->n_hosts; i++) {
                const struct view_host *h = &d->hosts[i];

                s.done += h->done;
                s.in_flight += MAX(h->in_flight, 0);
                s.failed += h->failed;
                s.held += MAX(h->held, 0);
                s.rate += h->rate;
                s.oldest_ns = MAX(s.oldest_ns, h->oldest_ns);
                s.api_ns = MAX(s.api_ns, h->api_ns);
                s.api_waiting |= h->api_waiting;
                s.instance_ns = MAX(s.instance_ns, h->instance_ns);
                s.instance_waiting |= h->instance_waiting;
                s.wedges += h->wedges;
                s.late += h->late;
                s.api_down += h->api_down;
                add_known(&s.instances, h->api_instances);
                add_known(&s.mounts, h->mounts);
                s.troubled += h->trouble != NULL;
        }
        return s;
}

static void put_count(const struct view_data *d, const struct sums *s, FILE *out)
{
        if (d->total)
                fprintf(out, "%" PRId64 "/%" PRId64 " units", s->done, d->total);
        else
                fprintf(out, "%" PRId64 " units", s->done);
        if (d->density)
                fprintf(out, ", %" PRId64 " up", s->held);
        fprintf(out, ", %" PRId64 " failed, %" PRId64 " in flight", s->failed, s->in_flight);
        if (s->rate > 0)
                fprintf(out, ", %.*f/s", s->rate < 10 ? 1 : 0, s->rate);
}

/* What is left by the present rate, or of the duration; whichever is less. */
static int64_t time_left_ns(const struct view_data *d, const struct sums *s)
{
        int64_t left = INT64_MAX;

        if (d->duration_ns)
                left = MAX(d->duration_ns - d->elapsed_ns, 0);
        if (d->total && s->rate > 0 && !d->density) {
                double by_rate = (double)(d->total - s->done) / s->rate * 1e9;

                if (by_rate < (double)left)
                        left = (int64_t)by_rate;
        }
        return left;
}

/* 0:42, 59:03, 1:00:00: this is no measurement. */
static void put_clock(int64_t ns, FILE *out)
{
        int64_t s = ns / NSEC_PER_SEC;

        if (s >= 3600)
                fprintf(out, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
        else
                fprintf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void put_headline(const struct view_data *d, const struct sums *s, FILE *out)
{
        int64_t left = time_left_ns(d, s);

        fprintf(out, "run %s  ", d->run);
        put_clock(d->elapsed_ns, out);
        fputs("  ", out);
        if (d->stage)
                fprintf(out, "%s  ", d->stage);
        put_count(d, s, out);
        if (!d->stage && left != INT64_MAX) {
                fputs(", about ", out);
                put_clock(left, out);
                fputs(" left", out);
        }
}

static const char *number(int64_t v, char *buf, size_t size)
{
        if (v == VIEW_NOT_KNOWN)
                return "-";
        snprintf(buf, size, "%" PRId64, v);
        return buf;
}

static const char *duration(int64_t ns, char *buf, size_t size)
{
        return ns == VIEW_NOT_KNOWN ? "-" : format_duration(ns, buf, size);
}

/* Right-aligned by characters, which printf() does by bytes. */
static void put_right(const char *s, size_t columns, FILE *out)
{
        for (size_t n = width(s); n < columns; n++)
                putc(' ', out);
        fputs(s, out);
}

static void put_left(const char *s, size_t columns, FILE *out)
{
        put_cut(s, columns, out);
        for (size_t n = width(s); n < columns; n++)
                putc(' ', out);
}

static void put_api(const struct view_host *h, FILE *out)
{
        char a[32], b[32], text[80];

        if (h->api_down)
                snprintf(text, sizeof(text), "no answer");
        else if (h->api_ns == VIEW_NOT_KNOWN)
                snprintf(text, sizeof(text), "-");
        else if (h->api_waiting)
                snprintf(text, sizeof(text), "waiting %s", duration(h->api_ns, b, sizeof(b)));
        else
                snprintf(text, sizeof(text), "%s in %s", number(h->api_instances, a, sizeof(a)),
                         duration(h->api_ns, b, sizeof(b)));
        put_right(text, 15, out);
}

static void put_host(const struct view_host *h, bool density, size_t label_width, FILE *out)
{
        char buf[32], watch[48];

        put_left(h->label, label_width, out);
        put_right(number(h->done, buf, sizeof(buf)), 8, out);
        put_right(number(h->in_flight, buf, sizeof(buf)), 10, out);
        if (density)
                put_right(number(h->held, buf, sizeof(buf)), UP_WIDTH, out);
        put_right(number(h->failed, buf, sizeof(buf)), 7, out);
        snprintf(buf, sizeof(buf), "%.1f", h->rate);
        put_right(buf, 7, out);
        put_right(duration(h->oldest_ns, buf, sizeof(buf)), 8, out);
        put_api(h, out);
        if (h->instance_waiting)
                snprintf(watch, sizeof(watch), "wait %s",
                         duration(h->instance_ns, buf, sizeof(buf)));
        else
                snprintf(watch, sizeof(watch), "%s", duration(h->instance_ns, buf, sizeof(buf)));
        put_right(watch, 12, out);
        put_right(number(h->mounts, buf, sizeof(buf)), 7, out);
        if (h->wedges > 0)
                fprintf(out, "  %" PRId64 " wedge%s", h->wedges, h->wedges == 1 ? "" : "s");
        if (h->trouble)
                fprintf(out, "  %s", h->trouble);
}

static void put_head(bool density, size_t label_width, FILE *out)
{
        put_left("HOST", label_width, out);
        fprintf(out, "%8s%10s%s%7s%7s%8s%15s%12s%7s", "DONE", "IN FLIGHT", density ? "    UP" : "",
                "FAILED", "RATE/S", "OLDEST", "API LISTS", "AN INSTANCE", "MOUNTS");
}

static int worst_first(const void *a, const void *b)
{
        const struct view_host *x = *(const struct view_host *const *)a;
        const struct view_host *y = *(const struct view_host *const *)b;

        if (!x->trouble != !y->trouble)
                return x->trouble ? -1 : 1;
        if (x->api_down != y->api_down)
                return x->api_down ? -1 : 1;
        if (x->failed != y->failed)
                return x->failed > y->failed ? -1 : 1;
        if (x->oldest_ns != y->oldest_ns)
                return x->oldest_ns > y->oldest_ns ? -1 : 1;
        return x < y ? -1 : x > y;
}

static void put_hosts(const struct view_data *d, const struct view_host **order, size_t shown,
                      size_t columns, bool color, FILE *out)
{
        size_t figures = FIGURES_WIDTH + (d->density ? UP_WIDTH : 0);
        size_t room = columns > figures + LABEL_MIN ? columns - figures : LABEL_MIN;
        size_t label_width = 4;

        for (size_t i = 0; i < shown; i++)
                label_width = MAX(label_width, width(order[i]->label));
        label_width = MIN(label_width, room);
        for (size_t i = 0; i <= shown; i++) {
                char line[1024] = "";
                FILE *f = fmemopen(line, sizeof(line) - 1, "w");
                const char *paint = NULL;

                if (!f)
                        return;
                if (i == 0) {
                        put_head(d->density, label_width, f);
                        paint = DIM;
                } else {
                        put_host(order[i - 1], d->density, label_width, f);
                        if (order[i - 1]->trouble || order[i - 1]->failed ||
                            order[i - 1]->api_down || order[i - 1]->wedges > 0)
                                paint = RED;
                }
                fclose(f);
                put_line(line, color ? paint : NULL, columns, out);
        }
}

char *view_format(const struct view_data *d, size_t columns, size_t lines, bool color)
{
        _cleanup_(freep)
        const struct view_host **order = calloc(d->n_hosts + 1, sizeof(*order));
        struct sums sums = sum_up(d);
        size_t room = lines > 4 ? lines - 3 : 1; /* headline, heading, cursor's line */
        size_t shown = d->n_hosts;
        char *text = NULL, headline[512] = "";
        size_t size;
        FILE *out, *f;

        if (!order)
                return NULL;
        for (size_t i = 0; i < d->n_hosts; i++)
                order[i] = &d->hosts[i];
        if (shown > room) {
                shown = room > 1 ? room - 1 : 1;
                qsort(order, d->n_hosts, sizeof(struct view_host *), worst_first);
        }
        out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        f = fmemopen(headline, sizeof(headline) - 1, "w");
        if (f) {
                put_headline(d, &sums, f);
                fclose(f);
        }
        put_line(headline, color ? BOLD : NULL, columns, out);
        put_hosts(d, order, shown, columns, color, out);
        if (shown < d->n_hosts) {
                char more[64];

                snprintf(more, sizeof(more), "… and %zu more", d->n_hosts - shown);
                put_line(more, color ? DIM : NULL, columns, out);
        }
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static void put_troubled(const struct view_data *d, const struct sums *s, FILE *out)
{
        size_t said = 0;

        if (!s->troubled)
                return;
        fprintf(out, "; %zu of %zu hosts in trouble:", s->troubled, d->n_hosts);
        for (size_t i = 0; i < d->n_hosts && said < 3; i++)
                if (d->hosts[i].trouble)
                        fprintf(out, "%s %s (%s)", said++ ? "," : "", d->hosts[i].label,
                                d->hosts[i].trouble);
        if (s->troubled > said)
                fputs(" …", out);
}

char *view_format_line(const struct view_data *d)
{
        struct sums s = sum_up(d);
        char *text = NULL, a[32], b[32];
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        put_headline(d, &s, out);
        if (s.oldest_ns > 0)
                fprintf(out, ", oldest %s", duration(s.oldest_ns, a, sizeof(a)));
        if (s.api_waiting)
                fprintf(out, ", API has not answered for %s", duration(s.api_ns, b, sizeof(b)));
        else if (s.api_ns != VIEW_NOT_KNOWN)
                fprintf(out, ", API lists %s in %s", number(s.instances, a, sizeof(a)),
                        duration(s.api_ns, b, sizeof(b)));
        if (s.api_down)
                fprintf(out, ", API of %zu %s does not answer", s.api_down,
                        s.api_down == 1 ? "host" : "hosts");
        if (s.instance_waiting)
                fprintf(out, ", an instance is not told of for %s",
                        duration(s.instance_ns, a, sizeof(a)));
        else if (s.instance_ns != VIEW_NOT_KNOWN)
                fprintf(out, ", an instance in %s", duration(s.instance_ns, a, sizeof(a)));
        if (s.mounts != VIEW_NOT_KNOWN)
                fprintf(out, ", mounts %" PRId64, s.mounts);
        if (s.wedges > 0)
                fprintf(out, "; %" PRId64 " wedge%s", s.wedges, s.wedges == 1 ? "" : "s");
        if (s.late > 0)
                fprintf(out, ", %" PRId64 " late", s.late);
        put_troubled(d, &s, out);
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}
