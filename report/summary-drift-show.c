/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drift of a run, for people and as JSON; see summary.h. It computes nothing but shares. */

#include <math.h>

#include "report/drift.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH        100
#define DRIFTS_SHOWN 20
#define NEAR_SHOWN   3
#define NEAR_NS      (120 * NSEC_PER_SEC) /* or a step, where those are longer */

bool summary_drift_found(const struct summary_drift *d)
{
        return d->trend.verdict != TREND_SHORT && d->trend.verdict != TREND_FLAT;
}

const char *summary_drift_host(const struct summary *s, const struct summary_drift *d)
{
        return d->host < 0 ? NULL : s->hosts[d->host].name;
}

const char *summary_format_slope(const struct summary_drift *d, double slope, char *buf,
                                 size_t size)
{
        double percent = drift_percent(&d->trend, slope);
        char value[32];

        if (isfinite(percent))
                snprintf(buf, size, "%+.2g %%/h", percent);
        else
                snprintf(buf, size, "%s%s/h", slope < 0 ? "" : "+",
                         html_format(d->unit, slope, value, sizeof(value)));
        return buf;
}

#define SLOPE(d, slope) summary_format_slope((d), (slope), (char[40]){0}, 40)

static const char *name_of(const struct summary *s, const struct summary_drift *d, char *buf,
                           size_t size)
{
        const char *host = summary_drift_host(s, d);

        snprintf(buf, size, "%s%s%.60s", d->name, host ? " on " : "", host ? host : "");
        return buf;
}

/* ---- what was near a change ---- */

int64_t summary_near_ns(const struct summary *s)
{
        return MAX(NEAR_NS, s->drift_step_ns);
}

static bool is_near(const struct summary *s, int64_t at_ns, int64_t other_ns)
{
        return other_ns > 0 && llabs(at_ns - other_ns) <= summary_near_ns(s);
}

static void print_wedge(const struct summary_wedge *w, FILE *out)
{
        char text[256], since[32], cleared[80] = "not cleared";

        if (w->cleared_by[0])
                snprintf(cleared, sizeof(cleared), "cleared after %s by %s",
                         HTML_FORMAT(HTML_UNIT_DURATION, (double)(w->cleared_ns - w->since_ns)),
                         w->cleared_by);
        snprintf(text, sizeof(text), "%s on %.60s since %s, %s", w->class, w->host,
                 summary_format_time(w->since_ns, since, sizeof(since)), cleared);
        text_wrap("      wedge: ", text, WIDTH, 2, out);
}

/* Whatever happened there shows in many series: it is said once, with the first of them. */
static bool was_said(const struct summary *s, const struct summary_drift *d, int64_t at_ns)
{
        for (const struct summary_drift *e = s->drifts; e < d; e++)
                for (size_t i = 0; i < e->trend.n_changes; i++)
                        if ((e->host < 0 || e->host == d->host) &&
                            is_near(s, at_ns,
                                    drift_time_ns(s->drift_begin_ns, e->trend.changes[i].t)))
                                return true;
        return false;
}

size_t summary_change_times(const struct summary *s, int64_t *ret, size_t max)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n_drifts; i++)
                for (size_t k = 0; k < s->drifts[i].trend.n_changes && n < max; k++) {
                        int64_t at_ns =
                                drift_time_ns(s->drift_begin_ns, s->drifts[i].trend.changes[k].t);

                        if (!was_said(s, s->drifts + i, at_ns))
                                ret[n++] = at_ns;
                }
        return n;
}

static void print_lines(const struct summary *s, int64_t at_ns, FILE *out)
{
        for (size_t i = 0; i < s->n_lines; i++) {
                const struct summary_line *l = s->lines + i;
                char when[32], first[32];

                if (l->near_ns != at_ns)
                        continue;
                summary_format_time(l->realtime_ns, when, sizeof(when));
                snprintf(first, sizeof(first), "      %.8s ",
                         when[0] == '?' ? when : when + strlen("2025-07-01 "));
                text_wrap(first, l->text, WIDTH, 2, out);
        }
}

