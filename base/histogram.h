/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A mergeable log-linear histogram of non-negative 64-bit values with a fixed
 * relative error (3 significant digits), after HdrHistogram (hdrhistogram.org;
 * Gil Tene). Values are nanoseconds for us, but it does not care. It
 * allocates once, recording is O(1), and a merge of any split of the data is
 * byte-identical to one recorder.
 *
 * Bounds: lowest discernible value 1, highest trackable HISTOGRAM_MAX; larger
 * values are recorded as HISTOGRAM_MAX and counted in `saturated`. min and max
 * are exact.
 */

#include <stdint.h>

#include "base/util.h"

/* 1 .. 3.6e12 ns = one hour of nanoseconds, 3 digits. */
#define HISTOGRAM_MAX    INT64_C(3600000000000)
#define HISTOGRAM_DIGITS 3

struct histogram;

int histogram_new(struct histogram **ret) _warn_unused_;
/* The same with a range and precision of one's own (tests against the reference). */
int histogram_new_full(int64_t highest, int digits, struct histogram **ret) _warn_unused_;
struct histogram *histogram_free(struct histogram *h);
DEFINE_CLEANUP(struct histogram *, histogram_free)

void histogram_record(struct histogram *h, int64_t value);
/* Adds other to h; -EINVAL if the two have different layouts. */
int histogram_merge(struct histogram *h, const struct histogram *other) _warn_unused_;

/* The value at percentile p (0 < p <= 100) as HdrHistogram defines it (highest
 * value equivalent to the one at that rank), capped at max; 0 when empty. */
int64_t histogram_percentile(const struct histogram *h, double p);

/* Goes over the counters that are not 0, from the lowest value: *i begins at 0. Returns false
 * behind the last. The value is the highest of its counter, capped at max. */
bool histogram_next(const struct histogram *h, size_t *i, int64_t *ret_value, uint64_t *ret_count);

uint64_t histogram_count(const struct histogram *h);
uint64_t histogram_saturated(const struct histogram *h);
int64_t histogram_min(const struct histogram *h);
int64_t histogram_max(const struct histogram *h);
size_t histogram_n_counters(const struct histogram *h);
/* Byte compare of layout and counters. */
bool histogram_equal(const struct histogram *a, const struct histogram *b);
