/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The frame of a scan: who is looked for, what was found, and the little readers
 * the parts share. It knows nothing of where to look; see scan.h.
 */

#include "agent/scan.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>

#include "base/text.h"

#define LINK_NAME_MAX 15 /* IFNAMSIZ - 1 */

int scan_new(const char *root, const char *lxd_dir, struct scan **ret)
{
        struct scan *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->root = root ? root : "";
        s->lxd_dir = lxd_dir ? lxd_dir : "";
        s->doing = s->doing_;
        *ret = s;
        return 0;
}

struct scan *scan_free(struct scan *s)
{
        if (!s)
                return NULL;
        free(s->targets);
        free(s->by_name);
        free(s->names);
        free(s->items);
        free(s);
        return NULL;
}

/* What LXD and Incus take as a name, and a little more ('_', '.'); never a slash. */
static bool name_ok(const char *name, size_t max)
{
        size_t n = strlen(name);

        if (n == 0 || n > max || name[0] == '.')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
                        return false;
        return true;
}

/* "00:16:3e:65:b7:bc" */
static bool address_ok(const char *text)
{
        if (strlen(text) != 17)
                return false;
        for (size_t i = 0; i < 17; i++)
                if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdef", text[i]))
                        return false;
        return true;
}

static int add_veths(struct scan_target *t, const char *veths, struct error *err)
{
        size_t n = 0;

        while (*veths) {
                size_t length = strcspn(veths, ",");

                if (length > 0) {
                        if (n == SCAN_VETHS_MAX)
                                return error_set(err, -E2BIG, "%s: more than %d links", t->instance,
                                                 SCAN_VETHS_MAX);
                        if (length >= sizeof(t->veths[n]))
                                return error_set(err, -EINVAL, "%s: no name of a link: %s",
                                                 t->instance, veths);
                        memcpy(t->veths[n], veths, length);
                        if (!address_ok(t->veths[n]) && !name_ok(t->veths[n], LINK_NAME_MAX))
                                return error_set(err, -EINVAL, "%s: no name of a link: %s",
                                                 t->instance, t->veths[n]);
                        n++;
                }
                veths += length + (veths[length] == ',');
        }
        return 0;
}

int scan_add_target(struct scan *s, const char *project, const char *instance, const char *veths,
                    struct error *err)
{
        struct scan_target t = {0}, *targets;
        bool in_project = project && *project && !streq(project, "default");
        int r;

        if (s->n_targets == SCAN_TARGETS_MAX)
                return error_set(err, -E2BIG, "more than %d instances at once", SCAN_TARGETS_MAX);
        if (!instance || !name_ok(instance, NAME_SIZE - 1))
                return error_set(err, -EINVAL, "no name of an instance: %.80s",
                                 instance ? instance : "(none)");
        if (in_project && !name_ok(project, SCAN_PROJECT_MAX))
                return error_set(err, -EINVAL, "no name of a project: %.80s", project);
        snprintf(t.instance, sizeof(t.instance), "%s", instance);
        snprintf(t.full, sizeof(t.full), "%s%s%s", in_project ? project : "", in_project ? "_" : "",
                 instance);
        if (veths) {
                r = add_veths(&t, veths, err);
                if (r < 0)
                        return r;
        }
        targets = reallocarray(s->targets, s->n_targets + 1, sizeof(*targets));
        if (!targets)
                return -ENOMEM;
        s->targets = targets;
        targets[s->n_targets++] = t;
        return 0;
}

static int compare_names(const void *a, const void *b, void *targets)
{
        const struct scan_target *t = targets;

        return strcmp(t[*(const unsigned *)a].full, t[*(const unsigned *)b].full);
}

int scan_index(struct scan *s)
{
        free(s->by_name);
        s->by_name = calloc(s->n_targets + 1, sizeof(*s->by_name));
        if (!s->by_name)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_targets; i++)
                s->by_name[i] = (unsigned)i;
        qsort_r(s->by_name, s->n_targets, sizeof(*s->by_name), compare_names, s->targets);
        return 0;
}

