/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The planner and the lease table: which units are lent to which host, until when, and which
 * outcome of a unit counts. A pure core: no I/O, no clock, no logging. It is told what happened and
 * what time it is (monotonic, ns), and is asked what to send.
 *
 * Units are numbered 1..total, or 1.. without an end until a deadline. Each counts once: the first
 * outcome that is not `interrupted` wins, whichever attempt and host it comes from; later ones are
 * flagged. An interrupted unit goes back and is lent again as attempt + 1; interrupted
 * PLAN_TRIES_MAX times, it counts as interrupted. A unit whose lease expired goes back as attempt +
 * 1 too (it may have run), without using up one of these tries; a unit returned unstarted keeps its
 * attempt number.
 *
 * Memory is O(what is lent + exceptions), never O(total): ranges, no units.
 *
 * The shell around it, in short:
 *   WELCOME             plan_host_ready()
 *   every PONG          plan_pong()
 *   nothing for 10 s    plan_host_silent()
 *   REFUSE, gave up     plan_host_gone();  also after STOPPED, once its last record is committed
 *   LEASE_OK            plan_lease_ok()
 *   RESULTS             each record in order, those at or below the acknowledged number skipped:
 *                       plan_record(), then store_put_record() with its answer
 *   Ctrl-C              plan_drain()
 *   then, after each, and at plan_wakeup_ns():
 *                       plan_expire() until 0 (to log), plan_next() until 0: send each as LEASE
 *                       plan_state(): DRAINING → STOP(drain) once; DONE → STOP(finish);
 *                       STRANDED → there is nobody left to do the rest
 */

#include <stdint.h>

#include "base/util.h"
#include "proto/record.h"
#include "proto/soak.h"

#define PLAN_TTL_NS       (60 * NSEC_PER_SEC) /* of a lease, unless the config says another */
#define PLAN_GRACE_PART   6                   /* of it: after it, before units go to another host */
#define PLAN_AHEAD_NS     (30 * NSEC_PER_SEC) /* one lease's worth of work */
#define PLAN_RESEND_NS    (2 * NSEC_PER_SEC)  /* a lease without LEASE_OK is sent again */
#define PLAN_LEASE_MAX    INT64_C(10000)      /* units in one lease */
#define PLAN_STUCK_NS     (30 * NSEC_PER_SEC) /* nothing ends on a host, and others have no work */
#define PLAN_TRIES_MAX    3                   /* interrupted outcomes until the unit counts so */
#define PLAN_REASON_FULL  "min-free"          /* RETURNED with it: the host takes no more */
#define PLAN_REASON_DRAIN "drain"             /* it is ending: plan_host_silent() */
#define PLAN_REASON_WEDGE "wedge"             /* the same: nothing gets on there any more */

struct plan_config {
        enum mode mode;
        int64_t total;       /* 0 = without an end (then deadline_ns, drain or full hosts end it) */
        int64_t deadline_ns; /* monotonic; nothing new is lent from then on; 0 = none */
        int64_t parallel;    /* in flight a host, at most, 1.. */
        int64_t ttl_ns;      /* of a lease, from the agent stamp last echoed; 0 = PLAN_TTL_NS */
        size_t n_hosts;      /* named by their index 0..n_hosts-1 from here on */
};

/* One lease to be sent; LEASE's fields. A repeated one has the same number and is idempotent. */
struct plan_lease {
        size_t host;
        int64_t lease; /* 1.., unique in the run */
        int64_t first, count;
        int64_t attempt; /* 1.. */
        int64_t tries;   /* how often these units were interrupted before; not for the wire */
        int64_t ttl_ns;
        bool repeated; /* sent before, no LEASE_OK yet */
};

/* What became of a record. The words go to the log and the store's `late.why`. */
#define PLAN_ANSWERS(X)                                                                            \
        X(NOTED, "noted")             /* not an outcome, or nothing to count */                    \
        X(COUNTED, "counted")         /* this outcome is the unit's */                             \
        X(LATE, "late")               /* an outcome of it was counted before */                    \
        X(INTERRUPTED, "interrupted") /* cut short: the unit goes back (or had gone back) */

enum plan_answer {
#define X(n, w) PLAN_##n,
        PLAN_ANSWERS(X)
#undef X
                PLAN_ANSWER_MAX_,
};
const char *plan_answer_name(int v);

enum plan_state {
        PLAN_RUNNING,  /* units are lent, or will be */
        PLAN_DRAINING, /* nothing new will be lent any more; some are under way */
        PLAN_DONE,     /* nothing is under way, and nothing will be lent. In density what is held
                          still has its outcome to come, after STOP(finish) */
        PLAN_STRANDED, /* units are left, and every host is gone */
};

/* Why nothing more is lent (plan_ended_why). */
enum plan_end {
        PLAN_END_NOT,      /* it goes on */
        PLAN_END_TOTAL,    /* all units are counted (density: counted or held) */
        PLAN_END_DEADLINE, /* the time is over */
        PLAN_END_DRAIN,    /* plan_drain() */
        PLAN_END_FULL,     /* density: every host has said min-free */
        PLAN_END_FAILED,   /* density: a unit failed or wedged */
        PLAN_END_STRANDED, /* every host is gone */
};

/* Counters of one host, or of all. */
struct plan_counts {
        int64_t passed, failed, wedged, interrupted; /* counted outcomes; each unit in one host */
        int64_t late;     /* outcomes not counted because one was before */
        int64_t retried;  /* interrupted outcomes and expired units that went back */
        int64_t returned; /* units that came back unstarted */
        int64_t lent;     /* lent and neither ended nor returned nor expired; without held ones */
        int64_t held;     /* density: up and staying, outcome to come */
        double rate_per_sec; /* completions, of late; 0 = not known yet */
};

