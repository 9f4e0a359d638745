/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Timers in a binary heap. The heap is given the time and never asks for it; the
 * loop that owns it decides whether time passes at all (for a stopped daemon it
 * does not). A timer is embedded in what it belongs to and fires once.
 */

#include "util.h"

struct timer {
        int64_t at_ns;
        size_t index; /* place in the heap, 1-based; 0 when not armed */
        void (*fn)(struct timer *t, int64_t now);
};

struct timers {
        struct timer **heap;
        size_t n, cap;
};

void timers_deinit(struct timers *ts);

/* Arms @t, or moves it if it is armed already. */
void timers_arm(struct timers *ts, struct timer *t, int64_t at_ns);

/* Safe when @t is not armed. */
void timers_disarm(struct timers *ts, struct timer *t);

/* When the next one is due (monotonic ns), INT64_MAX when there is none. */
int64_t timers_next(const struct timers *ts);

/* Fires every timer due at @now, earliest first. */
void timers_run(struct timers *ts, int64_t now);
