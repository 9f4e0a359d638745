/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `evidence`: what a maintainer asks for when something is stuck, as files by
 * name. Nothing is written to disk here; the agent keeps it. The most telling comes first
 * and every file is sent as soon as it is read, so that what was read before something
 * made us wait is not lost (verb.partial).
 */

#include <stdarg.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "agent/helper-verbs.h"
#include "agent/subject.h"
#include "base/clock.h"
#include "base/text.h"

#define CHUNK_BYTES     20000 /* as JSON at most three times as long */
#define FILE_BYTES_MAX  (256 * 1024)
#define TASKS_MAX       64
#define THREADS_MAX     200
#define JOURNAL_ENTRIES 400
#define JOURNAL_USEC    (UINT64_C(90) * 1000000)

struct capture {
        const struct verb_context *context;
        const struct subject *subject;
        struct scan *scan;
        int64_t left; /* bytes that may still be sent */
        int64_t omitted;
        char *buf; /* FILE_BYTES_MAX: what is being put together */
        size_t used;
        int error;
};

/* ---- sending ---- */

static void send_chunk(struct capture *c, const char *name, const char *text, size_t size)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        json_object *files = json_object_new_array(), *file = json_object_new_object();
        char clean[CHUNK_BYTES + 4];

        size = utf8_copy(clean, sizeof(clean), text, size);
        for (size_t i = 0; i < size; i++)
                if ((unsigned char)clean[i] < ' ' && clean[i] != '\n' && clean[i] != '\t')
                        clean[i] = '?';
        json_object_object_add(file, "name", json_object_new_string(name));
        json_object_object_add(file, "text", json_object_new_string_len(clean, (int)size));
        json_object_array_add(files, file);
        json_object_object_add(message, "id", json_object_new_int64(c->context->id));
        json_object_object_add(message, "more", json_object_new_boolean(true));
        json_object_object_add(message, "files", files);
        if (c->error == 0)
                c->error = verb_write(c->context, message);
}

/* A file longer than a message goes in parts of the same name, to be put together. */
static void send_text(struct capture *c, const char *name, const char *text, size_t size)
{
        if (size == 0)
                return;
        if ((int64_t)size > c->left) {
                c->omitted += (int64_t)size - c->left;
                size = (size_t)MAX(c->left, INT64_C(0));
        }
        c->left -= (int64_t)size;
        for (size_t i = 0; i < size; i += CHUNK_BYTES)
                send_chunk(c, name, text + i, MIN(size - i, (size_t)CHUNK_BYTES));
}

static void begin(struct capture *c, const char *doing)
{
        c->used = 0;
        snprintf(c->context->progress->doing, sizeof(c->context->progress->doing), "%s", doing);
}

static void line(struct capture *c, const char *format, ...) _printf_(2, 3);
static void line(struct capture *c, const char *format, ...)
{
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(c->buf + c->used, FILE_BYTES_MAX - c->used, format, ap);
        va_end(ap);
        if (n > 0)
                c->used = MIN(c->used + (size_t)n, (size_t)FILE_BYTES_MAX - 1);
}

/* Appends a file of the host's, under its name. */
static void include(struct capture *c, const char *path)
{
        ssize_t n;

        line(c, "==> %s <==\n", path);
        n = subject_read_file(c->subject->root, c->buf + c->used, FILE_BYTES_MAX - c->used, "%s",
                              path);
        if (n >= 0)
                c->used += (size_t)n;
        else
                line(c, "%s\n", strerror((int)-n));
        line(c, "\n");
}

static void end(struct capture *c, const char *name)
{
        send_text(c, name, c->buf, c->used);
}

/* ---- tasks ---- */

static void add_task(struct capture *c, const struct task *t, const char *what)
{
        line(c, "%7d %7d %c %7lld  %-16s %-32s %s%s\n", (int)t->pid, (int)t->parent, t->state,
             (long long)t->threads, t->comm, t->wchan[0] ? t->wchan : "-", what,
             t->dying ? ", SIGKILL pending" : "");
}

static void list_tasks(struct capture *c)
{
        struct task t;
        size_t n = 0;

        begin(c, "listing the tasks");
        line(c, "    pid  parent S threads  program          waits in\n");
        if (c->subject->daemon_pid > 0 &&
            task_read(c->subject->root, (pid_t)c->subject->daemon_pid, true, &t))
                add_task(c, &t, "the daemon");
        for (size_t i = 0; i < c->scan->n_items && n < TASKS_MAX; i++) {
                const struct scan_item *item = &c->scan->items[i];

                if (item->kind != LEFTOVER_PROCESS ||
                    !task_read(c->subject->root, item->pid, true, &t))
                        continue;
                add_task(c, &t, item->name);
                n++;
        }
        end(c, "tasks.txt");
}

