/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a run ends: nothing is begun any more, what is there is unwound, stock is taken, and the last
 * census; see run.h. */

#include "agent/run-internal.h"

/* The daemon has not answered for so long: what is in flight is given up. */
#define GIVE_UP_NS (600 * NSEC_PER_SEC)

void run_give_up(struct run *run, const char *why)
{
        if (run->given_up)
                return;
        run->given_up = true;
        log_warning("Run %s: no unit is begun here any more: %s", run->spec.run, why);
        run_give_back(run, 0, "wedge");
}

void run_look_for_progress(struct run *run)
{
        if (run->wedged_in_a_row >= MAX(run->spec.parallel, INT64_C(10)))
                run_give_up(run, "unit after unit wedged, and none passed");
        if (wedges_daemon_away_ns(run->wedges) < GIVE_UP_NS || run->given_up)
                return;
        run_give_up(run, "the daemon has not answered for ten minutes");
        run_abort_units(run);
}

static void on_over(void *userdata)
{
        struct run *run = userdata;

        run->stopped = true;
        wedges_stop(run->wedges);
        run->deps.on_stopped(run, run->leftovers, run->deps.userdata);
}

/* What was cut short, or stays, is no steady point. */
static void on_stock(json_object *leftovers, void *userdata)
{
        struct run *run = userdata;

        run->leftovers = leftovers;
        if (run->mode == STOP_MODE_ABORT || run->keep || wedges_daemon_is_away(run->wedges) ||
            !rests_after(run->rests, on_over))
                on_over(run);
}

void run_end(struct run *run)
{
        run_release_held(run);
        if (!run->slots && !run->stopped)
                stock_take(run->stock, run->keep, on_stock, run);
}

void run_stop(struct run *run, enum stop_mode mode, bool keep)
{
        if (run->stopping && mode <= run->mode)
                return;
        if (!run->stopping)
                rests_stop(run->rests);
        run->stopping = true;
        run->mode = mode;
        run->keep = keep && mode != STOP_MODE_ABORT;
        run_give_back(run, 0, "drain");
        if (mode == STOP_MODE_ABORT)
                run_abort_units(run);
        run_pump_soon(run);
}

bool run_is_stopping(const struct run *run)
{
        return run->stopping;
}

bool run_is_stopped(const struct run *run)
{
        return run->stopped;
}
