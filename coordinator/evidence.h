/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * lxdsoak-coord evidence: fetches what the hosts keep of a run's wedges, one question at a
 * time a host, into RUN_DIR/evidence/HOST/DIRECTORY. What is there already is not fetched
 * again. It changes nothing on the hosts.
 */

#include "coordinator/options.h"

/* Returns the exit code. */
int evidence_main(const struct coord_options *o);
