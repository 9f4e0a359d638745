/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command `run`: plan, links and store on one loop, from the first HELLO to
 * the verdict. All hosts must be ready before the first unit is lent; what a
 * host does later does not stop the run as long as another can go on.
 */

#include "coordinator/options.h"

/* Returns the exit code. */
int run_main(const struct coord_options *o);
