/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long something takes by how many instances there were when it began (live-count.h): as
 * buckets of the count, each with its percentiles, and as a slope.
 *
 * The slope is told from blocks of time, as drift is (stats-block.h): samples of a host, in the
 * order in which they came, become blocks, each with its median count and its pseudo-median. What
 * goes up and down within a block is the rhythm of the phases themselves, each of which waits for
 * the others, and says nothing of what more instances cost. Hosts are set to the same level, so
 * that a slow one that has many does not look like a slope; Theil-Sen over all blocks, with an
 * interval that is widened by what blocks next to each other have in common (stats-depend.h).
 *
 * Pure. Memory goes with buckets and blocks and not with samples: hosts come one after the other.
 * Errors: -ENOMEM, -EINVAL as those.
 */

#include "base/histogram.h"
#include "report/stats-thin.h"

#define LIVE_BUCKETS    8
#define LIVE_BLOCKS_MIN 12 /* in all: with fewer nothing is told */
#define LIVE_SPREAD_MIN 10 /* the count has to go over so many, but for a tenth of the blocks */

struct live_latency {
        int64_t width; /* of a bucket: a power of two, as small as will do */
        struct histogram *buckets[LIVE_BUCKETS]; /* NULL = nothing in it; to 1 % */
        struct stats_thin points;                /* of the present host: count, ns */
        double *x, *y, *group;                   /* blocks of the hosts before */
        size_t n, room, n_groups;
};

struct live_slope {
        bool told;            /* false: what follows is 0, but for the spread */
        double slope, lo, hi; /* ns an instance; its 95 % interval */
        double spread;        /* of the count: 95th percentile of the blocks less the 5th */
};

void live_latency_init(struct live_latency *l);
void live_latency_deinit(struct live_latency *l);

int live_latency_add(struct live_latency *l, int64_t live, int64_t duration_ns) _warn_unused_;
/* How many blocks a host of so many may have, so that all together are not too many: 0 = of this
 * one only the buckets are filled. */
size_t live_latency_blocks(size_t host, size_t n_hosts);
/* What came since the last is one host's, in so many blocks at most. */
int live_latency_end_host(struct live_latency *l, size_t blocks) _warn_unused_;
/* Buckets at least so wide: several things in the same ones. */
int live_latency_widen(struct live_latency *l, int64_t width) _warn_unused_;
/* The slope, of all hosts that were ended. */
int live_latency_tell(const struct live_latency *l, struct live_slope *ret) _warn_unused_;
