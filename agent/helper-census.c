/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `census`: how much there is of what a run may leak, in the daemon's process and on the
 * host, and what it is. It only counts: whose things are is not asked, so what others have is in
 * the figures too. The daemon comes first and by itself, so that a host that stands still later
 * leaves its figures. What cannot be counted has no figure.
 */

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "agent/groups.h"
#include "agent/helper-verbs.h"
#include "agent/links.h"
#include "agent/subject.h"
#include "base/parse.h"

#define FDS_NAMED_MAX 50000 /* of more, only the number is told */
#define MOST_FDS      12    /* groups told of each kind */
#define MOST_OTHERS   6

struct count {
        const struct verb_context *context;
        const struct subject *subject;
        struct scan *scan;
        json_object *counts, *groups;
        int64_t seen[LEFTOVER_MAX_];
        struct groups by_name;
};

static void doing(const struct count *c, const char *what)
{
        snprintf(c->context->progress->doing, sizeof(c->context->progress->doing), "%s", what);
}

static void put_count(struct count *c, enum census_kind kind, int64_t n)
{
        if (n >= 0)
                json_object_object_add(c->counts, census_kind_name((int)kind),
                                       json_object_new_int64(n));
}

static void put_groups(struct count *c, enum census_kind kind, size_t most)
{
        if (c->by_name.n > 0)
                json_object_object_add(c->groups, census_kind_name((int)kind),
                                       groups_to_json(&c->by_name, most));
        memset(&c->by_name, 0, sizeof(c->by_name));
}

/* ---- the daemon's process: descriptors ---- */

struct sockets {
        struct socket {
                unsigned long long inode;
                bool known; /* it is a unix socket */
        } * items;
        size_t n, allocated;
};

static int add_socket(struct sockets *s, unsigned long long inode)
{
        if (s->n == s->allocated) {
                size_t n = MAX(s->allocated * 2, (size_t)256);
                struct socket *items = reallocarray(s->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                s->items = items;
                s->allocated = n;
        }
        s->items[s->n++] = (struct socket){.inode = inode};
        return 0;
}

static int compare_sockets(const void *a, const void *b)
{
        const struct socket *x = a, *y = b;

        return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* Which of them are unix sockets, and bound to what: an end that a client has connected to
 * bears the name of the socket that listens. */
static void name_unix_sockets(struct count *c, struct sockets *s)
{
        char path[PATH_MAX], line[PATH_MAX + 128], label[PATH_MAX + 16], pattern[PATH_MAX];
        FILE *f;

        snprintf(path, sizeof(path), "%s/proc/%lld/net/unix", c->subject->root,
                 (long long)c->subject->daemon_pid);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f)) {
                struct socket key = {0}, *found;
                int at = 0;

                /* Num RefCount Protocol Flags Type St Inode Path */
                if (sscanf(line, "%*s %*s %*s %*s %*s %*s %llu%n", &key.inode, &at) != 1)
                        continue;
                found = bsearch(&key, s->items, s->n, sizeof(key), compare_sockets);
                if (!found || found->known)
                        continue;
                found->known = true;
                line[strcspn(line, "\n")] = '\0';
                groups_path(line + at + strspn(line + at, " "), pattern, sizeof(pattern));
                snprintf(label, sizeof(label), "socket %s", pattern[0] ? pattern : "unix");
                groups_add(&c->by_name, label);
        }
        if (f)
                fclose(f);
}

static int name_sockets(struct count *c, struct sockets *s)
{
        if (s->n == 0)
                return 0;
        qsort(s->items, s->n, sizeof(*s->items), compare_sockets);
        name_unix_sockets(c, s);
        for (size_t i = 0; i < s->n; i++)
                if (!s->items[i].known)
                        groups_add(&c->by_name, "socket");
        return 0;
}

