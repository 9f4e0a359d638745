/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The clocks, in nanoseconds. Durations and deadlines use the monotonic clock
 * only; the realtime clock is for people and for lining hosts up. The pure
 * cores never call these: they are given the time.
 */

#include <stdint.h>
#include <time.h>

#include "base/util.h"

static inline int64_t clock_ns(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline int64_t now_monotonic_ns(void)
{
        return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t now_realtime_ns(void)
{
        return clock_ns(CLOCK_REALTIME);
}

static inline int64_t now_thread_cpu_ns(void)
{
        return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
