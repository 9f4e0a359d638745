/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run's summary out of its store: units, hosts, what was left, the verdict; see summary.h. */

#include "base/text.h"
#include "proto/fields.h"
#include "report/summary-internal.h"

int summary_prepare(struct summary_context *c, const char *sql, const char *param,
                    sqlite3_stmt **ret)
{
        sqlite3_stmt *st = NULL;
        int code = sqlite3_prepare_v2(store_db(c->store), sql, -1, &st, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_bind_text(st, 1, c->summary->run, -1, SQLITE_STATIC);
        if (code == SQLITE_OK && param)
                code = sqlite3_bind_text(st, 2, param, -1, SQLITE_STATIC);
        if (code != SQLITE_OK) {
                code = summary_unreadable(c, code);
                sqlite3_finalize(st);
                return code;
        }
        *ret = st;
        return 0;
}

int summary_unreadable(struct summary_context *c, int sqlite_code)
{
        return error_set(c->err, sqlite_code == SQLITE_NOMEM ? -ENOMEM : -EUCLEAN,
                         "%s: cannot read it: %s", store_path(c->store),
                         sqlite3_errmsg(store_db(c->store)));
}

int summary_each(struct summary_context *c, const char *sql, const char *param,
                 int (*row)(struct summary_context *c, sqlite3_stmt *st, void *userdata),
                 void *userdata)
{
        sqlite3_stmt *st = NULL;
        int code, r = summary_prepare(c, sql, param, &st);

        if (r < 0)
                return r;
        while (r == 0 && (code = sqlite3_step(st)) == SQLITE_ROW)
                r = row(c, st, userdata);
        if (r == 0 && code != SQLITE_DONE)
                r = summary_unreadable(c, code);
        sqlite3_finalize(st);
        return r;
}

const char *summary_text(sqlite3_stmt *st, int column)
{
        const char *s = (const char *)sqlite3_column_text(st, column);

        return s ? s : "";
}

void summary_column(sqlite3_stmt *st, int column, char *buf, size_t size)
{
        const char *s = summary_text(st, column);

        utf8_copy(buf, size, s, strlen(s));
        for (char *p = buf; *p; p++)
                if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
                        *p = '?';
}

void *summary_grow(void *items, size_t n, size_t size)
{
        char *grown;

        /* doubles at powers of two */
        if (n > 0 && (n & (n - 1)) != 0) {
                memset((char *)items + n * size, 0, size);
                return items;
        }
        grown = reallocarray(items, n > 0 ? 2 * n : 1, size);
        if (grown)
                memset(grown + n * size, 0, size);
        return grown;
}

struct summary_part *summary_host(struct summary *s, const char *name)
{
        for (size_t i = 0; i < s->n_hosts; i++)
                if (streq(s->hosts[i].name, name))
                        return s->hosts + i;
        return NULL;
}

struct summary *summary_free(struct summary *s)
{
        if (!s)
                return NULL;
        free(s->missing);
        free(s->thresholds);
        free(s->hosts);
        free(s->outlived);
        free(s->wedges);
        free(s->leaks);
        free(s->drifts);
        free(s->lines);
        free(s->errors);
        free(s->buckets);
        free(s);
        return NULL;
}

/* Fills a struct from JSON text by its table. */
static int decode(struct summary_context *c, const struct field *table, const char *text, void *to)
{
        json_object *o = text ? json_tokener_parse(text) : NULL;
        struct error why = ERROR_INIT;
        int r;

        if (!o)
                return error_set(c->err, -EUCLEAN, "%s: no JSON where there should be some",
                                 store_path(c->store));
        r = fields_decode(table, o, to, &why);
        json_object_put(o);
        if (r < 0)
                return error_set(c->err, -EUCLEAN, "%s: %s", store_path(c->store), why.text);
        return 0;
}

static int row_run(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary *s = c->summary;
        struct run_spec spec = {0};
        int r;

        r = decode(c, run_spec_fields, summary_text(st, 0), &spec);
        if (r == 0) {
                s->mode = (enum mode)spec.mode;
                s->parallel = spec.parallel;
                s->seed = spec.seed;
                s->allow_leak = spec.allow_leak;
                s->total.units.planned = spec.total > 0 ? spec.total : -1;
        }
        fields_release(run_spec_fields, &spec);
        s->duration_ns = sqlite3_column_int64(st, 1);
        s->started_realtime_ns = sqlite3_column_int64(st, 2);
        s->ended = sqlite3_column_type(st, 3) != SQLITE_NULL;
        s->wall_ns = sqlite3_column_int64(st, 4);
        s->stopped = sqlite3_column_int(st, 5);
        if (sqlite3_column_type(st, 6) != SQLITE_NULL) {
                s->missing = strdup(summary_text(st, 6));
                if (!s->missing && r == 0)
                        r = -ENOMEM;
        }
        if (r == 0)
                r = summary_take_thresholds(c, (const char *)sqlite3_column_text(st, 7));
        summary_column(st, 8, s->aborted, sizeof(s->aborted));
        *(bool *)userdata = true;
        return r;
}

static int row_name_run(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        summary_column(st, 0, c->summary->run, sizeof(c->summary->run));
        return 0;
}

static int read_run(struct summary_context *c)
{
        bool found = false;
        int r;

        r = summary_each(c, "SELECT run FROM run WHERE ?1 IS NOT NULL", NULL, row_name_run, NULL);
        if (r == 0)
                r = summary_each(
                        c,
                        "SELECT spec, duration_ns, started_realtime_ns, ended_realtime_ns,"
                        " wall_ns, stopped, missing, thresholds, aborted FROM run WHERE run = ?1",
                        NULL, row_run, &found);
        if (r == 0 && !found)
                return error_set(c->err, -EUCLEAN, "%s: there is no run in it",
                                 store_path(c->store));
        return r;
}

static int row_host(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary *s = c->summary;
        struct summary_part *hosts = summary_grow(s->hosts, s->n_hosts, sizeof(*hosts)), *h;

        if (!hosts)
                return -ENOMEM;
        s->hosts = hosts;
        h = hosts + s->n_hosts++;
        h->units.planned = -1;
        summary_column(st, 0, h->name, sizeof(h->name));
        summary_column(st, 1, h->state, sizeof(h->state));
        summary_column(st, 2, h->text, sizeof(h->text));
        summary_column(st, 3, h->server, sizeof(h->server));
        h->oldest_ns = sqlite3_column_int64(st, 4);
        if (sqlite3_column_type(st, 5) == SQLITE_NULL)
                return 0;
        h->has_pong = true;
        return decode(c, msg_pong_fields, summary_text(st, 5), &h->pong);
}

static int row_outcome(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary_part *h = summary_host(c->summary, summary_text(st, 0));
        int outcome = outcome_from_name(summary_text(st, 1));
        struct summary_part *parts[] = {&c->summary->total, h};

        for (size_t i = 0; i < ELEMENTSOF(parts) && parts[i]; i++) {
                struct summary_units *u = &parts[i]->units;
                int64_t *counters[] = {
                        [OUTCOME_PASSED] = &u->passed,
                        [OUTCOME_FAILED] = &u->failed,
                        [OUTCOME_WEDGED] = &u->wedged,
                        [OUTCOME_INTERRUPTED] = &u->interrupted,
                };

                if (outcome >= 0)
                        *counters[outcome] += sqlite3_column_int64(st, 2);
                parts[i]->oldest_ns = MAX(parts[i]->oldest_ns, sqlite3_column_int64(st, 3));
        }
        return 0;
}

static int row_late(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary_part *h = summary_host(c->summary, summary_text(st, 0));
        struct summary_part *parts[] = {&c->summary->total, h};

        for (size_t i = 0; i < ELEMENTSOF(parts) && parts[i]; i++) {
                parts[i]->units.late += sqlite3_column_int64(st, 1);
                parts[i]->oldest_ns = MAX(parts[i]->oldest_ns, sqlite3_column_int64(st, 2));
        }
        return 0;
}

static int row_held(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary_part *h = summary_host(c->summary, summary_text(st, 0));

        c->summary->total.units.held += sqlite3_column_int64(st, 1);
        if (h)
                h->units.held += sqlite3_column_int64(st, 1);
        return 0;
}

static int read_units(struct summary_context *c)
{
        int r;

        r = summary_each(c,
                         "SELECT host, outcome, count(*), max(duration_ns) FROM unit"
                         " WHERE run = ?1 GROUP BY host, outcome",
                         NULL, row_outcome, NULL);
        if (r == 0)
                r = summary_each(c,
                                 "SELECT host, count(*), max(duration_ns) FROM late"
                                 " WHERE run = ?1 GROUP BY host",
                                 NULL, row_late, NULL);
        if (r == 0)
                r = summary_each(c,
                                 "SELECT host, count(DISTINCT unit) FROM held WHERE run = ?1"
                                 " GROUP BY host",
                                 NULL, row_held, NULL);
        for (size_t i = 0; i < c->summary->n_hosts; i++)
                c->summary->total.oldest_ns =
                        MAX(c->summary->total.oldest_ns, c->summary->hosts[i].oldest_ns);
        return r;
}

struct gap {
        bool begun;
        int64_t last_ns;
        struct summary_part *part;
};

static int row_end(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct gap *gap = userdata;
        int64_t at_ns = sqlite3_column_int64(st, 0);

        if (!gap->begun)
                gap->last_ns = sqlite3_column_int64(st, 1);
        gap->begun = true;
        gap->part->gap_max_ns = MAX(gap->part->gap_max_ns, at_ns - gap->last_ns);
        gap->last_ns = at_ns;
        return 0;
}

/* From the first start to the first end, and between ends. */
static int read_gaps(struct summary_context *c)
{
        struct summary *s = c->summary;
        struct gap gap = {.part = &s->total};
        int r;

        r = summary_each(c,
                         "SELECT start_realtime_ns + duration_ns AS at,"
                         " (SELECT min(start_realtime_ns) FROM unit WHERE run = ?1)"
                         " FROM unit WHERE run = ?1 AND outcome != 'interrupted' ORDER BY at",
                         NULL, row_end, &gap);
        if (s->wall_ns == 0 && gap.begun) /* cut short: as far as is known */
                s->wall_ns = MAX(gap.last_ns - s->started_realtime_ns, INT64_C(0));
        for (size_t i = 0; i < s->n_hosts && r == 0; i++) {
                gap = (struct gap){.part = s->hosts + i};
                r = summary_each(
                        c,
                        "SELECT start_realtime_ns + duration_ns AS at,"
                        " (SELECT min(start_realtime_ns) FROM unit WHERE run = ?1 AND host = ?2)"
                        " FROM unit WHERE run = ?1 AND host = ?2 AND outcome != 'interrupted'"
                        " ORDER BY at",
                        s->hosts[i].name, row_end, &gap);
        }
        return r;
}

static int set_rates(struct summary_context *c)
{
        struct summary *s = c->summary;
        double sec = (double)s->wall_ns / 1e9;

        if (sec <= 0)
                return 0;
        s->total.units_per_sec = (double)s->total.units.passed / sec;
        for (size_t i = 0; i < s->n_hosts; i++)
                s->hosts[i].units_per_sec = (double)s->hosts[i].units.passed / sec;
        return 0;
}

static int row_outlived(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary *s = c->summary;
        struct summary_part *h;
        struct summary_outlived *outlived, *l;
        char host[256];
        bool at_end = sqlite3_column_int(st, 5);

        summary_column(st, 0, host, sizeof(host));
        h = summary_host(s, host);
        s->outlived_total++;
        s->leftovers_total += at_end;
        if (h)
                h->leftovers += at_end;
        s->total.leftovers = s->leftovers_total;
        if (s->n_outlived >= SUMMARY_OUTLIVED_MAX)
                return 0;
        outlived = summary_grow(s->outlived, s->n_outlived, sizeof(*outlived));
        if (!outlived)
                return -ENOMEM;
        s->outlived = outlived;
        l = outlived + s->n_outlived++;
        memcpy(l->host, host, sizeof(host));
        summary_column(st, 1, l->kind, sizeof(l->kind));
        summary_column(st, 2, l->name, sizeof(l->name));
        summary_column(st, 3, l->detail, sizeof(l->detail));
        l->unit = sqlite3_column_type(st, 4) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 4);
        l->at_end = at_end;
        return 0;
}

