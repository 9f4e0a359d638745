/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command `cleanup`: asks every host to remove what runs have left behind,
 * says what went and what would not. What is ours the agents decide, by the
 * keys of the instances; it has no opinion of its own.
 */

#include "coordinator/options.h"

/* Returns the exit code: 0 all gone, 98 something would not go, 96 a host could
 * not be asked. */
int cleanup_main(const struct coord_options *o);
