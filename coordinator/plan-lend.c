/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What to lend to whom, and when it is over; see plan.h.
 *
 * A host is lent enough to fill its slots, and ahead of that one lease's worth of work:
 *     size = clamp(rate × 30 s, 1, remaining / 2N)
 * another when less than that is waiting there, so that two are never exceeded. Counted is what
 * waits, not how many leases are open: one slow unit keeps a lease open for long, and must not keep
 * slots empty.
 *
 * No host has more than its share of what is not done yet, in proportion to its rate. So with the
 * first leases every host gets some of a small total, and at the end a slow one takes no more than
 * it can finish in the time the others need.
 *
 * A host is lent nothing while a lease is on the way to it: the numbers of the leases an agent has
 * seen go up without gaps, and the newest one tells it which it knows.
 *
 * The rate of a host is of late (a fading count: two minutes, or several rounds of its slots where
 * units take long), over the time it had something to do, and weighted with one round of its slots
 * at the mean of all: units end in bursts, and after the first second the host that happened to
 * finish first is not infinitely faster.
 */

#include <math.h>

#include "coordinator/plan-internal.h"

#define RATE_FADES_SEC  120.0
#define RATE_ROUNDS     5.0
#define WEIGHTS_HOLD_NS NSEC_PER_SEC

void plan_rate_roll(struct plan_host *h, int64_t now_ns)
{
        double elapsed, fade, over = RATE_FADES_SEC;

        if (now_ns <= h->rate_ns)
                return;
        elapsed = (double)(now_ns - h->rate_ns) / 1e9;
        h->rate_ns = now_ns;
        if (h->counts.lent == 0)
                return;
        if (h->weight > 0)
                over = fmax(over, RATE_ROUNDS * (double)h->parallel / h->weight);
        fade = exp(-elapsed / over);
        h->recent_done *= fade;
        h->recent_sec = h->recent_sec * fade + over * (1 - fade);
}

void plan_rate_done(struct plan_host *h, int64_t now_ns)
{
        plan_rate_roll(h, now_ns);
        h->progress_ns = now_ns;
        h->stuck = false;
        h->recent_done += 1;
}

static bool plan_eligible(const struct plan_host *h)
{
        return (h->state == PLAN_HOST_READY || h->state == PLAN_HOST_NEW) && !h->full && !h->stuck;
}

/* It may be lent something now. */
static bool plan_takes(const struct plan_host *h)
{
        return h->state == PLAN_HOST_READY && plan_eligible(h);
}

/* When all are stuck, one that may get on is better than none. */
static void plan_forgive(struct plan *p)
{
        for (size_t i = 0; i < p->config.n_hosts; i++)
                if (plan_takes(p->hosts + i))
                        return;
        for (size_t i = 0; i < p->config.n_hosts; i++)
                p->hosts[i].stuck = false;
}

static void plan_weigh(struct plan *p, int64_t now_ns)
{
        double done = 0, sec = 0, mean;

        plan_forgive(p);
        if (p->weights_valid && now_ns - p->weights_ns < WEIGHTS_HOLD_NS)
                return;
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                plan_rate_roll(p->hosts + i, now_ns);
                done += p->hosts[i].recent_done;
                sec += p->hosts[i].recent_sec;
        }
        mean = sec > 0 ? done / sec : 0;
        p->weight_sum = 0;
        p->n_eligible = 0;
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;
                double round = (double)h->parallel;

                h->weight =
                        mean > 0 ? (h->recent_done + round) / (h->recent_sec + round / mean) : 0;
                if (!plan_eligible(h))
                        continue;
                p->weight_sum += h->weight;
                p->n_eligible++;
        }
        p->weights_ns = now_ns;
        p->weights_valid = true;
}

/* The most this host may have under way, of all that is not done yet. At least 1. */
static int64_t plan_share(const struct plan *p, const struct plan_host *h)
{
        int64_t left = pool_left(&p->pool) + p->lent;
        double part;

        if (p->config.total == 0)
                return INT64_MAX;
        part = p->weight_sum > 0 ? h->weight / p->weight_sum : 1.0 / (double)p->n_eligible;
        return MAX((int64_t)ceil((double)left * part), INT64_C(1));
}

