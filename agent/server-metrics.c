/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How host and daemon are, as a record every METRIC_PERIOD_NS while a run is driven, and once at
 * its beginning and its end: what drift is looked for in, and what latency is held against. What is
 * counted at steady points is a census and not this.
 */

#include "agent/server-internal.h"

#include "base/clock.h"

/* Before its first lease a run has not begun, and its coordinator takes no records. */
void server_measure(struct server *s)
{
        struct record r = {.kind = RECORD_METRIC};
        struct msg_pong pong = {0};
        int64_t *figure = r.metric.figure;

        if (!run_has_begun(s->run))
                return;
        fill_pong(s, &pong);
        r.metric.realtime_ns = now_realtime_ns();
        figure[METRIC_IN_FLIGHT] = pong.in_flight;
        figure[METRIC_HELD] = pong.held;
        figure[METRIC_OLDEST_NS] = pong.oldest_ns;
        figure[METRIC_LIVE] = pong.api_instances;
        figure[METRIC_API_NS] = pong.api_ns;
        figure[METRIC_DAEMON_NS] = pong.daemon_ns;
        figure[METRIC_INSTANCE_NS] = pong.instance_ns;
        figure[METRIC_MOUNTS] = pong.mounts;
        figure[METRIC_MEM_AVAILABLE] = pong.mem_available;
        figure[METRIC_AGENT_RSS] = pong.rss;
        figure[METRIC_AGENT_CPU_NS] = pong.cpu_ns;
        figure[METRIC_LOOP_LATE_NS] = loop_take_late(s->deps.loop);
        probe_fill_metrics(s->deps.probe, figure);
        run_put_record(s->run, &r);
}

/* A run nobody drives and in which nothing is in flight tells nothing more, for however long it
 * waits for its coordinator. */
static bool is_driven(struct server *s)
{
        struct msg_pong pong = {0};

        if (!s->run || run_is_stopped(s->run))
                return false;
        run_fill(s->run, &pong);
        return pong.in_flight + pong.held > 0 ||
               (s->has_driver && now_monotonic_ns() - s->heard_ns < ARBITER_SILENCE_NS);
}

static int on_metrics(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct server *s = userdata;

        if (is_driven(s))
                server_measure(s);
        sd_event_source_set_time_relative(source, METRIC_PERIOD_NS / NSEC_PER_USEC);
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

int server_start_metrics(struct server *s)
{
        return sd_event_add_time_relative(s->deps.event, &s->metrics, CLOCK_MONOTONIC,
                                          METRIC_PERIOD_NS / NSEC_PER_USEC, 1000, on_metrics, s);
}
