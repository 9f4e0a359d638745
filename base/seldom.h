/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How often something is said that others can bring about as often as they
 * like: of each subject once in a while, and of all subjects together only so
 * many in a minute. What is left out is counted. Pure: the time is an argument.
 */

#include <stdint.h>

#include "base/util.h"

#define SELDOM_SUBJECTS 64                          /* remembered; the oldest goes */
#define SELDOM_AGAIN_NS (INT64_C(600) * 1000000000) /* then the same may be said again */
#define SELDOM_BURST_NS (INT64_C(60) * 1000000000)  /* in so long … */
#define SELDOM_BURST    10                          /* … at most so many are said */

struct seldom {
        struct {
                uint64_t hash;
                int64_t said_ns;
        } subjects[SELDOM_SUBJECTS];
        size_t n;
        int64_t burst_ns; /* when the present burst began */
        unsigned said;    /* in it */
        uint64_t unsaid;  /* since the last that was */
};

/*
 * Whether it is said now. If so, *ret_unsaid is how many were left out since
 * the last time, of this subject or others; if not, it is counted.
 */
bool seldom_may(struct seldom *s, const char *subject, int64_t now_ns, uint64_t *ret_unsaid);
