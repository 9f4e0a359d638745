/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opening the store, its batches, and SQLite's errors in words; see store.h. What is written is in
 * store-run.c and store-record.c.
 */

#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "report/store-internal.h"

#define BUSY_TIMEOUT_MS 1000

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
        const char *text;
        va_list ap;
        int r, c = SQLITE_OK;

        r = store_batch(s, err);
        if (r >= 0)
                r = store_prepare(s, stmt, &st, err);
        if (r < 0)
                return store_rollback(s, r);
        va_start(ap, types);
        for (int i = 0; types[i] && c == SQLITE_OK; i++) {
                if (types[i] == 'i') {
                        c = sqlite3_bind_int64(st, i + 1, va_arg(ap, int64_t));
                        continue;
                }
                text = va_arg(ap, const char *);
                if (!text || (types[i] == 't' && !*text))
                        c = sqlite3_bind_null(st, i + 1);
                else
                        c = sqlite3_bind_text(st, i + 1, text, -1, SQLITE_STATIC);
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
        free(s->path);
        free(s);
        return NULL;
}

static int store_exec(struct store *s, const char *sql, const char *what, struct error *err)
{
        int c = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

        return c == SQLITE_OK ? 0 : store_error(s, c, what, err);
}

static int store_connect(struct store *s, int flags, struct error *err)
{
        int c = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

        if (c != SQLITE_OK)
                return store_error(s, c, "open", err);
        sqlite3_extended_result_codes(s->db, 1);
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        return 0;
}

/* So that the name of what was made survives a power cut like what is in it. */
static void sync_parent(const char *path)
{
        char copy[4096];
        int fd;

        if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
                return;
        fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        fsync(fd);
        close(fd);
}

static int store_new(const char *path, struct store **ret)
{
        struct store *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->path = strdup(path);
        if (!s->path)
                return store_free(s), -ENOMEM;
        *ret = s;
        return 0;
}

int store_create(const char *run_dir, struct store **ret, struct error *err)
{
        _cleanup_(store_freep)
        struct store *s = NULL;
        _cleanup_(closep)
        int fd = -1;
        char path[4096];
        int r;

        if ((size_t)snprintf(path, sizeof(path), "%s/" STORE_FILE, run_dir) >= sizeof(path))
                return error_set(err, -ENAMETOOLONG, "%s: the name is too long", run_dir);
        if (mkdir(run_dir, 0777) < 0 && errno != EEXIST)
                return error_set_errno(err, -errno, "%s: cannot make the run's directory", run_dir);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EEXIST)
                return error_set(
                        err, -EEXIST,
                        "%s: there is the store of a run already; choose another --run-dir", path);
        if (fd < 0)
                return error_set_errno(err, -errno, "%s: cannot make it", path);
        r = store_new(path, &s);
        if (r >= 0)
                r = store_connect(s, SQLITE_OPEN_READWRITE, err);
        if (r >= 0)
                r = store_exec(s,
                               "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA application_id = " STR(
                                       STORE_APPLICATION_ID) ";"
                                                             "BEGIN;" STORE_SCHEMA
                                                             "PRAGMA user_version = " STR(
                                                                     STORE_VERSION) "; COMMIT;",
                               "make its tables", err);
        if (r < 0) {
                s = store_free(s);
                unlink(path);
                return r;
        }
        sync_parent(path);
        sync_parent(run_dir);
        *ret = TAKE(s);
        return 0;
}

static int store_number(struct store *s, const char *sql, int64_t *ret, struct error *err)
{
        sqlite3_stmt *st = NULL;
        int c = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

        if (c == SQLITE_OK)
                c = sqlite3_step(st);
        if (c == SQLITE_ROW)
                *ret = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return c == SQLITE_ROW ? 0 : store_error(s, c, "read", err);
}

static int store_check(struct store *s, struct error *err)
{
        int64_t id = 0, version = 0;
        int r;

        r = store_number(s, "PRAGMA application_id", &id, err);
        if (r < 0)
                return r;
        if (id != STORE_APPLICATION_ID)
                return error_set(err, -EUCLEAN, "%s: this is not the store of a run", s->path);
        r = store_number(s, "PRAGMA user_version", &version, err);
        if (r < 0)
                return r;
        if (version > STORE_VERSION)
                return error_set(err, -EPROTONOSUPPORT,
                                 "%s: written by a newer lxdsoak (format %lld, this one knows %d)",
                                 s->path, (long long)version, STORE_VERSION);
        return 0;
}

