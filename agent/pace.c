/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the phases of a run get on; see pace.h. */

#include "agent/pace.h"

/* Late: more than so many times as long as the slowest of at least so many, and a second. */
#define LATE_FACTOR  2
#define LATE_SAMPLES 20

void pace_ended(struct pace *p, enum phase phase, int64_t duration_ns, int64_t now_ns)
{
        p->of[phase].n++;
        p->of[phase].slowest_ns = MAX(p->of[phase].slowest_ns, duration_ns);
        p->of[phase].last_ns = now_ns;
}

int64_t pace_newest_ns(const struct pace *p)
{
        int64_t newest = 0;

        for (size_t i = 0; i < PHASE_MAX_; i++)
                newest = MAX(newest, p->of[i].last_ns);
        return newest;
}

bool pace_is_late(const struct pace *p, enum phase phase, int64_t for_ns)
{
        return p->of[phase].n >= LATE_SAMPLES &&
               for_ns > LATE_FACTOR * p->of[phase].slowest_ns + NSEC_PER_SEC;
}