static void print_near(const struct summary *s, const struct summary_drift *d, int64_t at_ns,
                       FILE *out)
{
        const char *host = summary_drift_host(s, d);
        char from[32], to[32];
        size_t n = 0;

        for (size_t i = 0; i < s->n_wedges && n < NEAR_SHOWN; i++) {
                const struct summary_wedge *w = s->wedges + i;

                if ((host && !streq(host, w->host)) ||
                    (!is_near(s, at_ns, w->since_ns) && !is_near(s, at_ns, w->detected_ns) &&
                     !is_near(s, at_ns, w->cleared_ns)))
                        continue;
                print_wedge(w, out);
                n++;
        }
        print_lines(s, at_ns, out);
        fprintf(out, "      journalctl --since '%s' --until '%s'\n",
                summary_format_time(at_ns - summary_near_ns(s), from, sizeof(from)),
                summary_format_time(at_ns + summary_near_ns(s), to, sizeof(to)));
}

static void print_changes(const struct summary *s, const struct summary_drift *d, FILE *out)
{
        const struct trend *t = &d->trend;

        for (size_t i = 0; i < t->n_changes; i++) {
                const struct trend_change *c = t->changes + i;
                int64_t at_ns = drift_time_ns(s->drift_begin_ns, c->t);
                char when[32];

                fprintf(out, "    %s: from %s to %s\n",
                        summary_format_time(at_ns, when, sizeof(when)),
                        HTML_FORMAT(d->unit, c->before), HTML_FORMAT(d->unit, c->after));
                if (!was_said(s, d, at_ns))
                        print_near(s, d, at_ns, out);
        }
}

/* ---- for people ---- */

static void print_drift(const struct summary *s, const struct summary_drift *d, FILE *out)
{
        const struct trend *t = &d->trend;
        char name[100], first[128], text[256];

        snprintf(first, sizeof(first), "  %s: ", name_of(s, d, name, sizeof(name)));
        if (t->n_changes > 0)
                snprintf(text, sizeof(text), "%zu change%s of level", t->n_changes,
                         t->n_changes == 1 ? "" : "s");
        else
                snprintf(text, sizeof(text), "%s (%s to %s), p %.2g, about %s", SLOPE(d, t->slope),
                         SLOPE(d, t->lo), SLOPE(d, t->hi), t->p, HTML_FORMAT(d->unit, t->level));
        text_wrap(first, text, WIDTH, 3, out);
        print_changes(s, d, out);
}

struct unseen { /* what would have been */
        size_t flat;
        char phases[256];   /* each of them */
        double least, most; /* of the figures of hosts, in percent */
        size_t n;
};

static void add_unseen(struct unseen *u, const struct summary_drift *d)
{
        double percent = drift_percent(&d->trend, d->trend.visible);
        size_t used = strlen(u->phases);

        if (d->trend.verdict != TREND_FLAT)
                return;
        u->flat++;
        if (d->host < 0) {
                snprintf(u->phases + used, sizeof(u->phases) - used, "%s%s %s", used ? ", " : "",
                         d->name, SLOPE(d, d->trend.visible) + 1);
        } else if (isfinite(percent)) {
                u->least = u->n > 0 ? fmin(u->least, percent) : percent;
                u->most = u->n > 0 ? fmax(u->most, percent) : percent;
                u->n++;
        }
}

