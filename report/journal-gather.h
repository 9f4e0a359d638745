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
#include "proto/endpoint.h"
#include "proto/message.h"
#include "report/journal-entry.h"
#include "report/threshold.h"

/*
 * How many are taken of each. Any user of a host can write entries with our fields, and a run has
 * no more than these; what is beyond is left out, counted, and makes the report inconclusive.
 * Records are bounded by the journals themselves: they go to a temporary file.
 */
#define GATHERED_BOUNDS(X)                                                                         \
        X(HOSTS, HOSTS_MAX, "hosts")                                                               \
        X(AGENTS, 2 * HOSTS_MAX, "agents")                                                         \
        X(AGENTS_OF_HOST, 64, "agents of one host")                                                \
        X(LEFTOVERS, 65536, "things left behind")                                                  \
        X(THRESHOLDS, THRESHOLDS_MAX, "thresholds")

enum gathered_bound {
#define X(name, max, text) GATHERED_##name,
        GATHERED_BOUNDS(X)
#undef X
                GATHERED_BOUND_MAX_,
};
int64_t gathered_bound(enum gathered_bound b);
const char *gathered_bound_text(enum gathered_bound b);

/* JSON in a field; 10,000 names of hosts fit. Longer, the entry is not readable. */
#define GATHERED_JSON_MAX (4U << 20)

struct gathered_agent {
        char id[33];
        char hostname[65]; /* as its journal says */
        char server[65];
        json_object *leftovers; /* there at the end, msg_item objects */
        bool has_pong;
        struct msg_pong pong; /* at the end */
        int64_t last_seq;     /* as it said at the end; -1 = it did not */
};

struct gathered_acked {
        char id[33];
        int64_t acked; /* number of its last record that is in the store */
};

struct gathered_host { /* as the coordinator says */
        char *label;
        char state[16], hostname[65], server[65], agent_id[33];
        char *text;
        int64_t oldest_max_ns;
        bool has_pong, ended; /* ended: how, and so its agents are known */
        struct msg_pong pong;
        struct gathered_acked *agents; /* in their order */
        size_t n_agents;
};

struct gathered {
        char run[RUN_ID_SIZE];
        sqlite3 *db;
        sqlite3_stmt *put_record, *put_not_counted;

        json_object *spec; /* the coordinator's, else an agent's */
        bool has_coordinator;
        int64_t begun_at_ns, ended_at_ns; /* of the entries: of several, the newest */
        int64_t limit_ns, started_realtime_ns;
        bool ended, stopped; /* ended: and was not resumed */
        struct string_list thresholds;
        char *aborted; /* the threshold that ended it; NULL = none did */
        int64_t ended_realtime_ns, wall_ns, n_not_counted;

        struct gathered_host *hosts;
        size_t n_hosts;
        struct gathered_agent *agents;
        size_t n_agents;
        json_object *host_places, *agent_places; /* by label, by id: there may be 10,000 of them */
        size_t n_leftovers;
        uint64_t beyond[GATHERED_BOUND_MAX_]; /* what was left out */
        int64_t first_realtime_ns;            /* of the entries */
        uint64_t n_entries, n_bad;
};

int gathered_init(struct gathered *g, const char *run, struct error *err) _warn_unused_;
void gathered_deinit(struct gathered *g);

/* Takes what is in an entry of the run. What cannot be read in it is counted, and no error. */
int gathered_add(struct gathered *g, const struct journal_entry *e,
                 struct error *err) _warn_unused_;

/* The agent of that id; NULL = nothing was heard of it. */
struct gathered_agent *gathered_agent(struct gathered *g, const char *id);
