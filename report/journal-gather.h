/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the journals say of one run, gathered entry by entry in whatever order they come, and put
 * together when there are no more. Records are kept in a temporary table, by agent and number: one
 * that was told twice is there once, as it was told last.
 */

#include <json-c/json.h>
#include <sqlite3.h>

#include "base/options.h"
#include "proto/message.h"
#include "report/journal-entry.h"

struct gathered_agent {
        char id[33];
        char hostname[65]; /* as its journal says */
        char server[65];
        json_object *leftovers; /* there at the end, msg_item objects */
        json_object *pong;      /* at the end */
        int64_t last_seq;       /* as it said at the end; -1 = it did not */
};

struct gathered_host { /* as the coordinator says */
        char *label;
        char state[16], hostname[65], server[65], agent_id[33];
        char *text;
        int64_t oldest_max_ns;
        json_object *pong;
        json_object *agents; /* [[id, acked], …] in their order, once the run has ended */
};

struct gathered {
        char run[RUN_ID_SIZE];
        sqlite3 *db;
        sqlite3_stmt *put_record, *put_not_counted;

        json_object *spec; /* the coordinator's, else an agent's */
        bool has_coordinator;
        int64_t limit_ns, started_realtime_ns;
        bool ended, stopped;
        struct string_list thresholds;
        char *aborted; /* the threshold that ended it; NULL = none did */
        int64_t ended_realtime_ns, wall_ns, n_not_counted;

        struct gathered_host *hosts;
        size_t n_hosts;
        struct gathered_agent *agents;
        size_t n_agents;
        int64_t first_realtime_ns; /* of the entries */
        uint64_t n_entries, n_bad;
};

int gathered_init(struct gathered *g, const char *run, struct error *err) _warn_unused_;
void gathered_deinit(struct gathered *g);

/* Takes what is in an entry of the run. What cannot be read in it is counted, and no error. */
int gathered_add(struct gathered *g, const struct journal_entry *e,
                 struct error *err) _warn_unused_;

/* The agent of that id; NULL = nothing was heard of it. */
struct gathered_agent *gathered_agent(struct gathered *g, const char *id);
