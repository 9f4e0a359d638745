/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removes directories and links of the daemon's that are named exactly like an
 * instance the daemon does not have any more. A directory goes with its contents
 * only while that is of the file system its parent is of, as with the dir driver:
 * a subvolume, a data set or something mounted is reported and left alone.
 */

#include "agent/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "agent/owned.h"

#define DEPTH_MAX 256

static int remove_entry(int parent, const char *name, dev_t dev, int depth);

static int remove_contents(int parent, const char *name, dev_t dev, int depth)
{
        struct dirent *e;
        int fd, r = 0;
        DIR *d;

        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                close(fd);
                return r;
        }
        while (r >= 0 && (e = readdir(d)))
                if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        r = remove_entry(fd, e->d_name, dev, depth + 1);
        closedir(d);
        return r;
}

static int remove_entry(int parent, const char *name, dev_t dev, int depth)
{
        struct stat st;
        int r;

        if (depth > DEPTH_MAX)
                return -ELOOP;
        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (st.st_dev != dev)
                return -EXDEV;
        if (!S_ISDIR(st.st_mode))
                return unlinkat(parent, name, 0) < 0 && errno != ENOENT ? -errno : 0;
        /* An empty one, the mount point of a volume, goes without being opened. */
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
                return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
                return -errno;
        r = remove_contents(parent, name, dev, depth);
        if (r >= 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
                r = -errno;
        return r;
}

static int remove_in_view(const struct scan *s, const char *view, const char *item)
{
        _cleanup_(closep)
        int fd = -1;
        const char *name = strrchr(item, '/') + 1;
        char path[PATH_MAX];
        struct stat st;
        int r;

        r = scan_path(s, path, sizeof(path), "%s%.*s", view, (int)(name - item), item);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        return remove_entry(fd, name, st.st_dev, 0);
}

static int remove_everywhere(const struct scan *s, const char *item)
{
        int r = remove_in_view(s, "", item);

        for (size_t i = 0; r >= 0 && i < s->n_daemons; i++) {
                char view[32];

                if (scan_daemon_root(s, i, view, sizeof(view)) > 0)
                        r = remove_in_view(s, view, item);
        }
        return r;
}

/* An AppArmor profile has something before the name; the rest is the name, whole. */
static bool is_named(const struct removal *r, const char *item, const char *full)
{
        static const char *const prefixes[] = {"", "lxd-", "incus-"};
        char name[SCAN_FULL_NAME_SIZE + 8];

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                snprintf(name, sizeof(name), "%s%s", prefixes[i], full);
                if (owned_path(item, r->lxd_dir, name) && streq(strrchr(item, '/') + 1, name))
                        return true;
        }
        return false;
}

int remove_volumes(struct removal *r)
{
        static const scan_part parts[] = {scan_processes, scan_volumes, NULL};
        _cleanup_(scan_freep)
        struct scan *s = NULL;
        int q;

        q = remove_check_lxd_dir(r);
        if (q >= 0)
                q = remove_scan(r, parts, &s);
        if (q < 0)
                return q;
        for (size_t i = 0; i < s->n_items; i++) {
                const char *item = s->items[i].name;

                if (s->items[i].kind != LEFTOVER_VOLUME || !is_named(r, item, s->targets[0].full))
                        continue;
                scan_doing(s, "removing %.110s", item);
                q = remove_everywhere(s, item);
                if (q == -EXDEV)
                        remove_note(r, item,
                                    "has a file system of its own (a subvolume, a data set or a "
                                    "mount): remove it with the tools of its pool");
                else
                        remove_note(r, item, "%s", q < 0 ? strerror(-q) : "");
        }
        return 0;
}
