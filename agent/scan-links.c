/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Network links on the host's side of an instance: does any of the names that were
 * noted while it ran (volatile.*.host_name) still exist, or a veth that carries the
 * address LXD gave its inner end (volatile.*.hwaddr)? The latter is on the host only
 * before a container starts and after it ended: a daemon killed in the middle of a
 * start leaves the pair, and may not have told its name to anybody yet (seen with
 * LXD 5.0.2). And one whose other end is where a process found in the instance's cgroup is:
 * that is the instance's without anybody having noted it. Asked of the kernel for our own network
 * name space; no /sys of another can mislead.
 */

#include "agent/scan.h"

#include <dirent.h>
#include <limits.h>

#include "agent/links.h"

#define SPACES_MAX 4 /* network name spaces of one instance */

/* Of a fake tree: /sys/class/net/NAME with, perhaps, `address` in it. */
static int read_fake(struct scan *s, struct links *links)
{
        char path[PATH_MAX];
        struct dirent *e;
        DIR *d;
        int r;

        r = scan_path(s, path, sizeof(path), "/sys/class/net");
        if (r < 0)
                return r;
        d = opendir(path);
        while (r >= 0 && d && (e = readdir(d))) {
                struct link link = {
                        .index = (int)links->n + 1,
                        .veth = true,
                        .peer_space = -1,
                };

                if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof(link.name))
                        continue;
                memcpy(link.name, e->d_name, strlen(e->d_name));
                snprintf(path, sizeof(path), "%.15s/address", e->d_name);
                if (scan_read(dirfd(d), path, link.address, sizeof(link.address)) > 0)
                        link.address[strcspn(link.address, "\n")] = '\0';
                else
                        link.address[0] = '\0';
                r = links_add(links, &link);
        }
        if (d)
                closedir(d);
        return r;
}

bool scan_link_fits(const struct scan *s, size_t target, const struct link *link)
{
        const struct scan_target *t = &s->targets[target];

        for (size_t i = 0; i < SCAN_VETHS_MAX && t->veths[i][0]; i++)
                if (streq(t->veths[i], link->name) ||
                    (link->veth && streq(t->veths[i], link->address)))
                        return true;
        return false;
}

/* The other name spaces of its processes; the cgroups' were found before. */
static size_t find_spaces(const struct scan *s, size_t target, int spaces[static SPACES_MAX])
{
        size_t n = 0;

        for (size_t i = 0; i < s->n_items && n < SPACES_MAX; i++) {
                const struct scan_item *item = &s->items[i];
                int space;

                if (item->kind != LEFTOVER_PROCESS || item->target != target || s->root[0] ||
                    !strstr(item->detail, "in lxc.payload."))
                        continue;
                space = links_space(item->pid);
                if (space >= 0 && (n == 0 || spaces[n - 1] != space))
                        spaces[n++] = space;
        }
        return n;
}

static bool is_in(const int *spaces, size_t n, int space)
{
        for (size_t i = 0; i < n; i++)
                if (spaces[i] == space)
                        return true;
        return false;
}

static int add_links(struct scan *s, size_t target, const struct links *links)
{
        int spaces[SPACES_MAX];
        size_t n_spaces = s->targets[target].n_items ? find_spaces(s, target, spaces) : 0;

        for (size_t i = 0; i < links->n; i++) {
                const struct link *link = &links->items[i], *peer = NULL;
                int r;

                if (!scan_link_fits(s, target, link) &&
                    !(link->veth && is_in(spaces, n_spaces, link->peer_space)))
                        continue;
                if (link->peer)
                        peer = links_by_index(links, link->peer);
                /* One pair is one thing, by the end that comes first. */
                if (peer && scan_has(s, LEFTOVER_VETH, (int)target, 0, peer->name))
                        continue;
                r = scan_add(s, LEFTOVER_VETH, (int)target, 0, link->name, "index %d, %s%s%s",
                             link->index, link->up ? "up" : "down",
                             peer ? ", other end here: " : "", peer ? peer->name : "");
                if (r < 0)
                        return r;
        }
        return 0;
}

int scan_links(struct scan *s)
{
        _cleanup_(links_clear)
        struct links links = {0};
        bool wanted = false;
        int r;

        for (size_t t = 0; t < s->n_targets; t++)
                wanted = wanted || s->targets[t].veths[0][0] || s->targets[t].n_items;
        if (!wanted)
                return 0;
        scan_doing(s, "looking for network links");
        r = s->root[0] ? read_fake(s, &links) : links_read(&links);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                s->blind |= 1U << LEFTOVER_VETH;
                return 0;
        }
        for (size_t t = 0; r >= 0 && t < s->n_targets; t++)
                r = add_links(s, t, &links);
        return r;
}
