/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One census: how much there is, now that nothing of the run is in flight, of everything a run may
 * leak. Connections that are kept are closed. The daemon is asked which process it is, and to
 * collect its garbage, so that what only waits for its collector is not counted; then for its
 * goroutines, where it has metrics; the helper for what the host shows; and the daemon for
 * operations and warnings. One after the other. What gets no answer in time is not known, and the
 * rest counts.
 */

#include "agent/inventory.h"
#include "agent/lxd.h"
#include "proto/record.h"

struct census_env {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        const char *lxd_dir;
};

/* record: all of a census but units; NULL: the daemon did not answer. */
typedef void (*census_handler)(struct record *record, void *userdata);

struct census;

/* settle_ns: how long to wait first. handler is called once, from the loop, within settle_ns and
 * 20 s. */
int census_take(const struct census_env *env, int64_t settle_ns, census_handler handler,
                void *userdata, struct census **ret) _warn_unused_;
void census_cancel(struct census *c);

/* ---- for tests: what the answers are read with ---- */

/* The number of goroutines in what /1.0/metrics says; -1 = it does not. */
int64_t census_read_goroutines(const char *metrics);
/* Operations that have not ended, in /1.0/operations; -1 = it is no such list. */
int64_t census_count_operations(json_object *list);
/* messages of the helper's: fills the counts they have, and detail. */
void census_read_helper(json_object *messages, struct record *ret);
