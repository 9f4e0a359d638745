/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The leases an agent has of its run: which units may begin, in which order, and until when. A pure
 * core: no I/O, no clock, no logging; time is the agent's own monotonic clock, ns.
 *
 * Leases run from a stamp of this clock which the coordinator has echoed, in PING or with a lease,
 * so a message that was late on the way cannot revive them. Once they have expired nothing begins
 * any more, whatever happens first (a stopped process that goes on, say): the units may be somebody
 * else's by now.
 *
 * A coordinator sends a lease only when the one before it is confirmed, so the newest number tells
 * which are known.
 */

#include <stdint.h>

#include "base/util.h"

#define LEASES_TTL_MAX_NS (600 * NSEC_PER_SEC)

/* Units first .. first+count-1 of one lease, none of them begun. */
struct lease_part {
        int64_t lease, first, count, attempt;
};

struct leases {
        struct lease_part *items; /* in the order they came */
        size_t n, allocated;
        int64_t newest;   /* number */
        int64_t stamp_ns; /* the newest of ours that was echoed */
        int64_t ttl_ns;
        size_t n_expired; /* the first so many: they only wait to be given back */
};

void leases_deinit(struct leases *l);

/* A stamp of ours came back. What has expired by now is not revived by it: an agent that stood
 * still, or was busy, may hear of a new stamp before it looks at the clock. */
void leases_echo(struct leases *l, int64_t stamp_ns, int64_t now_ns);
/* From then on nothing begins. */
int64_t leases_expire_ns(const struct leases *l);

bool leases_know(const struct leases *l, int64_t lease);
/* -EEXIST: it is known; -ENOMEM. The stamp that came with it is for leases_echo(). */
int leases_add(struct leases *l, const struct lease_part *lease, int64_t ttl_ns) _warn_unused_;

/*
 * The unit to begin next (count 1), of the first lease whose next one may; false: none, or the
 * leases have expired. A unit may not begin while an earlier attempt at it is under way here.
 */
typedef bool (*leases_filter)(int64_t unit, void *userdata);
bool leases_next(const struct leases *l, int64_t now_ns, leases_filter may_begin, void *userdata,
                 struct lease_part *ret);
/* It is begun. */
void leases_begun(struct leases *l, int64_t lease);
/* Takes out what is not begun, lease by lease; lease 0 = of any. false: nothing is left. */
bool leases_take(struct leases *l, int64_t lease, struct lease_part *ret);
/* The same with what has expired, now or before a stamp came back. */
bool leases_take_expired(struct leases *l, int64_t now_ns, struct lease_part *ret);
