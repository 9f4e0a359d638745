/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kaplan-Meier; see stats-survival.h. */

#include <math.h>

#include "report/stats-survival.h"

static int compare(const void *a, const void *b)
{
        double s = ((const struct stats_observation *)a)->t;
        double t = ((const struct stats_observation *)b)->t;

        return (s > t) - (s < t);
}

int stats_survival(const struct stats_observation *observations, size_t n,
                   struct stats_survival *ret, size_t *ret_n)
{
        _cleanup_(freep)
        struct stats_observation *sorted = NULL;
        uint64_t at_risk = 0;
        double survival = 1;
        size_t steps = 0;

        for (size_t i = 0; i < n; i++) {
                if (!isfinite(observations[i].t))
                        return -EINVAL;
                at_risk += observations[i].ended + observations[i].censored;
        }
        if (at_risk == 0)
                return -ENODATA;
        sorted = malloc(n * sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        memcpy(sorted, observations, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare);
        for (size_t i = 0, j; i < n; i = j) {
                uint64_t ended = 0, gone = 0;

                for (j = i; j < n && !(sorted[j].t > sorted[i].t); j++) {
                        ended += sorted[j].ended;
                        gone += sorted[j].ended + sorted[j].censored;
                }
                if (ended > 0) {
                        survival *= (double)(at_risk - ended) / (double)at_risk;
                        ret[steps++] =
                                (struct stats_survival){sorted[i].t, at_risk, ended, survival};
                }
                at_risk -= gone;
        }
        *ret_n = steps;
        return 0;
}

int stats_survival_quantile(const struct stats_survival *steps, size_t n, double p, double *ret)
{
        for (size_t i = 0; i < n; i++)
                if (steps[i].survival <= 1 - p + 1e-12) { /* a product of many may miss by that */
                        *ret = steps[i].t;
                        return 0;
                }
        return -ENODATA;
}
