/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run's present state as what the live view shows. */

#include "coordinator/run-internal.h"

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

static void fill_host(const struct run *run, size_t i, struct view_host *h)
{
        const struct link *l = fleet_link(run->fleet, i);
        const struct msg_pong *pong = link_pong(l, NULL);

        *h = (struct view_host){
                .label = link_label(l),
                .trouble = trouble_of(run, i),
                .oldest_ns = VIEW_NOT_KNOWN,
                .api_instances = VIEW_NOT_KNOWN,
                .api_ns = VIEW_NOT_KNOWN,
                .mounts = VIEW_NOT_KNOWN,
                .in_flight = VIEW_NOT_KNOWN,
        };
        if (run->plan) {
                struct plan_counts c;

                plan_host_counts(run->plan, i, &c);
                h->done = c.passed + c.failed + c.wedged + c.interrupted;
                h->failed = c.failed + c.wedged;
                h->held = c.held;
                h->rate = c.rate_per_sec;
        }
        if (pong) {
                h->in_flight = pong->in_flight;
                h->oldest_ns = pong->oldest_ns;
                h->api_instances = pong->api_instances;
                h->api_ns = pong->api_ns;
                h->api_waiting = pong->api_waiting;
                h->mounts = pong->mounts;
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
                .density = run->options->mode == MODE_DENSITY,
                .total = run->options->total,
                .elapsed_ns = run->started_ns ? now_ns - run->started_ns : 0,
                .duration_ns = run->options->duration_ns,
                .hosts = hosts,
                .n_hosts = n,
        };

        if (!hosts)
                return;
        for (size_t i = 0; i < n; i++)
                fill_host(run, i, &hosts[i]);
        view_show(run->view, &d, now_ns);
}
