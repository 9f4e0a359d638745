/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sorted, disjoint ranges of numbers; see ranges.h. It never allocates an element a number. */

#include "coordinator/ranges.h"

void ranges_deinit(struct ranges *r)
{
        free(r->items);
        *r = (struct ranges){0};
}

/* Index of the first range that ends behind number (n when there is none). */
static size_t ranges_search(const struct ranges *r, int64_t number)
{
        size_t lo = 0, hi = r->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (r->items[mid].end > number)
                        hi = mid;
                else
                        lo = mid + 1;
        }
        return lo;
}

static int ranges_reserve(struct ranges *r)
{
        size_t allocated;
        struct range *items;

        if (r->n < r->allocated)
                return 0;
        allocated = r->allocated ? r->allocated * 2 : 4;
        items = reallocarray(r->items, allocated, sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->items = items;
        r->allocated = allocated;
        return 0;
}

int ranges_add(struct ranges *r, int64_t first, int64_t end)
{
        size_t from, to;
        int ret;

        if (first >= end)
                return 0;
        /* all that touch it: the first that ends at or behind its beginning, to the last that
         * begins at or before its end */
        from = ranges_search(r, first - 1);
        for (to = from; to < r->n && r->items[to].first <= end; to++)
                ;
        if (from == to) {
                ret = ranges_reserve(r);
                if (ret < 0)
                        return ret;
                memmove(r->items + from + 1, r->items + from, (r->n - from) * sizeof(*r->items));
                r->items[from] = (struct range){first, end};
                r->n++;
                r->count += end - first;
                return 0;
        }
        first = MIN(first, r->items[from].first);
        end = MAX(end, r->items[to - 1].end);
        for (size_t i = from; i < to; i++)
                r->count -= r->items[i].end - r->items[i].first;
        r->items[from] = (struct range){first, end};
        r->count += end - first;
        memmove(r->items + from + 1, r->items + to, (r->n - to) * sizeof(*r->items));
        r->n -= to - from - 1;
        return 0;
}

bool ranges_contain(const struct ranges *r, int64_t number)
{
        size_t i = ranges_search(r, number);

        return i < r->n && r->items[i].first <= number;
}

bool ranges_next_gap(const struct ranges *r, int64_t *first, int64_t end, int64_t *ret_end)
{
        int64_t at = *first;
        size_t i = ranges_search(r, at);

        if (i < r->n && r->items[i].first <= at)
                at = r->items[i++].end; /* merged: what follows it is a gap */
        if (at >= end)
                return false;
        *first = at;
        *ret_end = i < r->n ? MIN(end, r->items[i].first) : end;
        return true;
}
