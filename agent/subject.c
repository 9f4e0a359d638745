/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See subject.h. Only files of /proc and of cgroups are read here that wait for nothing:
 * no command line, no environment, no map. */

#include "agent/subject.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

#include "agent/helper-verbs.h"
#include "agent/owned.h"

#define SIGKILL_BIT        (UINT64_C(1) << (9 - 1))
#define FDS_MAX            100000
#define EVIDENCE_BYTES_MAX (INT64_C(64) * 1024 * 1024)

/* ---- requests ---- */

static int copy(json_object *request, const char *key, char *buf, size_t size, struct error *err)
{
        const char *text = verb_get_text(request, key);

        if (!text || strlen(text) >= size)
                return error_set(err, -EINVAL, "%s is malformed", key);
        memcpy(buf, text, strlen(text) + 1);
        return 0;
}

static int64_t get_number(json_object *request, const char *key, int64_t most)
{
        json_object *v;

        if (!json_object_object_get_ex(request, key, &v) || !json_object_is_type(v, json_type_int))
                return 0;
        most = MIN(json_object_get_int64(v), most);
        return MAX(most, INT64_C(0));
}

int subject_read(json_object *request, const char *root, struct subject *ret, struct error *err)
{
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        struct subject s = {.root = root};
        int r = verb_get_lxd_dir(request, s.lxd_dir, sizeof(s.lxd_dir), err);

        if (r >= 0)
                r = copy(request, "run", s.run, sizeof(s.run), err);
        if (r >= 0)
                r = copy(request, "instance", s.instance, sizeof(s.instance), err);
        if (r >= 0)
                r = copy(request, "project", s.project, sizeof(s.project), err);
        if (r >= 0 && s.instance[0]) {
                /* the names have to be such as a scan takes */
                r = scan_new("", "", &scan);
                if (r >= 0)
                        r = scan_add_target(scan, s.project, s.instance, "", err);
        }
        if (r < 0)
                return r;
        if (s.instance[0] && !owned_name(s.instance, s.run))
                return error_set(err, -EPERM, "%s is no instance of run %.20s: refused", s.instance,
                                 s.run);
        s.daemon_pid = get_number(request, "daemon_pid", INT32_MAX);
        s.limit_bytes = get_number(request, "limit_bytes", EVIDENCE_BYTES_MAX);
        *ret = s;
        return 0;
}

int subject_check(json_object *request, const struct verb_context *context, void **ret_request,
                  struct error *err)
{
        _cleanup_(freep)
        struct subject *s = calloc(1, sizeof(*s));
        int r = s ? subject_read(request, context->root, s, err) : -ENOMEM;

        if (r < 0)
                return r;
        *ret_request = TAKE(s);
        return 0;
}

int subject_scan(const struct subject *s, char *doing, struct scan **ret)
{
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        struct error err = ERROR_INIT;
        int r = scan_new(s->root, s->lxd_dir, &scan);

        if (r < 0)
                return r;
        scan->doing = doing;
        if (s->instance[0]) {
                r = scan_add_target(scan, s->project, s->instance, "", &err);
                if (r >= 0)
                        r = scan_index(scan);
                if (r >= 0)
                        r = scan_processes(scan);
                if (r >= 0)
                        r = scan_cgroups(scan);
        }
        if (r < 0)
                return r;
        *ret = TAKE(scan);
        return 0;
}

/* ---- reading ---- */