/* A host that was not looked over at its end still has what it had, as far as anybody knows. */
static int read_outlived(struct summary_context *c)
{
        return summary_each(c,
                            "SELECT l.host, l.kind, l.name, l.detail, l.unit,"
                            " l.at_end OR coalesce(h.state, '') != 'finished' AS there"
                            " FROM leftover l LEFT JOIN host h USING (run, host)"
                            " WHERE l.run = ?1 ORDER BY there DESC, l.host, l.unit, l.kind, l.name",
                            NULL, row_outlived, NULL);
}

static void decide(struct summary_context *c)
{
        struct summary *s = c->summary;
        const struct summary_units *u = &s->total.units;
        bool quota = s->mode == MODE_CHURN && s->duration_ns == 0 && u->planned > 0;
        char first[160], missing[160], leak[256], broken[160];
        struct verdict_facts f = {
                .stopped = s->stopped,
                .wedged = u->wedged,
                .wedges = s->wedges_total,
                .first_wedge = s->n_wedges > 0 ? s->wedges[0].class : NULL,
                .leftovers = s->leftovers_total,
                .failed = u->failed,
                .passed = u->passed,
                .interrupted = u->interrupted,
                .held = s->mode == MODE_DENSITY ? u->held : 0,
                .planned = quota ? u->planned : -1,
                .samples_ok = c->samples_ok,
                .hosts = (int64_t)s->n_hosts,
        };

        f.leaks = summary_count_leaks(s, leak, sizeof(leak));
        f.first_leak = leak;

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct summary_part *h = s->hosts + i;

                if (streq(h->state, store_host_state_name(STORE_HOST_FINISHED)))
                        continue;
                if (f.hosts_unfinished++ > 0)
                        continue;
                snprintf(first, sizeof(first), "%.60s %s%s%.80s", h->name, h->state,
                         h->text[0] ? ": " : "", h->text);
                f.first_unfinished = first;
        }
        summary_judge_thresholds(s, &f, broken, sizeof(broken));
        if (s->missing) {
                size_t n = strcspn(s->missing, "\n");

                snprintf(missing, sizeof(missing), "%.*s%s", (int)MIN(n, (size_t)120), s->missing,
                         s->missing[n] ? " (and more)" : "");
                f.missing = missing;
        }
        s->verdict = verdict_decide(&f, s->reason, sizeof(s->reason));
}

int summary_new(struct store *store, struct summary **ret, struct error *err)
{
        _cleanup_(summary_freep)
        struct summary *s = calloc(1, sizeof(*s));
        struct summary_context c = {.summary = s, .store = store, .err = err};
        static int (*const steps[])(struct summary_context *) = {
                read_units,          read_gaps,           set_rates,
                read_outlived,       summary_read_wedges, summary_read_leaks,
                summary_read_phases, summary_read_errors, summary_read_density,
        };
        int r;

        if (!s)
                return error_set(err, -ENOMEM, "out of memory");
        snprintf(s->total.name, sizeof(s->total.name), "all");
        r = read_run(&c);
        if (r == 0)
                r = summary_each(&c,
                                 "SELECT host, state, text, server, oldest_max_ns, pong FROM host"
                                 " WHERE run = ?1 ORDER BY number",
                                 NULL, row_host, NULL);
        for (size_t i = 0; i < ELEMENTSOF(steps) && r == 0; i++)
                r = steps[i](&c);
        if (r < 0)
                return error_set(err, r, "out of memory");
        decide(&c);
        *ret = TAKE(s);
        return 0;
}
