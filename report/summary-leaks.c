/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The leaks of a run out of the censuses in its store, for people and as JSON; see summary.h and
 * leak.h. What the things are comes from what the censuses say they are, at the last point that
 * was judged against the first.
 */

#include <inttypes.h>
#include <math.h>

#include "base/parse.h"
#include "report/leak.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH       100
#define LEAKS_SHOWN 20
#define LEAK_LINES  3
#define HOSTS_SHOWN 4
/* Of what grew, a name is told that has at least so much of it, three names at most. */
#define NAME_SHARE 0.1
#define NAMES_MAX  3
#define MOST       0.9 /* one that has so much of it is all of it */
#define NEARLY     1.5 /* times the floor is about the floor */

/* ---- reading ---- */

/* The censuses of one host. A point is made of rows of the same agent and number. */
struct censuses {
        struct leak_point *points;
        json_object **details; /* of each point, {kind: {name: count}} */
        size_t n;
        int64_t agent, seq;
};

static void censuses_clear(struct censuses *c)
{
        for (size_t i = 0; i < c->n; i++)
                json_object_put(c->details[i]);
        free(c->details);
        free(c->points);
        *c = (struct censuses){0};
}

static int add_point(struct censuses *c, sqlite3_stmt *st)
{
        struct leak_point *points = summary_grow(c->points, c->n, sizeof(*points)), *p;
        json_object **details;

        if (!points)
                return -ENOMEM;
        c->points = points;
        details = summary_grow(c->details, c->n, sizeof(json_object *));
        if (!details)
                return -ENOMEM;
        c->details = details;
        details[c->n] = json_object_new_object();
        p = points + c->n++;
        p->units = sqlite3_column_int64(st, 2);
        p->realtime_ns = sqlite3_column_int64(st, 3);
        p->daemon_pid =
                sqlite3_column_type(st, 4) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 4);
        for (int k = 0; k < CENSUS_MAX_; k++)
                p->count[k] = -1;
        return 0;
}

static int row_census(struct summary_context *context, sqlite3_stmt *st, void *userdata)
{
        struct censuses *c = userdata;
        int64_t agent = sqlite3_column_int64(st, 0), seq = sqlite3_column_int64(st, 1);
        const char *kind = summary_text(st, 5);
        const char *detail = summary_text(st, 7);
        int k = kind ? census_kind_from_name(kind) : -EINVAL, r;

        if (c->n == 0 || agent != c->agent || seq != c->seq) {
                r = add_point(c, st);
                if (r < 0)
                        return r;
                c->agent = agent;
                c->seq = seq;
        }
        if (k < 0)
                return 0;
        c->points[c->n - 1].count[k] = sqlite3_column_int64(st, 6);
        if (detail)
                json_object_object_add(c->details[c->n - 1], kind, json_tokener_parse(detail));
        return 0;
}

/* ---- what it is ---- */

struct grown {
        const char *name; /* the JSON's */
        int64_t by;
};

static int compare_grown(const void *a, const void *b)
{
        const struct grown *x = a, *y = b;

        if (x->by != y->by)
                return x->by > y->by ? -1 : 1;
        return strcmp(x->name, y->name);
}

static int64_t get_count(json_object *names, const char *name)
{
        json_object *v;

        return names && json_object_is_type(names, json_type_object) &&
                               json_object_object_get_ex(names, name, &v)
                       ? json_object_get_int64(v)
                       : 0;
}

/* What there is more of at the end, the most first, and how much more in all. */
static size_t compare_names(json_object *before, json_object *after, struct grown *ret, size_t max,
                            int64_t *ret_total)
{
        size_t n = 0;

        *ret_total = 0;
        if (!after || !json_object_is_type(after, json_type_object))
                return 0;
        json_object_object_foreach (after, name, count) {
                int64_t by = json_object_get_int64(count) - get_count(before, name);

                if (by <= 0 || n == max)
                        continue;
                ret[n++] = (struct grown){name, by};
                *ret_total += by;
        }
        qsort(ret, n, sizeof(*ret), compare_grown);
        return n;
}

