/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much values in a row have in common; see stats-depend.h. */

#include <math.h>

#include "report/stats-depend.h"
#include "report/stats-order.h"

static bool same(const double *group, size_t i, size_t j)
{
        return !group || !(group[i] < group[j] || group[i] > group[j]);
}

/* Takes its group's mean away from each. */
static void center(const double *x, const double *group, size_t n, double *ret)
{
        for (size_t i = 0, j; i < n; i = j) {
                double sum = 0;

                for (j = i; j < n && same(group, i, j); j++)
                        sum += x[j];
                for (size_t k = i; k < j; k++)
                        ret[k] = x[k] - sum / (double)(j - i);
        }
}

static double covariance(const double *x, const double *group, size_t n, size_t lag)
{
        double sum = 0;

        for (size_t i = lag; i < n; i++)
                if (same(group, i - lag, i))
                        sum += x[i] * x[i - lag];
        return sum;
}

/*
 * As the mean was taken from the same values, every ρ(k) is too low by about f / n; f is that over
 * the lags that were summed up. And as f is an estimate, from n / f values that are worth one of
 * their own, what is taken for a z is a t: at 5 % larger by (z² + 1) / 4 a degree of freedom.
 */
static double correct(double f, double lags, double n)
{
        f /= 1 - fmin(2 * lags / n, 0.5);
        return f > 1 ? f * pow(1 + 1.21 / fmax(n / f - 1, 1), 2) : f;
}

int stats_inflation(const double *x, const double *group, size_t n, double *ret)
{
        const size_t most = MIN(n / 4, (size_t)STATS_LAGS_MAX);
        _cleanup_(freep)
        double *centered = NULL;
        double var, sum = 0, before = INFINITY;
        size_t lags = 0;
        int r;

        if (n == 0)
                return -ENODATA;
        r = stats_finite(x, n);
        if (r == 0 && group)
                r = stats_finite(group, n);
        if (r < 0)
                return r;
        centered = malloc(n * sizeof(*centered));
        if (!centered)
                return -ENOMEM;
        center(x, group, n, centered);
        var = covariance(centered, group, n, 0);
        /* mean ρ over windows, each as long as all lags before it: they fall, and where one is not
         * above 0 the rest is noise; of what is small and goes on for long the wide ones still see
         * something */
        for (size_t lag = 0, wide = 2; var > 0 && lag + wide <= most; lag += wide, wide = lag) {
                double window = 0;

                for (size_t k = lag; k < lag + wide; k++)
                        window += covariance(centered, group, n, k) / var;
                if (!(window > 0))
                        break;
                before = fmin(before, window / (double)wide);
                sum += before * (double)wide;
                lags = lag + wide - 1;
        }
        *ret = correct(fmax(1, 2 * sum - 1), (double)lags, (double)n);
        return 0;
}
