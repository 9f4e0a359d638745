/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removes the forgotten veth pairs of an instance. Only a veth that was noted for
 * it, and only when both its ends are here: an end elsewhere is in the network name
 * space of a container that still lives, ours or not, and goes with that.
 */

#include "agent/remove.h"

#include "agent/links.h"

int remove_links(struct removal *r)
{
        static const scan_part parts[] = {scan_links, NULL};
        _cleanup_(links_clear)
        struct links links = {0};
        _cleanup_(scan_freep)
        struct scan *s = NULL;
        int q;

        if (r->root[0])
                return -EOPNOTSUPP;
        q = remove_scan(r, parts, &s);
        if (q < 0)
                return q;
        /* Read after the scan: what it found is taken from this list or not at all. */
        q = links_read(&links);
        if (q < 0)
                return q;
        for (size_t i = 0; i < s->n_items; i++) {
                const char *name = s->items[i].name;
                const struct link *link = links_by_name(&links, name);

                if (!link) {
                        remove_note(r, name, "%s", "");
                        continue;
                }
                if (!link->veth || !scan_link_fits(s, 0, link)) {
                        remove_note(r, name, "not a veth: left alone");
                        continue;
                }
                if (!link->peer || !links_by_index(&links, link->peer)) {
                        remove_note(r, name,
                                    "its other end is in a network name space that still exists");
                        continue;
                }
                scan_doing(s, "removing link %s", name);
                q = link_remove(link->index);
                remove_note(r, name, "%s", q < 0 && q != -ENODEV ? strerror(-q) : "");
        }
        return 0;
}
