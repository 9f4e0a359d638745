/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mann-Kendall and Theil-Sen by all pairs; see stats-trend.h. */

#include <math.h>

#include "report/stats-normal.h"
#include "report/stats-order.h"
#include "report/stats-trend.h"

static double x_at(const double *x, size_t i)
{
        return x ? x[i] : (double)(i + 1);
}

static int check(const double *x, const double *y, size_t n)
{
        int r;

        if (n < 3)
                return -ENODATA;
        if (n > STATS_TREND_MAX)
                return -E2BIG;
        r = stats_finite(y, n);
        return r < 0 || !x ? r : stats_finite(x, n);
}

/* Sums over groups of t equal values that Kendall's variance needs. */
struct ties {
        double v;      /* Σ t(t−1)(2t+5) */
        double second; /* Σ t(t−1) */
        double third;  /* Σ t(t−1)(t−2) */
};

static int count_ties(const double *values, size_t n, struct ties *ret)
{
        _cleanup_(freep)
        double *sorted = NULL;
        struct ties ties = {0};

        if (values) {
                sorted = malloc(n * sizeof(*sorted));
                if (!sorted)
                        return -ENOMEM;
                memcpy(sorted, values, n * sizeof(*sorted));
                stats_sort(sorted, n);
                for (size_t i = 0, j; i < n; i = j) {
                        double t;

                        for (j = i + 1; j < n && !(sorted[j] > sorted[i]);)
                                j++;
                        t = (double)(j - i);
                        ties.v += t * (t - 1) * (2 * t + 5);
                        ties.second += t * (t - 1);
                        ties.third += t * (t - 1) * (t - 2);
                }
        }
        *ret = ties;
        return 0;
}

static int kendall_var(const double *x, const double *y, size_t n, double *ret)
{
        double m = (double)n;
        struct ties tx, ty;
        int r = count_ties(x, n, &tx);

        if (r == 0)
                r = count_ties(y, n, &ty);
        if (r < 0)
                return r;
        *ret = (m * (m - 1) * (2 * m + 5) - tx.v - ty.v) / 18 +
               tx.second * ty.second / (2 * m * (m - 1)) +
               tx.third * ty.third / (9 * m * (m - 1) * (m - 2));
        return 0;
}

static int sign(double d)
{
        return (d > 0) - (d < 0);
}

int stats_kendall(const double *x, const double *y, size_t n, struct stats_kendall *ret)
{
        struct stats_kendall k = {0};
        int64_t s = 0;
        int r = check(x, y, n);

        if (r == 0)
                r = kendall_var(x, y, n, &k.var);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                for (size_t j = i + 1; j < n; j++)
                        s += sign(x_at(x, j) - x_at(x, i)) * sign(y[j] - y[i]);
        k.s = (double)s;
        if (s != 0 && k.var > 0)
                k.z = sign(k.s) * (fabs(k.s) - 1) / sqrt(k.var);
        k.p = stats_normal_two_sided(k.z);
        *ret = k;
        return 0;
}

/* Every slope there is, in no order; infinite where dx is next to nothing. */
static size_t all_slopes(const double *x, const double *y, size_t n, double *slopes)
{
        size_t k = 0;

        for (size_t i = 0; i < n; i++)
                for (size_t j = i + 1; j < n; j++) {
                        double dx = x_at(x, j) - x_at(x, i);

                        if (dx != 0)
                                slopes[k++] = (y[j] - y[i]) / dx;
                }
        return k;
}

int stats_slope(const double *x, const double *y, size_t n, double alpha, struct stats_slope *ret)
{
        _cleanup_(freep)
        double *slopes = NULL;
        struct stats_slope s;
        double var, half, my, mx;
        int r = check(x, y, n);

        if (r == 0 && !(alpha > 0 && alpha < 1))
                r = -EINVAL;
        if (r == 0)
                r = kendall_var(x, y, n, &var);
        if (r < 0)
                return r;
        slopes = malloc(n * (n - 1) / 2 * sizeof(*slopes));
        if (!slopes)
                return -ENOMEM;
        s.pairs = all_slopes(x, y, n, slopes);
        if (s.pairs == 0)
                return -ENODATA;
        mx = (double)(n + 1) / 2; /* of 1, 2, 3 … */
        r = x ? stats_median_of(x, n, &mx) : 0;
        if (r == 0)
                r = stats_median_of(y, n, &my);
        if (r < 0)
                return r;
        /* the two ends, by their number in order from 1; rint() rounds halves to even, as R does */
        half = stats_normal_quantile(1 - alpha / 2) * sqrt(MAX(var, 0.0));
        s.slope = stats_median(slopes, s.pairs);
        s.lo = stats_select(slopes, s.pairs,
                            (size_t)MAX(rint(((double)s.pairs - half) / 2) - 1, 0.0));
        s.hi = stats_select(slopes, s.pairs,
                            (size_t)MIN(rint(((double)s.pairs + half) / 2), (double)s.pairs - 1));
        s.intercept = my - s.slope * mx;
        *ret = s;
        return 0;
}