/* Where the very task that is stuck stands in the kernel. */
static void show_stacks(struct capture *c)
{
        struct task t;

        begin(c, "reading the stacks of the instance's tasks");
        for (size_t i = 0; i < c->scan->n_items && i < TASKS_MAX; i++) {
                const struct scan_item *item = &c->scan->items[i];
                char path[64];

                if (item->kind != LEFTOVER_PROCESS ||
                    !task_read(c->subject->root, item->pid, true, &t))
                        continue;
                line(c, "==> %s, state %c, waits in %s <==\n%s\n", item->name, t.state,
                     t.wchan[0] ? t.wchan : "-",
                     t.stack[0] ? t.stack : "(the kernel's stack is not to be had)\n");
                snprintf(path, sizeof(path), "/proc/%d/status", (int)item->pid);
                include(c, path);
        }
        end(c, "stacks.txt");
}

static void show_daemon(struct capture *c)
{
        char path[64];
        struct dirent *e;
        size_t n = 0;
        DIR *tasks;

        if (!subject_daemon_fits(c->subject))
                return;
        begin(c, "reading the daemon's threads");
        snprintf(path, sizeof(path), "/proc/%lld/status", (long long)c->subject->daemon_pid);
        include(c, path);
        snprintf(path, sizeof(path), "/proc/%lld/task", (long long)c->subject->daemon_pid);
        tasks = c->subject->root[0] ? NULL : opendir(path);
        while (tasks && n < THREADS_MAX && (e = readdir(tasks))) {
                struct task t;

                if (e->d_name[0] == '.' || !task_read("", (pid_t)atoi(e->d_name), true, &t))
                        continue;
                line(c, "thread %d, state %c, waits in %s\n%s\n", (int)t.pid, t.state,
                     t.wchan[0] ? t.wchan : "-", t.stack);
                n++;
        }
        if (tasks)
                closedir(tasks);
        end(c, "daemon/threads.txt");
}

/* ---- cgroups, mounts, the host ---- */

static void show_cgroups(struct capture *c)
{
        static const char *const files[] = {"cgroup.events", "cgroup.freeze",  "cgroup.procs",
                                            "freezer.state", "memory.current", "pids.current"};

        begin(c, "reading cgroups");
        for (size_t i = 0; i < c->scan->n_items; i++) {
                char path[PATH_MAX], text[2048];

                if (c->scan->items[i].kind != LEFTOVER_CGROUP)
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(files); k++) {
                        snprintf(path, sizeof(path), "%s/%s", c->scan->items[i].name, files[k]);
                        if (subject_read_file(c->subject->root, text, sizeof(text), "%s", path) >=
                            0)
                                line(c, "==> %s <==\n%s\n", path, text);
                }
        }
        end(c, "cgroups.txt");
}

static void show_mounts(struct capture *c, pid_t pid, const char *name)
{
        char path[64];

        if (pid <= 0)
                return;
        begin(c, "reading mounts");
        snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
        include(c, path);
        end(c, name);
}

static void show_host(struct capture *c)
{
        static const char *const files[] = {
                "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/loadavg",
                "/proc/meminfo",      "/proc/uptime",          "/proc/version"};

        begin(c, "reading the host's state");
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                include(c, files[i]);
        end(c, "host/state.txt");
}

static void show_logs(struct capture *c)
{
        const char *full = c->scan->n_targets > 0 ? c->scan->targets[0].full : "";
        char path[PATH_MAX];

        if (!full[0])
                return;
        begin(c, "reading lxc.log");
        for (size_t i = 0; i < 3; i++) {
                struct stat st;

                if (i == 1)
                        snprintf(path, sizeof(path), "%s/logs/%s/lxc.log", c->subject->lxd_dir,
                                 full);
                else
                        snprintf(path, sizeof(path), "/var/log/%s/%s/lxc.log",
                                 i == 0 ? "lxd" : "incus", full);
                if (stat(path, &st) == 0)
                        include(c, path);
        }
        end(c, "lxc.log");
}

