/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making a store and opening one, for writing or only for reading; see store.h. */

#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "base/lock-file.h"
#include "report/store-internal.h"

#define BUSY_TIMEOUT_MS  1000
#define LOCK_PATIENCE_MS 100 /* store_driven() holds it for a moment */

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
        s->lock_fd = -1;
        s->path = strdup(path);
        if (!s->path)
                return store_free(s), -ENOMEM;
        *ret = s;
        return 0;
}

static int open_parent(const char *path)
{
        char copy[4096];

        snprintf(copy, sizeof(copy), "%s", path);
        return open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where locks are not to be had (some network file systems), SQLite's own must do. */
static int store_lock(struct store *s, struct error *err)
{
        s->lock_fd = open_parent(s->path);
        if (s->lock_fd >= 0 && lock_file_take(s->lock_fd, LOCK_PATIENCE_MS) == -EWOULDBLOCK)
                return error_set(err, -EBUSY,
                                 "%s: another lxdsoak-coord is driving this run at the moment",
                                 s->path);
        return 0;
}

int store_driven(const char *path)
{
        _cleanup_(closep)
        int fd = open_parent(path);

        return fd < 0 ? -errno : lock_file_is_taken(fd);
}

int store_create(const char *run_dir, struct store **ret, struct error *err)
{
        _cleanup_(store_freep)
        struct store *s = NULL;
        char path[4096];
        int fd, r;

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
        /* Now, and not once SQLite has it: its locks are POSIX locks, which are gone with the first
         * descriptor of the file that is closed. Whoever reads the store meanwhile, as anybody may,
         * would then take himself for the last user, and remove the write-ahead log. */
        close(fd);
        r = store_new(path, &s);
        if (r >= 0)
                r = store_lock(s, err);
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

int store_create_temporary(struct store **ret, struct error *err)
{
        _cleanup_(store_freep)
        struct store *s = NULL;
        int r;

        /* "" is a file that SQLite removes as soon as it has made it, and does not make while all
         * of it fits into the cache */
        r = store_new("", &s);
        if (r < 0)
                return error_set(err, r, "out of memory");
        s->temporary = true;
        r = store_connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
        if (r >= 0)
                r = store_exec(s,
                               "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
                               "PRAGMA cache_size = -65536;" STORE_SCHEMA,
                               "make its tables", err);
        if (r < 0)
                return r;
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
                                 "%s: written by a newer lxdsoak (format %lld, this one knows %d); "
                                 "install that version here, or a later one",
                                 s->path, (long long)version, STORE_VERSION);
        if (version < STORE_VERSION)
                return error_set(
                        err, -EPROTONOSUPPORT,
                        "%s: written by an older lxdsoak (format %lld, this one knows %d); "
                        "only that version reads it, or goes on with its run; "
                        "lxdsoak-report --journal needs no store",
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

                snprintf(s->run, sizeof(s->run), "%s",
                         (const char *)sqlite3_column_text(st, 0) ?: "");
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
        if (!read_only) {
                r = store_lock(s, err);
                if (r < 0)
                        return r;
        }
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