static void describe(const struct censuses *c, const struct leak_series *series, const char *kind,
                     char *ret, size_t size)
{
        json_object *before = NULL, *after = NULL;
        struct grown grown[32];
        int64_t total;
        size_t n, used = 0;

        json_object_object_get_ex(c->details[series->first], kind, &before);
        json_object_object_get_ex(c->details[series->first + series->n - 1], kind, &after);
        n = compare_names(before, after, grown, ELEMENTSOF(grown), &total);
        ret[0] = '\0';
        for (size_t i = 0; i < MIN(n, (size_t)NAMES_MAX) && used < size; i++) {
                double share = (double)grown[i].by / (double)total;

                if (i == 0 && share >= MOST) {
                        snprintf(ret, size, "%s", grown[i].name);
                        return;
                }
                if (share >= NAME_SHARE)
                        used += (size_t)snprintf(ret + used, size - used, "%s%s (%.0f %%)",
                                                 i ? ", " : "", grown[i].name, 100 * share);
        }
}

/* ---- judging ---- */

static int add_leak(struct summary *s, const char *host, const struct censuses *c,
                    const struct leak_series *series, enum census_kind kind,
                    const struct leak_judged *judged)
{
        struct summary_leak *leaks = summary_grow(s->leaks, s->n_leaks, sizeof(*leaks)), *l;

        if (!leaks)
                return -ENOMEM;
        s->leaks = leaks;
        l = leaks + s->n_leaks++;
        snprintf(l->host, sizeof(l->host), "%s", host);
        snprintf(l->kind, sizeof(l->kind), "%s", census_kind_name((int)kind));
        describe(c, series, l->kind, l->what, sizeof(l->what));
        l->per_unit = judged->per_unit;
        l->low = judged->low;
        l->high = judged->high;
        l->total = judged->total;
        l->accepted = s->allow_leak & (INT64_C(1) << kind);
        return 0;
}

/* Nothing of the run is there at a steady point: what is, is others'. */
static bool has_strangers(const struct censuses *c)
{
        return c->n > 0 && c->points[0].units == 0 && c->points[0].count[CENSUS_CGROUPS] > 0;
}

/* What instances of others bring along and take away: of a host that has some, nobody can tell
 * whether it grows by them or by us. */
static bool is_others_too(enum census_kind kind)
{
        switch (kind) {
        case CENSUS_MOUNTS:
        case CENSUS_VETHS:
        case CENSUS_CGROUPS:
        case CENSUS_LOOPS:
        case CENSUS_PROCESSES:
        case CENSUS_VOLUMES: return true;
        default: return false;
        }
}

static int judge_host(struct summary *s, struct summary_part *host, struct censuses *c)
{
        struct summary_steady *steady = &host->steady;
        struct leak_series series;
        int r = 0;

        leak_arrange(c->points, c->n);
        leak_choose(c->points, c->n, &series);
        steady->points = (int64_t)c->n;
        steady->judged = (int64_t)series.n;
        steady->units = series.units;
        steady->strangers = has_strangers(c);
        for (int k = 0; k < CENSUS_MAX_ && r == 0; k++) {
                struct leak_judged judged;

                steady->visible[k] = -1;
                if (steady->strangers && is_others_too((enum census_kind)k))
                        continue;
                r = leak_judge(c->points, &series, (enum census_kind)k, &judged);
                steady->visible[k] = judged.answer == LEAK_TOO_LITTLE ? -1 : judged.visible;
                steady->enough = steady->enough || judged.answer != LEAK_TOO_LITTLE;
                if (r == 0 && judged.answer == LEAK_FOUND)
                        r = add_leak(s, host->name, c, &series, (enum census_kind)k, &judged);
        }
        return r;
}