struct plan;

/* -EINVAL for a config that makes no sense (no hosts, parallel or total out of range). */
int plan_new(const struct plan_config *config, struct plan **ret) _warn_unused_;
struct plan *plan_free(struct plan *p);
DEFINE_CLEANUP(struct plan *, plan_free)

/*
 * A session with the host stands; also counts as a PONG. parallel_max: what the agent allows (0 =
 * no limit of its own). Leases it has keep running; those it never confirmed are sent again at
 * once.
 */
void plan_host_ready(struct plan *p, size_t host, int64_t parallel_max, int64_t now_ns);
/* No sign of life: gets nothing new until it is ready again. Its leases expire by themselves. */
void plan_host_silent(struct plan *p, size_t host, int64_t now_ns);
/* It will do nothing more: refused, given up, or stopped and collected. What it had lent goes back
 * at once. Ready again afterwards is allowed. -ENOMEM. */
int plan_host_gone(struct plan *p, size_t host, int64_t now_ns) _warn_unused_;

/* A PONG arrived, as an answer to a PING that echoes stamps: renews the host's leases. */
void plan_pong(struct plan *p, size_t host, int64_t now_ns);
/* How many units are in flight there, by its PONG. */
void plan_in_flight(struct plan *p, size_t host, int64_t n);
/* LEASE_OK. Unknown numbers are ignored. */
void plan_lease_ok(struct plan *p, size_t host, int64_t lease);

/*
 * A record arrived (for the first time). Returns an enum plan_answer (>= 0), or -ENOMEM, or
 * -EINVAL for a unit that was never lent to anybody (nothing is changed).
 */
int plan_record(struct plan *p, size_t host, const struct record *r, int64_t now_ns) _warn_unused_;

/* Nothing new is lent from now on; interrupted outcomes count as such, since no attempt follows. */
void plan_drain(struct plan *p);

/*
 * The next lease to send: 1 with *ret, 0 = none now, -ENOMEM. New ones are on the table when it
 * returns; sending may fail or be lost, since they come again until confirmed.
 */
int plan_next(struct plan *p, int64_t now_ns, struct plan_lease *ret) _warn_unused_;

/*
 * A host that is there and gets nowhere, while others have nothing to do: 1 with the host that is
 * to give back what it has not begun (it tells with RETURNED), 0 = none. It is named again after a
 * while if it does not, and is lent nothing until something ends there, or nobody else is left.
 */
int plan_revoke(struct plan *p, int64_t now_ns, size_t *ret_host);

/* Takes back one lease that expired: 1 with *ret (as lent; what had ended in it stays ended),
 * 0 = none, -ENOMEM. */
int plan_expire(struct plan *p, int64_t now_ns, struct plan_lease *ret) _warn_unused_;

/*
 * To go on with a run after its coordinator died, before anything else is asked of a new plan:
 * every unit that is counted, then every lease there ever was, the newest first, with what became
 * of units in it (other than counted), then plan_restored(). Hosts are ready again one by one, with
 * plan_host_ready(); what a host that does not come has is taken back as if it had been heard of
 * now. -EINVAL: that cannot have been; -ENOMEM. After a failure only plan_free() is left.
 */
enum plan_part_kind {
        PLAN_PART_RETURNED,    /* unstarted */
        PLAN_PART_INTERRUPTED, /* as an outcome that was not counted */
        PLAN_PART_HELD,        /* density: came up */
};

struct plan_part {
        enum plan_part_kind kind;
        int64_t first, count;
};

struct plan_past {
        size_t host;
        int64_t lease, first, count, attempt, tries;
        bool over; /* it was taken back, see plan_expire() and plan_host_gone() */
};

int plan_restore_unit(struct plan *p, size_t host, int64_t unit,
                      enum outcome outcome) _warn_unused_;
int plan_restore_lease(struct plan *p, const struct plan_past *past, const struct plan_part *parts,
                       size_t n_parts, int64_t now_ns) _warn_unused_;
/* RETURNED with PLAN_REASON_FULL or PLAN_REASON_WEDGE was there. */
int plan_restore_full(struct plan *p, size_t host) _warn_unused_;
int plan_restored(struct plan *p) _warn_unused_;

/* What a host still had by its own word when plan_host_ready() was called, all it had to say before
 * being known: takes back one lease that it had confirmed by then and that is not among them. As
 * plan_expire(). */
int plan_reconcile(struct plan *p, size_t host, const int64_t *leases, size_t n, int64_t now_ns,
                   struct plan_lease *ret) _warn_unused_;

/* What a host was lent is taken back when nothing was heard of it for so long. */
int64_t plan_patience_ns(const struct plan *p);

/* When to come back although nothing happened: expiry, resend, deadline. INT64_MAX = never. */
int64_t plan_wakeup_ns(const struct plan *p, int64_t now_ns);

enum plan_state plan_state(const struct plan *p, int64_t now_ns);
enum plan_end plan_ended_why(const struct plan *p, int64_t now_ns);

void plan_host_counts(const struct plan *p, size_t host, struct plan_counts *ret);
void plan_total_counts(const struct plan *p, struct plan_counts *ret);
/* Units counted so far. */
int64_t plan_counted(const struct plan *p);
bool plan_host_is_full(const struct plan *p, size_t host);
/* For tests: heap elements in use, which must not grow with the total. */
size_t plan_footprint(const struct plan *p);
