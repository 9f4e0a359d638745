/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How close the process is to its limit of open files. Whoever reaches a port can open
 * connections, and libzmq accepts them all; at the limit its thread would spin, and we could open
 * nothing any more. So this looks a few times a second and says when it is time to close the door,
 * and when to open it again. It counts nothing: the number a new descriptor gets is the lowest
 * that is free, so as many are in use.
 */

#include <systemd/sd-event.h>

#include "base/util.h"

#define CROWD_LIMIT 65536 /* open files we ask for */
#define CROWD_MOST  16384 /* in use: more is never needed for those we know, and costs memory */

/* Raises our limit of open files as far as we may, CROWD_LIMIT at most. Returns what it is. */
int crowd_raise_limit(void);

/* Pure: is it to be closed? lowest_free: -1 = there is none. */
bool crowd_judge(bool closed, int lowest_free, int limit);

struct crowd;

/* changed: called when it has become time. False: it could not be done, and is asked again. */
int crowd_new(sd_event *event, bool (*changed)(bool close, void *userdata), void *userdata,
              struct crowd **ret) _warn_unused_;
struct crowd *crowd_free(struct crowd *c);
DEFINE_CLEANUP(struct crowd *, crowd_free)