ssize_t subject_read_file(const char *root, char *buf, size_t size, const char *format, ...)
{
        char path[PATH_MAX];
        size_t used = (size_t)snprintf(path, sizeof(path), "%s", root);
        va_list ap;
        ssize_t n, length = 0;
        int fd;

        va_start(ap, format);
        n = vsnprintf(path + used, sizeof(path) - used, format, ap);
        va_end(ap);
        buf[0] = '\0';
        if (n < 0 || used + (size_t)n >= sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        while ((size_t)length < size - 1) {
                n = read(fd, buf + length, size - 1 - (size_t)length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                length += n;
        }
        if (length == 0 && n < 0)
                length = -errno;
        close(fd);
        buf[MAX(length, (ssize_t)0)] = '\0';
        return length;
}

static void cut_line(char *s)
{
        s[strcspn(s, "\n")] = '\0';
}

static uint64_t read_signals(const char *status, const char *key)
{
        const char *p = strstr(status, key);

        return p ? strtoull(p + strlen(key), NULL, 16) : 0;
}

bool task_read(const char *root, pid_t pid, bool with_stack, struct task *ret)
{
        char buf[4096], *end;
        int parent;

        *ret = (struct task){.pid = pid};
        if (subject_read_file(root, buf, sizeof(buf), "/proc/%d/stat", (int)pid) <= 0)
                return false;
        end = strrchr(buf, ')'); /* a name may hold anything */
        if (!end || sscanf(end + 1, " %c %d", &ret->state, &parent) != 2)
                return false;
        ret->parent = parent;
        if (subject_read_file(root, ret->comm, sizeof(ret->comm), "/proc/%d/comm", (int)pid) > 0)
                cut_line(ret->comm);
        if (subject_read_file(root, buf, sizeof(buf), "/proc/%d/status", (int)pid) > 0) {
                ret->dying =
                        (read_signals(buf, "SigPnd:") | read_signals(buf, "ShdPnd:")) & SIGKILL_BIT;
                end = strstr(buf, "\nThreads:");
                ret->threads = end ? strtoll(end + strlen("\nThreads:"), NULL, 10) : -1;
        }
        if (!with_stack)
                return true;
        if (subject_read_file(root, ret->wchan, sizeof(ret->wchan), "/proc/%d/wchan", (int)pid) <
                    0 ||
            streq(ret->wchan, "0"))
                ret->wchan[0] = '\0';
        if (subject_read_file(root, ret->stack, sizeof(ret->stack), "/proc/%d/stack", (int)pid) < 0)
                ret->stack[0] = '\0';
        /* An init that ends waits for what is left in its name space. */
        ret->dying = ret->dying || strstr(ret->stack, "zap_pid_ns_processes");
        return true;
}

void task_each(const char *root, bool (*seen)(pid_t pid, void *userdata), void *userdata)
{
        char path[PATH_MAX];
        struct dirent *e;
        DIR *proc;

        snprintf(path, sizeof(path), "%s/proc", root);
        proc = opendir(path);
        if (!proc)
                return;
        while ((e = readdir(proc)))
                if (isdigit((unsigned char)e->d_name[0]) && !seen((pid_t)atoi(e->d_name), userdata))
                        break;
        closedir(proc);
}

/* ---- cgroups ---- */

bool cgroup_is_frozen(const char *root, const char *path)
{
        char buf[256];

        if (subject_read_file(root, buf, sizeof(buf), "%s/cgroup.events", path) > 0 &&
            strstr(buf, "frozen 1"))
                return true;
        return subject_read_file(root, buf, sizeof(buf), "%s/freezer.state", path) > 0 &&
               startswith(buf, "FROZEN");
}

/* ---- the daemon ---- */

/* Inodes of the sockets that are bound in its directory, from /proc/PID/net/unix: ours
 * would show another name space's. */
static size_t bound_inodes(const struct subject *s, unsigned long long *inodes, size_t most)
{
        char path[PATH_MAX], line[PATH_MAX + 128];
        size_t n = 0, dir_length = strlen(s->lxd_dir);
        FILE *f;

        snprintf(path, sizeof(path), "%s/proc/%lld/net/unix", s->root, (long long)s->daemon_pid);
        f = fopen(path, "re");
        while (f && n < most && fgets(line, sizeof(line), f)) {
                const char *name = strchr(line, '/');

                /* Num RefCount Protocol Flags Type St Inode Path */
                if (name && strncmp(name, s->lxd_dir, dir_length) == 0 && name[dir_length] == '/' &&
                    sscanf(line, "%*s %*s %*s %*s %*s %*s %llu", &inodes[n]) == 1)
                        n++;
        }
        if (f)
                fclose(f);
        return n;
}

bool subject_daemon_fits(const struct subject *s)
{
        unsigned long long inodes[16], inode;
        size_t n, looked = 0;
        char path[PATH_MAX], target[64];
        struct dirent *e;
        bool fits = false;
        DIR *fds;

        if (s->daemon_pid <= 1 || !s->lxd_dir[0])
                return false;
        n = bound_inodes(s, inodes, ELEMENTSOF(inodes));
        snprintf(path, sizeof(path), "%s/proc/%lld/fd", s->root, (long long)s->daemon_pid);
        fds = n > 0 ? opendir(path) : NULL;
        while (fds && !fits && looked++ < FDS_MAX && (e = readdir(fds))) {
                ssize_t length = readlinkat(dirfd(fds), e->d_name, target, sizeof(target) - 1);

                if (length < 0)
                        continue;
                target[length] = '\0';
                if (sscanf(target, "socket:[%llu]", &inode) != 1)
                        continue;
                for (size_t i = 0; i < n; i++)
                        fits = fits || inodes[i] == inode;
        }
        if (fds)
                closedir(fds);
        return fits;
}
