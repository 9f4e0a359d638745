/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One change by ranks, and values watched one by one; see stats-change.h. */

#include <math.h>

#include "report/stats-change.h"
#include "report/stats-order.h"

int stats_pettitt(const double *x, size_t n, struct stats_pettitt *ret)
{
        _cleanup_(freep)
        double *rank = NULL;
        double m = (double)n, sum = 0;
        struct stats_pettitt best = {0};
        int r;

        if (n < 2)
                return -ENODATA;
        if (n > STATS_CHANGE_MAX)
                return -E2BIG;
        r = stats_finite(x, n);
        if (r < 0)
                return r;
        rank = malloc(n * sizeof(*rank));
        if (!rank)
                return -ENOMEM;
        r = stats_rank(x, n, rank, NULL);
        if (r < 0)
                return r;
        best.at = 1;
        for (size_t k = 1; k < n; k++) {
                double u;

                sum += rank[k - 1];
                u = fabs(2 * sum - (double)k * (m + 1));
                if (u > best.u) {
                        best.u = u;
                        best.at = k;
                }
        }
        best.p = fmin(1, 2 * exp(-6 * best.u * best.u / (m * m * m + m * m)));
        *ret = best;
        return 0;
}

int stats_cusum_add(struct stats_cusum *c, double x)
{
        if (isfinite(x)) {
                c->high = fmax(0, c->high + x - c->target - c->k);
                c->low = fmax(0, c->low + c->target - c->k - x);
        }
        return c->high > c->h ? 1 : c->low > c->h ? -1 : 0;
}
