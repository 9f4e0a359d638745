/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ends the processes of an instance: its monitor, what is in its cgroups, the
 * daemon's helpers for it. Each is opened (pidfd) first and then found by a second
 * scan; only what both have is signalled, through the descriptor, so that a number
 * that was given to another process meanwhile is never hit. What is frozen or
 * stopped is set going first, or no signal but one would be heard.
 *
 * Container first, monitor last: a monitor that sees its container end puts the
 * rest away itself.
 */

#include "agent/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/clock.h"

#define PASSES_MAX 5
#define TERM_NS    (500 * NSEC_PER_MSEC)
#define MONITOR_NS (700 * NSEC_PER_MSEC)
#define KILL_NS    (1000 * NSEC_PER_MSEC)

struct victim {
        pid_t pid;
        int fd;
        bool confirmed, monitor;
        char name[256];
};

struct victims {
        struct victim items[SCAN_ITEMS_PER_TARGET];
        size_t n;
};

static const scan_part parts[] = {scan_processes, scan_cgroups, NULL};

static void victims_clear(struct victims *v)
{
        for (size_t i = 0; i < v->n; i++)
                if (v->items[i].fd >= 0)
                        close(v->items[i].fd);
        v->n = 0;
}

/* Whatever a scan may say: not the machine, not us, not a daemon. */
static bool is_spared(const struct scan *s, pid_t pid)
{
        if (pid <= 1 || pid == getpid() || pid == getppid())
                return true;
        for (size_t i = 0; i < s->n_daemons; i++)
                if (s->daemons[i].pid == pid)
                        return true;
        return false;
}

static void collect(const struct scan *s, struct victims *v)
{
        for (size_t i = 0; i < s->n_items && v->n < ELEMENTSOF(v->items); i++) {
                const struct scan_item *item = &s->items[i];
                struct victim *victim = &v->items[v->n];

                if (item->kind != LEFTOVER_PROCESS || is_spared(s, item->pid))
                        continue;
                *victim = (struct victim){
                        .pid = item->pid,
                        .fd = (int)syscall(SYS_pidfd_open, item->pid, 0),
                        .monitor = strstr(item->name, "[lxc monitor]") != NULL,
                };
                if (victim->fd < 0)
                        continue; /* it ended by itself */
                memcpy(victim->name, item->name, sizeof(victim->name));
                v->n++;
        }
}

static void confirm(const struct scan *s, struct victims *v)
{
        for (size_t i = 0; i < v->n; i++)
                v->items[i].confirmed = !is_spared(s, v->items[i].pid) &&
                                        scan_has(s, LEFTOVER_PROCESS, 0, v->items[i].pid, NULL);
}

/* cgroup.freeze (unified) or freezer.state (the old freezer): whichever there is. */
static void thaw(const struct scan *s)
{
        static const struct {
                const char *file, *text;
        } ways[] = {{"cgroup.freeze", "0"}, {"freezer.state", "THAWED"}};

        for (size_t i = 0; i < s->n_items; i++) {
                for (size_t w = 0; w < ELEMENTSOF(ways); w++) {
                        char path[PATH_MAX];
                        int fd;

                        if (s->items[i].kind != LEFTOVER_CGROUP ||
                            scan_path(s, path, sizeof(path), "%s/%s", s->items[i].name,
                                      ways[w].file) < 0)
                                continue;
                        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
                        if (fd < 0)
                                continue;
                        /* If it does not help, what is frozen is said not to end. */
                        if (write(fd, ways[w].text, strlen(ways[w].text)) < 0)
                                errno = 0;
                        close(fd);
                }
        }
}

static bool has_ended(const struct victim *v)
{
        struct pollfd p = {.fd = v->fd, .events = POLLIN};

        return poll(&p, 1, 0) > 0;
}

static void signal_all(const struct victims *v, int number, bool monitors)
{
        for (size_t i = 0; i < v->n; i++) {
                const struct victim *victim = &v->items[i];

                if (victim->confirmed && (monitors || !victim->monitor))
                        (void)syscall(SYS_pidfd_send_signal, victim->fd, number, NULL, 0);
        }
}

/* Until all, or all but the monitors, have ended, but not longer. */
static bool wait_for(const struct victims *v, bool monitors, int64_t limit_ns)
{
        int64_t end_ns = now_monotonic_ns() + limit_ns;

        for (;;) {
                bool all = true;

                for (size_t i = 0; i < v->n; i++)
                        if (v->items[i].confirmed && (monitors || !v->items[i].monitor))
                                all = all && has_ended(&v->items[i]);
                if (all || now_monotonic_ns() > end_ns)
                        return all;
                usleep(10000);
        }
}

static void end_them(const struct victims *v)
{
        signal_all(v, SIGTERM, false);
        signal_all(v, SIGCONT, true);
        if (!wait_for(v, false, TERM_NS)) {
                signal_all(v, SIGKILL, false);
                (void)wait_for(v, false, KILL_NS);
        }
        if (wait_for(v, true, MONITOR_NS))
                return;
        signal_all(v, SIGTERM, true);
        if (wait_for(v, true, TERM_NS / 2))
                return;
        signal_all(v, SIGKILL, true);
        (void)wait_for(v, true, KILL_NS);
}

/* 1: there were some. */
static int pass(struct removal *r)
{
        _cleanup_(victims_clear)
        struct victims v = {.n = 0};
        _cleanup_(scan_freep)
        struct scan *first = NULL, *second = NULL;
        int q;

        q = remove_scan(r, parts, &first);
        if (q < 0)
                return q;
        collect(first, &v);
        if (v.n == 0)
                return 0;
        scan_free(TAKE(first));
        q = remove_scan(r, parts, &second);
        if (q < 0)
                return q;
        confirm(second, &v);
        snprintf(r->doing, SCAN_DOING_SIZE, "ending processes of %.60s", r->instance);
        thaw(second);
        end_them(&v);
        for (size_t i = 0; i < v.n; i++) {
                if (!v.items[i].confirmed)
                        continue;
                if (has_ended(&v.items[i]))
                        remove_note(r, v.items[i].name, "%s", "");
                else
                        remove_note(r, v.items[i].name,
                                    "it was killed and does not end: it waits in the kernel");
        }
        return 1;
}

int remove_processes(struct removal *r)
{
        int q = 1;

        if (r->root[0])
                return -EOPNOTSUPP;
        /* Again while there are new ones: a container can be quick to fork. */
        for (int i = 0; q > 0 && i < PASSES_MAX; i++)
                q = pass(r);
        return q < 0 ? q : 0;
}
