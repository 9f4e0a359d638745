/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether something that was measured all along a run drifts with time. A series is cut into steps
 * of time while it comes, and is their pseudo-medians (a median of few values sees less): memory
 * goes with steps, not with what comes, and one pass is enough. The verdict is trend.h's; t is in
 * hours since the axis begins.
 *
 * Pure.
 */

#include "report/html-axis.h"
#include "report/stats-thin.h"
#include "report/trend.h"

/* What is told from less says more about how a run begins than about where it goes. */
#define DRIFT_TIME_MIN_NS (1800 * NSEC_PER_SEC)
/* Less than this share of the level over the whole run is none to act on. */
#define DRIFT_FLOOR 0.01

struct drift_series {
        struct stats_thin *steps; /* of the axis; NULL = nothing came */
        size_t n;
};

/* Of a run; steps are of 10 s at least, as that is how often hosts are measured. */
void drift_axis_init(struct html_axis *a, int64_t begin_ns, int64_t wall_ns);

/* What is not of the run's time is passed over. -ENOMEM. */
int drift_add(struct drift_series *s, const struct html_axis *a, int64_t at_ns,
              double value) _warn_unused_;
void drift_clear(struct drift_series *s);

/*
 * Tells, and uses up what is in the series. blocks: of how many at most, 0 = as trend.h has it;
 * fewer cost less, as their square, and see less. Too few steps with something in them, or too
 * short a time between the first and the last: the verdict is TREND_SHORT, and all figures but n
 * are 0. -ENOMEM, -EINVAL as trend_compute().
 */
int drift_tell(struct drift_series *s, size_t blocks, struct trend *ret) _warn_unused_;

/* A slope in percent of the level; NAN when there is no level to speak of. */
double drift_percent(const struct trend *t, double slope);
/* When a t of the trend was, realtime. */
int64_t drift_time_ns(int64_t begin_ns, double t);
