/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long a thing takes: distributions written as text, and the seeded random
 * numbers behind them. Pure: no clock, no global state.
 *
 *     20ms                    always that long
 *     uniform:10ms:50ms       evenly between the two
 *     lognormal:20ms:0.5      median, and sigma of the logarithm
 *     tail:20ms[:1000:100]    log-normal about the median (sigma 0.3), and one in
 *                             1,000 is 100 times the median
 *
 * Durations take the units ns, us, ms, s; at most one hour.
 */

#include "util.h"

struct rng {
        uint64_t state;
};

/* The next 64 random bits (splitmix64). */
uint64_t rng_next(struct rng *r);

/* A random number in [0, 1). */
double rng_unit(struct rng *r);

enum latency_shape { LATENCY_CONSTANT, LATENCY_UNIFORM, LATENCY_LOGNORMAL, LATENCY_TAIL };

struct latency {
        enum latency_shape shape;
        int64_t a_ns, b_ns; /* constant, or low and high, or median */
        double sigma;
        double one_in, times; /* the tail */
};

/* "20ms" to nanoseconds. -EINVAL when it is no duration. */
_warn_unused_ int duration_parse(const char *s, int64_t *ret_ns);

/* Parses one of the texts above. -EINVAL when it is none. */
_warn_unused_ int latency_parse(const char *s, struct latency *ret);

/* Draws one duration, in ns, never negative and never above ten hours. */
int64_t latency_draw(const struct latency *l, struct rng *r);