/* The end of the kernel's log: one record a read, and none that would make us wait. */
static void show_kernel(struct capture *c)
{
        char record[8192];
        int fd;

        if (c->subject->root[0])
                return;
        begin(c, "reading the kernel's log");
        fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        for (size_t i = 0; fd >= 0 && i < 20000; i++) {
                ssize_t n = read(fd, record, sizeof(record) - 1);

                if (n < 0 && errno == EPIPE)
                        continue; /* overwritten meanwhile: the next one */
                if (n <= 0)
                        break;
                record[n] = '\0';
                if (c->used + (size_t)n + 1 >= FILE_BYTES_MAX) { /* keep the newer half */
                        memmove(c->buf, c->buf + c->used / 2, c->used - c->used / 2);
                        c->used -= c->used / 2;
                }
                line(c, "%s", record);
        }
        if (fd >= 0)
                close(fd);
        else
                line(c, "/dev/kmsg: %s\n", strerror(errno));
        end(c, "host/kernel.txt");
}

static void show_journal(struct capture *c)
{
        _cleanup_(freep)
        char *pid = NULL;
        sd_journal *j = NULL;
        const void *data;
        uint64_t usec;
        size_t n = 0, length;

        if (c->subject->root[0] || c->subject->daemon_pid <= 0 ||
            asprintf(&pid, "_PID=%lld", (long long)c->subject->daemon_pid) < 0)
                return;
        begin(c, "reading the daemon's journal");
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) >= 0 &&
            sd_journal_add_match(j, pid, 0) >= 0 && sd_journal_seek_tail(j) >= 0) {
                uint64_t now = (uint64_t)(now_realtime_ns() / NSEC_PER_USEC);

                while (n++ < JOURNAL_ENTRIES && sd_journal_previous(j) > 0) {
                        if (sd_journal_get_realtime_usec(j, &usec) < 0 || usec + JOURNAL_USEC < now)
                                break;
                        if (sd_journal_get_data(j, "MESSAGE", &data, &length) >= 0 && length > 8)
                                line(c, "%.1f s ago: %.*s\n", (double)(now - usec) / 1e6,
                                     (int)(length - 8), (const char *)data + 8);
                }
        }
        sd_journal_close(j);
        end(c, "daemon/journal.txt");
}

/* ---- the verb ---- */

static pid_t find_task(const struct scan *s, const char *what)
{
        for (size_t i = 0; i < s->n_items; i++)
                if (s->items[i].kind == LEFTOVER_PROCESS && strstr(s->items[i].name, what))
                        return s->items[i].pid;
        return 0;
}

static pid_t find_init(const struct capture *c, pid_t monitor)
{
        struct task t;

        for (size_t i = 0; monitor > 0 && i < c->scan->n_items; i++)
                if (c->scan->items[i].kind == LEFTOVER_PROCESS &&
                    task_read(c->subject->root, c->scan->items[i].pid, false, &t) &&
                    t.parent == monitor)
                        return t.pid;
        return 0;
}

static void capture(struct capture *c)
{
        pid_t monitor = find_task(c->scan, "[lxc monitor]");

        list_tasks(c);
        show_stacks(c);
        show_cgroups(c);
        show_host(c);
        show_logs(c);
        show_daemon(c);
        show_mounts(c, (pid_t)c->subject->daemon_pid, "mounts/daemon.txt");
        show_mounts(c, monitor, "mounts/monitor.txt");
        show_mounts(c, find_init(c, monitor), "mounts/init.txt");
        show_kernel(c);
        show_journal(c);
}

static int evidence_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        struct subject *s = data;
        struct capture c = {.context = context, .subject = s, .left = s->limit_bytes};
        int r = subject_scan(s, context->progress->doing, &scan);

        if (r < 0)
                return error_set_errno(err, r, "the scan failed");
        c.scan = scan;
        c.buf = malloc(FILE_BYTES_MAX);
        if (!c.buf)
                return -ENOMEM;
        capture(&c);
        free(c.buf);
        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "omitted", json_object_new_int64(c.omitted));
        r = c.error < 0 ? c.error : verb_write(context, message);
        return r < 0 ? error_set_errno(err, r, "the answer could not be written") : 0;
}

const struct verb verb_evidence = {
        .name = "evidence",
        .time_limit_ns = 4 * NSEC_PER_SEC,
        .answer_max = 32 * 1024 * 1024,
        .partial = true,
        .check = subject_check,
        .release = free,
        .run = evidence_run,
};