/* One lease's worth of work ahead. None in the last round of the host's slots: what then waits
 * there would begin when the others are done. */
static int64_t plan_ahead(const struct plan *p, const struct plan_host *h, int64_t now_ns)
{
        int64_t time_ns = PLAN_AHEAD_NS, most = PLAN_LEASE_MAX, n;
        double left = (double)(pool_left(&p->pool) + p->lent);

        if (left * h->weight < (double)h->parallel * p->weight_sum)
                return 0;
        if (p->config.deadline_ns > 0)
                time_ns = MIN(time_ns, p->config.deadline_ns - now_ns);
        if (p->config.total > 0)
                most = MIN(most, pool_left(&p->pool) / (2 * (int64_t)p->n_eligible));
        n = MIN((int64_t)(h->weight * (double)time_ns / 1e9), most);
        return MAX(n, INT64_C(1));
}

/* How many units to lend to this host now. */
static int64_t plan_amount(const struct plan *p, const struct plan_host *h, int64_t now_ns)
{
        int64_t lent = h->counts.lent, ahead, n;

        if (!plan_takes(h) || h->n_unconfirmed > 0)
                return 0;
        ahead = plan_ahead(p, h, now_ns);
        if (lent - h->parallel >= ahead)
                return 0;
        n = MAX(h->parallel - lent, INT64_C(0)) + ahead;
        n = MIN(n, plan_share(p, h) - lent);
        return MIN(n, PLAN_LEASE_MAX);
}

static struct plan_lease plan_lease_of(const struct plan *p, size_t host, const struct lease *l,
                                       bool repeated)
{
        return (struct plan_lease){
                .host = host,
                .lease = l->id,
                .first = l->first,
                .count = l->end - l->first,
                .attempt = l->attempt,
                .tries = l->tries,
                .ttl_ns = p->config.ttl_ns,
                .repeated = repeated,
        };
}

static int plan_lend(struct plan *p, size_t host, int64_t n, int64_t now_ns, struct plan_lease *ret)
{
        struct plan_host *h = p->hosts + host;
        struct pool_range units;
        struct lease *l;

        if (!pool_take(&p->pool, n, &units))
                return 0;
        l = plan_lease_new(h);
        if (!l)
                return MIN(pool_put(&p->pool, &units), -ENOMEM);
        l->id = p->next_lease++;
        l->first = units.first;
        l->end = units.end;
        l->attempt = units.attempt;
        l->tries = units.tries;
        l->sent_ns = now_ns;
        h->n_unconfirmed++;
        plan_lent_add(p, h, l->end - l->first, now_ns);
        *ret = plan_lease_of(p, host, l, false);
        return 1;
}

static bool plan_resend(struct plan *p, int64_t now_ns, struct plan_lease *ret)
{
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;

                if (h->n_unconfirmed == 0 || h->state != PLAN_HOST_READY)
                        continue;
                for (size_t k = 0; k < h->n_leases; k++) {
                        struct lease *l = h->leases[k];

                        if (l->confirmed || (!l->send_now && now_ns - l->sent_ns < PLAN_RESEND_NS))
                                continue;
                        l->send_now = false;
                        l->sent_ns = now_ns;
                        *ret = plan_lease_of(p, i, l, true);
                        return true;
                }
        }
        return false;
}

int plan_next(struct plan *p, int64_t now_ns, struct plan_lease *ret)
{
        int r;

        if (plan_resend(p, now_ns, ret))
                return 1;
        if (pool_left(&p->pool) == 0 || plan_ended_why(p, now_ns) != PLAN_END_NOT)
                return 0;
        plan_weigh(p, now_ns);
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                size_t host = (p->turn + i) % p->config.n_hosts;
                int64_t n = plan_amount(p, p->hosts + host, now_ns);

                if (n < 1)
                        continue;
                r = plan_lend(p, host, n, now_ns, ret);
                if (r > 0)
                        p->turn = host + 1;
                return r;
        }
        return 0;
}

