/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the phases of a run get on here: how many of each have ended well, how long the longest of
 * them took, and when the last one ended. Pure: time is a parameter, monotonic, ns.
 */

#include "base/util.h"
#include "proto/soak.h"

struct pace {
        struct {
                int64_t n, slowest_ns, last_ns;
        } of[PHASE_MAX_];
};

/* One has ended well now, after so long. */
void pace_ended(struct pace *p, enum phase phase, int64_t duration_ns, int64_t now_ns);
/* When any did, last; 0 = none has. */
int64_t pace_newest_ns(const struct pace *p);
/* One that has been under way for so long is late, by what others took. For the eye only: what is
 * late is no wedge. */
bool pace_is_late(const struct pace *p, enum phase phase, int64_t for_ns);
