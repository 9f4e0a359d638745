/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers in a binary heap: index 0 is unused, so that 0 can mean "not armed". */

#include "timer.h"

void timers_deinit(struct timers *ts)
{
        free(ts->heap);
        *ts = (struct timers){0};
}

static void place(struct timers *ts, size_t i, struct timer *t)
{
        ts->heap[i] = t;
        t->index = i;
}

static void sift_up(struct timers *ts, size_t i)
{
        struct timer *t = ts->heap[i];

        for (; i > 1 && ts->heap[i / 2]->at_ns > t->at_ns; i /= 2)
                place(ts, i, ts->heap[i / 2]);
        place(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i)
{
        struct timer *t = ts->heap[i];

        for (;;) {
                size_t child = 2 * i;

                if (child > ts->n)
                        break;
                if (child < ts->n && ts->heap[child + 1]->at_ns < ts->heap[child]->at_ns)
                        child++;
                if (ts->heap[child]->at_ns >= t->at_ns)
                        break;
                place(ts, i, ts->heap[child]);
                i = child;
        }
        place(ts, i, t);
}

void timers_arm(struct timers *ts, struct timer *t, int64_t at_ns)
{
        timers_disarm(ts, t);
        if (ts->n + 2 > ts->cap) {
                ts->cap = ts->cap ? ts->cap * 2 : 64;
                ts->heap = must(realloc(ts->heap, ts->cap * sizeof(*ts->heap)));
        }
        t->at_ns = at_ns;
        place(ts, ++ts->n, t);
        sift_up(ts, ts->n);
}

void timers_disarm(struct timers *ts, struct timer *t)
{
        size_t i = t->index;
        struct timer *last;

        if (i == 0)
                return;
        t->index = 0;
        last = ts->heap[ts->n--];
        if (last == t)
                return;
        place(ts, i, last);
        sift_up(ts, i);
        sift_down(ts, last->index);
}

int64_t timers_next(const struct timers *ts)
{
        return ts->n ? ts->heap[1]->at_ns : INT64_MAX;
}

void timers_run(struct timers *ts, int64_t now)
{
        while (ts->n && ts->heap[1]->at_ns <= now) {
                struct timer *t = ts->heap[1];

                timers_disarm(ts, t);
                t->fn(t, now);
        }
}
