/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The planner's ledger: records end units in their leases, and outcomes count once; see plan.h.
 * Hosts that come and go, and with them their leases, are in plan-hosts.c; what is lent to whom is
 * decided in plan-lend.c. It never asks for the time and never does I/O.
 */

#include "coordinator/plan-internal.h"

static const char *const plan_answer_words[] = {
#define X(n, w) [PLAN_##n] = w,
        PLAN_ANSWERS(X)
#undef X
};

const char *plan_answer_name(int v)
{
        if (v < 0 || (size_t)v >= ELEMENTSOF(plan_answer_words))
                return "?";
        return plan_answer_words[v];
}

int plan_new(const struct plan_config *config, struct plan **ret)
{
        _cleanup_(plan_freep)
        struct plan *p = NULL;

        if (config->n_hosts == 0 || config->total < 0 || config->total > UNITS_MAX ||
            config->parallel < 1 || config->parallel > PARALLEL_MAX || config->deadline_ns < 0)
                return -EINVAL;
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->config = *config;
        if (p->config.ttl_ns == 0)
                p->config.ttl_ns = PLAN_TTL_NS;
        p->hosts = calloc(config->n_hosts, sizeof(*p->hosts));
        if (!p->hosts)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_hosts; i++)
                p->hosts[i].parallel = config->parallel;
        pool_init(&p->pool, config->total > 0 ? config->total : UNITS_MAX);
        p->next_lease = 1;
        *ret = TAKE(p);
        return 0;
}

static struct lease *lease_free(struct lease *l)
{
        ranges_deinit(&l->ended);
        ranges_deinit(&l->held);
        free(l);
        return NULL;
}

struct lease *plan_lease_new(struct plan_host *h)
{
        struct lease *l;

        if (h->n_leases == h->allocated) {
                size_t allocated = h->allocated ? h->allocated * 2 : 4;
                struct lease **leases = reallocarray(h->leases, allocated, sizeof(*leases));

                if (!leases)
                        return NULL;
                h->leases = leases;
                h->allocated = allocated;
        }
        l = calloc(1, sizeof(*l));
        if (l)
                h->leases[h->n_leases++] = l;
        return l;
}

void plan_lease_drop(struct plan_host *h, size_t index)
{
        if (!h->leases[index]->confirmed)
                h->n_unconfirmed--;
        lease_free(h->leases[index]);
        h->n_leases--;
        memmove(h->leases + index, h->leases + index + 1,
                (h->n_leases - index) * sizeof(*h->leases));
}

struct plan *plan_free(struct plan *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; p->hosts && i < p->config.n_hosts; i++) {
                while (p->hosts[i].n_leases > 0)
                        plan_lease_drop(p->hosts + i, p->hosts[i].n_leases - 1);
                free(p->hosts[i].leases);
        }
        free(p->hosts);
        pool_deinit(&p->pool);
        ranges_deinit(&p->counted);
        ranges_deinit(&p->settled);
        free(p);
        return NULL;
}

void plan_lent_add(struct plan *p, struct plan_host *h, int64_t n, int64_t now_ns)
{
        plan_rate_roll(h, now_ns);
        if (h->counts.lent == 0)
                h->progress_ns = now_ns;
        h->counts.lent += n;
        p->lent += n;
}

static bool plan_find_lease(const struct plan_host *h, int64_t id, size_t *ret_index)
{
        for (size_t i = 0; i < h->n_leases; i++)
                if (h->leases[i]->id == id) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

void plan_lease_ok(struct plan *p, size_t host, int64_t lease)
{
        struct plan_host *h = p->hosts + host;
        size_t i;

        if (!plan_find_lease(h, lease, &i) || h->leases[i]->confirmed)
                return;
        h->leases[i]->confirmed = true;
        h->leases[i]->send_now = false;
        h->n_unconfirmed--;
}

static bool lease_has(const struct lease *l, int64_t unit)
{
        return unit >= l->first && unit < l->end && !ranges_contain(&l->ended, unit);
}

/* A unit is over in its lease. Drops the lease with its last unit. */
static int plan_lease_end(struct plan *p, struct plan_host *h, size_t index, int64_t unit,
                          int64_t now_ns)
{
        struct lease *l = h->leases[index];
        bool held = ranges_contain(&l->held, unit);
        int ret;

        ret = ranges_add(&l->ended, unit, unit + 1);
        if (ret < 0)
                return ret;
        if (held)
                h->counts.held--;
        else
                plan_lent_add(p, h, -1, now_ns);
        if (l->ended.count == l->end - l->first)
                plan_lease_drop(h, index);
        return 0;
}

/* A unit was counted by an attempt whose lease is over: it is not to be lent again, and where it is
 * lent already nothing is owed for it any more. */
static int plan_settle_elsewhere(struct plan *p, int64_t unit, int64_t now_ns)
{
        int ret = pool_remove(&p->pool, unit);

        if (ret != 0)
                return MIN(ret, 0);
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;

                for (size_t k = 0; k < h->n_leases; k++)
                        if (lease_has(h->leases[k], unit))
                                return plan_lease_end(p, h, k, unit, now_ns);
        }
        return 0;
}

