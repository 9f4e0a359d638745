/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directories the daemon keeps for an instance, and its volume in a storage pool,
 * as far as they show in the daemon's file tree: in our view of it and, where the
 * daemon has a mount name space of its own (a snap), in its view. Directories are
 * listed, nothing in them is asked for; where we may pass but not list one, the
 * names are tried one by one.
 *
 * Log directories are left out on purpose: LXD and Incus keep the one of a deleted
 * instance for two days (seen with LXD 5.0.2 after every clean delete).
 */

#include "agent/scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

struct place {
        const char *dir;    /* beneath lxd_dir */
        const char *prefix; /* before the instance's name */
};

static const struct place places[] = {
        {"containers", ""},
        {"devices", ""},
        {"shmounts", ""},
        {"snapshots", ""},
        {"security/seccomp", ""},
        {"security/apparmor/profiles", "lxd-"},
        {"security/apparmor/profiles", "incus-"},
};

static const char *const pool_places[] = {"containers", "containers-snapshots"};

static const char *type_text(unsigned char type)
{
        switch (type) {
        case DT_DIR: return "a directory";
        case DT_LNK: return "a link";
        case DT_REG: return "a file";
        case DT_BLK: return "a block device";
        default: return "there";
        }
}

static int add_volume(struct scan *s, int t, const char *dir, const char *name, const char *text)
{
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", dir, name);
        if (scan_has(s, LEFTOVER_VOLUME, t, 0, path))
                return 0;
        return scan_add(s, LEFTOVER_VOLUME, t, 0, path, "%s", text);
}

/* May be passed but not listed: each name by itself. */
static int try_names(struct scan *s, const char *view, const char *dir, const char *prefix)
{
        for (size_t t = 0; t < s->n_targets; t++) {
                char path[PATH_MAX], name[SCAN_FULL_NAME_SIZE + 8];
                int r;

                snprintf(name, sizeof(name), "%s%s", prefix, s->targets[t].full);
                if (scan_path(s, path, sizeof(path), "%s%s/%s", view, dir, name) < 0)
                        continue;
                if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
                        r = add_volume(s, (int)t, dir, name, "there");
                        if (r < 0)
                                return r;
                } else if (errno != ENOENT) {
                        s->blind |= 1U << LEFTOVER_VOLUME;
                        return 0;
                }
        }
        return 0;
}

/* view: "" or a daemon's root; dir: absolute, as that view sees it. */
static int scan_dir(struct scan *s, const char *view, const char *dir, const char *prefix)
{
        char path[PATH_MAX];
        struct dirent *e;
        DIR *d;
        int r;

        r = scan_path(s, path, sizeof(path), "%s%s", view, dir);
        if (r < 0)
                return 0;
        scan_doing(s, "listing %.100s", dir);
        d = opendir(path);
        if (!d)
                return errno == EACCES ? try_names(s, view, dir, prefix) : 0;
        while (r >= 0 && (e = readdir(d))) {
                const char *name = e->d_name;
                int t;

                if (!startswith(name, prefix) || name[0] == '.')
                        continue;
                scan_saw(s, LEFTOVER_VOLUME, name);
                name += strlen(prefix);
                t = scan_find(s, name, strlen(name));
                if (t >= 0)
                        r = add_volume(s, t, dir, e->d_name, type_text(e->d_type));
                else
                        r = scan_note_name(s, name);
        }
        closedir(d);
        return r;
}

static int scan_pools(struct scan *s, const char *view)
{
        char path[PATH_MAX], dir[PATH_MAX];
        struct dirent *e;
        DIR *d;
        int r;

        r = scan_path(s, path, sizeof(path), "%s%s/storage-pools", view, s->lxd_dir);
        if (r < 0)
                return 0;
        d = opendir(path);
        if (!d) {
                if (errno == EACCES)
                        s->blind |= 1U << LEFTOVER_VOLUME;
                return 0;
        }
        while (r >= 0 && (e = readdir(d))) {
                if (e->d_name[0] == '.')
                        continue;
                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(pool_places); i++) {
                        snprintf(dir, sizeof(dir), "%s/storage-pools/%s/%s", s->lxd_dir, e->d_name,
                                 pool_places[i]);
                        r = scan_dir(s, view, dir, "");
                }
        }
        closedir(d);
        return r;
}

static int scan_view(struct scan *s, const char *view)
{
        char dir[PATH_MAX];
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(places); i++) {
                snprintf(dir, sizeof(dir), "%s/%s", s->lxd_dir, places[i].dir);
                r = scan_dir(s, view, dir, places[i].prefix);
        }
        return r < 0 ? r : scan_pools(s, view);
}

int scan_volumes(struct scan *s)
{
        int r;

        if (!s->lxd_dir[0]) {
                s->blind |= 1U << LEFTOVER_VOLUME;
                return 0;
        }
        r = scan_view(s, "");
        for (size_t i = 0; r >= 0 && i < s->n_daemons; i++) {
                char view[32];
                int other = scan_daemon_root(s, i, view, sizeof(view));

                if (other == -EACCES)
                        s->blind |= 1U << LEFTOVER_VOLUME;
                if (other > 0)
                        r = scan_view(s, view);
        }
        return r;
}
