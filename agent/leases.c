/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The leases of a run, pure; see leases.h. */

#include "agent/leases.h"

void leases_deinit(struct leases *l)
{
        free(l->items);
        *l = (struct leases){0};
}

int64_t leases_expire_ns(const struct leases *l)
{
        return l->stamp_ns + l->ttl_ns;
}

static void note_expired(struct leases *l, int64_t now_ns)
{
        if (now_ns >= leases_expire_ns(l))
                l->n_expired = l->n;
}

void leases_echo(struct leases *l, int64_t stamp_ns, int64_t now_ns)
{
        int64_t stamp = MIN(stamp_ns, now_ns);

        note_expired(l, now_ns);
        l->stamp_ns = MAX(l->stamp_ns, stamp);
}

bool leases_know(const struct leases *l, int64_t lease)
{
        return lease <= l->newest;
}

int leases_add(struct leases *l, const struct lease_part *lease, int64_t ttl_ns)
{
        if (leases_know(l, lease->lease))
                return -EEXIST;
        if (l->n == l->allocated) {
                size_t allocated = l->allocated ? l->allocated * 2 : 4;
                struct lease_part *items = reallocarray(l->items, allocated, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                l->items = items;
                l->allocated = allocated;
        }
        l->items[l->n++] = *lease;
        l->newest = lease->lease;
        l->ttl_ns = MIN(ttl_ns, LEASES_TTL_MAX_NS);
        return 0;
}

bool leases_next(const struct leases *l, int64_t now_ns, leases_filter may_begin, void *userdata,
                 struct lease_part *ret)
{
        if (now_ns >= leases_expire_ns(l))
                return false;
        for (size_t i = l->n_expired; i < l->n; i++)
                if (may_begin(l->items[i].first, userdata)) {
                        *ret = l->items[i];
                        ret->count = 1;
                        return true;
                }
        return false;
}

static void drop(struct leases *l, size_t i)
{
        l->n--;
        l->n_expired -= i < l->n_expired;
        memmove(l->items + i, l->items + i + 1, (l->n - i) * sizeof(*l->items));
}

void leases_begun(struct leases *l, int64_t lease)
{
        for (size_t i = 0; i < l->n; i++) {
                struct lease_part *item = l->items + i;

                if (item->lease != lease)
                        continue;
                item->first++;
                if (--item->count == 0)
                        drop(l, i);
                return;
        }
}

bool leases_take(struct leases *l, int64_t lease, struct lease_part *ret)
{
        for (size_t i = 0; i < l->n; i++)
                if (lease == 0 || l->items[i].lease == lease) {
                        *ret = l->items[i];
                        drop(l, i);
                        return true;
                }
        return false;
}

bool leases_take_expired(struct leases *l, int64_t now_ns, struct lease_part *ret)
{
        note_expired(l, now_ns);
        return l->n_expired > 0 && leases_take(l, 0, ret);
}
