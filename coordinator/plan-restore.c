/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The planner of a run that goes on after its coordinator died: the ledger and the lease table as
 * they were, from what was written down of them; see plan.h. It never asks for the time and never
 * does I/O.
 *
 * Where a unit is, the newest lease that had it knows: it ended there (then it is counted, or goes
 * to the pool for the next attempt), or that lease was taken back, or its host still has it.
 */

#include "coordinator/plan-internal.h"

int plan_restore_unit(struct plan *p, size_t host, int64_t unit, enum outcome outcome)
{
        int ret;

        if (host >= p->config.n_hosts || unit < 1 || unit >= p->pool.end ||
            ranges_contain(&p->counted, unit))
                return -EINVAL;
        ret = ranges_add(&p->settled, unit, unit + 1);
        if (ret >= 0)
                ret = plan_count(p, p->hosts + host, unit, outcome);
        return MIN(ret, 0);
}

int plan_restore_full(struct plan *p, size_t host)
{
        if (host >= p->config.n_hosts)
                return -EINVAL;
        p->hosts[host].full = true;
        return 0;
}

/* What is left of the lease within part ends in it and goes to the pool. */
static int restore_back(struct plan *p, struct lease *l, const struct plan_part *part,
                        int64_t *ret_back)
{
        int64_t a = MAX(part->first, l->first), end = MIN(part->first + part->count, l->end), b;
        bool cut = part->kind == PLAN_PART_INTERRUPTED;
        int ret;

        while (ranges_next_gap(&l->ended, &a, end, &b)) {
                ret = pool_put(&p->pool,
                               &(struct pool_range){a, b, l->attempt + cut, l->tries + cut});
                if (ret >= 0)
                        ret = ranges_add(&l->ended, a, b);
                if (ret < 0)
                        return ret;
                *ret_back += b - a;
                a = b;
        }
        return 0;
}

static int restore_parts(struct plan *p, struct plan_host *h, struct lease *l,
                         const struct plan_part *parts, size_t n)
{
        int ret;

        for (size_t i = 0; i < n; i++) {
                const struct plan_part *part = parts + i;

                if (part->first < 1 || part->count < 0 || part->count > l->end - 1 ||
                    part->first > p->pool.end)
                        return -EINVAL;
                if (part->kind == PLAN_PART_HELD)
                        ret = ranges_add(&l->held, MAX(part->first, l->first),
                                         MIN(part->first + part->count, l->end));
                else if (part->kind == PLAN_PART_RETURNED)
                        ret = restore_back(p, l, part, &h->counts.returned);
                else
                        ret = restore_back(p, l, part, &h->counts.retried);
                if (ret < 0)
                        return ret;
        }
        return 0;
}

/* Units of the lease that newer leases have had, or that are counted, have ended in it. */
static int restore_ended(struct plan *p, struct lease *l)
{
        int64_t a = l->first, b, at = l->first;
        int ret;

        while (ranges_next_gap(&p->settled, &a, l->end, &b)) {
                ret = ranges_add(&l->ended, at, a);
                if (ret < 0)
                        return ret;
                at = a = b;
        }
        ret = ranges_add(&l->ended, at, l->end);
        return ret < 0 ? ret : ranges_add(&p->settled, l->first, l->end);
}

/* On the table, and off it again if it was taken back. */
static int restore_live(struct plan *p, struct plan_host *h, struct lease *l, bool over,
                        int64_t now_ns)
{
        int64_t held = 0;
        int ret;

        for (size_t i = 0; i < l->held.n; i++)
                for (int64_t u = l->held.items[i].first; u < l->held.items[i].end; u++)
                        held += !ranges_contain(&l->ended, u);
        h->counts.held += held;
        plan_lent_add(p, h, l->end - l->first - l->ended.count - held, now_ns);
        /* the newest may never have arrived: it is sent again */
        l->confirmed = h->n_unconfirmed > 0;
        l->known = l->confirmed;
        l->send_now = !l->confirmed;
        h->n_unconfirmed += !l->confirmed;
        if (!over)
                return 0;
        ret = plan_lease_take_back(p, h, l, now_ns);
        if (ret >= 0)
                plan_lease_drop(h, h->n_leases - 1);
        return ret;
}

int plan_restore_lease(struct plan *p, const struct plan_past *past, const struct plan_part *parts,
                       size_t n_parts, int64_t now_ns)
{
        struct plan_host *h = p->hosts + past->host;
        struct lease *l;
        int ret;

        if (past->host >= p->config.n_hosts || past->lease < 1 || past->lease == INT64_MAX ||
            past->first < 1 || past->count < 1 || past->count > p->pool.end ||
            past->first > p->pool.end - past->count || past->attempt < 1 || past->tries < 0)
                return -EINVAL;
        p->next_lease = MAX(p->next_lease, past->lease + 1);
        p->pool.fresh = MAX(p->pool.fresh, past->first + past->count);
        l = plan_lease_new(h);
        if (!l)
                return -ENOMEM;
        l->id = past->lease;
        l->first = past->first;
        l->end = past->first + past->count;
        l->attempt = past->attempt;
        l->tries = past->tries;
        l->sent_ns = now_ns;
        l->confirmed = true; /* for plan_lease_drop(), until it is known to be live */
        ret = restore_ended(p, l);
        if (ret >= 0)
                ret = restore_parts(p, h, l, parts, n_parts);
        if (ret < 0)
                return ret;
        if (l->ended.count == l->end - l->first) {
                plan_lease_drop(h, h->n_leases - 1);
                return 0;
        }
        return restore_live(p, h, l, past->over, now_ns);
}

int plan_restored(struct plan *p)
{
        int64_t a = 1, b;
        int ret;

        /* lent by nobody that anybody knows of */
        while (ranges_next_gap(&p->settled, &a, p->pool.fresh, &b)) {
                ret = pool_put(&p->pool, &(struct pool_range){a, b, 1, 0});
                if (ret < 0)
                        return ret;
                a = b;
        }
        ranges_deinit(&p->settled);
        for (size_t i = 0; i < p->config.n_hosts; i++) {
                struct plan_host *h = p->hosts + i;

                for (size_t k = 0; k < h->n_leases / 2; k++) {
                        struct lease *other = h->leases[h->n_leases - 1 - k];

                        h->leases[h->n_leases - 1 - k] = h->leases[k];
                        h->leases[k] = other;
                }
        }
        return 0;
}