/* "pipe:[123]", "anon_inode:[eventpoll]", "/a/path (deleted)" */
static int name_fd(struct count *c, struct sockets *s, const char *target)
{
        char pattern[PATH_MAX];
        unsigned long long inode;

        if (sscanf(target, "socket:[%llu]", &inode) == 1)
                return add_socket(s, inode);
        if (startswith(target, "pipe:")) {
                groups_add(&c->by_name, "pipe");
                return 0;
        }
        groups_path(target, pattern, sizeof(pattern));
        groups_add(&c->by_name, pattern);
        return 0;
}

static int count_fds(struct count *c)
{
        char path[PATH_MAX], target[PATH_MAX];
        struct sockets sockets = {0};
        struct dirent *e;
        int64_t n = 0;
        int r = 0;
        DIR *d;

        snprintf(path, sizeof(path), "%s/proc/%lld/fd", c->subject->root,
                 (long long)c->subject->daemon_pid);
        d = opendir(path);
        if (!d)
                return 0;
        while (r >= 0 && (e = readdir(d))) {
                ssize_t length;

                if (!isdigit((unsigned char)e->d_name[0]))
                        continue;
                if (++n > FDS_NAMED_MAX)
                        continue;
                length = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
                if (length < 0)
                        continue;
                target[length] = '\0';
                r = name_fd(c, &sockets, target);
        }
        closedir(d);
        if (r >= 0)
                r = name_sockets(c, &sockets);
        free(sockets.items);
        if (r < 0)
                return r;
        put_count(c, CENSUS_FDS, n);
        put_groups(c, CENSUS_FDS, MOST_FDS);
        return 0;
}

/* ---- the daemon's process: the rest ---- */

/* The number behind "\nNAME:" in /proc/PID/status; -1 = there is none. */
static int64_t read_status(const char *status, const char *name)
{
        const char *p = strstr(status, name);

        return p ? strtoll(p + strlen(name), NULL, 10) : -1;
}

static void count_status(struct count *c)
{
        char buf[8192];
        int64_t kb;

        if (subject_read_file(c->subject->root, buf, sizeof(buf), "/proc/%lld/status",
                              (long long)c->subject->daemon_pid) <= 0)
                return;
        put_count(c, CENSUS_THREADS, read_status(buf, "\nThreads:"));
        kb = read_status(buf, "\nVmRSS:");
        put_count(c, CENSUS_RSS, kb < 0 ? -1 : kb * 1024);
}

