/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Hodges-Lehmann estimators, see stats-compare.h: order statistics of all differences y − x, or
 * of all sums within one sample, found by bisection over the values a double can have, with those
 * up to a value counted in one walk over the sorted samples. At most 64 walks, and exact to the
 * last bit.
 */

#include <math.h>

#include "report/stats-compare.h"
#include "report/stats-normal.h"
#include "report/stats-order.h"

#define FEW 40 /* so many that all sums are made sooner than counted */

struct samples {
        const double *x, *y; /* ascending */
        size_t n_x, n_y;
        bool sums; /* of y with itself instead, each pair once */
};

/* What y[j] is compared with, ascending by i. */
static double other(const struct samples *s, size_t i)
{
        return s->sums ? -s->x[s->n_x - 1 - i] : s->x[i];
}

/* How many pairs are at most d. Rounding keeps their order, so the walk never goes back. */
static double count_up_to(const struct samples *s, double d)
{
        double count = 0, self = 0;
        size_t j = 0;

        for (size_t i = 0; i < s->n_x; i++) {
                double x = other(s, i);

                while (j < s->n_y && s->y[j] - x <= d)
                        j++;
                count += (double)j;
                self += s->sums && -2 * x <= d;
        }
        return s->sums ? (count + self) / 2 : count;
}

/* Doubles in the order of whole numbers, and back: neighbours differ by one. */
static int64_t to_order(double d)
{
        int64_t bits;

        memcpy(&bits, &d, sizeof(bits));
        return bits >= 0 ? bits : INT64_MIN - bits;
}

static double from_order(int64_t order)
{
        int64_t bits = order >= 0 ? order : INT64_MIN - order;
        double d;

        memcpy(&d, &bits, sizeof(d));
        return d;
}

/* The k-th smallest pair, k from 1. */
static double pair(const struct samples *s, double k)
{
        int64_t lo = to_order(s->y[0] - other(s, s->n_x - 1));
        int64_t hi = to_order(s->y[s->n_y - 1] - other(s, 0));

        while (lo < hi) {
                int64_t middle = (lo & hi) + ((lo ^ hi) >> 1); /* rounds down, cannot overflow */

                if (count_up_to(s, from_order(middle)) >= k)
                        hi = middle;
                else
                        lo = middle + 1;
        }
        return from_order(lo);
}

static double middle(const struct samples *s)
{
        double n = (double)s->n_x, m = (double)s->n_y;
        double pairs = s->sums ? n * (n + 1) / 2 : n * m;

        return pair(s, floor((pairs + 1) / 2)) / 2 + pair(s, ceil((pairs + 1) / 2)) / 2;
}

double stats_pseudo_median(const double *x, size_t n)
{
        const struct samples s = {x, x, n, n, true};
        double sums[FEW * (FEW + 1) / 2];
        size_t k = 0;

        if (n > FEW)
                return middle(&s) / 2;
        for (size_t i = 0; i < n; i++)
                for (size_t j = i; j < n; j++)
                        sums[k++] = x[i] + x[j];
        return stats_median(sums, k) / 2;
}

int stats_shift(const double *x, size_t n_x, const double *y, size_t n_y, double inflate_x,
                double inflate_y, double alpha, struct stats_shift *ret)
{
        const struct samples s = {x, y, n_x, n_y, false};
        double n = (double)n_x, m = (double)n_y, pairs = n * m, half, end;
        int r;

        if (n_x == 0 || n_y == 0)
                return -ENODATA;
        if (!(alpha > 0 && alpha < 1))
                return -EINVAL;
        r = stats_finite(x, n_x);
        if (r == 0)
                r = stats_finite(y, n_y);
        if (r < 0)
                return r;
        half = stats_normal_quantile(1 - alpha / 2) *
               sqrt(pairs * (n + m + 1) / 12 * (m * inflate_x + n * inflate_y) / (n + m));
        end = fmax(1, floor(pairs / 2 - half)); /* the wider one where it is between two */
        ret->shift = middle(&s);
        ret->lo = pair(&s, end);
        ret->hi = pair(&s, pairs + 1 - end);
        return 0;
}
