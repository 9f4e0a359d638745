/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Normal tails and quantiles; see stats-normal.h. */

#include <math.h>

#include "report/stats-normal.h"

double stats_normal_two_sided(double z)
{
        return erfc(fabs(z) * M_SQRT1_2);
}

/* P(Z > z) = q, 0 < q <= 1/2. */
static double upper_quantile(double q)
{
        double t = sqrt(-2 * log(q));
        double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                               (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));

        for (int i = 0; i < 4; i++) {
                double density = exp(-z * z / 2) * M_SQRT1_2 * M_2_SQRTPI / 2;

                z += (erfc(z * M_SQRT1_2) / 2 - q) / density;
        }
        return z;
}

double stats_normal_quantile(double p)
{
        if (!(p > 0))
                return -INFINITY;
        if (!(p < 1))
                return INFINITY;
        return p < 0.5 ? -upper_quantile(p) : upper_quantile(1 - p);
}