/* "36 35 98:0 /root /point options - TYPE source" as "TYPE /point" without what varies. */
static void name_mount(struct count *c, const char *line)
{
        char point[PATH_MAX], pattern[PATH_MAX], type[64], label[PATH_MAX + 72];
        const char *rest = strstr(line, " - ");

        if (!rest || sscanf(rest + 3, "%63s", type) != 1 ||
            sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
                return;
        groups_path(point, pattern, sizeof(pattern));
        snprintf(label, sizeof(label), "%s %s", type, pattern);
        groups_add(&c->by_name, label);
}

static void count_mounts(struct count *c)
{
        _cleanup_(freep)
        char *line = NULL;
        char path[PATH_MAX];
        size_t size = 0;
        int64_t n = 0;
        FILE *f;

        snprintf(path, sizeof(path), "%s/proc/%lld/mountinfo", c->subject->root,
                 (long long)c->subject->daemon_pid);
        f = fopen(path, "re");
        if (!f)
                return;
        while (getline(&line, &size, f) >= 0) {
                n++;
                name_mount(c, line);
        }
        fclose(f);
        put_count(c, CENSUS_MOUNTS, n);
        put_groups(c, CENSUS_MOUNTS, MOST_OTHERS);
}

/* ---- the host ---- */

static void see(enum leftover_kind kind, const char *what, void *userdata)
{
        struct count *c = userdata;

        c->seen[kind]++;
        if (kind == LEFTOVER_PROCESS)
                groups_add(&c->by_name, what);
}

static void count_loops(struct count *c)
{
        char path[PATH_MAX];
        struct dirent *e;
        int64_t n = 0;
        DIR *d;

        snprintf(path, sizeof(path), "%s/sys/block", c->subject->root);
        d = opendir(path);
        if (!d)
                return;
        while ((e = readdir(d))) {
                if (!startswith(e->d_name, "loop"))
                        continue;
                snprintf(path, sizeof(path), "%.64s/loop/backing_file", e->d_name);
                n += faccessat(dirfd(d), path, F_OK, 0) == 0;
        }
        closedir(d);
        put_count(c, CENSUS_LOOPS, n);
}

static int count_veths(struct count *c)
{
        _cleanup_(links_clear)
        struct links links = {0};
        int64_t n = 0;
        int r = c->subject->root[0] ? -ENOENT : links_read(&links);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (size_t i = 0; i < links.n; i++)
                n += links.items[i].veth;
        put_count(c, CENSUS_VETHS, n);
        return 0;
}

/* A kind that could not be looked at has no figure. */
static void put_seen(struct count *c, enum leftover_kind of, enum census_kind as)
{
        if (!(c->scan->blind & (1U << of)))
                put_count(c, as, c->seen[of]);
}

static int count_instances(struct count *c)
{
        struct scan *s = c->scan;
        int r = scan_index(s);

        if (r >= 0)
                r = scan_processes(s);
        if (r < 0)
                return r;
        put_seen(c, LEFTOVER_PROCESS, CENSUS_PROCESSES);
        put_groups(c, CENSUS_PROCESSES, MOST_OTHERS);
        r = scan_cgroups(s);
        if (r < 0)
                return r;
        put_seen(c, LEFTOVER_CGROUP, CENSUS_CGROUPS);
        r = scan_volumes(s);
        if (r < 0)
                return r;
        put_seen(c, LEFTOVER_VOLUME, CENSUS_VOLUMES);
        return 0;
}

/* ---- the verb ---- */

static int tell(struct count *c, bool more)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();

        json_object_object_add(message, "id", json_object_new_int64(c->context->id));
        if (more)
                json_object_object_add(message, "more", json_object_new_boolean(true));
        json_object_object_add(message, "counts", c->counts);
        json_object_object_add(message, "groups", c->groups);
        c->counts = json_object_new_object();
        c->groups = json_object_new_object();
        return verb_write(c->context, message);
}

static int count_all(struct count *c)
{
        int r = 0;

        if (subject_daemon_fits(c->subject)) {
                doing(c, "counting the daemon's descriptors");
                r = count_fds(c);
                if (r < 0)
                        return r;
                count_status(c);
                doing(c, "counting the daemon's mounts");
                count_mounts(c);
        }
        r = tell(c, true);
        doing(c, "counting links and loop devices");
        if (r >= 0)
                r = count_veths(c);
        if (r < 0)
                return r;
        count_loops(c);
        r = count_instances(c);
        return r < 0 ? r : tell(c, false);
}

static int census_run(void *data, const struct verb_context *context, struct error *err)
{
        const struct subject *s = data;
        struct count *c = calloc(1, sizeof(*c));
        int r = c ? scan_new(s->root, s->lxd_dir, &c->scan) : -ENOMEM;

        if (r >= 0) {
                c->context = context;
                c->subject = s;
                c->counts = json_object_new_object();
                c->groups = json_object_new_object();
                c->scan->doing = context->progress->doing;
                c->scan->saw = see;
                c->scan->saw_userdata = c;
                r = count_all(c);
        }
        if (c) {
                scan_free(c->scan);
                json_object_put(c->counts);
                json_object_put(c->groups);
        }
        free(c);
        return r < 0 ? error_set_errno(err, r, "the census failed") : 0;
}

const struct verb verb_census = {
        .name = "census",
        .time_limit_ns = 4 * NSEC_PER_SEC,
        .answer_max = 64 * 1024,
        .partial = true,
        .check = subject_check,
        .release = free,
        .run = census_run,
};
