/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One word for a run, by one rule. Pure.
 *
 * The first that holds, in this order:
 *   stopped       the user stopped it: whatever else is true, it was not finished
 *   wedge         something wedged: a unit, or the daemon itself; cleared or not
 *   inconclusive  something of the run is missing: what stands below might be wrong
 *   leak          something was left behind at the end, or grows with every unit and was not
 *                 accepted
 *   threshold     a threshold does not hold; or a unit failed, and no threshold says how many may
 *   inconclusive  nothing was measured, or no unit came to its end; fewer did than planned (of a
 *                 run with a quota; one that was interrupted for good did not); or a host was never
 *                 reached, or lost and so not looked over; or there was nothing to hold a
 *                 threshold against
 *   pass
 * The reason names also what stands below the verdict, so that nothing hides behind it.
 */

#include <stdint.h>

#include "base/exit-code.h"
#include "base/util.h"

struct verdict_facts {
        bool stopped;
        int64_t wedged, leftovers, failed, passed, interrupted;
        int64_t wedges;          /* all that were noticed, also of the daemon itself */
        const char *first_wedge; /* its class; may be NULL */
        int64_t leaks;           /* what grows with every unit, and was not accepted */
        const char *first_leak;  /* "fds +1.0 a unit on a"; may be NULL */
        int64_t held;            /* density: came up; 0 in other modes */
        int64_t planned;         /* units owed; -1 = no quota (duration, density) */
        int64_t samples_ok;      /* phases measured */
        const char *missing;     /* what is not to be had of the run, in words; NULL = nothing */
        int64_t thresholds_broken, thresholds_not_measured;
        const char *first_broken; /* "start.p99<2s does not hold (3 s)"; may be NULL */
        bool failed_judged;       /* a threshold says how many units may fail */
        int64_t hosts, hosts_unfinished;
        const char *first_unfinished; /* "b (lost: …)"; may be NULL */
};

/* reason: one line, without the verdict's word; may be NULL. */
enum verdict verdict_decide(const struct verdict_facts *f, char *reason, size_t size);
