/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mann-Whitney and Benjamini-Hochberg; see stats-compare.h. stats-shift.c has the shift. */

#include <math.h>

#include "report/stats-compare.h"
#include "report/stats-normal.h"
#include "report/stats-order.h"

/*
 * Of all C(n+m, n) arrangements, those with U <= u: the coefficients of the Gaussian binomial
 * Π (1 − q^(m+i)) / (1 − q^i), i = 1..n, which are whole numbers and exact in a double for
 * n·m <= STATS_EXACT_MAX.
 */
static int exact_p(size_t n, size_t m, double u, double *ret)
{
        size_t last = n * m;
        _cleanup_(freep)
        double *ways = calloc(last + 1, sizeof(*ways));
        double below = 0, above = 0, all = 0;

        if (!ways)
                return -ENOMEM;
        ways[0] = 1;
        for (size_t i = 1; i <= n; i++) {
                for (size_t k = last; k >= m + i; k--)
                        ways[k] -= ways[k - m - i];
                for (size_t k = i; k <= last; k++)
                        ways[k] += ways[k - i];
        }
        for (size_t k = 0; k <= last; k++) {
                all += ways[k];
                below += (double)k <= u ? ways[k] : 0;
                above += (double)k >= u ? ways[k] : 0;
        }
        *ret = fmin(1, 2 * fmin(below, above) / all);
        return 0;
}

int stats_mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, double inflate_x,
                       double inflate_y, struct stats_mann_whitney *ret)
{
        double n = (double)n_x, m = (double)n_y, ties, var, sum = 0;
        _cleanup_(freep)
        double *both = NULL;
        _cleanup_(freep)
        double *rank = NULL;
        struct stats_mann_whitney w = {0};
        int r;

        if (n_x == 0 || n_y == 0)
                return -ENODATA;
        r = stats_finite(x, n_x);
        if (r == 0)
                r = stats_finite(y, n_y);
        if (r < 0)
                return r;
        both = malloc((n_x + n_y) * sizeof(*both));
        rank = malloc((n_x + n_y) * sizeof(*rank));
        if (!both || !rank)
                return -ENOMEM;
        memcpy(both, x, n_x * sizeof(*x));
        memcpy(both + n_x, y, n_y * sizeof(*y));
        r = stats_rank(both, n_x + n_y, rank, &ties);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_x; i++)
                sum += rank[i];
        w.u = sum - n * (n + 1) / 2;
        var = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)));
        var *= (m * inflate_x + n * inflate_y) / (n + m);
        if (var > 0 && fabs(w.u - n * m / 2) > 0.5)
                w.z = copysign(fabs(w.u - n * m / 2) - 0.5, w.u - n * m / 2) / sqrt(var);
        w.p = stats_normal_two_sided(w.z);
        w.exact = ties <= 0 && n * m <= STATS_EXACT_MAX;
        if (w.exact)
                r = exact_p(n_x, n_y, w.u, &w.p_exact);
        if (r == 0)
                *ret = w;
        return r;
}

struct test {
        double p;
        size_t at;
};

static int compare(const void *a, const void *b)
{
        double p = ((const struct test *)a)->p, q = ((const struct test *)b)->p;

        return (p > q) - (p < q);
}

int stats_adjust(const double *p, size_t n, double *ret)
{
        _cleanup_(freep)
        struct test *tests = calloc(MAX(n, (size_t)1), sizeof(*tests));
        size_t m = 0;
        double least = 1;

        if (!tests)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (!isnan(p[i]))
                        tests[m++] = (struct test){p[i], i};
                else
                        ret[i] = p[i];
        }
        qsort(tests, m, sizeof(*tests), compare);
        for (size_t i = m; i-- > 0;) {
                least = fmin(least, tests[i].p * (double)m / (double)(i + 1));
                ret[tests[i].at] = least;
        }
        return 0;
}
