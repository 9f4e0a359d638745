/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The event loop with the honest ruler built in: it runs an sd_event by hand
 * and measures every dispatch (wall time, CPU time of the thread, whether the
 * thread slept in the kernel) and how late a 100 ms timer fires. The limit of
 * the design is 50 ms of CPU time a callback and no sleep in one.
 */

#include <systemd/sd-event.h>

#include "base/histogram.h"

struct loop_stats {
        int64_t dispatches;
        int64_t cpu_max_ns;  /* longest dispatch, CPU time of the thread */
        int64_t wall_max_ns; /* longest dispatch, wall time */
        int64_t waits;       /* dispatches with a voluntary context switch */
        int64_t late_p99_ns, late_max_ns;
};

struct loop;

/* Takes a reference on event. */
int loop_new(sd_event *event, struct loop **ret) _warn_unused_;
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free)

/* Runs until sd_event_exit(); returns its code, or a negative errno. */
int loop_run(struct loop *loop) _warn_unused_;

void loop_get_stats(const struct loop *loop, struct loop_stats *ret);
/* How late the timer was at most since this was last asked. */
int64_t loop_take_late(struct loop *loop);
/* Begins to measure anew (a new run). */
void loop_reset_stats(struct loop *loop);
