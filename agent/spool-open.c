/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making the spool and opening it: its directory, the lock, the format, and in words what is wrong
 * with them; see spool.h. */

#include <fcntl.h>
#include <sys/stat.h>

#include "agent/spool-internal.h"
#include "base/lock-file.h"

#define LOCK_PATIENCE_MS 2000 /* for what one that was killed had forked, see lock-file.h */

static const char *const job_sql[][STATEMENTS_EACH] = {
#define X(name, a, b, c, d) [JOB_##name] = {a, b, c, d},
        SPOOL_JOBS(X)
#undef X
};

/* ---- the database ---- */

int spool_errno(int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW: return 0;
        case SQLITE_FULL: return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return -EBUSY;
        case SQLITE_NOMEM: return -ENOMEM;
        case SQLITE_READONLY: return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH: return -EACCES;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return -EUCLEAN;
        default: return -EIO;
        }
}

/* What the last call had against it. */
static int explain(struct spool *s, const char *path, struct error *err)
{
        /* as an I/O error, when it is the file of its shared memory there is no room for */
        if (sqlite3_errcode(s->db) == SQLITE_FULL || sqlite3_system_errno(s->db) == ENOSPC)
                return error_set(err, -ENOSPC,
                                 "spool %s: the disk is full: free some space there, and start the "
                                 "agent again",
                                 path);
        return error_set(err, spool_errno(sqlite3_errcode(s->db)) ?: -EIO,
                         "spool %s: %s; if it is damaged, stop the agent, move it away and run "
                         "lxdsoak-coord cleanup",
                         path, sqlite3_errmsg(s->db));
}

static int check_version(struct spool *s, const char *path, struct error *err)
{
        int version = 0;
        sqlite3_stmt *st;

        if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK)
                return explain(s, path, err);
        if (sqlite3_step(st) == SQLITE_ROW)
                version = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        if (version > SPOOL_VERSION)
                return error_set(err, -EPROTONOSUPPORT,
                                 "spool %s was written by a newer lxdsoak-agent (format %d, this "
                                 "one knows %d): install that one, or move the file away",
                                 path, version, SPOOL_VERSION);
        return 0;
}

static int make_tables(struct spool *s, const char *path, struct error *err)
{
        static const char *const sql[] = {"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                                          SPOOL_TABLES, "PRAGMA user_version=" STR(SPOOL_VERSION)};

        for (size_t i = 0; i < ELEMENTSOF(sql); i++)
                if (sqlite3_exec(s->db, sql[i], NULL, NULL, NULL) != SQLITE_OK)
                        return explain(s, path, err);
        return 0;
}

static int prepare_jobs(struct spool *s, const char *path, struct error *err)
{
        for (size_t k = 0; k < JOB_MAX_; k++)
                for (size_t i = 0; i < STATEMENTS_EACH; i++)
                        if (job_sql[k][i] &&
                            sqlite3_prepare_v3(s->db, job_sql[k][i], -1, SQLITE_PREPARE_PERSISTENT,
                                               &s->statements[k][i], NULL) != SQLITE_OK)
                                return explain(s, path, err);
        return 0;
}

static int open_db(struct spool *s, const char *path, struct error *err)
{
        int r;

        if (sqlite3_open_v2(path, &s->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                            NULL) != SQLITE_OK)
                return explain(s, path, err);
        sqlite3_busy_timeout(s->db, 5000);
        r = check_version(s, path, err);
        if (r >= 0)
                r = make_tables(s, path, err);
        return r < 0 ? r : prepare_jobs(s, path, err);
}

/* ---- the directory ---- */

static int lock_dir(struct spool *s, const char *dir, struct error *err)
{
        _cleanup_(freep)
        char *path = NULL;
        int r;

        if (asprintf(&path, "%s/lock", dir) < 0)
                return -ENOMEM;
        s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (s->lock_fd < 0)
                return error_set_errno(err, -errno,
                                       "state directory %s: it must exist and be writable "
                                       "(--state-dir)",
                                       dir);
        r = lock_file_take(s->lock_fd, LOCK_PATIENCE_MS);
        if (r == -EWOULDBLOCK)
                return error_set(err, r,
                                 "another lxdsoak-agent uses the state directory %s: stop it, or "
                                 "give this one its own (--state-dir)",
                                 dir);
        if (r < 0)
                return error_set_errno(err, r,
                                       "state directory %s: it cannot be locked, and must be on a "
                                       "file system where it can (--state-dir)",
                                       dir);
        return 0;
}

int spool_open(sd_event *event, const char *dir, struct spool **ret, struct error *err)
{
        _cleanup_(spool_closep)
        struct spool *s = calloc(1, sizeof(*s));
        _cleanup_(freep)
        char *path = NULL;
        int r;

        if (!s)
                return -ENOMEM;
        s->lock_fd = s->todo_fd = s->done_fd = -1;
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return error_set_errno(err, -errno, "cannot make the state directory %s", dir);
        r = lock_dir(s, dir, err);
        if (r < 0)
                return r;
        if (asprintf(&path, "%s/spool.db", dir) < 0)
                return -ENOMEM;
        r = open_db(s, path, err);
        if (r < 0)
                return r;
        r = spool_begin_writing(s, event);
        if (r < 0)
                return error_set_errno(err, r, "spool %s: its thread cannot begin", path);
        *ret = TAKE(s);
        return 0;
}

struct spool *spool_close(struct spool *s)
{
        if (!s)
                return NULL;
        spool_end_writing(s);
        for (size_t k = 0; k < JOB_MAX_; k++)
                for (size_t i = 0; i < STATEMENTS_EACH; i++)
                        sqlite3_finalize(s->statements[k][i]);
        sqlite3_close(s->db);
        closep(&s->lock_fd);
        free(s);
        return NULL;
}
