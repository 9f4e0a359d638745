/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a series drifts, and the smallest drift that would have been seen. Any series: latency of
 * a phase by time, memory of a daemon by units done. Pure; docs/lxdsoak-report.1.scd says it to
 * people.
 *
 * In order: the warm-up is dropped (blocks at the beginning, of the first tenth at most, that lie
 * clearly off the line through the rest); the rest becomes at most 72 blocks, and each block its
 * pseudo-median (the median of the means of its pairs); Mann-Kendall and Theil-Sen over those, with
 * a variance that is widened by how much blocks next to each other still have in common; E-divisive
 * for steps.
 *
 *   up, down   p is below 5 % and the whole interval is beyond the practical floor
 *   step       there are changes, and levels between them describe the blocks better than the line
 *   flat       neither, and it could have been seen: see `visible`
 *   inconclusive  too few points to tell, or all at one time
 *
 * Of series without drift, AR(1) with φ up to 0.9, about 5 % are called something else; see
 * tests/unit/test-trend.c, which also holds what is found and how often.
 */

#include <stdint.h>

#include "base/util.h"

#define TREND_BLOCKS      72
#define TREND_POINTS_MIN  12
#define TREND_CHANGES_MAX 8
#define TREND_ALPHA       0.05
#define TREND_POWER       0.9

/*      constant  word */
#define TREND_VERDICTS(X)                                                                          \
        X(FLAT, "flat")                                                                            \
        X(UP, "up")                                                                                \
        X(DOWN, "down")                                                                            \
        X(STEP, "step")                                                                            \
        X(SHORT, "inconclusive")

enum trend_verdict {
#define X(n, w) TREND_##n,
        TREND_VERDICTS(X)
#undef X
                TREND_VERDICT_MAX_,
};
const char *trend_verdict_word(enum trend_verdict v);

struct trend_options {
        /* A drift that comes to less than this over the whole series is none to act on. */
        double floor_share; /* of the level (the median); TREND_FLOOR_SHARE unless said otherwise */
        double floor_absolute; /* in the unit of the series; used instead where it is above 0 */
        double warm_up; /* drop what is earlier than this after the first; below 0 = find out */
        size_t blocks;  /* at most; 0 = TREND_BLOCKS */
};

#define TREND_FLOOR_SHARE 0.005
#define TREND_OPTIONS_DEFAULT                                                                      \
        ((struct trend_options){.floor_share = TREND_FLOOR_SHARE, .warm_up = -1})

struct trend_change {
        double t;             /* between the last point before and the first one after */
        double before, after; /* levels: medians of the blocks from change to change */
        double p;
};

struct trend {
        enum trend_verdict verdict;
        size_t n, blocks;
        size_t warm_up;       /* points dropped; part of n */
        double from, to;      /* t of the first and last point that counts */
        double level;         /* median */
        double slope, lo, hi; /* a unit of t, 95 % */
        double p;
        double visible; /* the smallest slope, up or down, that is found in 90 of 100 such series */
        double floor;   /* the practical one, as a slope */
        double inflation; /* by how much the variance was widened; 1 = not */
        struct trend_change changes[TREND_CHANGES_MAX];
        size_t n_changes;
};

/*
 * t and y are put in order of t. -EINVAL a number is NaN, infinite or beyond 1e300, -ENOMEM. Few
 * points are no error: the verdict is short, and all figures but n are 0.
 */
int trend_compute(double *t, double *y, size_t n, const struct trend_options *options,
                  struct trend *ret) _warn_unused_;

/*
 * Several metrics tested together: their p are corrected (Benjamini and Hochberg), and verdicts up
 * and down that do not stand that become flat. -ENOMEM.
 */
int trend_adjust(struct trend *const *trends, size_t n) _warn_unused_;
