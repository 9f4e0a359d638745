/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may drive, pure; see arbiter.h. */

#include "agent/arbiter.h"

void arbiter_reserve(struct arbiter *a, const char *coord_id, int64_t now_ns)
{
        snprintf(a->thief, sizeof(a->thief), "%s", coord_id);
        a->thief_ns = now_ns;
}

bool arbiter_is_reserved(const struct arbiter *a, int64_t now_ns)
{
        return a->thief[0] && now_ns - a->thief_ns < ARBITER_RESERVE_NS;
}

/* The coordinator of the run that is here, or one that says it is. */
static enum arbiter_answer arbiter_own(const struct arbiter *a, const struct arbiter_hello *h)
{
        if (h->epoch < a->epoch ||
            (h->epoch == a->epoch && a->coord_id[0] && !streq(a->coord_id, h->coord_id)))
                return ARBITER_STALE;
        if (!a->ending)
                return ARBITER_AGAIN;
        /* who wanted the agent has not come for it: the run begins anew, where its records end */
        return a->stopped ? ARBITER_BEGIN : ARBITER_BUSY;
}

enum arbiter_answer arbiter_hello(const struct arbiter *a, const struct arbiter_hello *h,
                                  int64_t now_ns)
{
        bool taken, own = a->run[0] && streq(a->run, h->run);

        if (arbiter_is_reserved(a, now_ns) && !streq(a->thief, h->coord_id))
                return own && h->epoch <= a->epoch ? ARBITER_STALE : ARBITER_BUSY;
        if (own)
                return arbiter_own(a, h);
        if (!a->run[0] || a->stopped)
                return ARBITER_BEGIN;
        taken = a->has_driver && now_ns - a->heard_ns < ARBITER_SILENCE_NS;
        if (!taken && !a->occupied)
                return ARBITER_BEGIN;
        if (!h->steal)
                return ARBITER_BUSY;
        return h->admin ? ARBITER_STEAL : ARBITER_NOT_ADMIN;
}
