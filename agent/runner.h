/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The shell around one unit's state machine: turns its actions into requests of
 * LXD and of the host's inventory, and what comes back into events and records.
 * Decides nothing itself.
 */

#include "agent/inventory.h"
#include "agent/lxd.h"
#include "agent/outbox.h"
#include "agent/requests.h"
#include "agent/wedges.h"

struct runner;

/* What all units of a run share. Borrowed by every runner. */
struct runner_env {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        struct spool *spool;
        struct wedges *wedges; /* NULL: nobody asks whether something is stuck */
        struct outbox *outbox; /* NULL: records go to on_record only */
        const char *agent_id;
        const struct run_spec *spec;
        const struct source_info *source;
        struct string_list argv[EXEC_COMMANDS_MAX]; /* spec->exec, split */
        struct unit_plan plan;
        /* every sample, before its record is sent; for the journal */
        void (*on_record)(const struct record *record, const char *instance, void *userdata);
        /* up, and staying (density); fills what record says of the host */
        void (*on_held)(struct runner *runner, struct record *record, void *userdata);
        /* over; the runner may, and must, be freed now */
        void (*on_end)(struct runner *runner, enum outcome outcome, void *userdata);
        void *userdata;
        unsigned blind; /* kinds of leftovers the host cannot be searched for; said once */
};

/* Begins: the intent goes to the disk first, then the unit begins. */
int runner_new(struct runner_env *env, int64_t unit, int64_t attempt, int64_t lease,
               struct runner **ret) _warn_unused_;
/* Only removes an instance somebody of us began earlier: name and unit_key are
 * what it is called and what its user.lxdsoak.unit says. Its outcome is
 * `interrupted`. */
int runner_new_removal(struct runner_env *env, const char *name, const char *unit_key, int64_t unit,
                       int64_t attempt, int64_t lease, struct runner **ret) _warn_unused_;
struct runner *runner_free(struct runner *r);

void runner_finish(struct runner *r); /* held: go on to stop, delete, verify */
void runner_keep(struct runner *r);   /* held: leave it */
void runner_abort(struct runner *r);  /* cut short and unwind */
/* To be called now and then: looks whether its phase is beyond its deadline. */
void runner_watch(struct runner *r, int64_t now_ns);

int64_t runner_unit(const struct runner *r);
int64_t runner_lease(const struct runner *r);
int64_t runner_start_ns(const struct runner *r); /* monotonic */
const char *runner_name(const struct runner *r);
const char *runner_state_name(const struct runner *r);
/* Of the phase under way: which, and since when; false: none is. */
bool runner_phase(const struct runner *r, enum phase *ret_phase, int64_t *ret_since_ns);
bool runner_is_held(const struct runner *r);
