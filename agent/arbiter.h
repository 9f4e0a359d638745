/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who may drive an agent. A pure core: what the agent knows of its run and its driver, and a HELLO,
 * lead to one answer. No I/O, no clock.
 *
 * Each start of a run's coordinator has an epoch of its own, greater than all before (it is counted
 * up in the run's store), so the highest one is the one that drives, and comes back after a break.
 * Another run may begin here when nothing of the present one is under way and its coordinator is
 * gone, or when somebody with the role admin takes the agent.
 */

#include <stdint.h>

#include "proto/soak.h"

#define ARBITER_SILENCE_NS (60 * NSEC_PER_SEC) /* of a driver: then another one may drive */
#define ARBITER_RESERVE_NS (30 * NSEC_PER_SEC) /* who takes an agent has it for itself so long */

struct arbiter {
        /* the run that is here; empty = none, and nothing of the next seven counts then */
        char run[RUN_ID_SIZE];
        uint32_t epoch;    /* the highest seen of it */
        char coord_id[33]; /* that had this epoch; empty = not known (after a restart) */
        bool has_driver;
        int64_t heard_ns; /* of the driver */
        bool stopped;     /* all is over here, stock was taken */
        bool occupied;    /* units are in flight or held */
        bool ending;      /* it is being ended for one that takes the agent */

        char thief[33]; /* coord_id of one that takes the agent, until it has its run */
        int64_t thief_ns;
};

struct arbiter_hello {
        const char *run, *coord_id;
        uint32_t epoch;
        bool steal, admin;
};

enum arbiter_answer {
        ARBITER_AGAIN,     /* the run's own coordinator: it drives from now on */
        ARBITER_BEGIN,     /* the run that is here, if any, is set aside; this one begins */
        ARBITER_STALE,     /* a later start of the same coordinator has been here */
        ARBITER_BUSY,      /* somebody else has the agent */
        ARBITER_STEAL,     /* the run that is here is to be ended; then this one may begin */
        ARBITER_NOT_ADMIN, /* to steal, which it may not */
};

/* A steal, too, is noted in *a only by arbiter_reserve(). */
enum arbiter_answer arbiter_hello(const struct arbiter *a, const struct arbiter_hello *h,
                                  int64_t now_ns);
/* Who steals has the agent for itself for a while, as long as it keeps asking. */
void arbiter_reserve(struct arbiter *a, const char *coord_id, int64_t now_ns);
bool arbiter_is_reserved(const struct arbiter *a, int64_t now_ns);
