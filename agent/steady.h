/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * When a run comes to rest for a census, and what that costs. Nothing is begun until all
 * in flight has ended, the daemon settles, the census is taken, and the run goes on. The host
 * is not at work for part of that, so steady points are paid for: they may take a share of the
 * time of the run, no more, and a run that is too short has none in its midst. They come further
 * apart as the run gets on, each when a twelfth more units have ended, so that their number grows
 * with the logarithm of the run's length.
 *
 * Pure: time is a parameter, monotonic.
 */

#include "base/clock.h"

struct steady {
        int64_t share; /* percent of the time; 0 = no steady points in the midst of the run */
        int64_t parallel;
        int64_t begun_ns; /* when the first unit was begun; 0 = not yet */
        int64_t units;    /* that have ended */
        int64_t units_ns; /* how long they took, together */
        int64_t longest_ns;

        int64_t n;           /* steady points so far, given up ones too */
        int64_t last_units;  /* units at the last of them */
        int64_t cost_ns;     /* what the last one cost */
        int64_t spent_ns;    /* what all of them cost */
        int64_t drain_ns;    /* since when nothing is begun; 0 = it is not coming to rest */
        int64_t drain_units; /* units when that began */
};

void steady_init(struct steady *s, int64_t share, int64_t parallel);
/* A unit is begun. */
void steady_unit_begins(struct steady *s, int64_t now_ns);
void steady_unit_ended(struct steady *s, int64_t took_ns);

/* It is time to come to rest. leased: units that may still be begun; when there are few the run
 * is about to end, and comes to rest by itself. */
bool steady_is_due(const struct steady *s, int64_t leased, int64_t now_ns);
/* Nothing is begun from now on. */
void steady_drain(struct steady *s, int64_t now_ns);
bool steady_is_draining(const struct steady *s);
/* Something in flight does not end: better go on and try again later. */
bool steady_is_late(const struct steady *s, int64_t now_ns);
/* The run goes on. */
void steady_resume(struct steady *s, int64_t now_ns);

/* How long to wait, once nothing is in flight, till the daemon is done with what has ended: a
 * quarter of what a unit takes, 100 ms to 2 s. */
int64_t steady_settle_ns(const struct steady *s);
