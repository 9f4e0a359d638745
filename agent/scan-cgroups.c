/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Control groups of an instance, and the processes in them. LXC makes
 * lxc.payload.NAME for the container and lxc.monitor.NAME for its monitor, with -1,
 * -2 … behind them while older ones of the name still exist (cgfsng.c). They stand
 * in the root of the hierarchy, or beneath the daemon's own cgroup where it may not
 * write to the root; in the one unified hierarchy, or in each of the old ones. All
 * that are mounted are looked at.
 */

#include "agent/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#define DEPTH_MAX 6 /* a container's own tree: systemd makes 3 or 4 */
#define BASES_MAX 64
#define PROCS_MAX (SCAN_ITEMS_PER_TARGET * 4)

struct bases {
        char *paths[BASES_MAX]; /* without root */
        size_t n;
};

static void bases_clear(struct bases *b)
{
        for (size_t i = 0; i < b->n; i++)
                free(b->paths[i]);
}

static int bases_add(struct bases *b, const char *path)
{
        for (size_t i = 0; i < b->n; i++)
                if (streq(b->paths[i], path))
                        return 0;
        if (b->n == BASES_MAX)
                return 0;
        b->paths[b->n] = strdup(path);
        if (!b->paths[b->n])
                return -ENOMEM;
        b->n++;
        return 0;
}

/* Fields of mountinfo(5): id parent dev root MOUNTPOINT options … - TYPE source … */
static bool is_cgroup_mount(char *line, const char **ret_point)
{
        char *type = strstr(line, " - "), *p = line;

        if (!type)
                return false;
        type += 3;
        if (strncmp(type, "cgroup2 ", 8) != 0 && strncmp(type, "cgroup ", 7) != 0)
                return false;
        for (int i = 0; i < 4; i++) {
                p = strchr(p, ' ');
                if (!p)
                        return false;
                p++;
        }
        p[strcspn(p, " ")] = '\0';
        *ret_point = p;
        return true;
}

static int find_hierarchies(struct scan *s, struct bases *b)
{
        _cleanup_(fclosep)
        FILE *f = NULL;
        _cleanup_(freep)
        char *line = NULL;
        char path[PATH_MAX];
        size_t size = 0;
        int r;

        r = scan_path(s, path, sizeof(path), "/proc/self/mountinfo");
        if (r < 0)
                return r;
        f = fopen(path, "re");
        while (f && getline(&line, &size, f) >= 0) {
                const char *point;

                if (!is_cgroup_mount(line, &point))
                        continue;
                r = bases_add(b, point);
                if (r < 0)
                        return r;
        }
        if (b->n == 0)
                s->blind |= 1U << LEFTOVER_CGROUP;
        return 0;
}

/* The daemon's cgroup and what is above it, in every hierarchy that has them. */
static int add_daemon_cgroup(struct scan *s, struct bases *b, size_t n_hierarchies, char *cgroup)
{
        char path[PATH_MAX], *slash;
        int r;

        if (strstr(cgroup, "/.."))
                return 0;
        while ((slash = strrchr(cgroup, '/'))) {
                if (cgroup[1] == '\0' || cgroup[0] == '\0')
                        return 0;
                for (size_t i = 0; i < n_hierarchies; i++) {
                        int n = snprintf(path, sizeof(path), "%s%s", b->paths[i], cgroup);

                        if (n < 0 || (size_t)n >= sizeof(path))
                                continue;
                        r = bases_add(b, path);
                        if (r < 0)
                                return r;
                }
                *slash = '\0';
        }
        return 0;
}

