/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of a run share: run.c (its beginning, its turns, what it tells of itself),
 * run-leases.c (what it was lent, and gives back), run-units.c (the units in flight and held),
 * run-end.c (giving up, and the end).
 */

#include "agent/rests.h"
#include "agent/run.h"
#include "agent/stock.h"
#include "base/clock.h"
#include "base/log.h"

struct slot {
        struct slot *prev, *next;
        struct run *run;
        struct runner *runner;
        bool held;
};

struct run {
        struct run_deps deps;
        struct run_spec spec;
        struct source_info source;
        bool has_source;
        struct runner_env env;
        struct leases leases;
        struct slot *slots; /* oldest last */
        int64_t n_in_flight, n_held;
        int64_t n_passed, n_failed;
        sd_event_source *tick, *pump;
        bool stopping, keep, stopped;
        int64_t hold_until_ns; /* LXD is away: nothing is begun till then */
        enum stop_mode mode;
        struct stock *stock;
        struct wedges *wedges;
        struct rests *rests;
        json_object *leftovers; /* the stock's, once it was taken; borrowed */
        bool given_up;          /* nothing gets on, or a wedge was to end the run */
        int64_t wedged_in_a_row;
};

/* ---- run.c ---- */

/* Looks, before long, what may begin or is to be unwound. */
void run_pump_soon(struct run *run);
/* A record of no unit, on its way and into the journal; returned_lease > 0: with it that lease's
 * units are given back. */
int run_keep_record(struct run *run, struct record *record, int64_t returned_lease) _warn_unused_;

/* ---- run-leases.c ---- */

/* Gives back what is not begun of it; 0 = of any. */
void run_give_back(struct run *run, int64_t lease, const char *reason);
void run_return_expired(struct run *run, int64_t now_ns);
/* Units that are not begun. */
int64_t run_count_leased(const struct run *run);

/* ---- run-units.c ---- */

/* For env: what the runners tell. */
void run_listen_to_units(struct run *run);
/* As many as may be. */
void run_begin_units(struct run *run);
/* Of those that are held, as many as may be in flight, or all if they are kept. */
void run_release_held(struct run *run);
void run_abort_units(struct run *run);
/* The instances stay. */
void run_drop_units(struct run *run);
void run_watch_units(struct run *run, int64_t now_ns);
int64_t run_count_late(const struct run *run, int64_t now_ns);

/* ---- run-end.c ---- */

/* Nothing is begun here any more; what is in flight goes on. */
void run_give_up(struct run *run, const char *why);
/* When nothing makes progress any more, the run does not wait for a person. */
void run_look_for_progress(struct run *run);
/* It is stopping: unwinds what is left, and then takes stock. */
void run_end(struct run *run);
