/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unmounts what is mounted in an instance's directories beneath the daemon's, in
 * the mount name space where it was found, the newest first. Only where the mount
 * point itself has the instance's name as a component. Nothing is detached
 * lazily: what is busy is said to be.
 */

#include "agent/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent/owned.h"

#define SPACES_MAX (SCAN_DAEMONS_MAX + 2)
#define POINTS_MAX SCAN_ITEMS_PER_TARGET

/* A mount name space, and the points in it in the order of their mounting. */
struct space {
        int fd;
        ino_t inode;
        char *points[POINTS_MAX]; /* as mountinfo(5) has them */
        size_t n;
};

struct spaces {
        struct space items[SPACES_MAX];
        size_t n;
        ino_t own;
};

static void spaces_clear(struct spaces *spaces)
{
        for (size_t i = 0; i < spaces->n; i++) {
                close(spaces->items[i].fd);
                for (size_t k = 0; k < spaces->items[i].n; k++)
                        free(spaces->items[i].points[k]);
        }
}

/* \040 and the like, in place; it only gets shorter. */
static void unescape(char *text)
{
        char *to = text;

        for (const char *p = text; *p; p++) {
                if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
                    p[3] >= '0' && p[3] <= '7') {
                        *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
                        p += 3;
                } else {
                        *to++ = *p;
                }
        }
        *to = '\0';
}

static int read_points(const struct removal *r, const char *who, const char *full,
                       struct space *space)
{
        _cleanup_(fclosep)
        FILE *f = NULL;
        _cleanup_(freep)
        char *line = NULL;
        char path[64];
        size_t size = 0;

        snprintf(path, sizeof(path), "/proc/%s/mountinfo", who);
        f = fopen(path, "re");
        if (!f)
                return -errno;
        while (getline(&line, &size, f) >= 0 && space->n < POINTS_MAX) {
                char *p = line, *point = NULL;

                for (int i = 0; i < 5 && p; i++)
                        point = strsep(&p, " ");
                if (!p || !owned_path(point, r->lxd_dir, full))
                        continue;
                space->points[space->n] = strdup(point);
                if (!space->points[space->n])
                        return -ENOMEM;
                space->n++;
        }
        return 0;
}

static int add_space(const struct removal *r, const char *who, const char *full,
                     struct spaces *spaces)
{
        struct space *space = &spaces->items[spaces->n];
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%s/ns/mnt", who);
        *space = (struct space){.fd = open(path, O_RDONLY | O_CLOEXEC)};
        if (space->fd < 0)
                return 0; /* ended, or not ours to see */
        if (fstat(space->fd, &st) < 0) {
                close(space->fd);
                return 0;
        }
        space->inode = st.st_ino;
        for (size_t i = 0; i < spaces->n; i++)
                if (spaces->items[i].inode == st.st_ino) {
                        close(space->fd);
                        return 0;
                }
        spaces->n++;
        if (streq(who, "self"))
                spaces->own = st.st_ino;
        return read_points(r, who, full, space) == -ENOMEM ? -ENOMEM : 0;
}

static void unmount(struct removal *r, struct space *space)
{
        for (size_t i = space->n; i > 0; i--) {
                const char *name = space->points[i - 1];
                char point[PATH_MAX];

                snprintf(r->doing, SCAN_DOING_SIZE, "unmounting %.100s", name);
                if ((size_t)snprintf(point, sizeof(point), "%s", name) >= sizeof(point))
                        continue;
                unescape(point);
                if (umount2(point, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
                        remove_note(r, name, "%s", strerror(errno));
                else
                        remove_note(r, name, "%s", "");
        }
}

int remove_mounts(struct removal *r)
{
        static const scan_part parts[] = {scan_processes, NULL};
        _cleanup_(spaces_clear)
        struct spaces spaces = {.n = 0};
        _cleanup_(scan_freep)
        struct scan *s = NULL;
        int q;

        if (r->root[0])
                return -EOPNOTSUPP;
        q = remove_check_lxd_dir(r);
        if (q >= 0)
                q = remove_scan(r, parts, &s);
        if (q < 0)
                return q;
        /* All is read before the first step into another name space, whose /proc
         * may be another too. */
        q = add_space(r, "self", s->targets[0].full, &spaces);
        if (q >= 0)
                q = add_space(r, "1", s->targets[0].full, &spaces);
        for (size_t i = 0; q >= 0 && i < s->n_daemons; i++) {
                char who[16];

                snprintf(who, sizeof(who), "%d", (int)s->daemons[i].pid);
                q = add_space(r, who, s->targets[0].full, &spaces);
        }
        for (size_t i = 0; q >= 0 && i < spaces.n; i++) {
                struct space *space = &spaces.items[i];

                if (space->n == 0)
                        continue;
                if (space->inode != spaces.own && setns(space->fd, CLONE_NEWNS) < 0)
                        remove_note(r, space->points[0], "its mount name space: %s",
                                    strerror(errno));
                else
                        unmount(r, space);
        }
        return q;
}
