/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The inside of the test double: fake-agent.c is the session and the units,
 * fake-agent-wire.c what goes out, nonsense included, and who is let in.
 */

#include <zmq.h>

#include "base/clock.h"
#include "proto/record.h"
#include "proto/wire.h"
#include "tests/unit/fake-agent.h"

#define UNITS_MAX_HERE 100000
#define BATCH_ROWS     20

struct lent {
        int64_t lease, first, next, end, attempt;
};

struct running {
        int64_t unit, attempt, lease, begun_ns;
};

struct agent {
        struct fake_agent config;
        void *zmq, *router, *zap;
        zmq_msg_t peer;
        bool has_peer, has_session;
        char run[WIRE_RUN_SIZE + 1];
        uint32_t epoch;
        int64_t parallel;

        struct lent lent[64];
        size_t n_lent;
        int64_t leases_seen[4096];
        size_t n_seen;
        struct running running[PARALLEL_MAX];
        size_t n_running;
        int64_t outcomes, batches;

        json_object *records[UNITS_MAX_HERE];
        uint64_t head, sent, acked;
        int64_t sent_ns;
        int stop; /* -1 = not asked */
};

void fake_open_sockets(struct agent *a);
void fake_answer_zap(struct agent *a);

void fake_send_body(struct agent *a, enum message_type type, uint64_t seq, json_object *body);
void fake_send_struct(struct agent *a, enum message_type type, const struct field *table,
                      const void *m);
/* One or two frames as they are. */
void fake_send_raw(struct agent *a, const void *one, size_t n_one, const void *two, size_t n_two);
void fake_send_nonsense(struct agent *a);
/* All records from `from` on; first_time: some are to be lost. */
void fake_send_results(struct agent *a, uint64_t from, bool first_time);