static int find_daemon_cgroups(struct scan *s, struct bases *b)
{
        size_t n_hierarchies = b->n;
        int r;

        for (size_t i = 0; i < s->n_daemons; i++) {
                char path[PATH_MAX], buf[4096], *line, *save = NULL;

                r = scan_path(s, path, sizeof(path), "/proc/%d/cgroup", (int)s->daemons[i].pid);
                if (r < 0)
                        return r;
                if (scan_read(AT_FDCWD, path, buf, sizeof(buf)) < 0)
                        continue;
                /* HIERARCHY:CONTROLLERS:PATH */
                for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                        char *p = strchr(line, ':');

                        p = p ? strchr(p + 1, ':') : NULL;
                        if (!p)
                                continue;
                        r = add_daemon_cgroup(s, b, n_hierarchies, p + 1);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* What is found in one cgroup of an instance and beneath it. */
struct members {
        pid_t pids[PROCS_MAX];
        size_t n;
        bool more;
};

static void read_members(int dir_fd, struct members *m)
{
        _cleanup_(fclosep)
        FILE *f = NULL;
        int fd, pid;

        fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        f = fdopen(fd, "r");
        if (!f) {
                close(fd);
                return;
        }
        while (fscanf(f, "%d", &pid) == 1) {
                if (pid <= 0) /* of a PID name space we do not see */
                        continue;
                if (m->n == PROCS_MAX) {
                        m->more = true;
                        return;
                }
                m->pids[m->n++] = (pid_t)pid;
        }
}

static void collect_members(int dir_fd, struct members *m, int depth)
{
        struct dirent *e;
        DIR *d;
        int fd;

        read_members(dir_fd, m);
        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd >= 0 ? fdopendir(fd) : NULL;
        if (!d) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        while (depth < DEPTH_MAX && m->n < PROCS_MAX && (e = readdir(d))) {
                int child;

                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (child < 0)
                        continue;
                collect_members(child, m, depth + 1);
                close(child);
        }
        closedir(d);
}

/* cgroup.events "frozen 1" (unified), freezer.state "FROZEN" (the old freezer). */
static bool is_frozen(int dir_fd)
{
        char buf[256];

        if (scan_read(dir_fd, "cgroup.events", buf, sizeof(buf)) > 0)
                return strstr(buf, "frozen 1") != NULL;
        if (scan_read(dir_fd, "freezer.state", buf, sizeof(buf)) > 0)
                return startswith(buf, "FROZEN");
        return false;
}

static int add_cgroup(struct scan *s, int proc_fd, int target, int dir_fd, const char *base,
                      const char *name)
{
        char path[PATH_MAX], where[192];
        struct members m = {0};
        int r;

        collect_members(dir_fd, &m, 0);
        snprintf(path, sizeof(path), "%s/%s", base, name);
        r = scan_add(s, LEFTOVER_CGROUP, target, 0, path, "%zu%s task%s%s", m.n,
                     m.more ? " or more" : "", m.n == 1 ? "" : "s",
                     is_frozen(dir_fd) ? ", frozen" : "");
        snprintf(where, sizeof(where), "in %.180s", name);
        for (size_t i = 0; r >= 0 && i < m.n; i++)
                r = scan_add_process(s, proc_fd, target, m.pids[i], NULL, where);
        return r;
}

static int scan_base(struct scan *s, int proc_fd, const char *base)
{
        static const char *const prefixes[] = {"lxc.payload.", "lxc.monitor."};
        char path[PATH_MAX];
        struct dirent *e;
        DIR *d;
        int r;

        r = scan_path(s, path, sizeof(path), "%s", base);
        if (r < 0)
                return r;
        scan_doing(s, "listing %s", base);
        d = opendir(path);
        if (!d) {
                if (errno == EACCES)
                        s->blind |= 1U << LEFTOVER_CGROUP;
                return 0;
        }
        while (r >= 0 && (e = readdir(d))) {
                for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                        int t, fd;

                        if (!startswith(e->d_name, prefixes[i]))
                                continue;
                        scan_saw(s, LEFTOVER_CGROUP, e->d_name);
                        t = scan_find_numbered(s, e->d_name + strlen(prefixes[i]));
                        if (t < 0) {
                                r = scan_note_name(s, e->d_name + strlen(prefixes[i]));
                                continue;
                        }
                        fd = openat(dirfd(d), e->d_name,
                                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                        if (fd < 0)
                                continue; /* gone meanwhile */
                        r = add_cgroup(s, proc_fd, t, fd, base, e->d_name);
                        close(fd);
                }
        }
        closedir(d);
        return r < 0 ? r : 0;
}

int scan_cgroups(struct scan *s)
{
        _cleanup_(bases_clear)
        struct bases b = {0};
        _cleanup_(closep)
        int proc_fd = -1;
        char path[PATH_MAX];
        int r;

        r = scan_path(s, path, sizeof(path), "/proc");
        if (r < 0)
                return r;
        proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0) {
                s->blind |= 1U << LEFTOVER_CGROUP;
                return 0;
        }
        r = find_hierarchies(s, &b);
        if (r < 0)
                return r;
        r = find_daemon_cgroups(s, &b);
        for (size_t i = 0; r >= 0 && i < b.n; i++)
                r = scan_base(s, proc_fd, b.paths[i]);
        return r;
}
