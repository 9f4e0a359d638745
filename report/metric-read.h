/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What was measured of hosts and their daemons, out of table `metric`: every figure that is known,
 * in the unit of its gauge. Of what only grows it is how fast it grew from row to row.
 */

#include "report/html-gauges.h"
#include "report/summary-internal.h"

/* A figure of a host; not 0 ends the reading. */
typedef int (*metric_take)(void *userdata, const char *host, enum html_gauge gauge, int64_t at_ns,
                           double value);

/* host NULL = all; rows come agent by agent, in the order in which they were measured. Returns what
 * take did, or an error as summary_each(). */
int metric_read(struct summary_context *c, const char *host, metric_take take,
                void *userdata) _warn_unused_;
