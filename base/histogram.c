/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The log-linear histogram: see histogram.h. Layout as in HdrHistogram: values
 * fall into buckets that double in range, each cut into the same number of
 * linear sub-buckets; the lower half of every bucket but the first is the
 * bucket before it, so only the upper halves are stored.
 */

#include "base/histogram.h"

#include <math.h>

struct histogram {
        int64_t highest;
        int half_magnitude; /* log2 of half the sub-buckets */
        int64_t sub_buckets, sub_mask;
        size_t n; /* counters */
        uint64_t count, saturated;
        int64_t min, max;
        uint64_t counters[];
};

static size_t counters_needed(int64_t highest, int64_t sub_buckets)
{
        int64_t reach = sub_buckets;
        size_t buckets = 1;

        while (reach <= highest) {
                buckets++;
                if (reach > INT64_MAX / 2)
                        break;
                reach *= 2;
        }
        return (buckets + 1) * (size_t)(sub_buckets / 2);
}

int histogram_new_full(int64_t highest, int digits, struct histogram **ret)
{
        struct histogram *h;
        int64_t largest_single, sub_buckets;
        int magnitude;
        size_t n;

        if (highest < 2 || digits < 1 || digits > 5)
                return -EINVAL;
        /* single-unit resolution up to 2 * 10^digits keeps the relative error */
        largest_single = 2 * (int64_t)llround(pow(10, digits));
        magnitude = (int)ceil(log2((double)largest_single));
        sub_buckets = INT64_C(1) << magnitude;
        n = counters_needed(highest, sub_buckets);
        h = calloc(1, sizeof(*h) + n * sizeof(h->counters[0]));
        if (!h)
                return -ENOMEM;
        h->highest = highest;
        h->half_magnitude = magnitude - 1;
        h->sub_buckets = sub_buckets;
        h->sub_mask = sub_buckets - 1;
        h->n = n;
        h->min = INT64_MAX;
        *ret = h;
        return 0;
}

int histogram_new(struct histogram **ret)
{
        return histogram_new_full(HISTOGRAM_MAX, HISTOGRAM_DIGITS, ret);
}

struct histogram *histogram_free(struct histogram *h)
{
        free(h);
        return NULL;
}

static int bucket_of(const struct histogram *h, int64_t value)
{
        int bits = 64 - __builtin_clzll((uint64_t)(value | h->sub_mask));

        return bits - (h->half_magnitude + 1);
}

static size_t index_of(const struct histogram *h, int64_t value)
{
        int bucket = bucket_of(h, value);
        int64_t sub = value >> bucket;

        return (size_t)(((int64_t)(bucket + 1) << h->half_magnitude) + sub - h->sub_buckets / 2);
}

/* The highest value that falls into the same counter as the one at index. */
static int64_t highest_at(const struct histogram *h, size_t index)
{
        int bucket = (int)(index >> h->half_magnitude) - 1;
        int64_t sub = ((int64_t)index & (h->sub_buckets / 2 - 1)) + h->sub_buckets / 2;

        if (bucket < 0) {
                sub -= h->sub_buckets / 2;
                bucket = 0;
        }
        return (int64_t)((((uint64_t)sub + 1) << bucket) - 1); /* may be INT64_MAX */
}

void histogram_record(struct histogram *h, int64_t value)
{
        value = MAX(value, INT64_C(0));
        if (value > h->highest) {
                h->saturated++;
                value = h->highest;
        }
        h->counters[index_of(h, value)]++;
        h->count++;
        h->min = MIN(h->min, value);
        h->max = MAX(h->max, value);
}

int histogram_merge(struct histogram *h, const struct histogram *other)
{
        if (h->highest != other->highest || h->n != other->n)
                return -EINVAL;
        for (size_t i = 0; i < h->n; i++)
                h->counters[i] += other->counters[i];
        h->count += other->count;
        h->saturated += other->saturated;
        h->min = MIN(h->min, other->min);
        h->max = MAX(h->max, other->max);
        return 0;
}

int64_t histogram_percentile(const struct histogram *h, double p)
{
        uint64_t rank, seen = 0;

        if (h->count == 0)
                return 0;
        p = MIN(p, 100.0);
        /* as the reference: rounded to the nearest rank, at least the first */
        rank = (uint64_t)(p / 100.0 * (double)h->count + 0.5);
        rank = MAX(rank, UINT64_C(1));
        for (size_t i = 0; i < h->n; i++) {
                seen += h->counters[i];
                if (seen >= rank)
                        return MIN(highest_at(h, i), h->max);
        }
        return h->max;
}

bool histogram_next(const struct histogram *h, size_t *i, int64_t *ret_value, uint64_t *ret_count)
{
        while (*i < h->n && h->counters[*i] == 0)
                (*i)++;
        if (*i >= h->n)
                return false;
        *ret_value = MIN(highest_at(h, *i), h->max);
        *ret_count = h->counters[(*i)++];
        return true;
}

uint64_t histogram_count(const struct histogram *h)
{
        return h->count;
}

uint64_t histogram_saturated(const struct histogram *h)
{
        return h->saturated;
}

int64_t histogram_min(const struct histogram *h)
{
        return h->count ? h->min : 0;
}

int64_t histogram_max(const struct histogram *h)
{
        return h->max;
}

size_t histogram_n_counters(const struct histogram *h)
{
        return h->n;
}

bool histogram_equal(const struct histogram *a, const struct histogram *b)
{
        return a->n == b->n && memcmp(a, b, sizeof(*a) + a->n * sizeof(a->counters[0])) == 0;
}
