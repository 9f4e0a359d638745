/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The spool: see spool.h. The loop's side hands jobs over without a lock; the
 * thread's side binds them to prepared statements, one transaction a batch, and
 * hands the batch back. Each wakes the other through an eventfd.
 */

#include "agent/spool.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/handover.h"
#include "base/lock-file.h"

#define SCHEMA_VERSION   1
#define LOCK_PATIENCE_MS 2000   /* for what one that was killed had forked, see lock-file.h */
#define LINGER_USEC      150000 /* and half of that, if a timer is due then anyway */

static const char schema[] =
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS run(run TEXT PRIMARY KEY, spec TEXT NOT NULL,"
        " epoch INTEGER NOT NULL, head INTEGER NOT NULL DEFAULT 0,"
        " acked INTEGER NOT NULL DEFAULT 0, newest_lease INTEGER NOT NULL DEFAULT 0,"
        " current INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS lease(lease INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
        " count INTEGER NOT NULL, attempt INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS intent(unit INTEGER PRIMARY KEY, attempt INTEGER NOT NULL,"
        " lease INTEGER NOT NULL, name TEXT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS record(run TEXT NOT NULL, seq INTEGER NOT NULL,"
        " row TEXT NOT NULL, PRIMARY KEY(run, seq)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS epoch(n INTEGER PRIMARY KEY AUTOINCREMENT,"
        " run TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS suspect(name TEXT PRIMARY KEY, row TEXT NOT NULL);";

/* What can be queued, and the statements that carry it out. Parameters: ?1..?4
 * the numbers, ?5 and ?6 the texts. */
#define JOBS(X)                                                                                    \
        X(BEGIN, "BEGIN IMMEDIATE", NULL, NULL, NULL)                                              \
        X(COMMIT, "COMMIT", NULL, NULL, NULL)                                                      \
        X(META, "INSERT OR REPLACE INTO meta VALUES(?5, ?6)", NULL, NULL, NULL)                    \
        X(RUN, "UPDATE run SET current = 0 WHERE run != ?5",                                       \
          "INSERT INTO run(run, spec, epoch, head, acked, current) VALUES(?5, ?6, ?1, ?2, ?2, 1)"  \
          " ON CONFLICT(run) DO UPDATE SET spec = ?6, head = max(head, ?2),"                       \
          " acked = max(acked, ?2), current = 1",                                                  \
          "INSERT OR REPLACE INTO epoch(run, epoch) VALUES(?5,"                                    \
          " max(?1, coalesce((SELECT epoch FROM epoch WHERE run = ?5), 0)))",                      \
          "DELETE FROM epoch WHERE n <= (SELECT max(n) FROM epoch) - 1000")                        \
        X(END_RUN, "UPDATE run SET current = 0", "DELETE FROM lease", "DELETE FROM intent", NULL)  \
        X(LEASE, "INSERT OR IGNORE INTO lease VALUES(?1, ?2, ?3, ?4)",                             \
          "UPDATE run SET newest_lease = max(newest_lease, ?1) WHERE current", NULL, NULL)         \
        X(INTENT, "INSERT OR REPLACE INTO intent VALUES(?2, ?3, ?1, ?5)",                          \
          "UPDATE lease SET count = count - (?2 + 1 - first), first = ?2 + 1"                      \
          " WHERE lease = ?1 AND ?2 >= first",                                                     \
          "DELETE FROM lease WHERE lease = ?1 AND count <= 0", NULL)                               \
        X(RECORD, "INSERT OR IGNORE INTO record VALUES(?5, ?1, ?6)",                               \
          "UPDATE run SET head = max(head, ?1) WHERE run = ?5",                                    \
          "DELETE FROM intent WHERE unit = ?2", "DELETE FROM lease WHERE lease = ?3")              \
        X(ACK, "DELETE FROM record WHERE run = ?5 AND seq <= ?1",                                  \
          "UPDATE run SET acked = max(acked, ?1) WHERE run = ?5",                                  \
          "DELETE FROM run WHERE current = 0 AND acked >= head", NULL)                             \
        X(FORGET,                                                                                  \
          "DELETE FROM record WHERE (?5 = '' OR run = ?5) AND run NOT IN"                          \
          " (SELECT run FROM run WHERE current)",                                                  \
          "DELETE FROM run WHERE (?5 = '' OR run = ?5) AND NOT current", NULL, NULL)               \
        X(SUSPECT, "INSERT OR REPLACE INTO suspect VALUES(?5, ?6)", NULL, NULL, NULL)              \
        X(CLEARED, "DELETE FROM suspect WHERE name = ?5", NULL, NULL, NULL)

enum job_kind {
#define X(name, a, b, c, d) JOB_##name,
        JOBS(X)
#undef X
                JOB_MAX_,
};

#define STATEMENTS_EACH 4
static const char *const job_sql[][STATEMENTS_EACH] = {
#define X(name, a, b, c, d) [JOB_##name] = {a, b, c, d},
        JOBS(X)
#undef X
};

struct job {
        struct handover_node node; /* first */
        enum job_kind kind;
        int64_t n[4];
        char *text[2];
        spool_handler handler;
        void *userdata;
        int r;
};

struct spool {
        sqlite3 *db;
        sqlite3_stmt *statements[JOB_MAX_][STATEMENTS_EACH];
        int lock_fd;
        int todo_fd, done_fd; /* eventfds; the thread waits on the first */
        sd_event_source *source;
        sd_event_source *linger; /* wakes the thread for what is in no hurry */
        bool lingering;          /* something is in todo and the thread was not woken for it */
        pthread_t thread;
        bool running;
        struct handover todo, done;
        _Atomic bool stopping;
        /* Of the last failed batch: written before it is handed back, read by its handlers. */
        char error[256];
};

static struct job *take(struct handover *h)
{
        return (struct job *)handover_take(h);
}

static struct job *next_of(struct job *job)
{
        return (struct job *)job->node.next;
}

static void job_free(struct job *job)
{
        free(job->text[0]);
        free(job->text[1]);
        free(job);
}

static void drop(struct handover *h)
{
        for (struct job *job = take(h), *next; job; job = next) {
                next = next_of(job);
                job_free(job);
        }
}

/* ---- the thread ---- */

static int sqlite_errno(int rc)
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

static int job_run(struct spool *s, const struct job *job)
{
        for (size_t i = 0; i < STATEMENTS_EACH; i++) {
                sqlite3_stmt *st = s->statements[job->kind][i];
                int rc, n;

                if (!st)
                        continue;
                n = sqlite3_bind_parameter_count(st);
                for (int k = 0; k < 4 && k < n; k++)
                        sqlite3_bind_int64(st, k + 1, job->n[k]);
                for (int k = 0; k < 2 && k + 4 < n; k++)
                        sqlite3_bind_text(st, k + 5, job->text[k], -1, SQLITE_STATIC);
                rc = sqlite3_step(st);
                sqlite3_reset(st);
                sqlite3_clear_bindings(st);
                if (sqlite_errno(rc) < 0)
                        return sqlite_errno(rc);
        }
        return 0;
}

static int batch_run(struct spool *s, struct job *list)
{
        static const struct job begin = {.kind = JOB_BEGIN}, commit = {.kind = JOB_COMMIT};
        int r = job_run(s, &begin);

        for (struct job *job = list; job && r == 0; job = next_of(job))
                r = job_run(s, job);
        if (r == 0)
                r = job_run(s, &commit);
        if (r < 0) {
                snprintf(s->error, sizeof(s->error), "%s", sqlite3_errmsg(s->db));
                if (!sqlite3_get_autocommit(s->db))
                        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
                /* the log of what is in the database by now may be what fills the disk */
                if (r == -ENOSPC)
                        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                                  NULL);
        }
        return r;
}

