/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts of an instance, from mountinfo(5) of the mount name spaces that matter:
 * our own, that of PID 1 and that of each daemon (a snap's is its own). A mount is
 * an instance's when a component of where it is mounted, of what part of its file
 * system it shows, or of its source (a ZFS data set) is the instance's name. No
 * file system is asked anything, so a dead mount cannot hold this up.
 */

#include "agent/scan.h"

#include <limits.h>

struct mount {
        const char *root, *point, *type, *source;
};

static char *next_field(char **p)
{
        char *field = strsep(p, " ");

        return field ? field : (char *)"";
}

/* Cuts the line up. 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw */
static bool parse_line(char *line, struct mount *ret)
{
        char *p = line, *rest = strstr(line, " - ");

        if (!rest)
                return false;
        *rest = '\0';
        rest += 3;
        rest[strcspn(rest, "\n")] = '\0';
        next_field(&p);
        next_field(&p);
        next_field(&p);
        ret->root = next_field(&p);
        ret->point = next_field(&p);
        ret->type = next_field(&rest);
        ret->source = next_field(&rest);
        return ret->point[0] == '/';
}

static int find_mount(const struct scan *s, const struct mount *m)
{
        int t;

        t = scan_find_in_path(s, m->point);
        if (t < 0)
                t = scan_find_in_path(s, m->root);
        if (t < 0)
                t = scan_find_in_path(s, m->source);
        return t;
}

/* Does everything called `self` have the same mounts as this one? Kernel's own name
 * for the name space; not to be had of others' processes without the right. */
static bool namespace_is_new(struct scan *s, const char *who, char (*seen)[64], size_t *n_seen)
{
        char path[PATH_MAX], *ns = seen[*n_seen];
        ssize_t n;

        if (scan_path(s, path, sizeof(path), "/proc/%s/ns/mnt", who) < 0)
                return true;
        n = readlink(path, ns, 63);
        if (n < 0)
                return true;
        ns[n] = '\0';
        for (size_t i = 0; i < *n_seen; i++)
                if (streq(seen[i], ns))
                        return false;
        (*n_seen)++;
        return true;
}

static int scan_mountinfo(struct scan *s, const char *who, const char *whose)
{
        _cleanup_(fclosep)
        FILE *f = NULL;
        _cleanup_(freep)
        char *line = NULL;
        char path[PATH_MAX];
        size_t size = 0;
        int r;

        r = scan_path(s, path, sizeof(path), "/proc/%s/mountinfo", who);
        if (r < 0)
                return r;
        scan_doing(s, "reading /proc/%s/mountinfo", who);
        f = fopen(path, "re");
        if (!f) {
                if (errno == EACCES || errno == EPERM || streq(who, "1"))
                        s->blind |= 1U << LEFTOVER_MOUNT;
                return 0;
        }
        while (getline(&line, &size, f) >= 0) {
                struct mount m;
                int t;

                if (!parse_line(line, &m))
                        continue;
                t = find_mount(s, &m);
                if (t < 0 || scan_has(s, LEFTOVER_MOUNT, t, 0, m.point))
                        continue;
                r = scan_add(s, LEFTOVER_MOUNT, t, 0, m.point, "%s of %s, in the mounts of %s",
                             m.type, m.source, whose);
                if (r < 0)
                        return r;
        }
        return 0;
}

int scan_mounts(struct scan *s)
{
        char seen[SCAN_DAEMONS_MAX + 3][64];
        size_t n_seen = 0;
        int r = 0;

        if (namespace_is_new(s, "1", seen, &n_seen))
                r = scan_mountinfo(s, "1", "the host");
        if (r >= 0 && namespace_is_new(s, "self", seen, &n_seen))
                r = scan_mountinfo(s, "self", "lxdsoak itself");
        for (size_t i = 0; r >= 0 && i < s->n_daemons; i++) {
                char who[16], whose[48];

                snprintf(who, sizeof(who), "%d", (int)s->daemons[i].pid);
                snprintf(whose, sizeof(whose), "%s (pid %s)", s->daemons[i].name, who);
                if (namespace_is_new(s, who, seen, &n_seen))
                        r = scan_mountinfo(s, who, whose);
        }
        return r;
}
