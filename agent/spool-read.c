/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in the spool at the start, and when a run is taken up again; see spool.h. Nothing is
 * written here. */

#include "agent/spool-internal.h"

static int prepare(struct spool *s, const char *sql, const char *text, sqlite3_stmt **ret)
{
        int rc = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);

        if (rc == SQLITE_OK && text)
                sqlite3_bind_text(*ret, 1, text, -1, SQLITE_STATIC);
        return spool_errno(rc);
}

char *spool_get_meta(struct spool *s, const char *key)
{
        sqlite3_stmt *st;
        char *value = NULL;

        if (prepare(s, "SELECT value FROM meta WHERE key = ?1", key, &st) < 0)
                return NULL;
        if (sqlite3_step(st) == SQLITE_ROW)
                value = strdup((const char *)sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        return value;
}

int spool_get_run(struct spool *s, struct spool_run *ret, struct error *err)
{
        sqlite3_stmt *st;
        int r, rc;

        r = prepare(s,
                    "SELECT run, spec, coalesce(e.epoch, r.epoch), head, acked, newest_lease"
                    " FROM run r LEFT JOIN epoch e USING (run) WHERE current",
                    NULL, &st);
        if (r < 0)
                return error_set(err, r, "spool: %s", sqlite3_errmsg(s->db));
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
                *ret = (struct spool_run){
                        .spec = strdup((const char *)sqlite3_column_text(st, 1)),
                        .epoch = (uint32_t)sqlite3_column_int64(st, 2),
                        .head = (uint64_t)sqlite3_column_int64(st, 3),
                        .acked = (uint64_t)sqlite3_column_int64(st, 4),
                        .newest_lease = sqlite3_column_int64(st, 5),
                };
                snprintf(ret->run, sizeof(ret->run), "%s", sqlite3_column_text(st, 0));
        }
        sqlite3_finalize(st);
        if (rc == SQLITE_ROW)
                return ret->spec ? 1 : -ENOMEM;
        r = spool_errno(rc);
        return r < 0 ? error_set(err, r, "spool: %s", sqlite3_errmsg(s->db)) : 0;
}

/* Columns: seq, lease, unit, attempt, count, text. */
static int each(struct spool *s, const char *sql, const char *text, spool_row_handler handler,
                void *userdata)
{
        sqlite3_stmt *st;
        int rc, r = prepare(s, sql, text, &st);

        if (r < 0)
                return r;
        while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
                struct spool_row row = {
                        .seq = (uint64_t)sqlite3_column_int64(st, 0),
                        .lease = sqlite3_column_int64(st, 1),
                        .unit = sqlite3_column_int64(st, 2),
                        .attempt = sqlite3_column_int64(st, 3),
                        .count = sqlite3_column_int64(st, 4),
                        .text = (const char *)sqlite3_column_text(st, 5),
                };
                r = handler(&row, userdata);
        }
        if (r == 0)
                r = spool_errno(rc);
        sqlite3_finalize(st);
        return r;
}

int spool_each_lease(struct spool *s, spool_row_handler handler, void *userdata)
{
        return each(s, "SELECT 0, lease, first, attempt, count, '' FROM lease ORDER BY lease", NULL,
                    handler, userdata);
}

int spool_each_intent(struct spool *s, spool_row_handler handler, void *userdata)
{
        return each(s, "SELECT 0, lease, unit, attempt, 1, name FROM intent ORDER BY unit", NULL,
                    handler, userdata);
}

int spool_each_suspect(struct spool *s, spool_row_handler handler, void *userdata)
{
        return each(s, "SELECT 0, 0, 0, 0, 0, row FROM suspect ORDER BY rowid", NULL, handler,
                    userdata);
}

int spool_each_record(struct spool *s, const char *run, spool_row_handler handler, void *userdata)
{
        return each(s, "SELECT seq, 0, 0, 0, 0, row FROM record WHERE run = ?1 ORDER BY seq", run,
                    handler, userdata);
}