static void *spool_thread(void *userdata)
{
        struct spool *s = userdata;

        for (;;) {
                /* what came after this is not lost: it wakes us again */
                bool stopping = s->stopping;
                struct job *list = take(&s->todo), *next;
                eventfd_t unused;
                int r;

                if (!list && stopping)
                        return NULL;
                if (!list) {
                        eventfd_read(s->todo_fd, &unused);
                        continue;
                }
                r = batch_run(s, list);
                for (; list; list = next) {
                        next = next_of(list);
                        list->r = r;
                        handover_push(&s->done, &list->node);
                }
                eventfd_write(s->done_fd, 1);
        }
}

/* ---- the loop's side ---- */

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct spool *s = userdata;
        eventfd_t unused;

        eventfd_read(fd, &unused);
        for (struct job *job = take(&s->done), *next; job; job = next) {
                next = next_of(job);
                if (job->handler)
                        job->handler(job->r, job->userdata);
                job_free(job);
        }
        return 0;
}

static int on_linger(sd_event_source *source, uint64_t usec, void *userdata)
{
        spool_hurry(userdata);
        return 0;
}

void spool_hurry(struct spool *s)
{
        if (s->lingering)
                sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
        s->lingering = false;
        eventfd_write(s->todo_fd, 1);
}

