/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Drives an sd_event and measures it: see loop.h. Reading the thread's clock and
 * its resource usage are two system calls; one reading a dispatch is enough as
 * long as the loop does not sleep in between.
 */

#include "base/loop.h"

#include <sys/resource.h>

#include "base/clock.h"

#define RULER_PERIOD_USEC 100000

/* Of this thread, since it began. */
struct reading {
        int64_t cpu_ns;
        long waits;
};

struct loop {
        sd_event *event;
        sd_event_source *ruler;
        uint64_t due_usec;
        struct histogram *late;
        int64_t late_ns; /* at most, since it was taken */
        struct loop_stats stats;
        struct reading last; /* at the end of the last dispatch */
};

static int on_ruler(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct loop *l = userdata;
        int64_t now_usec = now_monotonic_ns() / NSEC_PER_USEC;
        int64_t late_ns = (now_usec - (int64_t)l->due_usec) * NSEC_PER_USEC;

        histogram_record(l->late, MAX(late_ns, INT64_C(0)));
        l->late_ns = MAX(l->late_ns, late_ns);
        l->due_usec = (uint64_t)now_usec + RULER_PERIOD_USEC;
        sd_event_source_set_time(s, l->due_usec);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int loop_new(sd_event *event, struct loop **ret)
{
        _cleanup_(loop_freep)
        struct loop *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->event = sd_event_ref(event);
        r = histogram_new(&l->late);
        if (r < 0)
                return r;
        l->due_usec = (uint64_t)(now_monotonic_ns() / NSEC_PER_USEC) + RULER_PERIOD_USEC;
        /* accuracy 1 µs: 0 would mean 250 ms */
        r = sd_event_add_time(event, &l->ruler, CLOCK_MONOTONIC, l->due_usec, 1, on_ruler, l);
        if (r < 0)
                return r;
        *ret = TAKE(l);
        return 0;
}

struct loop *loop_free(struct loop *l)
{
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->ruler);
        histogram_free(l->late);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}

static struct reading take_reading(void)
{
        struct rusage usage;

        getrusage(RUSAGE_THREAD, &usage);
        return (struct reading){now_thread_cpu_ns(), usage.ru_nvcsw};
}

static void measure(struct loop *l, int64_t wall_ns, const struct reading *before,
                    const struct reading *after)
{
        l->stats.dispatches++;
        l->stats.wall_max_ns = MAX(l->stats.wall_max_ns, wall_ns);
        l->stats.cpu_max_ns = MAX(l->stats.cpu_max_ns, after->cpu_ns - before->cpu_ns);
        if (after->waits > before->waits)
                l->stats.waits++;
}

/* slept: since the last dispatch, so that its reading is no use. */
static int dispatch_measured(struct loop *l, bool slept)
{
        struct reading before = slept ? take_reading() : l->last;
        int64_t begin_ns = now_monotonic_ns();
        int r = sd_event_dispatch(l->event);
        int64_t wall_ns = now_monotonic_ns() - begin_ns;

        l->last = take_reading();
        measure(l, wall_ns, &before, &l->last);
        return r;
}

int loop_run(struct loop *l)
{
        bool slept = true;
        int r, code;

        while (sd_event_get_state(l->event) != SD_EVENT_FINISHED) {
                r = sd_event_prepare(l->event);
                if (r == 0) {
                        r = sd_event_wait(l->event, UINT64_MAX);
                        slept = true;
                }
                if (r < 0)
                        return r;
                if (r > 0) {
                        r = dispatch_measured(l, slept);
                        if (r < 0)
                                return r;
                        slept = false;
                }
        }
        r = sd_event_get_exit_code(l->event, &code);
        return r < 0 ? r : code;
}

void loop_get_stats(const struct loop *l, struct loop_stats *ret)
{
        *ret = l->stats;
        ret->late_p99_ns = histogram_percentile(l->late, 99);
        ret->late_max_ns = histogram_max(l->late);
}

int64_t loop_take_late(struct loop *l)
{
        int64_t late_ns = l->late_ns;

        l->late_ns = 0;
        return late_ns;
}

void loop_reset_stats(struct loop *l)
{
        struct histogram *fresh;

        l->stats = (struct loop_stats){0};
        l->late_ns = 0;
        if (histogram_new(&fresh) < 0)
                return; /* the old one goes on; it can only show more */
        histogram_free(l->late);
        l->late = fresh;
}
