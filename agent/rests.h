/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The steady points of one run: before its first unit, now and then in its midst, and at its end,
 * each with a census that becomes a record. When is decided in steady.h, what is counted in
 * census.h.
 */

#include "agent/inventory.h"
#include "agent/lxd.h"
#include "proto/message.h"
#include "proto/record.h"

struct rests;

struct rests_deps {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        const struct run_spec *spec;
        /* a census was taken */
        void (*on_record)(struct record *record, void *userdata);
        /* units may be begun again */
        void (*on_resume)(void *userdata);
        void *userdata;
};

int rests_new(const struct rests_deps *deps, struct rests **ret) _warn_unused_;
struct rests *rests_free(struct rests *r);
DEFINE_CLEANUP(struct rests *, rests_free)

/* Nothing was begun yet: the first census. */
void rests_before(struct rests *r);

void rests_unit_begins(struct rests *r);
void rests_unit_ended(struct rests *r, int64_t took_ns);

/* No unit may be begun now. To be asked before one is, and when one has ended.
 * leased: units that may be begun; in_flight: units that are. */
bool rests_hold(struct rests *r, int64_t leased, int64_t in_flight);

/* The run comes to its end: no more steady points in its midst. */
void rests_stop(struct rests *r);
/* All is over: the last census, and done() when it is taken. False: none is taken, and done() is
 * not called. */
bool rests_after(struct rests *r, void (*done)(void *userdata));