int summary_read_leaks(struct summary_context *context)
{
        struct summary *s = context->summary;
        int r = 0;

        for (size_t i = 0; i < s->n_hosts && r == 0; i++) {
                _cleanup_(censuses_clear)
                struct censuses c = {0};

                r = summary_each(context,
                                 "SELECT agent, seq, units, realtime_ns, daemon_pid, kind, count,"
                                 " detail FROM census WHERE run = ?1 AND host = ?2"
                                 " ORDER BY realtime_ns, agent, seq",
                                 s->hosts[i].name, row_census, &c);
                if (r == 0)
                        r = judge_host(s, s->hosts + i, &c);
        }
        return r;
}

/* ---- for people ---- */

const char *summary_format_per_unit(const char *kind, double v, char *buf, size_t size)
{
        char bytes[32];

        if (streq(kind, census_kind_name(CENSUS_RSS)))
                snprintf(buf, size, "+%s", format_size(llround(v), bytes, sizeof(bytes)));
        else
                snprintf(buf, size, "%+.*f", fabs(v) >= 0.95 ? 1 : fabs(v) >= 0.095 ? 2 : 3, v);
        return buf;
}

#define PER_UNIT(kind, v) summary_format_per_unit((kind), (v), (char[40]){0}, 40)

int64_t summary_count_leaks(const struct summary *s, char *ret_first, size_t size)
{
        int64_t n = 0;

        ret_first[0] = '\0';
        for (size_t i = 0; i < s->n_leaks; i++) {
                const struct summary_leak *l = s->leaks + i;

                if (l->accepted)
                        continue;
                if (n++ == 0)
                        snprintf(ret_first, size, "%s %s a unit on %.60s%s%.100s%s", l->kind,
                                 PER_UNIT(l->kind, l->per_unit), l->host, l->what[0] ? " (" : "",
                                 l->what, l->what[0] ? ")" : "");
        }
        return n;
}

static const char *format_total(int64_t n, char *buf, size_t size)
{
        snprintf(buf, size, "%+" PRId64, n);
        return buf;
}

static void print_leak(const struct summary_leak *l, FILE *out)
{
        char first[128], text[512];

        snprintf(first, sizeof(first), "  %s on %.60s: ", l->kind, l->host);
        snprintf(text, sizeof(text), "%s a unit (%s to %s), %s in all%s%s%s",
                 PER_UNIT(l->kind, l->per_unit), PER_UNIT(l->kind, l->low),
                 PER_UNIT(l->kind, l->high),
                 streq(l->kind, census_kind_name(CENSUS_RSS))
                         ? format_size(l->total, (char[32]){0}, 32)
                         : format_total(l->total, (char[32]){0}, 32),
                 l->what[0] ? ": " : "", l->what, l->accepted ? "; accepted (--allow-leak)" : "");
        text_wrap(first, text, WIDTH, LEAK_LINES, out);
}

/* Kinds that could be judged, and not at the floor: how little would have shown. */
static size_t list_visible(const struct summary_part *h, char *text, size_t size)
{
        size_t n = 0;

        for (int k = 0; k < CENSUS_MAX_ && n < size; k++)
                if (h->steady.visible[k] > leak_floor((enum census_kind)k) * NEARLY)
                        n += (size_t)snprintf(text + n, size - n, "%s%s %s", n ? ", " : "",
                                              census_kind_name(k),
                                              PER_UNIT(census_kind_name(k), h->steady.visible[k]));
        return n;
}

/* "no leak" is empty without what would have been one. */
static void print_visible(const struct summary_part *h, FILE *out)
{
        char text[600];
        size_t n = list_visible(h, text, sizeof(text));
        bool first = true;

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.2f a unit of any %skind",
                              n ? ", " : "", leak_floor(CENSUS_FDS), n ? "other " : "");
        for (int k = 0; k < CENSUS_MAX_ && n < sizeof(text); k++) {
                if (h->steady.visible[k] >= 0)
                        continue;
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                      first ? "; not judged: " : ", ", census_kind_name(k));
                first = false;
        }
        text_wrap("    would show from ", text, WIDTH, LEAK_LINES, out);
}

