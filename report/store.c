/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The store's batches, and SQLite's errors in words; see store.h. It is made and opened in
 * store-open.c; what is written is in store-run.c and store-record.c.
 */

#include <stdarg.h>

#include "report/store-internal.h"

static const char *const store_sql[] = {
#define X(name, sql) [STORE_STMT_##name] = sql,
        STORE_STATEMENTS(X)
#undef X
};

static int store_errno(struct store *s, int code)
{
        int saved = errno, system = s->db ? sqlite3_system_errno(s->db) : 0;

        /* SQLite keeps it for some calls only; after others errno still says why */
        if (system == 0)
                system = saved;
        switch (code & 0xff) {
        case SQLITE_FULL: return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return -EBUSY;
        case SQLITE_NOMEM: return -ENOMEM;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
        case SQLITE_ERROR: /* a table or column is not there */
        case SQLITE_SCHEMA: return -EUCLEAN;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH: return -EACCES;
        case SQLITE_CANTOPEN: return system > 0 ? -system : -EACCES;
        case SQLITE_IOERR:
                if (system == ENOSPC || system == EDQUOT || system == EFBIG)
                        return -ENOSPC;
                return -EIO;
        default: return -EIO;
        }
}

static const char *store_advice(int r)
{
        switch (r) {
        case -ENOSPC: return "no space left there; what was acknowledged is on disk";
        case -EBUSY: return "another process is writing it";
        case -EUCLEAN: return "this is not the store of a run, or it is damaged";
        case -EACCES: return "no permission to read or write it or its directory";
        case -ENOENT: return "there is no such file";
        default: return NULL;
        }
}

int store_error(struct store *s, int sqlite_code, const char *what, struct error *err)
{
        int r = store_errno(s, sqlite_code);
        const char *advice = store_advice(r);

        return error_set(err, r, "%s: cannot %s: %s%s%s%s", s->path, what,
                         advice ? advice : sqlite3_errstr(sqlite_code), advice ? " (" : "",
                         advice ? sqlite3_errmsg(s->db) : "", advice ? ")" : "");
}

int store_prepare(struct store *s, enum store_stmt stmt, sqlite3_stmt **ret, struct error *err)
{
        int c;

        if (!s->statements[stmt]) {
                c = sqlite3_prepare_v3(s->db, store_sql[stmt], -1, SQLITE_PREPARE_PERSISTENT,
                                       &s->statements[stmt], NULL);
                if (c != SQLITE_OK)
                        return store_error(s, c, "use it", err);
        }
        *ret = s->statements[stmt];
        return 0;
}

static int store_step(struct store *s, enum store_stmt stmt, const char *what, struct error *err)
{
        sqlite3_stmt *st;
        int r, c;

        r = store_prepare(s, stmt, &st, err);
        if (r < 0)
                return r;
        c = sqlite3_step(st);
        r = c == SQLITE_DONE || c == SQLITE_ROW ? 0 : store_error(s, c, what, err);
        sqlite3_reset(st);
        return r;
}

int store_batch(struct store *s, struct error *err)
{
        int r;

        if (s->read_only)
                return error_set(err, -EACCES, "%s: opened for reading only", s->path);
        if (s->in_batch)
                return 0;
        r = store_step(s, STORE_STMT_BEGIN, "write", err);
        if (r < 0)
                return r;
        s->in_batch = true;
        return 0;
}

int store_rollback(struct store *s, int r)
{
        struct error ignored = ERROR_INIT;

        /* SQLite has rolled back by itself after some errors */
        if (s->in_batch && !sqlite3_get_autocommit(s->db) &&
            store_step(s, STORE_STMT_ROLLBACK, "roll back", &ignored) < 0)
                sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        s->in_batch = false;
        s->n_pending = 0;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct store_host *h = s->hosts + i;

                h->agent = h->agent_before;
                h->seq = h->acked;
                h->dirty = false;
        }
        return r;
}

int store_do(struct store *s, enum store_stmt stmt, struct error *err, const char *types, ...)
{
        sqlite3_stmt *st = NULL;
        const int64_t *numbers;
        const char *text;
        va_list ap;
        size_t n;
        int r, c = SQLITE_OK, i = 0;

        r = store_batch(s, err);
        if (r >= 0)
                r = store_prepare(s, stmt, &st, err);
        if (r < 0)
                return store_rollback(s, r);
        va_start(ap, types);
        for (; *types && c == SQLITE_OK; types++) {
                if (*types == 'i') {
                        c = sqlite3_bind_int64(st, ++i, va_arg(ap, int64_t));
                        continue;
                }
                if (*types == 'a') {
                        numbers = va_arg(ap, const int64_t *);
                        for (n = va_arg(ap, size_t); n > 0 && c == SQLITE_OK; n--, numbers++)
                                c = *numbers < 0 ? sqlite3_bind_null(st, ++i)
                                                 : sqlite3_bind_int64(st, ++i, *numbers);
                        continue;
                }
                if (*types == 'd') {
                        c = sqlite3_bind_double(st, ++i, va_arg(ap, double));
                        continue;
                }
                text = va_arg(ap, const char *);
                if (!text || (*types == 't' && !*text))
                        c = sqlite3_bind_null(st, ++i);
                else
                        c = sqlite3_bind_text(st, ++i, text, -1, SQLITE_STATIC);
        }
        va_end(ap);
        if (c == SQLITE_OK)
                c = sqlite3_step(st);
        if (c == SQLITE_DONE)
                r = sqlite3_changes(s->db);
        else
                r = store_error(s, c, "write", err);
        sqlite3_reset(st);
        sqlite3_clear_bindings(st);
        return r < 0 ? store_rollback(s, r) : r;
}

int store_commit(struct store *s, struct error *err)
{
        int r;

        if (!s->in_batch)
                return 0;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct store_host *h = s->hosts + i;

                if (!h->dirty)
                        continue;
                r = store_do(s, STORE_STMT_AGENT_ACKED, err, "ii", h->agent, (int64_t)h->seq);
                if (r < 0)
                        return r;
        }
        r = store_step(s, STORE_STMT_COMMIT, "commit", err);
        if (r < 0)
                return store_rollback(s, r);
        s->in_batch = false;
        s->n_pending = 0;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct store_host *h = s->hosts + i;

                h->agent_before = h->agent;
                h->acked = h->seq;
                h->dirty = false;
        }
        return 0;
}

struct store *store_free(struct store *s)
{
        if (!s)
                return NULL;
        if (s->in_batch)
                (void)!store_rollback(s, 0);
        for (size_t i = 0; i < STORE_STMT_MAX_; i++)
                sqlite3_finalize(s->statements[i]);
        sqlite3_close_v2(s->db);
        for (size_t i = 0; i < s->n_hosts; i++)
                free(s->hosts[i].label);
        free(s->hosts);
        closep(&s->lock_fd);
        free(s->path);
        free(s);
        return NULL;
}

sqlite3 *store_db(struct store *s)
{
        return s->db;
}

const char *store_path(const struct store *s)
{
        return s->path;
}

uint64_t store_acked(const struct store *s, size_t host)
{
        return s->hosts[host].acked;
}

size_t store_pending(const struct store *s)
{
        return s->n_pending;
}
