/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the removals share; see remove.h. */

#include "agent/remove.h"

#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>

remove_function remove_find(enum leftover_kind kind)
{
        static const remove_function functions[LEFTOVER_MAX_] = {
                [LEFTOVER_PROCESS] = remove_processes, [LEFTOVER_CGROUP] = remove_cgroups,
                [LEFTOVER_MOUNT] = remove_mounts,      [LEFTOVER_VETH] = remove_links,
                [LEFTOVER_VOLUME] = remove_volumes,
        };

        return (unsigned)kind < LEFTOVER_MAX_ ? functions[kind] : NULL;
}

int remove_scan(struct removal *r, const scan_part *parts, struct scan **ret)
{
        _cleanup_(scan_freep)
        struct scan *s = NULL;
        int q;

        q = scan_new(r->root, r->lxd_dir, &s);
        if (q < 0)
                return q;
        s->doing = r->doing;
        q = scan_add_target(s, r->project, r->instance, r->veths, NULL);
        if (q >= 0)
                q = scan_index(s);
        for (; q >= 0 && *parts; parts++)
                q = (*parts)(s);
        if (q < 0)
                return q;
        *ret = TAKE(s);
        return 0;
}

void remove_note(struct removal *r, const char *name, const char *format, ...)
{
        struct remove_result *result = r->results, *end = r->results + r->n_results;
        va_list ap;

        while (result < end && !streq(result->name, name))
                result++;
        if (result == end) {
                if (r->n_results == REMOVE_RESULTS_MAX)
                        return;
                r->n_results++;
                snprintf(result->name, sizeof(result->name), "%s", name);
        }
        va_start(ap, format);
        vsnprintf(result->error, sizeof(result->error), format, ap);
        va_end(ap);
}

int remove_check_lxd_dir(const struct removal *r)
{
        char path[PATH_MAX];
        struct stat st;

        if (r->lxd_dir[0] != '/' || r->lxd_dir[1] == '\0')
                return -EINVAL;
        if ((size_t)snprintf(path, sizeof(path), "%s%s/storage-pools", r->root, r->lxd_dir) >=
            sizeof(path))
                return -ENAMETOOLONG;
        if (lstat(path, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        if (st.st_uid != geteuid())
                return -EPERM;
        *strrchr(path, '/') = '\0';
        if (stat(path, &st) < 0)
                return -errno;
        return st.st_mode & S_IWOTH ? -EPERM : 0;
}
