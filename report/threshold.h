/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Thresholds, written as k6 users write them: what has to hold, else the run failed. Pure.
 *
 *   FIGURE < LIMIT [,abort]      also <= > >=
 *
 *   figure        limit     of what
 *   failed        1%        units that failed or wedged, of those that came to an end of their own
 *   PHASE.pN      2s        percentile N (50, 99, 99.9, …) of the phase's good samples
 *   PHASE.max     10s
 *   PHASE.failed  0.5%      samples of the phase that failed, of those that ended
 *   units_per_sec 1.5       passed units over the run's time
 *   gap           1m        the longest gap between two units that ended
 *   drift.PHASE   5%/h      how the time the phase takes drifts, in percent of its level an hour
 *   drift.METRIC  -2%/h     the same of a column of table `metric`, of the host where it is worst
 *
 * A drift is held against its limit once it is sure. Where none was found, the limit holds if one
 * beyond it would have been seen, and else that cannot be told: it was not measured. It is told
 * when the run is over, and can end none.
 *
 * With ",abort" it is also looked at while the run goes on, which begins no more units once it does
 * not hold. Percentiles are of base/histogram.h: three digits.
 */

#include "base/error.h"
#include "base/histogram.h"
#include "proto/soak.h"

#define THRESHOLD_TEXT_MAX 96
#define THRESHOLDS_MAX     64 /* of a run */
/* Units or samples there must be before a run is aborted for a rate or a percentile. */
#define THRESHOLD_ABORT_MIN 20

enum threshold_figure {
        THRESHOLD_FAILED,
        THRESHOLD_PHASE_PERCENTILE, /* max too: 100 */
        THRESHOLD_PHASE_FAILED,
        THRESHOLD_UNITS_PER_SEC,
        THRESHOLD_GAP,
        THRESHOLD_DRIFT,
};

/* How drift's figures are numbered: a phase is its own number, */
#define THRESHOLD_METRIC(kind) (PHASE_MAX_ + (kind))

enum threshold_operator {
        THRESHOLD_LESS,
        THRESHOLD_LESS_EQUAL,
        THRESHOLD_GREATER,
        THRESHOLD_GREATER_EQUAL,
};

struct threshold {
        char text[THRESHOLD_TEXT_MAX]; /* as it was written, without blanks */
        enum threshold_figure figure;
        enum phase phase; /* of PHASE_… */
        double percentile;
        int drift; /* of DRIFT: a phase, or THRESHOLD_METRIC() */
        enum threshold_operator op;
        double limit; /* ns, percent, units a second, or percent an hour */
        bool abort;
};

/* -EINVAL with err saying what is wrong and how it is written. */
int threshold_parse(const char *s, struct threshold *ret, struct error *err) _warn_unused_;

struct threshold_drift { /* of a phase, or of a figure of one host */
        int figure;
        bool told;               /* the run was long enough */
        bool sure;               /* and there is one */
        double percent, visible; /* an hour; the smallest that would have been seen. NAN: of
                                    nothing there is no percent */
};

/* What thresholds are held against: of the run until now. */
struct threshold_facts {
        int64_t ended, failed; /* units */
        struct {
                int64_t count, failed;
                const struct histogram *ok; /* durations; NULL = none */
        } phases[PHASE_MAX_];
        double units_per_sec;
        int64_t gap_ns; /* 0 = there is none to be measured */
        const struct threshold_drift *drifts;
        size_t n_drifts;
};

enum threshold_state {
        THRESHOLD_HOLDS,
        THRESHOLD_BROKEN,
        THRESHOLD_NOT_MEASURED, /* there is nothing to hold it against */
};

/* *ret_value, in the unit of the limit, when it was measured. */
enum threshold_state threshold_evaluate(const struct threshold *t, const struct threshold_facts *f,
                                        double *ret_value);
/* Is it one to abort for, and broken, with enough measured to say so? */
bool threshold_aborts(const struct threshold *t, const struct threshold_facts *f);

/* A value in the unit of the threshold: "1.8 s", "0.40 %", "1.52". Returns buf. */
const char *threshold_format(const struct threshold *t, double value, char *buf, size_t size);
