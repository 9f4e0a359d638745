/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One unit's life as a pure state machine: no sockets, no clocks, no memory of
 * its own. It is fed what happened and the time, and says what to do next and,
 * where a phase ended with it, the sample. The shell around it is runner.c.
 *
 *   begin → create → start → ready (look until running, then an exec answers)
 *         → exec × n → [held] → stop → delete → verify (look, then ask the
 *         host until it has nothing left or the grace is over) → end
 *
 * Whatever goes wrong, and wherever it is cut short, it ends by unwinding: look
 * what is really there, stop it by force, delete it, look at the host; again
 * with growing pauses until the settle limit. Unwinding yields no samples: it is
 * not what was measured. Only what carries our keys is stopped or deleted.
 *
 * Before anything is disturbed, what went wrong is diagnosed. Where it was a wedge,
 * unwinding is the ladder: each time it does not get on, the next rung is tried.
 */

#include "base/util.h"
#include "proto/soak.h"

enum unit_action {
        UNIT_CREATE, /* note the intent on disk, then ask for the instance */
        UNIT_START,
        UNIT_LOOK,     /* GET the instance: answer with UNIT_EVENT_LOOKED */
        UNIT_TRY_EXEC, /* run something that does nothing */
        UNIT_EXEC,     /* run command exec_step and fetch its output */
        UNIT_STOP,     /* as the spec says */
        UNIT_KILL,     /* stop by force */
        UNIT_DELETE,
        UNIT_INVENTORY, /* ask the host: answer with UNIT_EVENT_INVENTORY */
        UNIT_PAUSE,     /* pause_ns, then UNIT_EVENT_PAUSED */
        UNIT_DIAGNOSE,  /* was it a wedge? answer with UNIT_EVENT_DIAGNOSED */
        UNIT_RUNG,      /* try `rung` of the ladder: answer with UNIT_EVENT_ANSWER */
        UNIT_HOLD,      /* density: nothing to do until FINISH, KEEP or ABORT */
        UNIT_END,       /* outcome is final; the shell forgets the unit */
};

enum unit_event_kind {
        UNIT_EVENT_BEGIN,
        UNIT_EVENT_RECOVER, /* instead of BEGIN: an earlier agent left it half done */
        UNIT_EVENT_ANSWER,  /* of CREATE, START, TRY_EXEC, EXEC, STOP, KILL, DELETE */
        UNIT_EVENT_LOOKED,
        UNIT_EVENT_INVENTORY,
        UNIT_EVENT_PAUSED,
        UNIT_EVENT_DIAGNOSED,
        UNIT_EVENT_WEDGED, /* any time before unwinding: it stopped. The shell has cancelled what
                              it was doing; text says what was seen */
        UNIT_EVENT_FINISH, /* held: go on with stop */
        UNIT_EVENT_KEEP,   /* held: leave it and end */
        UNIT_EVENT_ABORT,  /* any time: cut short. The shell has cancelled what it was doing */
};

enum unit_seen {
        UNIT_SEEN_UNKNOWN, /* could not be looked at (status says why) */
        UNIT_SEEN_ABSENT,
        UNIT_SEEN_FOREIGN, /* there, but without our keys */
        UNIT_SEEN_STOPPED,
        UNIT_SEEN_RUNNING,
        UNIT_SEEN_OTHER, /* ours, in any other state: frozen, error … */
};

enum unit_diagnosis {
        UNIT_FAILED, /* it went wrong, and nothing is stuck */
        UNIT_WEDGED,
        UNIT_AWAY, /* the daemon was not there: nothing can be said of the unit */
};

struct unit_event {
        enum unit_event_kind kind;
        enum result result; /* ANSWER, LOOKED, INVENTORY: OK, FAIL, LOST or TIMEOUT */
        int64_t code;
        const char *text;    /* may be NULL */
        int64_t ended_ns;    /* when the phase's work ended; 0 = now (exec: its output is fetched
                                after) */
        enum unit_seen seen; /* LOOKED */
        int64_t exit_status; /* EXEC, TRY_EXEC: -1 = not known */
        size_t n_left;       /* INVENTORY: how many things the host still has */
        enum unit_diagnosis diagnosis; /* DIAGNOSED */
};

struct unit_sample {
        enum phase phase;
        int64_t step;
        int64_t start_realtime_ns, start_monotonic_ns, duration_ns;
        enum result result;
        int64_t code;
        char text[ERROR_TEXT_MAX];
};

struct unit_step {
        enum unit_action action;
        int64_t pause_ns;    /* PAUSE */
        int64_t deadline_ns; /* monotonic: when the request of this action is given up; with
                                plan.diagnose, 0 = never: somebody watches */
        enum rung rung;      /* RUNG */
        bool has_sample;
        struct unit_sample sample;
        bool leftovers; /* the last inventory's things stay behind: report them */
};

/* What a unit has to know of the spec. */
struct unit_plan {
        unsigned phases; /* PHASE_BIT()s */
        size_t n_exec;
        bool hold; /* density */
        int64_t deadline_ns[PHASE_MAX_];
        int64_t verify_grace_ns; /* how long the host may take to let go */
        int64_t settle_limit_ns; /* how long unwinding is tried */
        bool diagnose;           /* the shell answers UNIT_DIAGNOSE, and watches deadlines */
        bool leave_wedged;       /* a wedged unit is left as it is */
        bool may_restart;        /* the ladder's last rung is allowed */
};

struct unit {
        struct unit_plan plan;
        int state; /* internal */
        enum outcome outcome;
        bool held;
        bool instance_may_exist;
        enum phase phase; /* current phase */
        size_t exec_step;
        int64_t phase_start_ns, phase_start_realtime_ns;
        int64_t unwind_start_ns, pause_ns;
        unsigned absent_looks;
        unsigned stopped_looks, failed_tries;
        bool away;                       /* the daemon was gone in the middle of it */
        bool wedged, host_only;          /* host_only: the API has forgotten it, the host has not */
        bool verify_left;                /* verify found that the host has parts of it */
        enum result failed_as;           /* while it is diagnosed */
        int rung;                        /* the last one tried, -1 = none */
        int cleared_by;                  /* enum rung: what had done something last */
        char last_error[ERROR_TEXT_MAX]; /* why unwinding does not get on */
};

void unit_init(struct unit *u, const struct unit_plan *plan);
void unit_feed(struct unit *u, const struct unit_event *event, int64_t now_ns,
               int64_t now_realtime_ns, struct unit_step *ret);

/* A phase is under way, since phase_start_ns, and may be diagnosed or called wedged. */
bool unit_in_phase(const struct unit *u);

/* "create", "unwind", "held" …: for STATUS= and messages. */
const char *unit_state_name(const struct unit *u);
