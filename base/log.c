/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log entries to the journal or to stderr, by way of a queue and a thread once
 * there is one. Never allocates without bound: QUEUE_MAX entries wait at most,
 * the rest are counted and the count is said as soon as there is room.
 */

#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/handover.h"
#include "base/message-ids.h"

#define QUEUE_MAX    16384
#define MESSAGE_SIZE 1024
#define STOP_MSEC    1000

struct entry {
        struct handover_node node; /* first */
        int priority;
        bool journal; /* else stderr */
        unsigned n;
        char *fields[LOG_FIELDS_MAX + 4]; /* "NAME=value"; all point into data */
        char data[];                      /* fields[0] is MESSAGE=… */
};

static struct {
        const char *identifier;
        bool journal, verbose, also_stderr;

        pthread_t thread;
        bool running;
        int wake_fd, idle_fd; /* eventfds: there is something; all is written and the thread ends */
        _Atomic bool stopping;
        struct handover queue;
        _Atomic size_t queued;
        _Atomic uint64_t dropped;
        uint64_t dropped_said;
} L = {
        .identifier = "lxdsoak",
        .wake_fd = -1,
        .idle_fd = -1,
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
        return L.dropped;
}

static void entry_write(const struct entry *e)
{
        struct iovec iov[LOG_FIELDS_MAX + 4];

        if (!e->journal) {
                fprintf(stderr, "%s: %s\n", L.identifier, e->fields[0] + strlen("MESSAGE="));
                return;
        }
        for (unsigned i = 0; i < e->n; i++)
                iov[i] = (struct iovec){e->fields[i], strlen(e->fields[i])};
        /* Where the journal cannot take it there is nobody left to tell. */
        if (sd_journal_sendv(iov, (int)e->n) < 0)
                L.dropped++;
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
        char text[96], field[48];
        const char *fields[] = {field};

        if (dropped == L.dropped_said)
                return;
        L.dropped_said = dropped;
        snprintf(text, sizeof(text), "%llu log entries were dropped: the journal is too slow",
                 (unsigned long long)dropped);
        snprintf(field, sizeof(field), "LXDSOAK_DROPPED=%llu", (unsigned long long)dropped);
        struct entry *e = entry_new(LOG_WARNING, MESSAGE_ID_DROPPED, fields, 1, text);
        if (e) {
                e->journal = L.journal;
                entry_write(e);
        }
        free(e);
}

static void *log_thread(void *unused)
{
        for (;;) {
                bool stopping = L.stopping;
                struct handover_node *list = handover_take(&L.queue);
                eventfd_t n;

                if (!list && stopping)
                        break;
                if (!list)
                        eventfd_read(L.wake_fd, &n);
                while (list) {
                        struct entry *e = (struct entry *)list;

                        list = list->next;
                        entry_write(e);
                        free(e);
                        L.queued--;
                }
                say_dropped();
        }
        eventfd_write(L.idle_fd, 1);
        return NULL;
}

int log_start_thread(bool also_stderr)
{
        L.also_stderr = also_stderr;
        int r;

        L.wake_fd = eventfd(0, EFD_CLOEXEC);
        L.idle_fd = eventfd(0, EFD_CLOEXEC);
        if (L.wake_fd < 0 || L.idle_fd < 0)
                return -errno;
        r = pthread_create(&L.thread, NULL, log_thread, NULL);
        if (r != 0)
                return -r;
        L.running = true;
        return 0;
}

void log_stop_thread(void)
{
        struct pollfd p = {.fd = L.idle_fd, .events = POLLIN};

        if (!L.running)
                return;
        L.running = false;
        L.stopping = true;
        eventfd_write(L.wake_fd, 1);
        /* A journal that stands still keeps its thread; the process ends without it. */
        if (poll(&p, 1, STOP_MSEC) > 0)
                pthread_join(L.thread, NULL);
        else
                pthread_detach(L.thread);
}

static void entry_queue(struct entry *e)
{
        if (L.queued >= QUEUE_MAX) {
                L.dropped++;
                free(e);
                return;
        }
        L.queued++;
        if (handover_push(&L.queue, &e->node))
                eventfd_write(L.wake_fd, 1);
}

static void entry_add(struct entry *e, bool journal)
{
        if (!e) {
                L.dropped++;
                return;
        }
        e->journal = journal;
        if (L.running && (journal || L.also_stderr)) {
                entry_queue(e);
        } else {
                entry_write(e);
                free(e);
        }
}

void log_entry(int priority, const char *message_id, const char *const *fields, size_t n,
               const char *format, ...)
{
        char message[MESSAGE_SIZE];
        va_list ap;

        if (!L.verbose && priority >= LOG_DEBUG)
                return;
        if (!L.journal && !L.verbose && priority >= LOG_INFO)
                return;
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        entry_add(entry_new(priority, message_id, fields, n, message), L.journal);
}

void log_journal_only(int priority, const char *message_id, const char *const *fields, size_t n,
                      const char *format, ...)
{
        char message[MESSAGE_SIZE];
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        entry_add(entry_new(priority, message_id, fields, n, message), true);
}
