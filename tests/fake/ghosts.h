/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fake leaves on the host on purpose; see fake.h for how it is asked for. */

#include "fake.h"

#define GHOST_VARIABLE "LXDSOAK_FAKE_GHOST"

/* First thing in main(): does not return in a process that is to be a ghost. */
void ghost_main(void);

/* Forgets those that somebody ended. */
void fake_reap_ghosts(struct fake *f);

/* Closes the leaked descriptors, as the daemon's death does. */
void fake_drop_fds(struct fake *f);