/* Whether another than this one has room. */
static bool plan_has_idle(const struct plan *p, const struct plan_host *but)
{
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                const struct plan_host *h = p->hosts + i;

                if (h != but && plan_takes(h) && h->counts.lent < h->parallel)
                        return true;
        }
        return false;
}

int plan_revoke(struct plan *p, int64_t now_ns, size_t *ret_host)
{
        if (pool_left(&p->pool) > 0 || plan_ended_why(p, now_ns) != PLAN_END_NOT)
                return 0;
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;

                if (h->state != PLAN_HOST_READY || h->counts.lent <= h->in_flight ||
                    now_ns - h->progress_ns < PLAN_STUCK_NS ||
                    (h->stuck && now_ns - h->revoked_ns < PLAN_STUCK_NS) || !plan_has_idle(p, h))
                        continue;
                h->stuck = true;
                h->revoked_ns = now_ns;
                p->weights_valid = false;
                *ret_host = i;
                return 1;
        }
        return 0;
}

enum plan_end plan_ended_why(const struct plan *p, int64_t now_ns)
{
        size_t gone = 0, full = 0;

        if (pool_left(&p->pool) == 0 && p->lent == 0)
                return PLAN_END_TOTAL;
        if (p->failed)
                return PLAN_END_FAILED;
        if (p->drain)
                return PLAN_END_DRAIN;
        if (p->config.deadline_ns > 0 && now_ns >= p->config.deadline_ns)
                return PLAN_END_DEADLINE;
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                full += p->hosts[i].full;
                gone += p->hosts[i].state == PLAN_HOST_GONE && !p->hosts[i].full;
        }
        if (gone + full < p->config.n_hosts)
                return PLAN_END_NOT;
        return full > 0 ? PLAN_END_FULL : PLAN_END_STRANDED;
}

enum plan_state plan_state(const struct plan *p, int64_t now_ns)
{
        switch (plan_ended_why(p, now_ns)) {
        case PLAN_END_NOT: return PLAN_RUNNING;
        case PLAN_END_STRANDED: return PLAN_STRANDED;
        default: return p->lent == 0 ? PLAN_DONE : PLAN_DRAINING;
        }
}

static double plan_rate(const struct plan_host *h)
{
        return h->recent_sec > 0 ? h->recent_done / h->recent_sec : 0;
}

void plan_host_counts(const struct plan *p, size_t host, struct plan_counts *ret)
{
        *ret = p->hosts[host].counts;
        ret->rate_per_sec = plan_rate(p->hosts + host);
}

void plan_total_counts(const struct plan *p, struct plan_counts *ret)
{
        struct plan_counts sum = {0};

        for (size_t i = 0; i < p->config.n_hosts; i++) {
                const struct plan_counts *c = &p->hosts[i].counts;

                sum.passed += c->passed;
                sum.failed += c->failed;
                sum.wedged += c->wedged;
                sum.interrupted += c->interrupted;
                sum.late += c->late;
                sum.retried += c->retried;
                sum.returned += c->returned;
                sum.lent += c->lent;
                sum.held += c->held;
                sum.rate_per_sec += plan_rate(p->hosts + i);
        }
        *ret = sum;
}

int64_t plan_counted(const struct plan *p)
{
        return p->counted.count;
}

bool plan_host_is_full(const struct plan *p, size_t host)
{
        return p->hosts[host].full;
}

size_t plan_footprint(const struct plan *p)
{
        size_t n = p->pool.allocated + p->counted.allocated;

        for (size_t i = 0; i < p->config.n_hosts; i++) {
                const struct plan_host *h = p->hosts + i;

                n += 1 + h->allocated;
                for (size_t k = 0; k < h->n_leases; k++)
                        n += 1 + h->leases[k]->ended.allocated + h->leases[k]->held.allocated;
        }
        return n;
}
