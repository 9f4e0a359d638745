/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units nobody has; see pool.h. It never knows why a unit came back. */

#include "coordinator/pool.h"

void pool_init(struct pool *p, int64_t total)
{
        *p = (struct pool){.fresh = 1, .end = total + 1};
}

void pool_deinit(struct pool *p)
{
        free(p->items);
        *p = (struct pool){0};
}

int64_t pool_left(const struct pool *p)
{
        return p->end - p->fresh + p->n_back;
}

bool pool_take(struct pool *p, int64_t max, struct pool_range *ret)
{
        struct pool_range *back = p->items;

        if (p->n > 0) {
                *ret = *back;
                ret->end = MIN(ret->end, ret->first + max);
                back->first = ret->end;
                p->n_back -= ret->end - ret->first;
                if (back->first == back->end)
                        memmove(back, back + 1, --p->n * sizeof(*back));
                return true;
        }
        if (p->fresh >= p->end)
                return false;
        *ret = (struct pool_range){
                .first = p->fresh, .end = p->fresh + MIN(max, p->end - p->fresh), .attempt = 1};
        p->fresh = ret->end;
        return true;
}

/* Index of the first range that ends behind unit. */
static size_t pool_search(const struct pool *p, int64_t unit)
{
        size_t lo = 0, hi = p->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (p->items[mid].end > unit)
                        hi = mid;
                else
                        lo = mid + 1;
        }
        return lo;
}

static int pool_insert(struct pool *p, size_t at, const struct pool_range *range)
{
        if (p->n == p->allocated) {
                size_t allocated = p->allocated ? p->allocated * 2 : 16;
                struct pool_range *items = reallocarray(p->items, allocated, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                p->items = items;
                p->allocated = allocated;
        }
        memmove(p->items + at + 1, p->items + at, (p->n - at) * sizeof(*p->items));
        p->items[at] = *range;
        p->n++;
        return 0;
}

static bool pool_join(struct pool *p, size_t left)
{
        struct pool_range *a = p->items + left, *b = a + 1;

        if (left + 1 >= p->n || a->end != b->first || a->attempt != b->attempt ||
            a->tries != b->tries)
                return false;
        a->end = b->end;
        memmove(b, b + 1, (p->n - left - 2) * sizeof(*b));
        p->n--;
        return true;
}

int pool_put(struct pool *p, const struct pool_range *range)
{
        size_t at;
        int ret;

        if (range->first >= range->end)
                return 0;
        at = pool_search(p, range->first);
        ret = pool_insert(p, at, range);
        if (ret < 0)
                return ret;
        p->n_back += range->end - range->first;
        pool_join(p, at);
        if (at > 0)
                pool_join(p, at - 1);
        return 0;
}

int pool_remove(struct pool *p, int64_t unit)
{
        size_t at = pool_search(p, unit);
        struct pool_range *r, tail;
        int ret;

        if (at >= p->n || p->items[at].first > unit)
                return 0;
        r = p->items + at;
        tail = *r;
        tail.first = unit + 1;
        if (unit == r->first) {
                r->first = unit + 1;
                if (r->first == r->end)
                        memmove(r, r + 1, (--p->n - at) * sizeof(*r));
        } else {
                if (tail.first < tail.end) {
                        ret = pool_insert(p, at + 1, &tail);
                        if (ret < 0)
                                return ret;
                }
                p->items[at].end = unit;
        }
        p->n_back--;
        return 1;
}
