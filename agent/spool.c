/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is written to the spool: see spool.h. The loop's side hands jobs over without a lock; the
 * thread's side binds them to prepared statements, one transaction a batch, and hands the batch
 * back. Each wakes the other through an eventfd. */

#include <sys/eventfd.h>

#include "agent/spool-internal.h"

#define LINGER_USEC 150000 /* and half of that, if a timer is due then anyway */

struct job {
        struct handover_node node; /* first */
        enum job_kind kind;
        int64_t n[4];
        char *text[2];
        spool_handler handler;
        void *userdata;
        int r;
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
                if (spool_errno(rc) < 0)
                        return spool_errno(rc);
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

/* ---- the thread's beginning and end ---- */

int spool_begin_writing(struct spool *s, sd_event *event)
{
        int r;

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
        return 0;
}

void spool_end_writing(struct spool *s)
{
        if (s->running) {
                s->stopping = true;
                eventfd_write(s->todo_fd, 1);
                pthread_join(s->thread, NULL);
        }
        sd_event_source_disable_unref(s->source);
        sd_event_source_disable_unref(s->linger);
        drop(&s->todo);
        drop(&s->done);
        closep(&s->todo_fd);
        closep(&s->done_fd);
}
