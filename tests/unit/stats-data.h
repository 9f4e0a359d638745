/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Series with known answers, and noise that is the same at every run. */

#include <math.h>

#include "tests/unit/unit.h"

#include "report/stats-random.h"

/* R's datasets::Nile: flow at Aswan, 1871 to 1970, 10^8 m³. */
static const double nile[] = {
        1120, 1160, 963, 1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935,  1110, 994,  1020,
        960,  1180, 799, 958,  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,
        874,  694,  940, 833,  701,  916,  692,  1020, 1050, 969,  831,  726,  456,  824,  702,
        1120, 1100, 832, 764,  821,  768,  845,  864,  862,  698,  845,  744,  796,  1040, 759,
        781,  865,  845, 944,  984,  897,  822,  1010, 771,  676,  649,  846,  812,  742,  801,
        1040, 860,  874, 848,  890,  744,  749,  838,  1050, 918,  986,  797,  923,  975,  815,
        1020, 906,  901, 1170, 912,  746,  919,  718,  714,  740};

/* value is `wanted` as it is printed, with so many digits behind the point. */
#define assert_digits(value, wanted, digits) check_digits(value, wanted, digits, __FILE__, __LINE__)

static inline void check_digits(double value, double wanted, int digits, const char *file, int line)
{
        if (fabs(value - wanted) <= 0.500001 * pow(10, -digits))
                return;
        print_error("%.15g, wanted %.15g to %d digits\n", value, wanted, digits);
        _fail(file, line);
}

/* Within (0, 1). */
static inline double random_uniform(uint64_t *state)
{
        return ((double)(stats_random(state) >> 12) + 0.5) * 0x1p-52;
}

/* Standard normal (Box and Muller, one of the two). */
static inline double random_normal(uint64_t *state)
{
        double u = random_uniform(state), v = random_uniform(state);

        return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* AR(1) of variance 1, from its stationary distribution on. */
static inline void random_ar1(uint64_t *state, double phi, double *ret, size_t n)
{
        double x = random_normal(state);

        for (size_t i = 0; i < n; i++) {
                ret[i] = x;
                x = phi * x + sqrt(1 - phi * phi) * random_normal(state);
        }
}
