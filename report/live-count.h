/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How many of a run's instances there are on a host, told from the samples of its agent in their
 * order: one more when a create ends well, one less when a delete does, or when its unit ended
 * otherwise than well and was unwound. Nobody asks LXD, so it is exact, in every mode and at every
 * rate; instances that are not the run's are not in it.
 *
 * Times are those of the host's monotonic clock. What began in the past is found in the last
 * LIVE_CHANGES_MAX changes; before them the count is taken for what it was at the oldest of these.
 * A time that is more than a minute before the last is of another boot, and they are forgotten.
 *
 * Pure; memory is bounded whatever comes: more than LIVE_UNITS_MAX instances are not counted.
 */

#include "base/util.h"

#define LIVE_UNITS_MAX   65536
#define LIVE_CHANGES_MAX 16384 /* of two to a unit: more than are made while any phase lasts */

struct live_unit {
        int64_t unit, start_realtime_ns; /* of its create */
};

struct live_change {
        int64_t at_ns, count; /* from then on */
};

struct live_count {
        struct live_unit *units; /* those that are there, by number; owned */
        size_t n_units;
        struct live_change *changes; /* a ring; owned */
        size_t n_changes;            /* ever; the newest is number n_changes − 1 */
        size_t oldest;               /* the first that still holds */
};

int live_count_init(struct live_count *c) _warn_unused_;
void live_count_deinit(struct live_count *c);
/* Another agent: nothing is there, nothing is known. */
void live_count_reset(struct live_count *c);

/* How many there were at a time. */
int64_t live_count_at(const struct live_count *c, int64_t at_ns);

/* It was created at at_ns; one that is there already is not counted twice. -ENOMEM. */
int live_count_add(struct live_count *c, const struct live_unit *unit, int64_t at_ns) _warn_unused_;
/* It is gone since at_ns; nothing happens when it was not there. */
void live_count_remove(struct live_count *c, int64_t unit, int64_t at_ns);
