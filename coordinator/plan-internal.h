/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of the planner share: plan.c takes records, plan-hosts.c what happens to hosts,
 * plan-lend.c decides what to lend, plan-restore.c goes on with what an earlier one had. A unit is
 * always in exactly one place: the pool; one lease, not yet ended in it (running or held); counted;
 * or, held in a lease that expired, nowhere until its outcome comes.
 */

#include "coordinator/plan.h"
#include "coordinator/pool.h"
#include "coordinator/ranges.h"

struct lease {
        int64_t id;
        int64_t first, end; /* units first .. end-1 */
        int64_t attempt, tries;
        struct ranges ended; /* outcome or return arrived, or counted elsewhere */
        struct ranges held;  /* density: up; a subset of those not ended, or ended later */
        int64_t sent_ns;
        bool confirmed;
        bool known; /* confirmed before the present session with the host */
        bool send_now;
};

enum plan_host_state {
        PLAN_HOST_NEW,    /* never heard of: its share is kept */
        PLAN_HOST_READY,  /* gets leases */
        PLAN_HOST_SILENT, /* gets none */
        PLAN_HOST_GONE,   /* gets none, has none */
};

struct plan_host {
        enum plan_host_state state;
        bool full;
        int64_t parallel;
        int64_t last_pong_ns;
        int64_t in_flight;
        int64_t progress_ns; /* something ended, or it had nothing to do */
        int64_t revoked_ns;
        bool stuck;            /* it was to give back what it had not begun */
        struct lease **leases; /* in the order lent */
        size_t n_leases, allocated;
        size_t n_unconfirmed;
        struct plan_counts counts; /* rate unused */

        /* completions and time with something to do, both fading (plan-lend.c) */
        double recent_done, recent_sec;
        int64_t rate_ns;
        double weight; /* completions a second, as reckoned with; 0 = nothing known of any host */
};

struct plan {
        struct plan_config config;
        struct plan_host *hosts;
        struct pool pool;
        struct ranges counted;
        struct ranges settled; /* while it is restored: units whose place is known */
        int64_t next_lease;
        int64_t lent; /* sum of the hosts' */
        bool drain, failed;
        size_t turn; /* the host asked first next time */

        double weight_sum; /* of hosts that may get something */
        size_t n_eligible;
        int64_t weights_ns;
        bool weights_valid;
};

/* Counts time up to now towards the host's rate; to be called before `lent` changes. */
void plan_rate_roll(struct plan_host *h, int64_t now_ns);
/* One completion. */
void plan_rate_done(struct plan_host *h, int64_t now_ns);

/* Changes how much is lent to a host, and in all. */
void plan_lent_add(struct plan *p, struct plan_host *h, int64_t n, int64_t now_ns);

/* Counts an outcome as the unit's: PLAN_COUNTED, or -ENOMEM. */
int plan_count(struct plan *p, struct plan_host *h, int64_t unit, enum outcome outcome);

/* A lease at the end of the host's table, empty; NULL: out of memory. It is counted neither as lent
 * nor as unconfirmed yet. */
struct lease *plan_lease_new(struct plan_host *h);
/* What has not ended in it goes back as the next attempt. */
int plan_lease_take_back(struct plan *p, struct plan_host *h, struct lease *l, int64_t now_ns);
/* Frees a lease and takes it off the table. */
void plan_lease_drop(struct plan_host *h, size_t index);
