/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes the daemon keeps for an instance, found by their command lines: the
 * monitor ("[lxc monitor] DIR/containers NAME", one string, set by LXC), and the
 * daemon's helpers ("lxd forkexec NAME …", "lxd forkproxy -- …"). What runs in the
 * container is found through its cgroup (scan-cgroups.c). It notes the daemons it
 * comes across, so that the other parts know where else to look.
 *
 * Of every process the program is asked for (/proc/PID/exe: one system call, and it
 * waits for nothing) or, without the right to that, the name (/proc/PID/comm); the
 * command line only of those that run the daemon's program, as all of the above do.
 */

#include "agent/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#define CMDLINE_SIZE 4096
#define ARGS_MAX     64

static const char monitor_title[] = "[lxc monitor] ";

static bool called_like_the_daemon(const char *program)
{
        static const char *const prefixes[] = {"lxd", "incus", "lxc", "[lxc", "exe"};

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (startswith(program, prefixes[i]))
                        return true;
        return false;
}

/* State and parent from /proc/PID/stat; the name in it may hold anything, even ')'. */
static int read_state(int proc_fd, pid_t pid, char *ret_state, int *ret_parent)
{
        char path[32], buf[1024], *p;

        snprintf(path, sizeof(path), "%d/stat", (int)pid);
        if (scan_read(proc_fd, path, buf, sizeof(buf)) < 0)
                return -ESRCH;
        p = strrchr(buf, ')');
        if (!p || sscanf(p + 1, " %c %d", ret_state, ret_parent) != 2)
                return -ESRCH;
        return 0;
}

static int read_comm(int proc_fd, pid_t pid, char buf[static 16])
{
        char path[32];
        ssize_t n;

        snprintf(path, sizeof(path), "%d/comm", (int)pid);
        n = scan_read(proc_fd, path, buf, 16);
        if (n < 0)
                return (int)n;
        if (n > 0 && buf[n - 1] == '\n')
                buf[n - 1] = '\0';
        return 0;
}

/* The last component of the program's path, cut to fit. */
static int read_program(int proc_fd, const char *pid, char buf[static 16])
{
        char path[32], program[PATH_MAX], *base;
        ssize_t n;

        snprintf(path, sizeof(path), "%.15s/exe", pid);
        n = readlinkat(proc_fd, path, program, sizeof(program) - 1);
        if (n < 0 && (errno == EACCES || errno == EPERM))
                return read_comm(proc_fd, (pid_t)atoi(pid), buf);
        if (n < 0)
                return -errno; /* it ended, or is a thread of the kernel's */
        program[n] = '\0';
        base = strrchr(program, '/');
        snprintf(buf, 16, "%.15s", base ? base + 1 : program);
        return 0;
}

int scan_add_process(struct scan *s, int proc_fd, int target, pid_t pid, const char *what,
                     const char *where)
{
        char name[64], comm[16], state;
        int parent;

        if (scan_has(s, LEFTOVER_PROCESS, target, pid, NULL))
                return 0;
        if (!what) {
                if (read_comm(proc_fd, pid, comm) < 0)
                        return 0; /* it ended meanwhile */
                what = comm;
        }
        if (read_state(proc_fd, pid, &state, &parent) < 0)
                return 0;
        snprintf(name, sizeof(name), "pid %d %s", (int)pid, what);
        return scan_add(s, LEFTOVER_PROCESS, target, pid, name, "state %c, parent %d, %s", state,
                        parent, where);
}

static size_t split_arguments(char *buf, size_t size, const char **args)
{
        size_t n = 0;

        for (size_t i = 0; i < size && n < ARGS_MAX; i += strlen(buf + i) + 1)
                args[n++] = buf + i;
        return n;
}

/* forkproxy's arguments do not say whose it is; its log file does. */
static int find_by_output(struct scan *s, int proc_fd, pid_t pid)
{
        char path[32], target[PATH_MAX];
        ssize_t n;

        snprintf(path, sizeof(path), "%d/fd/1", (int)pid);
        n = readlinkat(proc_fd, path, target, sizeof(target) - 1);
        if (n < 0) {
                if (errno == EACCES || errno == EPERM)
                        s->blind |= 1U << LEFTOVER_PROCESS;
                return -ENOENT;
        }
        target[n] = '\0';
        return scan_find_in_path(s, target);
}