/* "no drift" is empty without what would have been one. */
static void print_unseen(const struct unseen *u, bool others, FILE *out)
{
        char text[400], least[32], most[32];

        if (u->flat == 0)
                return;
        fprintf(out, "  %zu %sseries do%s not drift", u->flat, others ? "other " : "",
                u->flat == 1 ? "es" : "");
        if (u->n == 0 && !u->phases[0]) {
                fputs("\n", out);
                return;
        }
        fputs("; the smallest drift that could have been seen:\n", out);
        snprintf(least, sizeof(least), "%.2g", u->least);
        snprintf(most, sizeof(most), " to %.2g", u->most);
        snprintf(text, sizeof(text), "%s%s%s%s%s%s", u->phases, u->phases[0] && u->n ? ", " : "",
                 u->n ? "figures of hosts " : "", u->n ? least : "",
                 u->n && !streq(least, most + strlen(" to ")) ? most : "", u->n ? " %/h" : "");
        text_wrap("    ", text, WIDTH, 4, out);
}

void summary_print_drift(const struct summary *s, FILE *out)
{
        struct unseen unseen = {0};
        size_t found = 0, brief = 0;

        for (size_t i = 0; i < s->n_drifts; i++) {
                add_unseen(&unseen, s->drifts + i);
                found += summary_drift_found(s->drifts + i);
                brief += s->drifts[i].trend.verdict == TREND_SHORT;
        }
        if (s->n_drifts == 0)
                return;
        fputs("\ndrift\n", out);
        if (brief == s->n_drifts) {
                fputs("  too short to tell drift: needs " SUMMARY_DRIFT_NEEDS "\n", out);
                return;
        }
        for (size_t i = 0, shown = 0; i < s->n_drifts && shown < DRIFTS_SHOWN; i++)
                if (summary_drift_found(s->drifts + i)) {
                        print_drift(s, s->drifts + i, out);
                        shown++;
                }
        if (found > DRIFTS_SHOWN)
                fprintf(out, "  and %zu more\n", found - DRIFTS_SHOWN);
        print_unseen(&unseen, found > 0, out);
        if (brief > 0)
                fprintf(out, "  %zu too short to tell drift: needs " SUMMARY_DRIFT_NEEDS "\n",
                        brief);
}

/* ---- JSON ---- */

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

static json_object *number(double d)
{
        return isfinite(d) ? json_object_new_double(d) : NULL;
}

static json_object *changes_json(const struct summary *s, const struct trend *t)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < t->n_changes; i++) {
                json_object *o = json_object_new_object();

                put(o, "t_ns",
                    json_object_new_int64(drift_time_ns(s->drift_begin_ns, t->changes[i].t)));
                put(o, "before", number(t->changes[i].before));
                put(o, "after", number(t->changes[i].after));
                json_object_array_add(array, o);
        }
        return array;
}

static json_object *drift_json(const struct summary *s, const struct summary_drift *d)
{
        const struct trend *t = &d->trend;
        const bool told = t->verdict != TREND_SHORT;
        const char *host = summary_drift_host(s, d);
        json_object *o = json_object_new_object();

        put(o, "host", host ? json_object_new_string(host) : NULL);
        put(o, "series", json_object_new_string(d->name));
        put(o, "unit",
            json_object_new_string(d->unit == HTML_UNIT_DURATION ? "ns" : html_unit_name(d->unit)));
        put(o, "n", json_object_new_int64((int64_t)t->n));
        put(o, "level", told ? number(t->level) : NULL);
        put(o, "slope_per_hour", told ? number(t->slope) : NULL);
        put(o, "low", told ? number(t->lo) : NULL);
        put(o, "high", told ? number(t->hi) : NULL);
        put(o, "percent_per_hour", told ? number(drift_percent(t, t->slope)) : NULL);
        put(o, "p", told ? number(t->p) : NULL);
        put(o, "smallest_visible", told ? number(t->visible) : NULL);
        put(o, "verdict", json_object_new_string(trend_verdict_word(t->verdict)));
        put(o, "changepoints", changes_json(s, t));
        return o;
}

json_object *summary_drift_json(const struct summary *s)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_drifts; i++)
                json_object_array_add(array, drift_json(s, s->drifts + i));
        return array;
}
