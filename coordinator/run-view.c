/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run's present state as what the live view shows. */

#include "coordinator/run-internal.h"

#define RATE_WINDOW_NS (5 * NSEC_PER_SEC)

static const char *stage_word(const struct run *run)
{
        if (run->abort_deadline_ns)
                return "stopping at once";
        if (run->interrupts)
                return "stopping";
        switch (run->stage) {
        case RUN_CONNECTING: return "connecting";
        case RUN_ENDING: return "taking stock";
        default: return NULL;
        }
}

static const char *trouble_of(const struct run *run, size_t i)
{
        const struct link *l = fleet_link(run->fleet, i);

        if (run->hosts[i].state == STORE_HOST_LOST || run->hosts[i].state == STORE_HOST_REFUSED)
                return "lost";
        switch (link_state(l)) {
        case LINK_CONNECTING: return "no answer yet";
        case LINK_SILENT:
        case LINK_FAILED: return link_state_name((int)link_state(l));
        default: return NULL;
        }
}

/* Units a second over the last 5 to 10 s. The planner's own rate is of completions
 * and stays as it was when there are none. */
static double rate_now(struct run_rate *rate, int64_t done, int64_t now_ns)
{
        if (!rate->old_ns)
                *rate = (struct run_rate){now_ns, done, now_ns, done};
        if (now_ns - rate->mark_ns >= RATE_WINDOW_NS) {
                rate->old_ns = rate->mark_ns;
                rate->old_done = rate->mark_done;
                rate->mark_ns = now_ns;
                rate->mark_done = done;
        }
        if (now_ns - rate->old_ns < NSEC_PER_SEC)
                return 0;
        return (double)(done - rate->old_done) * 1e9 / (double)(now_ns - rate->old_ns);
}

static void fill_host(struct run *run, size_t i, struct view_host *h, int64_t now_ns)
{
        struct run_host *host = &run->hosts[i];
        const struct link *l = fleet_link(run->fleet, i);
        const struct msg_pong *pong = link_pong(l, NULL);

        *h = (struct view_host){
                .label = link_label(l),
                .trouble = trouble_of(run, i),
                .oldest_ns = VIEW_NOT_KNOWN,
                .api_instances = VIEW_NOT_KNOWN,
                .api_ns = VIEW_NOT_KNOWN,
                .mounts = VIEW_NOT_KNOWN,
                .instance_ns = VIEW_NOT_KNOWN,
                .in_flight = VIEW_NOT_KNOWN,
        };
        if (run->plan) {
                struct plan_counts c;

                plan_host_counts(run->plan, i, &c);
                h->done = c.passed + c.failed + c.wedged + c.interrupted;
                h->failed = c.failed + c.wedged;
                h->held = c.held;
                h->rate = rate_now(&host->rate, h->done + h->held, now_ns);
        }
        if (pong && !h->trouble) { /* of a silent host it is old */
                h->in_flight = pong->in_flight;
                h->oldest_ns = pong->oldest_ns;
                h->api_instances = pong->api_instances;
                h->api_ns = pong->api_ns;
                h->api_waiting = pong->api_waiting;
                h->instance_ns = pong->instance_ns;
                h->instance_waiting = pong->instance_waiting;
                h->wedges = pong->wedges;
                h->late = pong->late;
                h->mounts = pong->mounts;
                host->api_seen |= pong->api_instances >= 0;
                h->api_down = host->api_seen && pong->api_instances < 0 && !pong->api_waiting;
        }
}

void run_show(struct run *run, int64_t now_ns)
{
        size_t n = fleet_n(run->fleet);
        _cleanup_(freep)
        struct view_host *hosts = calloc(n, sizeof(*hosts));
        struct view_data d = {
                .run = run->id,
                .stage = stage_word(run),
                .density = run->spec.mode == MODE_DENSITY,
                .total = run->spec.total,
                .elapsed_ns = run->started_ns ? now_ns - run->started_ns : 0,
                .duration_ns = run->duration_ns,
                .hosts = hosts,
                .n_hosts = n,
        };

        if (!hosts)
                return;
        for (size_t i = 0; i < n; i++)
                fill_host(run, i, &hosts[i], now_ns);
        view_show(run->view, &d, now_ns);
}