/*
 * lxd forkexec NAME LXCPATH CONFIG … -- env … -- cmd … ; lxd forkproxy -- PID … ;
 * lxd forkstart NAME LXCPATH CONFIG. What stands behind "--" is the user's.
 */
static int classify_helper(struct scan *s, int proc_fd, pid_t pid, const char *const *args,
                           size_t n)
{
        const char *base = strrchr(args[0], '/');
        char what[64];
        int t = -ENOENT;

        scan_saw(s, LEFTOVER_PROCESS, args[1]);
        for (size_t i = 2; t < 0 && i < n && !streq(args[i], "--"); i++)
                t = scan_find_in_path(s, args[i]);
        if (t < 0)
                t = find_by_output(s, proc_fd, pid);
        if (t < 0)
                return 0;
        snprintf(what, sizeof(what), "%.15s %.30s", base ? base + 1 : args[0], args[1]);
        return scan_add_process(s, proc_fd, t, pid, what, "a helper of the daemon's");
}

static int classify_monitor(struct scan *s, int proc_fd, pid_t pid, char *title)
{
        char *name = strrchr(title, ' ') + 1;
        int t = scan_find(s, name, strlen(name));

        scan_saw(s, LEFTOVER_PROCESS, "[lxc monitor]");
        if (t < 0)
                return scan_note_name(s, name);
        return scan_add_process(s, proc_fd, t, pid, "[lxc monitor]",
                                title + sizeof(monitor_title) - 1);
}

static void note_daemon(struct scan *s, pid_t pid, const char *arg0)
{
        const char *base = strrchr(arg0, '/');
        struct scan_daemon *d;

        base = base ? base + 1 : arg0;
        if ((!streq(base, "lxd") && !streq(base, "incusd")) || s->n_daemons == SCAN_DAEMONS_MAX)
                return;
        d = &s->daemons[s->n_daemons++];
        d->pid = pid;
        snprintf(d->name, sizeof(d->name), "%s", base);
}

static int classify(struct scan *s, int proc_fd, pid_t pid, const char *program)
{
        char path[32], buf[CMDLINE_SIZE];
        const char *args[ARGS_MAX];
        ssize_t size;
        size_t n;

        snprintf(path, sizeof(path), "%d/cmdline", (int)pid);
        scan_doing(s, "reading /proc/%s of %s", path, program);
        size = scan_read(proc_fd, path, buf, sizeof(buf));
        if (size <= 0)
                return 0;
        n = split_arguments(buf, (size_t)size, args);
        if (startswith(args[0], monitor_title))
                return classify_monitor(s, proc_fd, pid, buf);
        if (n > 1 && startswith(args[1], "fork"))
                return classify_helper(s, proc_fd, pid, args, n);
        note_daemon(s, pid, args[0]);
        return 0;
}

int scan_processes(struct scan *s)
{
        char path[PATH_MAX];
        bool seen_init = false;
        struct dirent *e;
        DIR *proc;
        int r;

        r = scan_path(s, path, sizeof(path), "/proc");
        if (r < 0)
                return r;
        scan_doing(s, "listing /proc");
        proc = opendir(path);
        if (!proc) {
                s->blind |= 1U << LEFTOVER_PROCESS;
                return 0;
        }
        while (r >= 0 && (e = readdir(proc))) {
                char program[16];
                int q;

                if (!isdigit((unsigned char)e->d_name[0]))
                        continue;
                seen_init = seen_init || streq(e->d_name, "1");
                q = read_program(dirfd(proc), e->d_name, program);
                if (q == -EACCES || q == -EPERM)
                        s->blind |= 1U << LEFTOVER_PROCESS;
                if (q >= 0 && called_like_the_daemon(program))
                        r = classify(s, dirfd(proc), (pid_t)atoi(e->d_name), program);
        }
        closedir(proc);
        /* hidepid=, ProtectProc=: other users' processes are not shown at all. */
        if (!seen_init)
                s->blind |= 1U << LEFTOVER_PROCESS;
        return r < 0 ? r : 0;
}
