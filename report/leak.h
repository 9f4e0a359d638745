/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Does something grow with every unit? From the censuses of one host: what there was at the steady
 * points of its run, where nothing was in flight. Pure.
 *
 * Each kind is set against the units done. It leaks if all of this holds:
 *   - Mann-Kendall's test finds that it rises, at 1 % shared out among the kinds;
 *   - the 99 % interval of the Theil-Sen slope lies above a floor of its kind: what is less than
 *     one thing in a hundred units, or 8 KiB of memory a unit, is not told from noise;
 *   - the second half of the run rises at 0.6 of the pace of the first, or more: a cache levels
 *     off, and so does what grows with the logarithm of the units;
 *   - no single step brought more than half of it, and a bit more if that step was long: what
 *     happened once is no leak.
 * The first points are not looked at: before the run has been at work for a while, pools fill up.
 * The memory of a garbage-collected daemon wanders by itself, and that of LXD 5.0.2 was seen to grow
 * for 400 units before it levelled off; it is judged only over half an hour and two thousand units.
 *
 * False alarms are worse here than misses, so what is not sure is not told.
 */

#include "proto/soak.h"

#define LEAK_POINTS_MIN 8   /* judged ones */
#define LEAK_UNITS_MIN  100 /* that they span */

struct leak_point {
        int64_t units; /* ended on this host, by the agent's count */
        int64_t realtime_ns;
        int64_t daemon_pid;         /* -1 = not known */
        int64_t count[CENSUS_MAX_]; /* -1 = not known */
};

/* Another process of the daemon's begins anew. */
struct leak_series {
        size_t first, n; /* of the points; those that are judged */
        int64_t units;   /* that they span */
};

enum leak_answer {
        LEAK_TOO_LITTLE, /* too few steady points, units or, for memory, time */
        LEAK_NONE,
        LEAK_FOUND,
};

struct leak_judged {
        enum leak_answer answer;
        double per_unit, low, high; /* Theil-Sen, 99 % interval; 0 if too little */
        double visible;             /* the smallest leak that would have been found */
        int64_t total;              /* what it rose by */
};

/* Puts points in the order in which they were taken, and makes the units of an agent that was
 * started anew go on where it had left off. */
void leak_arrange(struct leak_point *points, size_t n);

/* The longest stretch of one process of the daemon's, without its first points; n 0 = none. */
void leak_choose(const struct leak_point *points, size_t n, struct leak_series *ret);

/* -ENOMEM. */
int leak_judge(const struct leak_point *points, const struct leak_series *series,
               enum census_kind kind, struct leak_judged *ret) _warn_unused_;

/* A unit, the least that is called a leak: bytes for memory, else things. */
double leak_floor(enum census_kind kind);