int plan_count(struct plan *p, struct plan_host *h, int64_t unit, enum outcome outcome)
{
        int ret = ranges_add(&p->counted, unit, unit + 1);

        if (ret < 0)
                return ret;
        switch (outcome) {
        case OUTCOME_PASSED: h->counts.passed++; break;
        case OUTCOME_FAILED: h->counts.failed++; break;
        case OUTCOME_WEDGED: h->counts.wedged++; break;
        default: h->counts.interrupted++; break;
        }
        if (p->config.mode == MODE_DENSITY &&
            (outcome == OUTCOME_FAILED || outcome == OUTCOME_WEDGED))
                p->failed = true;
        return PLAN_COUNTED;
}

static int plan_interrupted(struct plan *p, struct plan_host *h, bool live, size_t index,
                            int64_t unit, int64_t now_ns)
{
        struct pool_range again = {.first = unit, .end = unit + 1};
        enum plan_end why = plan_ended_why(p, now_ns);
        int ret;

        /* of a lease that is over: the unit went back when it ended */
        if (!live)
                return PLAN_INTERRUPTED;
        again.attempt = h->leases[index]->attempt + 1;
        again.tries = h->leases[index]->tries + 1;
        ret = plan_lease_end(p, h, index, unit, now_ns);
        if (ret < 0)
                return ret;
        if (again.tries >= PLAN_TRIES_MAX || why != PLAN_END_NOT)
                return plan_count(p, h, unit, OUTCOME_INTERRUPTED);
        ret = pool_put(&p->pool, &again);
        if (ret < 0)
                return ret;
        h->counts.retried++;
        return PLAN_INTERRUPTED;
}

static int plan_outcome(struct plan *p, struct plan_host *h, const struct record *r, int64_t now_ns)
{
        size_t index = 0;
        bool live = plan_find_lease(h, r->lease, &index) && lease_has(h->leases[index], r->unit);
        bool held = live && ranges_contain(&h->leases[index]->held, r->unit);
        int ret;

        if (r->outcome.outcome == OUTCOME_INTERRUPTED)
                return plan_interrupted(p, h, live, index, r->unit, now_ns);
        if (ranges_contain(&p->counted, r->unit)) {
                ret = live ? plan_lease_end(p, h, index, r->unit, now_ns) : 0;
                if (ret < 0)
                        return ret;
                h->counts.late++;
                return PLAN_LATE;
        }
        if (live)
                ret = plan_lease_end(p, h, index, r->unit, now_ns);
        else
                ret = plan_settle_elsewhere(p, r->unit, now_ns);
        if (ret < 0)
                return ret;
        if (!held)
                plan_rate_done(h, now_ns);
        return plan_count(p, h, r->unit, r->outcome.outcome);
}

static int plan_held(struct plan *p, struct plan_host *h, const struct record *r, int64_t now_ns)
{
        size_t index;
        struct lease *l;
        int ret;

        if (!plan_find_lease(h, r->lease, &index))
                return PLAN_NOTED;
        l = h->leases[index];
        if (!lease_has(l, r->unit) || ranges_contain(&l->held, r->unit))
                return PLAN_NOTED;
        ret = ranges_add(&l->held, r->unit, r->unit + 1);
        if (ret < 0)
                return ret;
        plan_lent_add(p, h, -1, now_ns);
        h->counts.held++;
        plan_rate_done(h, now_ns);
        return PLAN_NOTED;
}

static int plan_returned(struct plan *p, struct plan_host *h, const struct record *r,
                         int64_t now_ns)
{
        int64_t unit, end, gap_end;
        size_t index;
        int ret;

        if (streq(r->returned.reason, PLAN_REASON_FULL) ||
            streq(r->returned.reason, PLAN_REASON_WEDGE)) {
                h->full = true;
                p->weights_valid = false;
        }
        if (!plan_find_lease(h, r->lease, &index))
                return PLAN_NOTED;
        unit = MAX(r->returned.first, h->leases[index]->first);
        end = MIN(r->returned.first + r->returned.count, h->leases[index]->end);
        while (ranges_next_gap(&h->leases[index]->ended, &unit, end, &gap_end)) {
                struct lease *l = h->leases[index];
                struct pool_range back = {unit, gap_end, l->attempt, l->tries};

                ret = ranges_add(&l->ended, unit, gap_end);
                if (ret >= 0)
                        ret = pool_put(&p->pool, &back);
                if (ret < 0)
                        return ret;
                plan_lent_add(p, h, -(gap_end - unit), now_ns);
                h->counts.returned += gap_end - unit;
                unit = gap_end;
        }
        if (h->leases[index]->ended.count == h->leases[index]->end - h->leases[index]->first)
                plan_lease_drop(h, index);
        return PLAN_NOTED;
}

int plan_record(struct plan *p, size_t host, const struct record *r, int64_t now_ns)
{
        struct plan_host *h = p->hosts + host;

        switch (r->kind) {
        case RECORD_OUTCOME:
        case RECORD_HELD:
                if (r->unit < 1 || r->unit >= p->pool.fresh)
                        return -EINVAL;
                return r->kind == RECORD_HELD ? plan_held(p, h, r, now_ns)
                                              : plan_outcome(p, h, r, now_ns);
        case RECORD_RETURNED:
                if (r->returned.first < 1 || r->returned.count < 0 ||
                    r->returned.count > p->pool.fresh ||
                    r->returned.first > p->pool.fresh - r->returned.count)
                        return -EINVAL;
                return plan_returned(p, h, r, now_ns);
        default: return PLAN_NOTED;
        }
}

void plan_drain(struct plan *p)
{
        p->drain = true;
}
