/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The time of a run cut into buckets of equal, round length (1 s to days), at most HTML_BUCKETS_MAX
 * of them: seven days come out as quarters of an hour. Pure.
 */

#include "base/util.h"

#define HTML_BUCKETS_MAX 720

struct html_axis {
        int64_t begin_ns; /* realtime, a multiple of step_ns */
        int64_t step_ns;
        size_t n; /* 1 .. HTML_BUCKETS_MAX */
};

/* step_min_ns: none shorter than that; n_max: no more than those, nor than HTML_BUCKETS_MAX. end_ns
 * may be before begin_ns: one bucket. */
void html_axis_init(struct html_axis *a, int64_t begin_ns, int64_t end_ns, int64_t step_min_ns,
                    size_t n_max);
/* The bucket of a time; what is before or behind is in the first or last, *ret_outside then counts
 * one up (may be NULL). */
size_t html_axis_bucket(const struct html_axis *a, int64_t at_ns, int64_t *ret_outside);
int64_t html_axis_end_ns(const struct html_axis *a);
/* Where a time stands, 0 .. 1000, as pictures have it. */
double html_axis_permille(const struct html_axis *a, int64_t at_ns);
