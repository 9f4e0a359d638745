/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The wedges of a run out of its store, for people and as JSON; see summary.h. */

#include <inttypes.h>

#include "base/parse.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH        100
#define WEDGES_SHOWN 20
#define WEDGE_LINES  6

static int row_wedge(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary *s = c->summary;
        struct summary_wedge *wedges, *w;

        s->wedges_total++;
        if (s->n_wedges >= SUMMARY_WEDGES_MAX)
                return 0;
        wedges = summary_grow(s->wedges, s->n_wedges, sizeof(*wedges));
        if (!wedges)
                return -ENOMEM;
        s->wedges = wedges;
        w = wedges + s->n_wedges++;
        summary_column(st, 0, w->host, sizeof(w->host));
        w->number = sqlite3_column_int64(st, 1);
        w->unit = sqlite3_column_int64(st, 2);
        summary_column(st, 3, w->class, sizeof(w->class));
        summary_column(st, 4, w->instance, sizeof(w->instance));
        summary_column(st, 5, w->suspect, sizeof(w->suspect));
        w->since_ns = sqlite3_column_int64(st, 6);
        w->detected_ns = sqlite3_column_int64(st, 7);
        w->sure = sqlite3_column_int64(st, 8);
        summary_column(st, 9, w->detail, sizeof(w->detail));
        summary_column(st, 10, w->evidence, sizeof(w->evidence));
        summary_column(st, 11, w->cleared_by, sizeof(w->cleared_by));
        w->cleared_ns = sqlite3_column_int64(st, 12);
        summary_column(st, 13, w->tried, sizeof(w->tried));
        return 0;
}

int summary_read_wedges(struct summary_context *c)
{
        return summary_each(
                c,
                "SELECT host, number, unit, class, instance, suspect, since_realtime_ns,"
                " detected_realtime_ns, sure, detail, evidence, cleared_by, cleared_realtime_ns,"
                " (SELECT group_concat(rung || CASE result WHEN 'ok' THEN '' ELSE ' (' || result ||"
                " ')' END, ', ') FROM (SELECT rung, result FROM recovery r WHERE r.run = w.run"
                " AND r.agent = w.agent AND r.wedge = w.number ORDER BY r.seq))"
                " FROM wedge w WHERE run = ?1 ORDER BY detected_realtime_ns, host, number",
                NULL, row_wedge, NULL);
}

/* ---- for people ---- */

static void print_wedge(const struct summary_wedge *w, FILE *out)
{
        char first[160], text[2048];
        size_t n;

        snprintf(first, sizeof(first), "  %s on %.60s: ", w->class, w->host);
        n = (size_t)snprintf(text, sizeof(text), "%s%s%s: %s; noticed %s after it stopped",
                             w->instance, w->instance[0] ? ", " : "", w->suspect, w->detail,
                             DURATION(MAX(w->detected_ns - w->since_ns, INT64_C(0))));
        if (w->sure < 100)
                n += (size_t)snprintf(text + n, sizeof(text) - n, " (%" PRId64 " %% sure)",
                                      w->sure);
        if (w->cleared_by[0])
                snprintf(text + n, sizeof(text) - n, "; cleared by %s %s later", w->cleared_by,
                         DURATION(MAX(w->cleared_ns - w->detected_ns, INT64_C(0))));
        else
                snprintf(text + n, sizeof(text) - n, "; NOT cleared%s%s",
                         w->tried[0] ? ", tried: " : "", w->tried);
        text_wrap(first, text, WIDTH, WEDGE_LINES, out);
        if (w->evidence[0])
                fprintf(out, "      evidence: %s\n", w->evidence);
}

void summary_print_wedges(const struct summary *s, FILE *out)
{
        if (s->n_wedges == 0)
                return;
        fprintf(out, "\nwedges\n");
        for (size_t i = 0; i < MIN(s->n_wedges, (size_t)WEDGES_SHOWN); i++)
                print_wedge(s->wedges + i, out);
        if (s->wedges_total > WEDGES_SHOWN)
                fprintf(out, "  and %" PRId64 " more (in the store: SELECT * FROM wedge)\n",
                        s->wedges_total - WEDGES_SHOWN);
}

/* ---- JSON ---- */

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

static json_object *text_or_null(const char *s)
{
        return s[0] ? json_object_new_string(s) : NULL;
}

json_object *summary_wedges_json(const struct summary *s, const char *host)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_wedges; i++) {
                const struct summary_wedge *w = s->wedges + i;
                json_object *o;

                if (host && !streq(host, w->host))
                        continue;
                o = json_object_new_object();
                put(o, "class", json_object_new_string(w->class));
                put(o, "host", json_object_new_string(w->host));
                put(o, "number", json_object_new_int64(w->number));
                put(o, "unit", w->unit > 0 ? json_object_new_int64(w->unit) : NULL);
                put(o, "instance", text_or_null(w->instance));
                put(o, "suspect", json_object_new_string(w->suspect));
                put(o, "since_ns", json_object_new_int64(w->since_ns));
                put(o, "detected_ns", json_object_new_int64(w->detected_ns));
                put(o, "sure", json_object_new_int64(w->sure));
                put(o, "detail", json_object_new_string(w->detail));
                put(o, "evidence", text_or_null(w->evidence));
                put(o, "tried", text_or_null(w->tried));
                put(o, "cleared_by", text_or_null(w->cleared_by));
                put(o, "cleared_ns",
                    w->cleared_by[0] ? json_object_new_int64(w->cleared_ns) : NULL);
                json_object_array_add(array, o);
        }
        return array;
}
