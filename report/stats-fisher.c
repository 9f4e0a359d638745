/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fisher's exact test of two shares; see stats-compare.h. */

#include <math.h>

#include "report/stats-compare.h"

/* log of C(n, k) */
static double log_choose(double n, double k)
{
        return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

int stats_fisher(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b, double *ret)
{
        const double all = (double)n_a + (double)n_b, hits = (double)a + (double)b;
        const double n = (double)n_a;
        double seen, p = 0;

        if (a > n_a || b > n_b)
                return -EINVAL;
        seen = log_choose(hits, (double)a) + log_choose(all - hits, n - (double)a);
        for (double k = fmax(0, n - (all - hits)); k <= fmin(hits, n); k++) {
                double here = log_choose(hits, k) + log_choose(all - hits, n - k);

                if (here <= seen + 1e-7) /* as likely or less; as R does */
                        p += exp(here - log_choose(all, n));
        }
        *ret = fmin(1, p);
        return 0;
}
