/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a store knows of a run that is to go on; see store-resume.h. */

#include "report/store-resume.h"

#include "report/store-internal.h"

static int read_spec(const char *text, struct run_spec *ret, struct error *err)
{
        json_object *json = json_tokener_parse(text ? text : "");
        int r = json ? fields_decode(run_spec_fields, json, ret, err)
                     : error_set(err, -EUCLEAN, "its spec cannot be read");

        json_object_put(json);
        if (r < 0)
                fields_release(run_spec_fields, ret);
        return r;
}

static int store_query(struct store *s, const char *sql, sqlite3_stmt **ret, struct error *err)
{
        int c = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);

        return c == SQLITE_OK ? 0 : store_error(s, c, "read", err);
}

int store_read_past(struct store *s, struct store_past *ret, struct error *err)
{
        struct store_past past = {0};
        sqlite3_stmt *st = NULL;
        int c, r;

        r = store_query(s,
                        "SELECT spec, duration_ns, started_realtime_ns, wall_ns, seen_realtime_ns,"
                        " epoch, stopped, ended_realtime_ns, exit_code,"
                        " (SELECT count(*) FROM unit), (SELECT count(*) FROM late) FROM run",
                        &st, err);
        if (r < 0)
                return r;
        c = sqlite3_step(st);
        if (c == SQLITE_ROW) {
                past.duration_ns = sqlite3_column_int64(st, 1);
                past.started_realtime_ns = sqlite3_column_int64(st, 2);
                past.wall_ns = sqlite3_column_int64(st, 3);
                past.seen_realtime_ns = sqlite3_column_int64(st, 4);
                past.epoch = (uint32_t)sqlite3_column_int64(st, 5);
                past.stopped = sqlite3_column_int(st, 6);
                past.ended = sqlite3_column_type(st, 7) != SQLITE_NULL;
                past.exit_code =
                        sqlite3_column_type(st, 8) == SQLITE_NULL ? -1 : sqlite3_column_int(st, 8);
                past.counted = sqlite3_column_int64(st, 9);
                past.not_counted = sqlite3_column_int64(st, 10);
                r = read_spec((const char *)sqlite3_column_text(st, 0), &past.spec, err);
        } else if (c == SQLITE_DONE) {
                r = error_set(err, -EUCLEAN, "%s: there is no run in it", s->path);
        } else {
                r = store_error(s, c, "read", err);
        }
        sqlite3_finalize(st);
        if (r == 0)
                *ret = past;
        return r;
}

void store_past_release(struct store_past *past)
{
        fields_release(run_spec_fields, &past->spec);
}

int store_resume(struct store *s, int64_t wall_ns, int64_t now_realtime_ns, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_RESUMED, err, "tii", s->run, wall_ns, now_realtime_ns);

        return r < 0 ? r : store_commit(s, err);
}

int store_set_seen(struct store *s, int64_t wall_ns, int64_t now_realtime_ns, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_SEEN, err, "tii", s->run, wall_ns, now_realtime_ns);

        return MIN(r, 0);
}

int store_put_lease(struct store *s, const struct store_lease *l, struct error *err)
{
        int r = store_do(s, STORE_STMT_LEASE, err, "titiiii", s->run, l->lease,
                         s->hosts[l->host].label, l->first, l->count, l->attempt, l->tries);

        return MIN(r, 0);
}

int store_end_lease(struct store *s, int64_t lease, struct error *err)
{
        int r = store_do(s, STORE_STMT_LEASE_OVER, err, "ti", s->run, lease);

        return MIN(r, 0);
}

int store_end_leases(struct store *s, size_t host, struct error *err)
{
        int r = store_do(s, STORE_STMT_LEASES_OVER, err, "tt", s->run, s->hosts[host].label);

        return MIN(r, 0);
}

size_t store_n_hosts(const struct store *s)
{
        return s->n_hosts;
}

const char *store_host_label(const struct store *s, size_t host)
{
        return s->hosts[host].label;
}

int store_agent_id(struct store *s, size_t host, char ret[static 33], struct error *err)
{
        sqlite3_stmt *st = NULL;
        int c, r;

        ret[0] = '\0';
        if (s->hosts[host].agent == 0)
                return 0;
        r = store_query(s, "SELECT agent_id FROM agent WHERE agent = ?", &st, err);
        if (r < 0)
                return r;
        sqlite3_bind_int64(st, 1, s->hosts[host].agent);
        c = sqlite3_step(st);
        if (c == SQLITE_ROW)
                snprintf(ret, 33, "%s", (const char *)sqlite3_column_text(st, 0) ?: "");
        else
                r = store_error(s, c, "read", err);
        sqlite3_finalize(st);
        return r;
}

