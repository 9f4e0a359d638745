/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How much less n blocks say than n that do not depend on each other; see trend-internal.h. Told in
 * two ways, of which the larger counts:
 *
 * from the points  as if they were an AR(1): there are many, so it is exact; but what goes on for
 *                  long and is small beside their noise does not show in points next to each other.
 * from the blocks  whatever goes on for longer than a block shows here; but there are few.
 */

#include <math.h>

#include "report/trend-internal.h"

#define RHO_MAX 0.9

void trend_left_add(struct trend_left *l, double left)
{
        if (l->n > 0)
                l->products += left * l->last;
        else
                l->first = left;
        l->n++;
        l->sum += left;
        l->squares += left * left;
        l->last = left;
}

/* The correlation of one with the next. */
static double correlation(const struct trend_left *l)
{
        double mean = l->sum / l->n;
        double var = l->squares - l->n * mean * mean;
        double common =
                l->products - mean * (2 * l->sum - l->first - l->last) + (l->n - 1) * mean * mean;

        return var > 1e-12 * l->squares ? common / var : 0;
}

/*
 * The variance of a sum over all points, by that of a block times the number of blocks: of an AR(1)
 * with m points a block, m (1 + φ) / (1 − φ) over m + 2 Σ (m − k) φ^k, k = 1 .. m−1.
 */
static double by_points(double phi, double m)
{
        phi = fmin(phi, 0.99);
        if (!(phi > 0))
                return 1;
        return m * (1 + phi) / (1 - phi) /
               (m * (1 + phi) / (1 - phi) - 2 * phi * (1 - pow(phi, m)) / ((1 - phi) * (1 - phi)));
}

static double by_blocks(double rho, double n)
{
        double factor;

        /* its own variance is 1/n: what could be chance is shrunk (James and Stein) */
        rho = rho > 0 ? fmin(fmax(rho - 1 / (n * rho), 0), RHO_MAX) : 0;
        if (!(rho > 0))
                return 1;
        factor = (1 + rho) / (1 - rho);
        /* and as an estimate makes a t of a z: at 5 % by (z² + 1) / 4 a degree of freedom */
        return factor * pow(1 + 1.21 / fmax(n / factor - 2, 1), 2);
}

double trend_inflation(const struct trend_left *blocks, const struct trend_left *points,
                       size_t parameters)
{
        /* an estimate is too low by about that, for what the model took away */
        double rho = correlation(blocks) + (double)parameters / blocks->n;
        double phi = correlation(points) + (double)parameters / points->n;

        return fmax(by_blocks(rho, blocks->n), by_points(phi, points->n / blocks->n));
}
