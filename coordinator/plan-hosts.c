/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The planner's hosts: ready, silent, gone, and what becomes of their leases then; see plan.h. It
 * never asks for the time and never does I/O.
 */

#include "coordinator/plan-internal.h"

/* What is left in a lease goes back as the next attempt. Held units stay where they are: their
 * outcome is still to come, and until then they are nowhere. */
int plan_lease_take_back(struct plan *p, struct plan_host *h, struct lease *l, int64_t now_ns)
{
        int64_t a = l->first, a_end, back = 0;
        int ret;

        while (ranges_next_gap(&l->ended, &a, l->end, &a_end)) {
                int64_t b = a, b_end;

                while (ranges_next_gap(&l->held, &b, a_end, &b_end)) {
                        ret = pool_put(&p->pool, &(struct pool_range){.first = b,
                                                                      .end = b_end,
                                                                      .attempt = l->attempt + 1,
                                                                      .tries = l->tries});
                        if (ret < 0)
                                return ret;
                        /* so that a second call after -ENOMEM does not put them again */
                        ret = ranges_add(&l->ended, b, b_end);
                        if (ret < 0)
                                return ret;
                        back += b_end - b;
                        b = b_end;
                }
                a = a_end;
        }
        plan_lent_add(p, h, -back, now_ns);
        h->counts.retried += back;
        for (size_t i = 0; i < l->held.n; i++)
                for (int64_t u = l->held.items[i].first; u < l->held.items[i].end; u++)
                        if (!ranges_contain(&l->ended, u))
                                h->counts.held--;
        return 0;
}

void plan_host_ready(struct plan *p, size_t host, int64_t parallel_max, int64_t now_ns)
{
        struct plan_host *h = p->hosts + host;

        h->state = PLAN_HOST_READY;
        h->last_pong_ns = h->progress_ns = now_ns;
        h->stuck = false;
        h->parallel = p->config.parallel;
        if (parallel_max > 0)
                h->parallel = MIN(h->parallel, parallel_max);
        for (size_t i = 0; i < h->n_leases; i++) {
                h->leases[i]->known = h->leases[i]->confirmed;
                h->leases[i]->send_now = !h->leases[i]->confirmed;
        }
        p->weights_valid = false;
}

void plan_host_silent(struct plan *p, size_t host, int64_t now_ns)
{
        struct plan_host *h = p->hosts + host;

        if (h->state == PLAN_HOST_GONE)
                return;
        plan_rate_roll(h, now_ns);
        h->state = PLAN_HOST_SILENT;
        p->weights_valid = false;
}

int plan_host_gone(struct plan *p, size_t host, int64_t now_ns)
{
        struct plan_host *h = p->hosts + host;
        int ret;

        while (h->n_leases > 0) {
                ret = plan_lease_take_back(p, h, h->leases[0], now_ns);
                if (ret < 0)
                        return ret;
                plan_lease_drop(h, 0);
        }
        h->state = PLAN_HOST_GONE;
        p->weights_valid = false;
        return 0;
}

void plan_pong(struct plan *p, size_t host, int64_t now_ns)
{
        p->hosts[host].last_pong_ns = now_ns;
}

void plan_in_flight(struct plan *p, size_t host, int64_t n)
{
        p->hosts[host].in_flight = n;
}

int64_t plan_patience_ns(const struct plan *p)
{
        return p->config.ttl_ns + p->config.ttl_ns / PLAN_GRACE_PART;
}

/* When the leases of a host are over if nothing more is heard of it; a lease lent since counts from
 * when it was sent. */
static int64_t lease_expires_ns(const struct plan *p, const struct plan_host *h,
                                const struct lease *l)
{
        return MAX(h->last_pong_ns, l->sent_ns) + plan_patience_ns(p);
}

/* Back it goes, and off the table: 1 with *ret_lease, or -ENOMEM. */
static int plan_revert(struct plan *p, size_t host, size_t index, int64_t now_ns,
                       struct plan_lease *ret_lease)
{
        struct plan_host *h = p->hosts + host;
        struct lease *l = h->leases[index];
        int ret = plan_lease_take_back(p, h, l, now_ns);

        if (ret < 0)
                return ret;
        *ret_lease = (struct plan_lease){.host = host,
                                         .lease = l->id,
                                         .first = l->first,
                                         .count = l->end - l->first,
                                         .attempt = l->attempt,
                                         .ttl_ns = p->config.ttl_ns};
        plan_lease_drop(h, index);
        return 1;
}

int plan_reconcile(struct plan *p, size_t host, const int64_t *leases, size_t n, int64_t now_ns,
                   struct plan_lease *ret)
{
        struct plan_host *h = p->hosts + host;

        for (size_t k = 0; k < h->n_leases; k++) {
                bool has = !h->leases[k]->known;

                for (size_t i = 0; i < n && !has; i++)
                        has = leases[i] == h->leases[k]->id;
                if (!has)
                        return plan_revert(p, host, k, now_ns, ret);
        }
        return 0;
}

int plan_expire(struct plan *p, int64_t now_ns, struct plan_lease *ret_lease)
{

        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;

                for (size_t k = 0; k < h->n_leases; k++)
                        if (now_ns >= lease_expires_ns(p, h, h->leases[k]))
                                return plan_revert(p, i, k, now_ns, ret_lease);
        }
        return 0;
}

int64_t plan_wakeup_ns(const struct plan *p, int64_t now_ns)
{
        int64_t at = INT64_MAX;

        if (p->config.deadline_ns > now_ns)
                at = p->config.deadline_ns;
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                const struct plan_host *h = p->hosts + i;

                for (size_t k = 0; k < h->n_leases; k++) {
                        at = MIN(at, lease_expires_ns(p, h, h->leases[k]));
                        if (!h->leases[k]->confirmed && h->state == PLAN_HOST_READY)
                                at = MIN(at, h->leases[k]->sent_ns + PLAN_RESEND_NS);
                }
        }
        return at;
}
