/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `examine`: what the host shows of one instance and of the daemon, for the
 * detector to judge. It judges nothing itself but what takes two looks: a task that is in
 * an uninterruptible wait now and was 200 ms ago.
 */

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "agent/helper-verbs.h"
#include "agent/subject.h"

#define TWO_LOOKS_USEC 200000
#define UNPACKERS_MAX  16
#define NAMESPACES_MAX 64

static json_object *task_json(const struct task *t)
{
        json_object *o = json_object_new_object();
        const char state[2] = {t->state, '\0'};

        json_object_object_add(o, "pid", json_object_new_int64(t->pid));
        json_object_object_add(o, "comm", json_object_new_string(t->comm));
        json_object_object_add(o, "state", json_object_new_string(state));
        json_object_object_add(o, "wchan", json_object_new_string(t->wchan));
        json_object_object_add(o, "dying", json_object_new_boolean(t->dying));
        json_object_object_add(o, "threads", json_object_new_int64(t->threads));
        return o;
}

/* ---- the instance ---- */

static bool is_helper_of_daemon(const struct scan_item *item)
{
        return strstr(item->name, " forkexec") != NULL;
}

static bool is_monitor(const struct scan_item *item)
{
        return strstr(item->name, "[lxc monitor]") != NULL;
}

/* A cgroup of the payload, not of the monitor; LXC puts a number behind a taken name. */
static bool is_payload(const struct scan_item *item)
{
        return item->kind == LEFTOVER_CGROUP && strstr(item->name, "lxc.payload");
}

/* While it starts a container, the monitor has a child that is called as it is, and is to
 * become init: the one that is stopped is what matters. *ret_pid: the monitor itself. */
static void add_monitor(const struct scan *s, json_object *facts, pid_t *ret_pid)
{
        struct task t, found = {0};
        bool frozen = false;
        json_object *o;

        *ret_pid = 0;
        for (size_t i = 0; i < s->n_items; i++) {
                const struct scan_item *item = &s->items[i];

                if (item->kind == LEFTOVER_CGROUP && strstr(item->name, "lxc.monitor") &&
                    cgroup_is_frozen(s->root, item->name))
                        frozen = true;
        }
        for (size_t i = 0; i < s->n_items; i++) {
                if (s->items[i].kind != LEFTOVER_PROCESS || !is_monitor(&s->items[i]) ||
                    !task_read(s->root, s->items[i].pid, true, &t))
                        continue;
                if (*ret_pid == 0)
                        *ret_pid = t.pid;
                if (found.pid == 0 || t.state == 'T')
                        found = t;
        }
        if (found.pid == 0)
                return;
        o = task_json(&found);
        json_object_object_add(o, "frozen", json_object_new_boolean(frozen));
        json_object_object_add(facts, "monitor", o);
}

/* init is the child of the monitor. What else is in the cgroup runs in the container. */
static void add_tasks(const struct scan *s, json_object *facts, pid_t monitor)
{
        json_object *exec = json_object_new_array();
        struct task t, stuck = {0};

        for (size_t i = 0; i < s->n_items; i++) {
                const struct scan_item *item = &s->items[i];

                if (item->kind != LEFTOVER_PROCESS || item->pid == monitor ||
                    !task_read(s->root, item->pid, true, &t))
                        continue;
                if (is_helper_of_daemon(item))
                        json_object_array_add(exec, task_json(&t));
                else if (monitor > 0 && t.parent == monitor)
                        json_object_object_add(facts, "init", task_json(&t));
                if (t.state == 'D' && (stuck.pid == 0 || (t.dying && !stuck.dying)))
                        stuck = t;
        }
        json_object_object_add(facts, "exec", exec);
        if (stuck.pid == 0)
                return;
        usleep(TWO_LOOKS_USEC);
        if (task_read(s->root, stuck.pid, true, &t) && t.state == 'D' &&
            streq(t.wchan, stuck.wchan))
                json_object_object_add(facts, "unkillable", task_json(&t));
}

static bool payload_is_frozen(const struct scan *s)
{
        for (size_t i = 0; i < s->n_items; i++)
                if (is_payload(&s->items[i]) && cgroup_is_frozen(s->root, s->items[i].name))
                        return true;
        return false;
}

/* ---- unpackers ---- */

struct family {
        const struct subject *subject;
        json_object *unpackers;
};

static bool unpacks(const char *comm)
{
        static const char *const names[] = {"tar",  "unsquashfs", "rsync", "xz",  "gzip",
                                            "zstd", "bzip2",      "cp",    "zfs", "btrfs"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(comm, names[i]))
                        return true;
        return false;
}

/* Below the daemon, a generation or two: "tar" may have a child that decompresses. */
static bool is_below(const char *root, struct task t, int64_t ancestor)
{
        for (int depth = 0; depth < 4 && t.parent > 1; depth++) {
                if (t.parent == ancestor)
                        return true;
                if (!task_read(root, t.parent, false, &t))
                        return false;
        }
        return false;
}

static bool see_unpacker(pid_t pid, void *userdata)
{
        struct family *f = userdata;
        struct task t;

        if (task_read(f->subject->root, pid, false, &t) && unpacks(t.comm) &&
            is_below(f->subject->root, t, f->subject->daemon_pid)) {
                json_object *o;

                task_read(f->subject->root, pid, true, &t);
                o = task_json(&t);
                json_object_array_add(f->unpackers, o);
        }
        return json_object_array_length(f->unpackers) < UNPACKERS_MAX;
}

