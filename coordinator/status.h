/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The commands `status` and `stop`: a look at hosts that somebody drives, and a word to whoever
 * does. They hold nothing and change nothing but that: a run is stopped by its own coordinator,
 * which hears of it from the agents.
 */

#include "coordinator/options.h"

/* For either. Returns the exit code: inconclusive when a host was not reached. */
int status_main(const struct coord_options *o);
