/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All the links of a command: names looked up, keys read, one link a host, one
 * tick for all of them, and the wait until every host has answered. It says on
 * stderr what is wrong with which host; what the links are for, its owner
 * knows.
 */

#include "coordinator/link.h"
#include "coordinator/options.h"

#define FLEET_TICK_NS (200 * NSEC_PER_MSEC)

struct fleet;

struct fleet_config {
        sd_event *event;
        const struct coord_options *options; /* borrowed */
        const char *run;                     /* borrowed; empty = about no run */
        uint32_t epoch;
        const struct run_spec *spec; /* NULL: only looks or cleans up */
        /* Of an earlier coordinator of the run, a host each; NULL = there was none. Borrowed. */
        const struct fleet_past {
                char agent_id[33];
                uint64_t committed;
        } * past;
        const struct link_ops *ops;
        void *userdata;
        /* After every tick of the links, and once at the first turn of the loop. */
        void (*tick)(struct fleet *f, int64_t now_ns, void *userdata);
};

/*
 * What is wrong has been said when it fails: -EINVAL keys or configuration,
 * -EHOSTUNREACH a name that cannot be found; others are our own trouble.
 */
int fleet_new(const struct fleet_config *config, struct fleet **ret) _warn_unused_;
/* BYE to every host with a session, then closes. */
struct fleet *fleet_free(struct fleet *f);
DEFINE_CLEANUP(struct fleet *, fleet_free)

/* We ourselves stood still (no CPU, a slow disk) and may not have read yet what
 * the hosts sent meanwhile: no time to call anybody lost. */
bool fleet_is_behind(const struct fleet *f, int64_t now_ns);
/* For how long, if that has just been noticed; else 0. */
int64_t fleet_late_ns(const struct fleet *f);

size_t fleet_n(const struct fleet *f);
struct link *fleet_link(struct fleet *f, size_t i);

/* 1: every host is ready; 0: wait; -EHOSTUNREACH: the time is over, or all that
 * are not ready have failed. */
int fleet_check(const struct fleet *f, int64_t now_ns);
/* Has every host answered, and all that is wrong is that another coordinator has some? Then it is
 * for the owner to wait, to take them, or to give up. */
bool fleet_is_busy(const struct fleet *f);
/* Begins anew with the hosts another coordinator has, or with all, at a time. */
void fleet_pause(struct fleet *f, bool all, int64_t until_ns);
/* Says which hosts are not ready, and why. */
void fleet_say_unready(const struct fleet *f);
