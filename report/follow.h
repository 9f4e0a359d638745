/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Following a run while it goes on, from its store, from journals, or from streams of journalctl.
 * It is looked at every two seconds, and summed up as often; less often where that alone would keep
 * a tenth of a CPU busy.
 */

#include "report/run-options.h"
#include "report/summary.h"

/*
 * Shows the run on stderr until it is over: it has ended, or nobody goes on with it any more, which
 * is said. Then 0, with what there is of it. 1: the user has seen enough, and the run goes on.
 */
int follow(const struct run_options *o, const char *what, bool verbose, struct store **ret_store,
           struct summary **ret_summary, struct error *err) _warn_unused_;
