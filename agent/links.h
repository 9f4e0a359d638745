/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The network links of our own name space, read from the kernel over netlink, and
 * the removal of one of them. It knows nothing of instances. Waits for the kernel's
 * one lock for links at most, so it is called where waiting does no harm.
 */

#include <sys/types.h>

#include "base/util.h"

struct link {
        int index;
        bool veth, up;
        /* Its other end, when that is in this name space too, by index; else 0. */
        int peer;
        int peer_space; /* the other name space it is in, as links_space() has it, or -1 */
        char name[16];
        char address[20]; /* "00:16:3e:65:b7:bc", "" when it has none of six bytes */
};

struct links {
        struct link *items;
        size_t n, n_allocated;
};

/* Adds all links to *ret, which begins zeroed and is to be cleared, also on failure. */
int links_read(struct links *ret) _warn_unused_;
/* One more; for trees that are made up. */
int links_add(struct links *links, const struct link *link) _warn_unused_;
void links_clear(struct links *links);

const struct link *links_by_name(const struct links *links, const char *name);
const struct link *links_by_index(const struct links *links, int index);

/* The number ours has for the network name space of a process: that of the other ends of
 * its links here. Negative: it is ours too, or has no number, or cannot be asked for. */
int links_space(pid_t pid) _warn_unused_;

/* Removes the link and with it, for a veth, its other end. */
int link_remove(int index) _warn_unused_;
