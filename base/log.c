/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log entries to the journal or to stderr, by way of a queue and a thread once
 * there is one. Never allocates without bound: QUEUE_MAX entries wait at most,
 * the rest are counted and the count is said as soon as there is room.
 */

#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/clock.h"

#define QUEUE_MAX    16384
#define MESSAGE_SIZE 1024

struct entry {
        struct entry *next;
        int priority;
        unsigned n;
        char *fields[LOG_FIELDS_MAX + 4]; /* "NAME=value"; all point into data */
        char data[];                      /* fields[0] is MESSAGE=… */
};

static struct {
        const char *identifier;
        bool journal, verbose;

        pthread_mutex_t lock;
        pthread_cond_t wake, idle;
        pthread_t thread;
        bool running, stopping, busy;
        struct entry *head, **tail;
        size_t queued;
        uint64_t dropped, dropped_said;
} L = {
        .identifier = "lxdsoak",
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
        .idle = PTHREAD_COND_INITIALIZER,
        .tail = &L.head,
};

/* systemd tells in $JOURNAL_STREAM which device and inode the journal's stream
 * has; if that is our stderr, native entries go to the same place. */
static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
                return false;
        if (fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *identifier, enum log_target target)
{
        L.identifier = identifier;
        L.journal =
                target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && stderr_is_journal());
}

void log_set_verbose(bool verbose)
{
        L.verbose = verbose;
}

bool log_to_journal(void)
{
        return L.journal;
}

uint64_t log_dropped(void)
{
        return __atomic_load_n(&L.dropped, __ATOMIC_RELAXED);
}

static void entry_write(const struct entry *e)
{
        struct iovec iov[LOG_FIELDS_MAX + 4];

        if (!L.journal) {
                fprintf(stderr, "%s: %s\n", L.identifier, e->fields[0] + strlen("MESSAGE="));
                return;
        }
        for (unsigned i = 0; i < e->n; i++)
                iov[i] = (struct iovec){e->fields[i], strlen(e->fields[i])};
        /* Where the journal cannot take it there is nobody left to tell. */
        if (sd_journal_sendv(iov, (int)e->n) < 0)
                __atomic_fetch_add(&L.dropped, 1, __ATOMIC_RELAXED);
}

static struct entry *entry_new(int priority, const char *message_id, const char *const *fields,
                               size_t n, const char *message)
{
        size_t size = strlen("MESSAGE=") + strlen(message) + 1 + 64 + 64 +
                      strlen("SYSLOG_IDENTIFIER=") + strlen(L.identifier) + 1;
        struct entry *e;
        char *p;

        n = MIN(n, (size_t)LOG_FIELDS_MAX);
        for (size_t i = 0; i < n; i++)
                size += strlen(fields[i]) + 1;
        e = malloc(sizeof(*e) + size);
        if (!e)
                return NULL;
        *e = (struct entry){.priority = priority};
        p = e->data;
#define ADD(...) (e->fields[e->n++] = p, p += sprintf(p, __VA_ARGS__) + 1)
        ADD("MESSAGE=%s", message);
        ADD("PRIORITY=%d", priority);
        ADD("SYSLOG_IDENTIFIER=%s", L.identifier);
        if (message_id)
                ADD("MESSAGE_ID=%.32s", message_id);
        for (size_t i = 0; i < n; i++)
                ADD("%s", fields[i]);
#undef ADD
        return e;
}

static void say_dropped(void)
{
        uint64_t dropped = log_dropped();
        char text[96];

        if (dropped == L.dropped_said)
                return;
        L.dropped_said = dropped;
        snprintf(text, sizeof(text), "%llu log entries were dropped: the journal is too slow",
                 (unsigned long long)dropped);
        struct entry *e = entry_new(LOG_WARNING, NULL, NULL, 0, text);
        if (e)
                entry_write(e);
        free(e);
}

static void *log_thread(void *unused)
{
        pthread_mutex_lock(&L.lock);
        for (;;) {
                struct entry *list;

                while (!L.head && !L.stopping) {
                        L.busy = false;
                        pthread_cond_broadcast(&L.idle);
                        pthread_cond_wait(&L.wake, &L.lock);
                }
                if (!L.head && L.stopping)
                        break;
                list = TAKE(L.head);
                L.tail = &L.head;
                L.queued = 0;
                L.busy = true;
                pthread_mutex_unlock(&L.lock);
                while (list) {
                        struct entry *e = list;

                        list = e->next;
                        entry_write(e);
                        free(e);
                }
                say_dropped();
                pthread_mutex_lock(&L.lock);
        }
        L.busy = false;
        pthread_cond_broadcast(&L.idle);
        pthread_mutex_unlock(&L.lock);
        return NULL;
}

int log_start_thread(void)
{
        int r = pthread_create(&L.thread, NULL, log_thread, NULL);

        if (r != 0)
                return -r;
        L.running = true;
        return 0;
}

void log_stop_thread(void)
{
        struct timespec until;

        if (!L.running)
                return;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_mutex_lock(&L.lock);
        L.stopping = true;
        pthread_cond_signal(&L.wake);
        while (L.head || L.busy)
                if (pthread_cond_timedwait(&L.idle, &L.lock, &until) != 0)
                        break;
        bool stuck = L.head || L.busy;
        pthread_mutex_unlock(&L.lock);
        /* A journal that stands still keeps its thread; the process ends without it. */
        if (stuck)
                pthread_detach(L.thread);
        else
                pthread_join(L.thread, NULL);
        L.running = false;
}

static void entry_queue(struct entry *e)
{
        pthread_mutex_lock(&L.lock);
        if (L.queued >= QUEUE_MAX) {
                __atomic_fetch_add(&L.dropped, 1, __ATOMIC_RELAXED);
                free(e);
        } else {
                *L.tail = e;
                L.tail = &e->next;
                L.queued++;
                if (!L.busy)
                        pthread_cond_signal(&L.wake);
        }
        pthread_mutex_unlock(&L.lock);
}

void log_entry(int priority, const char *message_id, const char *const *fields, size_t n,
               const char *format, ...)
{
        char message[MESSAGE_SIZE];
        struct entry *e;
        va_list ap;

        if (!L.verbose && priority >= LOG_DEBUG)
                return;
        if (!L.journal && !L.verbose && priority >= LOG_INFO)
                return;
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        e = entry_new(priority, message_id, fields, n, message);
        if (!e) {
                __atomic_fetch_add(&L.dropped, 1, __ATOMIC_RELAXED);
        } else if (L.running) {
                entry_queue(e);
        } else {
                entry_write(e);
                free(e);
        }
}