int scan_find(const struct scan *s, const char *name, size_t length)
{
        size_t low = 0, high = s->n_targets;

        while (low < high) {
                size_t middle = (low + high) / 2;
                const char *full = s->targets[s->by_name[middle]].full;
                int c = strncmp(name, full, length);

                if (c == 0 && full[length] != '\0')
                        c = -1;
                if (c == 0)
                        return (int)s->by_name[middle];
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return -ENOENT;
}

int scan_find_in_path(const struct scan *s, const char *path)
{
        while (*path) {
                size_t length = strcspn(path, "/");
                int t = length > 0 ? scan_find(s, path, length) : -ENOENT;

                if (t >= 0)
                        return t;
                path += length + (path[length] == '/');
        }
        return -ENOENT;
}

int scan_find_numbered(const struct scan *s, const char *name)
{
        size_t length = strlen(name), n = length;
        char path[PATH_MAX];
        int t;

        t = scan_find(s, name, length);
        if (t >= 0)
                return t;
        while (n > 0 && isdigit((unsigned char)name[n - 1]))
                n--;
        if (n < 2 || n == length || name[n - 1] != '-')
                return -ENOENT;
        t = scan_find(s, name, n - 1);
        if (t < 0)
                return t;
        /* It may as well be an instance of that very name. */
        if (s->lxd_dir[0] &&
            scan_path(s, path, sizeof(path), "%s/containers/%s", s->lxd_dir, name) == 0 &&
            faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -ENOENT;
        return t;
}

void scan_saw(const struct scan *s, enum leftover_kind kind, const char *what)
{
        if (s->saw)
                s->saw(kind, what, s->saw_userdata);
}

int scan_note_name(struct scan *s, const char *name)
{
        char kept[SCAN_FULL_NAME_SIZE];

        if (!s->wants_name || !s->wants_name(name, kept, sizeof(kept)))
                return 0;
        for (size_t i = 0; i < s->n_names; i++)
                if (streq(s->names[i], kept))
                        return 0;
        if (s->n_names == SCAN_NAMES_MAX)
                return 0;
        if (!s->names) {
                s->names = calloc(SCAN_NAMES_MAX, sizeof(*s->names));
                if (!s->names)
                        return -ENOMEM;
        }
        memcpy(s->names[s->n_names++], kept, sizeof(kept));
        return 0;
}

void scan_doing(struct scan *s, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(s->doing, SCAN_DOING_SIZE, format, ap);
        va_end(ap);
}

bool scan_has(const struct scan *s, enum leftover_kind kind, int target, pid_t pid,
              const char *name)
{
        if (s->targets[target].n_items == 0)
                return false;
        for (size_t i = 0; i < s->n_items; i++) {
                const struct scan_item *item = &s->items[i];

                if (item->kind != kind || item->target != (unsigned)target)
                        continue;
                if (pid ? item->pid == pid : streq(item->name, name))
                        return true;
        }
        return false;
}

int scan_add(struct scan *s, enum leftover_kind kind, int target, pid_t pid, const char *name,
             const char *format, ...)
{
        struct scan_item *item;
        char detail[sizeof(item->detail)];
        va_list ap;

        if (s->targets[target].n_items == SCAN_ITEMS_PER_TARGET) {
                s->omitted++;
                return 0;
        }
        if (s->n_items == s->n_allocated) {
                size_t n = MAX(s->n_allocated * 2, 32U);
                struct scan_item *items = reallocarray(s->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                s->items = items;
                s->n_allocated = n;
        }
        item = &s->items[s->n_items++];
        *item = (struct scan_item){.kind = kind, .target = (unsigned)target, .pid = pid};
        va_start(ap, format);
        vsnprintf(detail, sizeof(detail), format, ap);
        va_end(ap);
        /* What others chose (the name of a process) goes to logs and terminals. */
        text_printable(name, item->name, sizeof(item->name));
        text_printable(detail, item->detail, sizeof(item->detail));
        s->targets[target].n_items++;
        return 0;
}

int scan_path(const struct scan *s, char *buf, size_t size, const char *format, ...)
{
        int n, m;
        va_list ap;

        n = snprintf(buf, size, "%s", s->root);
        if (n < 0 || (size_t)n >= size)
                return -ENAMETOOLONG;
        va_start(ap, format);
        m = vsnprintf(buf + n, size - (size_t)n, format, ap);
        va_end(ap);
        return m < 0 || (size_t)m >= size - (size_t)n ? -ENAMETOOLONG : 0;
}

ssize_t scan_read(int dir_fd, const char *path, char *buf, size_t size)
{
        _cleanup_(closep)
        int fd = -1;
        size_t n = 0;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        while (n < size - 1) {
                ssize_t r = read(fd, buf + n, size - 1 - n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        buf[n] = '\0';
        return (ssize_t)n;
}

/* The mount name space of a process as the kernel names it ("mnt:[4026531841]"). */
static int mount_namespace(const struct scan *s, const char *who, char *buf, size_t size)
{
        char path[PATH_MAX];
        ssize_t n;
        int r;

        r = scan_path(s, path, sizeof(path), "/proc/%s/ns/mnt", who);
        if (r < 0)
                return r;
        n = readlink(path, buf, size - 1);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return 0;
}

int scan_daemon_root(const struct scan *s, size_t daemon, char *buf, size_t size)
{
        char own[64], its[64], who[16];
        int r;

        snprintf(who, sizeof(who), "%d", (int)s->daemons[daemon].pid);
        r = mount_namespace(s, "self", own, sizeof(own));
        if (r < 0)
                return r;
        r = mount_namespace(s, who, its, sizeof(its));
        if (r < 0)
                return r;
        if (streq(own, its)) {
                buf[0] = '\0';
                return 0;
        }
        snprintf(buf, size, "/proc/%s/root", who);
        return 1;
}

int scan_run(struct scan *s)
{
        static int (*const parts[])(struct scan *) = {
                scan_processes, scan_cgroups, scan_mounts, scan_links, scan_volumes,
        };
        int r;

        r = scan_index(s);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(parts); i++)
                r = parts[i](s);
        return r;
}