static int store_load(struct store *s, struct error *err)
{
        sqlite3_stmt *st = NULL;
        int c, r = 0;

        c = sqlite3_prepare_v2(s->db,
                               "SELECT r.run, h.host, coalesce(a.agent, 0), coalesce(a.acked, 0)"
                               " FROM run r LEFT JOIN host h USING (run)"
                               " LEFT JOIN agent a ON a.agent = h.agent ORDER BY h.number",
                               -1, &st, NULL);
        while (c == SQLITE_OK && r == 0 && (c = sqlite3_step(st)) == SQLITE_ROW) {
                const char *label = (const char *)sqlite3_column_text(st, 1);
                struct store_host *hosts;

                snprintf(s->run, sizeof(s->run), "%s", (const char *)sqlite3_column_text(st, 0));
                c = SQLITE_OK;
                if (!label)
                        continue;
                hosts = reallocarray(s->hosts, s->n_hosts + 1, sizeof(*hosts));
                if (!hosts) {
                        r = -ENOMEM;
                        break;
                }
                s->hosts = hosts;
                hosts[s->n_hosts] = (struct store_host){
                        .label = strdup(label),
                        .agent = sqlite3_column_int64(st, 2),
                        .agent_before = sqlite3_column_int64(st, 2),
                        .seq = (uint64_t)sqlite3_column_int64(st, 3),
                        .acked = (uint64_t)sqlite3_column_int64(st, 3),
                };
                if (!hosts[s->n_hosts++].label)
                        r = -ENOMEM;
        }
        if (r == 0 && c != SQLITE_DONE)
                r = store_error(s, c, "read", err);
        sqlite3_finalize(st);
        return r;
}

/* A finished store in a directory one may not write: SQLite would make its -shm file there. With no
 * log beside it nothing is missing without. */
static int store_connect_immutable(struct store *s, struct error *err)
{
        _cleanup_(freep)
        char *uri = NULL;
        char wal[4096];
        size_t n = 0;

        snprintf(wal, sizeof(wal), "%s-wal", s->path);
        if (access(wal, F_OK) == 0)
                return error_set(err, -EACCES,
                                 "%s: not closed properly (%s-wal is there), and its directory is "
                                 "not writable: copy both elsewhere",
                                 s->path, STORE_FILE);
        uri = malloc(strlen(s->path) * 3 + 32);
        if (!uri)
                return -ENOMEM;
        n = (size_t)sprintf(uri, "file:");
        for (const char *p = s->path; *p; p++)
                n += (size_t)sprintf(uri + n, strchr("?#%", *p) ? "%%%02X" : "%c",
                                     (unsigned char)*p);
        sprintf(uri + n, "?immutable=1");
        sqlite3_close_v2(s->db);
        s->db = NULL;
        if (sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
                return store_error(s, sqlite3_errcode(s->db), "open", err);
        return 0;
}

int store_open(const char *path, bool read_only, struct store **ret, struct error *err)
{
        _cleanup_(store_freep)
        struct store *s = NULL;
        struct error first = ERROR_INIT;
        char file[4096];
        struct stat st;
        int r;

        if (stat(path, &st) < 0)
                return error_set_errno(err, -errno, "%s", path);
        snprintf(file, sizeof(file), S_ISDIR(st.st_mode) ? "%s/" STORE_FILE : "%s", path);
        if (S_ISDIR(st.st_mode) && stat(file, &st) < 0)
                return error_set(err, -errno, "%s: no run in it (there is no " STORE_FILE ")",
                                 path);
        r = store_new(file, &s);
        if (r < 0)
                return r;
        s->read_only = read_only;
        r = store_connect(s, read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, err);
        if (r < 0)
                return r;
        r = store_check(s, &first);
        if (r == -EACCES && read_only) {
                r = store_connect_immutable(s, err);
                if (r >= 0)
                        r = store_check(s, err);
        } else if (r < 0) {
                return error_set(err, r, "%s", first.text);
        }
        if (r >= 0 && !read_only)
                r = store_exec(s, "PRAGMA synchronous = FULL", "open", err);
        if (r >= 0)
                r = store_load(s, err);
        if (r < 0)
                return r;
        *ret = TAKE(s);
        return 0;
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