/* Nobody waits for these to be on the disk but a reader far away; a commit for
 * each of them would be most of what an agent costs. */
static bool can_wait(enum job_kind kind)
{
        return kind == JOB_RECORD || kind == JOB_ACK || kind == JOB_FORGET;
}

static void linger(struct spool *s)
{
        if (s->lingering)
                return;
        s->lingering = true;
        if (sd_event_source_set_time_relative(s->linger, LINGER_USEC) < 0 ||
            sd_event_source_set_enabled(s->linger, SD_EVENT_ONESHOT) < 0)
                spool_hurry(s);
}

static int submit(struct spool *s, enum job_kind kind, const int64_t n[static 4], const char *a,
                  const char *b, spool_handler handler, void *userdata)
{
        struct job *job = calloc(1, sizeof(*job));

        if (!job)
                return -ENOMEM;
        job->kind = kind;
        memcpy(job->n, n, sizeof(job->n));
        job->handler = handler;
        job->userdata = userdata;
        job->text[0] = a ? strdup(a) : NULL;
        job->text[1] = b ? strdup(b) : NULL;
        if ((a && !job->text[0]) || (b && !job->text[1])) {
                job_free(job);
                return -ENOMEM;
        }
        if (!handover_push(&s->todo, &job->node) && !s->lingering)
                return 0; /* the thread was woken for what is before it */
        if (can_wait(kind))
                linger(s);
        else
                spool_hurry(s);
        return 0;
}

#define N(...) ((const int64_t[4]){__VA_ARGS__})

int spool_put_meta(struct spool *s, const char *key, const char *value, spool_handler handler,
                   void *userdata)
{
        return submit(s, JOB_META, N(0), key, value, handler, userdata);
}

int spool_put_run(struct spool *s, const char *run, const char *spec, uint32_t epoch,
                  uint64_t committed, spool_handler handler, void *userdata)
{
        return submit(s, JOB_RUN, N(epoch, (int64_t)committed), run, spec, handler, userdata);
}

int spool_end_run(struct spool *s, spool_handler handler, void *userdata)
{
        return submit(s, JOB_END_RUN, N(0), NULL, NULL, handler, userdata);
}

int spool_forget(struct spool *s, const char *run)
{
        return submit(s, JOB_FORGET, N(0), run, NULL, NULL, NULL);
}

int spool_put_lease(struct spool *s, int64_t lease, int64_t first, int64_t count, int64_t attempt,
                    spool_handler handler, void *userdata)
{
        return submit(s, JOB_LEASE, N(lease, first, count, attempt), NULL, NULL, handler, userdata);
}

int spool_put_intent(struct spool *s, int64_t lease, int64_t unit, int64_t attempt,
                     const char *name, spool_handler handler, void *userdata)
{
        return submit(s, JOB_INTENT, N(lease, unit, attempt), name, NULL, handler, userdata);
}

int spool_put_record(struct spool *s, const char *run, uint64_t seq, const char *row,
                     int64_t ends_unit, int64_t returned_lease, spool_handler handler,
                     void *userdata)
{
        return submit(s, JOB_RECORD, N((int64_t)seq, ends_unit, returned_lease), run, row, handler,
                      userdata);
}

int spool_ack(struct spool *s, const char *run, uint64_t seq)
{
        return submit(s, JOB_ACK, N((int64_t)seq), run, NULL, NULL, NULL);
}