/* ---- who holds a mount ---- */

struct search {
        const struct subject *subject;
        char name[SCAN_FULL_NAME_SIZE];
        unsigned long long seen[NAMESPACES_MAX];
        size_t n_seen;
        json_object *holder;
};

static bool is_new(struct search *q, pid_t pid)
{
        char path[64], target[64];
        unsigned long long inode;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
        n = q->subject->root[0] ? -1 : readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return q->subject->root[0] && pid == 1;
        target[n] = '\0';
        if (sscanf(target, "mnt:[%llu]", &inode) != 1 || q->n_seen == NAMESPACES_MAX)
                return false;
        for (size_t i = 0; i < q->n_seen; i++)
                if (q->seen[i] == inode)
                        return false;
        q->seen[q->n_seen++] = inode;
        return true;
}

/* The mount point is beneath the instance's directory: its name is a component of it. */
static bool see_holder(pid_t pid, void *userdata)
{
        static char buf[256 * 1024];
        struct search *q = userdata;
        size_t length = strlen(q->name);
        struct task t;
        char *save = NULL;

        if (!is_new(q, pid) || subject_read_file(q->subject->root, buf, sizeof(buf),
                                                 "/proc/%d/mountinfo", (int)pid) <= 0)
                return true;
        for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char point[PATH_MAX], *p;

                if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
                        continue;
                for (p = strstr(point, q->name); p; p = strstr(p + 1, q->name))
                        if (p > point && p[-1] == '/' && p[length] == '/')
                                break;
                if (!p || !task_read(q->subject->root, pid, true, &t))
                        continue;
                q->holder = task_json(&t);
                json_object_object_add(q->holder, "mount", json_object_new_string(point));
                return false;
        }
        return true;
}

static void add_holder(const struct subject *s, const struct scan *scan, json_object *facts)
{
        struct search q = {.subject = s};

        snprintf(q.name, sizeof(q.name), "%s", scan->targets[0].full);
        task_each(s->root, see_holder, &q);
        if (q.holder)
                json_object_object_add(facts, "holder", q.holder);
}

/* ---- the verb ---- */

static void examine_daemon(const struct subject *s, json_object *facts)
{
        struct family family = {.subject = s, .unpackers = json_object_new_array()};
        struct task t;

        if (subject_daemon_fits(s) && task_read(s->root, (pid_t)s->daemon_pid, true, &t)) {
                json_object_object_add(facts, "daemon", task_json(&t));
                task_each(s->root, see_unpacker, &family);
        }
        json_object_object_add(facts, "unpack", family.unpackers);
}

static int examine_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        struct subject *s = data;
        json_object *facts = json_object_new_object();
        pid_t monitor;
        int r;

        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "facts", facts);
        snprintf(context->progress->doing, sizeof(context->progress->doing),
                 "looking at the daemon");
        examine_daemon(s, facts);
        r = subject_scan(s, context->progress->doing, &scan);
        if (r < 0)
                return error_set_errno(err, r, "the scan failed");
        if (s->instance[0]) {
                snprintf(context->progress->doing, sizeof(context->progress->doing),
                         "looking at the tasks of %s", s->instance);
                add_monitor(scan, facts, &monitor);
                add_tasks(scan, facts, monitor);
                json_object_object_add(facts, "payload_frozen",
                                       json_object_new_boolean(payload_is_frozen(scan)));
                add_holder(s, scan, facts);
        }
        r = verb_write(context, message);
        return r < 0 ? error_set_errno(err, r, "the answer could not be written") : 0;
}

const struct verb verb_examine = {
        .name = "examine",
        .time_limit_ns = 4 * NSEC_PER_SEC,
        .answer_max = 256 * 1024,
        .check = subject_check,
        .release = free,
        .run = examine_run,
};

/* ---- thaw ---- */

static bool write_text(const char *root, const char *path, const char *file, const char *text)
{
        char full[PATH_MAX];
        ssize_t n;
        int fd;

        snprintf(full, sizeof(full), "%s%s/%s", root, path, file);
        fd = open(full, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return false;
        n = write(fd, text, strlen(text));
        close(fd);
        return n > 0;
}

/* cgroup.freeze (unified) or freezer.state (the old freezer): whichever there is. */
static int thaw_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        struct subject *s = data;
        json_object *items = json_object_new_array();
        int r = subject_scan(s, context->progress->doing, &scan);

        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "items", items);
        if (r < 0)
                return error_set_errno(err, r, "the scan failed");
        for (size_t i = 0; i < scan->n_items; i++) {
                const char *path = scan->items[i].name;
                json_object *item;
                bool written;

                if (scan->items[i].kind != LEFTOVER_CGROUP || !cgroup_is_frozen(s->root, path))
                        continue;
                written = write_text(s->root, path, "cgroup.freeze", "0") ||
                          write_text(s->root, path, "freezer.state", "THAWED");
                item = json_object_new_object();
                json_object_object_add(item, "name", json_object_new_string(path));
                json_object_object_add(
                        item, "error",
                        json_object_new_string(written ? "" : "it could not be written to"));
                json_object_array_add(items, item);
        }
        r = verb_write(context, message);
        return r < 0 ? error_set_errno(err, r, "the answer could not be written") : 0;
}

const struct verb verb_thaw = {
        .name = "thaw",
        .time_limit_ns = 5 * NSEC_PER_SEC,
        .answer_max = 256 * 1024,
        .check = subject_check,
        .release = free,
        .run = thaw_run,
};
