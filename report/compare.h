/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Two runs against each other: is B worse than A? Pure.
 *
 *   phases  durations of what ended well, phase by phase: Mann-Whitney, corrected for what samples
 *           in a row have in common and over the phases (Benjamini and Hochberg), and the
 *           Hodges-Lehmann shift with its interval. A phase is slower or faster when p is below 5 %
 *           and the shift is as large as the floor.
 *   shares  of units that failed, and that wedged: Fisher's exact test, corrected over the two;
 * more or fewer when p is below 5 % and the shares are apart by COMPARE_SHARE_FLOOR.
 *
 * B is worse when anything of it is, better when something is and nothing worse; inconclusive when
 * no phase has COMPARE_SAMPLES_MIN samples on both sides.
 *
 * Of two halves of one run less than 5 % are called different, also where load comes and goes for
 * tens of units, see tests/unit/test-compare.c.
 */

#include "proto/soak.h"
#include "report/stats-thin.h"

#define COMPARE_ALPHA       0.05
#define COMPARE_POWER       0.9
#define COMPARE_FLOOR       0.05  /* of A's median */
#define COMPARE_SHARE_FLOOR 0.001 /* of all units */
#define COMPARE_SAMPLES_MIN 20
#define COMPARE_SAMPLES_MAX 200000 /* kept of a phase of a run, evenly thinned */

/*      constant  word */
#define COMPARE_VERDICTS(X)                                                                        \
        X(SAME, "same")                                                                            \
        X(WORSE, "worse")                                                                          \
        X(BETTER, "better")                                                                        \
        X(INCONCLUSIVE, "inconclusive")

enum compare_verdict {
#define X(n, w) COMPARE_##n,
        COMPARE_VERDICTS(X)
#undef X
                COMPARE_VERDICT_MAX_,
};
const char *compare_verdict_word(enum compare_verdict v);

struct compare_samples { /* of one run */
        /* durations (y, ns) with the host they are of (x, a number each), as they came, host by
         * host */
        struct stats_thin phases[PHASE_MAX_];
        uint64_t units, failed, wedged; /* units: all that came to an end of their own */
};
void compare_samples_init(struct compare_samples *s);
void compare_samples_deinit(struct compare_samples *s);

struct compare_phase {
        enum compare_verdict verdict;    /* WORSE = slower */
        uint64_t n_a, n_b;               /* samples there were */
        double median_a, median_b;       /* ns */
        double shift, lo, hi;            /* by how much B takes longer, ns, and its 95 % interval */
        double p, p_adjusted;            /* over the phases */
        double visible;                  /* the least shift that is found in 90 of 100 such pairs */
        double inflation_a, inflation_b; /* see stats-depend.h */
};

struct compare_share {
        enum compare_verdict verdict; /* WORSE = more in B */
        uint64_t a, b, n_a, n_b;
        double p, p_adjusted;
};

struct compare {
        enum compare_verdict verdict;
        struct compare_phase
                phases[PHASE_MAX_]; /* INCONCLUSIVE: too few; all figures but n are 0 */
        struct compare_share failed, wedged;
};

/* floor: share of A's median. -EINVAL, -ENOMEM. */
int compare_compute(const struct compare_samples *a, const struct compare_samples *b, double floor,
                    struct compare *ret) _warn_unused_;