int spool_put_suspect(struct spool *s, const char *name, const char *row)
{
        return submit(s, JOB_SUSPECT, N(0), name, row, NULL, NULL);
}

int spool_drop_suspect(struct spool *s, const char *name)
{
        return submit(s, JOB_CLEARED, N(0), name, NULL, NULL, NULL);
}

const char *spool_error_text(struct spool *s)
{
        return s->error[0] ? s->error : "no error";
}

/* ---- opening ---- */

static int open_db(struct spool *s, const char *path, struct error *err)
{
        int version = 0;
        sqlite3_stmt *st;

        if (sqlite3_open_v2(path, &s->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                            NULL) != SQLITE_OK)
                goto fail;
        sqlite3_busy_timeout(s->db, 5000);
        if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK)
                goto fail;
        if (sqlite3_step(st) == SQLITE_ROW)
                version = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        if (version > SCHEMA_VERSION)
                return error_set(err, -EPROTONOSUPPORT,
                                 "spool %s was written by a newer lxdsoak-agent (format %d, this "
                                 "one knows %d): install that one, or move the file away",
                                 path, version, SCHEMA_VERSION);
        if (sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", NULL, NULL,
                         NULL) != SQLITE_OK ||
            sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(s->db, "PRAGMA user_version=" STR(SCHEMA_VERSION), NULL, NULL, NULL) !=
                    SQLITE_OK)
                goto fail;
        for (size_t k = 0; k < JOB_MAX_; k++)
                for (size_t i = 0; i < STATEMENTS_EACH; i++)
                        if (job_sql[k][i] &&
                            sqlite3_prepare_v3(s->db, job_sql[k][i], -1, SQLITE_PREPARE_PERSISTENT,
                                               &s->statements[k][i], NULL) != SQLITE_OK)
                                goto fail;
        return 0;
fail:
        /* as an I/O error, when it is the file of its shared memory there is no room for */
        if (sqlite3_errcode(s->db) == SQLITE_FULL || sqlite3_system_errno(s->db) == ENOSPC)
                return error_set(err, -ENOSPC,
                                 "spool %s: the disk is full: free some space there, and start the "
                                 "agent again",
                                 path);
        return error_set(err, sqlite_errno(sqlite3_errcode(s->db)) ?: -EIO,
                         "spool %s: %s; if it is damaged, stop the agent, move it away and run "
                         "lxdsoak-coord cleanup",
                         path, sqlite3_errmsg(s->db));
}

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
        s->todo_fd = eventfd(0, EFD_CLOEXEC);
        s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->todo_fd < 0 || s->done_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &s->source, s->done_fd, EPOLLIN, on_done, s);
        if (r >= 0)
                r = sd_event_add_time(event, &s->linger, CLOCK_MONOTONIC, 0, LINGER_USEC / 2,
                                      on_linger, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = pthread_create(&s->thread, NULL, spool_thread, s);
        if (r != 0)
                return -r;
        s->running = true;
        *ret = TAKE(s);
        return 0;
}

struct spool *spool_close(struct spool *s)
{
        if (!s)
                return NULL;
        if (s->running) {
                s->stopping = true;
                eventfd_write(s->todo_fd, 1);
                pthread_join(s->thread, NULL);
        }
        sd_event_source_disable_unref(s->source);
        sd_event_source_disable_unref(s->linger);
        drop(&s->todo);
        drop(&s->done);
        for (size_t k = 0; k < JOB_MAX_; k++)
                for (size_t i = 0; i < STATEMENTS_EACH; i++)
                        sqlite3_finalize(s->statements[k][i]);
        sqlite3_close(s->db);
        for (size_t i = 0; i < 3; i++)
                closep((int *[]){&s->lock_fd, &s->todo_fd, &s->done_fd}[i]);
        free(s);
        return NULL;
}

/* ---- reading ---- */

static int prepare(struct spool *s, const char *sql, const char *text, sqlite3_stmt **ret)
{
        int rc = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);

        if (rc == SQLITE_OK && text)
                sqlite3_bind_text(*ret, 1, text, -1, SQLITE_STATIC);
        return sqlite_errno(rc);
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
        r = sqlite_errno(rc);
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
                r = sqlite_errno(rc);
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
