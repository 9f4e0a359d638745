/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long things last when some of them were not seen to end: a unit that never came to its end
 * lasted at least so long, and is neither left out nor taken for one that ended then. Kaplan and
 * Meier (JASA 53, 1958). Pure.
 *
 * Errors: -EINVAL a time is NaN or infinite, -ENODATA nothing was observed, -ENOMEM.
 */

#include <stdint.h>

#include "base/util.h"

struct stats_observation {
        double t;
        uint64_t ended;    /* how many ended at t */
        uint64_t censored; /* how many were last seen at t, and had not ended */
};

struct stats_survival {
        double t;         /* something ended then */
        uint64_t at_risk; /* had not ended before */
        uint64_t ended;
        double survival; /* the share that lasts longer than t */
};

/*
 * Observations in any order, of one thing each or of many. ret has room for n; *ret_n of it are
 * filled, one a distinct t at which something ended, ascending. What was censored at t counts as at
 * risk at t. As survival::survfit() of R.
 */
int stats_survival(const struct stats_observation *observations, size_t n,
                   struct stats_survival *ret, size_t *ret_n) _warn_unused_;

/* The least t by which the share p (0 < p < 1) has ended; -ENODATA when so many were not seen to.
 */
int stats_survival_quantile(const struct stats_survival *steps, size_t n, double p,
                            double *ret) _warn_unused_;
