/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See live-count.h. */

#include "report/live-count.h"

#define BOOT_NS (60 * NSEC_PER_SEC) /* less far back, it is the same moment */

int live_count_init(struct live_count *c)
{
        *c = (struct live_count){.changes = calloc(LIVE_CHANGES_MAX, sizeof(*c->changes))};
        return c->changes ? 0 : -ENOMEM;
}

void live_count_deinit(struct live_count *c)
{
        free(c->units);
        free(c->changes);
        *c = (struct live_count){0};
}

void live_count_reset(struct live_count *c)
{
        c->n_units = c->n_changes = c->oldest = 0;
}

static struct live_change *change(const struct live_count *c, size_t number)
{
        return c->changes + number % LIVE_CHANGES_MAX;
}

static void changed(struct live_count *c, int64_t at_ns)
{
        if (c->n_changes > c->oldest) {
                int64_t last_ns = change(c, c->n_changes - 1)->at_ns;

                if (at_ns < last_ns && last_ns - MAX(at_ns, INT64_C(0)) > BOOT_NS)
                        c->oldest = c->n_changes;
                else
                        at_ns = MAX(at_ns, last_ns);
        }
        *change(c, c->n_changes++) =
                (struct live_change){.at_ns = at_ns, .count = (int64_t)c->n_units};
        if (c->n_changes - c->oldest > LIVE_CHANGES_MAX)
                c->oldest = c->n_changes - LIVE_CHANGES_MAX;
}

int64_t live_count_at(const struct live_count *c, int64_t at_ns)
{
        size_t low = c->oldest, high = c->n_changes, back = 1; /* the last one at or before at_ns */

        /* most of what ends has begun a few changes ago */
        for (; high - low > back && change(c, high - back)->at_ns > at_ns; back *= 2)
                high -= back;
        if (high - low > back)
                low = high - back;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (change(c, middle)->at_ns <= at_ns)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low > c->oldest)
                return change(c, low - 1)->count;
        /* before all that is known */
        return c->oldest > 0 ? change(c, c->oldest)->count : 0;
}

/* Where a unit stands, or would. Units begin in their order, so most are found at the end. */
static size_t place(const struct live_count *c, int64_t unit)
{
        size_t low = 0, high = c->n_units;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (c->units[middle].unit < unit)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_at(const struct live_count *c, size_t i, int64_t unit)
{
        return i < c->n_units && c->units[i].unit == unit;
}

int live_count_add(struct live_count *c, const struct live_unit *unit, int64_t at_ns)
{
        size_t i = place(c, unit->unit);

        if (is_at(c, i, unit->unit)) { /* its next attempt: the one before is gone */
                c->units[i] = *unit;
                return 0;
        }
        if (c->n_units == LIVE_UNITS_MAX)
                return 0;
        if (!c->units) {
                c->units = calloc(LIVE_UNITS_MAX, sizeof(*c->units));
                if (!c->units)
                        return -ENOMEM;
        }
        memmove(c->units + i + 1, c->units + i, (c->n_units - i) * sizeof(*c->units));
        c->units[i] = *unit;
        c->n_units++;
        changed(c, at_ns);
        return 0;
}

void live_count_remove(struct live_count *c, int64_t unit, int64_t at_ns)
{
        size_t i = place(c, unit);

        if (!is_at(c, i, unit))
                return;
        c->n_units--;
        memmove(c->units + i, c->units + i + 1, (c->n_units - i) * sizeof(*c->units));
        changed(c, at_ns);
}