static void print_host(const struct summary_part *h, FILE *out)
{
        const struct summary_steady *t = &h->steady;
        char first[96], text[300];

        snprintf(first, sizeof(first), "  %.60s: ", h->name);
        if (t->enough)
                snprintf(text, sizeof(text),
                         "told from %" PRId64 " steady points over %" PRId64 " units%s", t->judged,
                         t->units,
                         t->strangers ? "; other containers were there, and are in the figures"
                                      : "");
        else
                snprintf(text, sizeof(text),
                         "too few steady points to tell: has %" PRId64 " over %" PRId64
                         " units, needs %d over %d, once the run is at work",
                         t->judged, t->units, LEAK_POINTS_MIN, LEAK_UNITS_MIN);
        text_wrap(first, text, WIDTH, 3, out);
        if (t->enough)
                print_visible(h, out);
}

static bool is_shown(const struct summary_part *h)
{
        return h->steady.points > 0;
}

void summary_print_leaks(const struct summary *s, FILE *out)
{
        size_t shown = 0, hosts = 0;
        bool enough = false;

        for (size_t i = 0; i < s->n_hosts; i++) {
                hosts += is_shown(s->hosts + i);
                enough = enough || s->hosts[i].steady.enough;
        }
        if (hosts == 0)
                return;
        fprintf(out, "\nleaks%s\n", s->n_leaks > 0 ? "" : enough ? ": none seen" : "");
        for (size_t i = 0; i < MIN(s->n_leaks, (size_t)LEAKS_SHOWN); i++)
                print_leak(s->leaks + i, out);
        if (s->n_leaks > LEAKS_SHOWN)
                fprintf(out, "  and %zu more\n", s->n_leaks - LEAKS_SHOWN);
        for (size_t i = 0; i < s->n_hosts && shown < HOSTS_SHOWN; i++)
                if (is_shown(s->hosts + i)) {
                        print_host(s->hosts + i, out);
                        shown++;
                }
        if (hosts > shown)
                fprintf(out, "  and %zu more hosts\n", hosts - shown);
}

/* ---- JSON ---- */

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

json_object *summary_leaks_json(const struct summary *s, const char *host)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_leaks; i++) {
                const struct summary_leak *l = s->leaks + i;
                json_object *o;

                if (host && !streq(host, l->host))
                        continue;
                o = json_object_new_object();
                put(o, "kind", json_object_new_string(l->kind));
                put(o, "host", json_object_new_string(l->host));
                put(o, "per_unit", json_object_new_double(l->per_unit));
                put(o, "ci_low", json_object_new_double(l->low));
                put(o, "ci_high", json_object_new_double(l->high));
                put(o, "total", json_object_new_int64(l->total));
                put(o, "what", l->what[0] ? json_object_new_string(l->what) : NULL);
                put(o, "accepted", json_object_new_boolean(l->accepted));
                json_object_array_add(array, o);
        }
        return array;
}

json_object *summary_steady_json(const struct summary_steady *t)
{
        json_object *o = json_object_new_object(), *visible = json_object_new_object();

        put(o, "points", json_object_new_int64(t->points));
        put(o, "judged", json_object_new_int64(t->judged));
        put(o, "units", json_object_new_int64(t->units));
        put(o, "enough", json_object_new_boolean(t->enough));
        put(o, "strangers", json_object_new_boolean(t->strangers));
        for (int k = 0; k < CENSUS_MAX_; k++)
                put(visible, census_kind_name(k),
                    t->enough && t->visible[k] >= 0 ? json_object_new_double(t->visible[k]) : NULL);
        put(o, "visible", visible);
        return o;
}
