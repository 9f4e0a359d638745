/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes the empty cgroups of an instance, from the leaves up. One with a task in
 * it cannot be removed, and is not tried to be emptied here. */

#include "agent/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#define DEPTH_MAX 32

static int remove_tree(int parent, const char *name, int depth)
{
        struct dirent *e;
        int fd, r = 0;
        DIR *d;

        if (depth == DEPTH_MAX)
                return -ELOOP;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                close(fd);
                return r;
        }
        while (r >= 0 && (e = readdir(d)))
                if (e->d_type == DT_DIR && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        r = remove_tree(fd, e->d_name, depth + 1);
        closedir(d);
        if (r >= 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                r = -errno;
        return r;
}

int remove_cgroups(struct removal *r)
{
        static const scan_part parts[] = {scan_processes, scan_cgroups, NULL};
        _cleanup_(scan_freep)
        struct scan *s = NULL;
        int q;

        q = remove_scan(r, parts, &s);
        if (q < 0)
                return q;
        for (size_t i = 0; i < s->n_items; i++) {
                const struct scan_item *item = &s->items[i];
                char path[PATH_MAX];

                if (item->kind != LEFTOVER_CGROUP)
                        continue;
                q = scan_path(s, path, sizeof(path), "%s", item->name);
                scan_doing(s, "removing cgroup %.100s", item->name);
                if (q >= 0)
                        q = remove_tree(AT_FDCWD, path, 0);
                if (q == -EBUSY)
                        remove_note(r, item->name, "not empty: %.100s", item->detail);
                else
                        remove_note(r, item->name, "%s", q < 0 ? strerror(-q) : "");
        }
        return 0;
}
