/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run that goes on, on stderr: on a terminal its summary, again and again in place; elsewhere a
 * line when its figures have changed, and one for each wedge, rung, and leak.
 */

#include "base/options.h"
#include "base/screen.h"
#include "report/summary.h"

struct follow_view {
        struct screen screen;
        bool verbose;
        struct string_list told; /* what had its line already */
        struct summary_units units;
        int64_t shown_ns; /* when the last line of figures was; 0 = none yet */
};

void follow_view_init(struct follow_view *v, bool verbose);
void follow_view_deinit(struct follow_view *v);
/* Only -ENOMEM. */
int follow_view_show(struct follow_view *v, const struct summary *s, int64_t now_ns) _warn_unused_;
/* Takes it off the screen. */
void follow_view_clear(struct follow_view *v);
