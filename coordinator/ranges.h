/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A set of whole numbers kept as sorted, disjoint, merged ranges: units are lent and end nearly in
 * order, so a set of 10^9 of them is a handful of ranges. Pure.
 */

#include <stdint.h>

#include "base/util.h"

struct range {
        int64_t first, end; /* first .. end-1 */
};

struct ranges {
        struct range *items;
        size_t n, allocated;
        int64_t count; /* numbers in it */
};

void ranges_deinit(struct ranges *r);

/* Adds first..end-1, whether or not some are in it. -ENOMEM: nothing changed. */
int ranges_add(struct ranges *r, int64_t first, int64_t end) _warn_unused_;

bool ranges_contain(const struct ranges *r, int64_t number);

/*
 * The first gap of the set within *first..end-1: true with *first and *ret_end, else false. For
 * loops over what is not in it: continue from *ret_end.
 */
bool ranges_next_gap(const struct ranges *r, int64_t *first, int64_t end, int64_t *ret_end);