int store_each_unit(struct store *s, store_unit_handler handler, void *userdata, struct error *err)
{
        sqlite3_stmt *st = NULL;
        int c, r;

        r = store_query(s,
                        "SELECT h.number, u.unit, u.outcome FROM unit u JOIN host h USING (run, "
                        "host) ORDER BY u.unit",
                        &st, err);
        if (r < 0)
                return r;
        while (r == 0 && (c = sqlite3_step(st)) == SQLITE_ROW) {
                int outcome = outcome_from_name((const char *)sqlite3_column_text(st, 2) ?: "");

                r = outcome < 0
                            ? error_set(err, -EUCLEAN, "%s: a unit without an outcome", s->path)
                            : handler((size_t)sqlite3_column_int64(st, 0),
                                      sqlite3_column_int64(st, 1), (enum outcome)outcome, userdata);
        }
        if (r == 0 && c != SQLITE_DONE)
                r = store_error(s, c, "read", err);
        sqlite3_finalize(st);
        return r;
}

int store_each_returned(struct store *s, const char *reason, store_host_handler handler,
                        void *userdata, struct error *err)
{
        sqlite3_stmt *st = NULL;
        int c, r;

        r = store_query(s,
                        "SELECT DISTINCT h.number FROM returned JOIN host h USING (run, host)"
                        " WHERE reason = ?",
                        &st, err);
        if (r < 0)
                return r;
        sqlite3_bind_text(st, 1, reason, -1, SQLITE_STATIC);
        while (r == 0 && (c = sqlite3_step(st)) == SQLITE_ROW)
                r = handler((size_t)sqlite3_column_int64(st, 0), userdata);
        if (r == 0 && c != SQLITE_DONE)
                r = store_error(s, c, "read", err);
        sqlite3_finalize(st);
        return r;
}

/* Adds to parts all rows of st that are about this lease; skips those about newer ones. */
static int take_parts(struct store *s, sqlite3_stmt *st, int *c, int64_t lease,
                      struct store_part **parts, size_t *n, struct error *err)
{
        *n = 0;
        while (*c == SQLITE_ROW && sqlite3_column_int64(st, 0) >= lease) {
                if (sqlite3_column_int64(st, 0) == lease) {
                        struct store_part *more =
                                reallocarray(*parts, *n + 1, sizeof(struct store_part));

                        if (!more)
                                return -ENOMEM;
                        *parts = more;
                        more[(*n)++] = (struct store_part){
                                .kind = sqlite3_column_int(st, 1),
                                .first = sqlite3_column_int64(st, 2),
                                .count = sqlite3_column_int64(st, 3),
                        };
                }
                *c = sqlite3_step(st);
        }
        return *c == SQLITE_ROW || *c == SQLITE_DONE ? 0 : store_error(s, *c, "read", err);
}

static int walk_leases(struct store *s, sqlite3_stmt *leases, sqlite3_stmt *ends,
                       store_lease_handler handler, void *userdata, struct error *err)
{
        _cleanup_(freep)
        struct store_part *parts = NULL;
        int c, end = sqlite3_step(ends), r = 0;
        size_t n;

        while (r == 0 && (c = sqlite3_step(leases)) == SQLITE_ROW) {
                struct store_lease l = {
                        .host = (size_t)sqlite3_column_int64(leases, 0),
                        .lease = sqlite3_column_int64(leases, 1),
                        .first = sqlite3_column_int64(leases, 2),
                        .count = sqlite3_column_int64(leases, 3),
                        .attempt = sqlite3_column_int64(leases, 4),
                        .tries = sqlite3_column_int64(leases, 5),
                        .over = sqlite3_column_int(leases, 6),
                };

                r = take_parts(s, ends, &end, l.lease, &parts, &n, err);
                if (r == 0)
                        r = handler(&l, parts, n, userdata);
        }
        if (r == 0 && c != SQLITE_DONE)
                r = store_error(s, c, "read", err);
        return r;
}

int store_each_lease(struct store *s, store_lease_handler handler, void *userdata,
                     struct error *err)
{
        sqlite3_stmt *leases = NULL, *ends = NULL;
        int r;

        r = store_query(s,
                        "SELECT h.number, l.lease, l.first, l.count, l.attempt, l.tries, l.over"
                        " FROM lease l JOIN host h USING (run, host) ORDER BY l.lease DESC",
                        &leases, err);
        if (r == 0)
                r = store_query(
                        s,
                        "SELECT lease, " STR(
                                STORE_PART_RETURNED) ", first, count"
                                                     " FROM returned UNION ALL"
                                                     " SELECT lease, " STR(
                                                             STORE_PART_INTERRUPTED) ", unit, 1"
                                                                                     " FROM late "
                                                                                     "WHERE "
                                                                                     "outcome = "
                                                                                     "'interrupted'"
                                                                                     " UNION ALL"
                                                                                     " SELECT "
                                                                                     "lease, " STR(
                                                                                             STORE_PART_HELD) ", unit, 1 FROM held"
                                                                                                              " ORDER BY 1 DESC, 3",
                        &ends, err);
        if (r == 0)
                r = walk_leases(s, leases, ends, handler, userdata, err);
        sqlite3_finalize(leases);
        sqlite3_finalize(ends);
        return r;
}
