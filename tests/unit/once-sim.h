/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A made-up world in made-up time for one run: coordinators that die and go on, agents that die,
 * stand still, are cut off, taken by others or put up anew, and a network that loses, delays,
 * doubles and reorders. Who stood still has both before it, what waited in its sockets and its
 * timers that are due, and does them in any order; so does who is awake. The decisions in it are
 * the real ones: the planner and its restoring, the agent's leases, arbiter and outbox, the
 * records' codec. What is modelled is what lies between: disks (what is durable survives a death,
 * nothing else does), the session's messages, LXD.
 *
 * Everything follows from the seed.
 */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "agent/arbiter.h"
#include "agent/leases.h"
#include "agent/outbox.h"
#include "coordinator/plan.h"
#include "coordinator/ranges.h"
#include "proto/message.h"
#include "proto/wire.h"

#define SIM_TICK_NS   (250 * NSEC_PER_MSEC)
#define SIM_HOSTS_MAX 4
#define SIM_UNITS_MAX 250
#define SIM_SLOTS_MAX 64
#define SIM_RUN       "aaaaaaaa"
#define SIM_OTHER_RUN "bbbbbbbb"

#define SIM_S(n) ((int64_t)(n)*NSEC_PER_SEC)

/* ---- messages ---- */

struct sim_msg {
        struct sim_msg *next;
        int64_t due_ns;
        size_t host;
        bool to_agent;
        int conn; /* the coordinator's socket it came from or goes to */
        enum message_type type;
        uint32_t epoch;
        uint64_t seq, ack;
        char run[RUN_ID_SIZE], coord_id[33], agent_id[33], incarnation[33];
        bool steal;
        enum refuse_code code;
        struct msg_lease lease;
        int64_t stamp_ns; /* PING, LEASE: echoed; PONG, WELCOME: the agent's */
        size_t in_flight;
        uint64_t head;
        int64_t *leases;
        size_t n_leases;
        json_object *rows;
};

/* ---- an agent ---- */

/* What is on its disk. */
struct sim_disk {
        char agent_id[33];
        char run[RUN_ID_SIZE]; /* current; empty = none */
        struct {
                uint64_t head, acked;
                int64_t newest_lease;
                bool known;
                uint32_t epoch;
        } of; /* SIM_RUN */
        struct lease_part leases[SIM_SLOTS_MAX * 8];
        size_t n_leases;
        struct lease_part intents[SIM_SLOTS_MAX];
        size_t n_intents;
        char **rows; /* records by number, NULL = acknowledged or not there */
        size_t n_rows;
};

enum sim_job_kind { SIM_PUT_RUN, SIM_END_RUN, SIM_LEASE, SIM_INTENT, SIM_RECORD, SIM_ACK };

struct sim_job {
        struct sim_job *next;
        enum sim_job_kind kind;
        char run[RUN_ID_SIZE];
        uint32_t epoch;
        uint64_t seq;
        struct lease_part part;
        int64_t ends_unit, returned_lease;
        char *row;
        spool_handler handler;
        void *userdata;
};

struct sim_slot {
        struct lease_part part; /* count 1 */
        bool durable;           /* its intent */
        bool removal;           /* only cleans up after an earlier agent */
        int64_t end_ns;
};

/* The spool of outbox.h, over the disk of one agent. */
struct spool {
        struct sim_disk *disk;
        struct sim_job *jobs, **tail;
};

struct sim_world;

struct sim_agent {
        struct sim_world *world;
        size_t host;
        bool alive;
        int64_t frozen_until_ns, cut_until_ns, stuck_until_ns, back_ns;
        int64_t clock_ns; /* ahead of the world's */
        int64_t unit_ns;
        struct sim_disk disk;
        struct spool spool;
        unsigned char instances[SIM_UNITS_MAX + 1]; /* what LXD has */
        uint32_t epoch_max;                         /* ever adopted, on this disk */

        /* of the process */
        char incarnation[33];
        int born_conn; /* connections up to this one were to an earlier process */
        struct outbox *outbox;
        struct leases leases;
        bool has_run, other_run, stopping;
        bool has_driver;
        int driver;
        char coord_id[33];
        uint32_t epoch;
        uint64_t hello_seq;
        int64_t heard_ns;
        char thief[33];
        int64_t thief_ns;
        struct sim_msg *noting; /* a HELLO */
        struct sim_slot slots[SIM_SLOTS_MAX];
        size_t n_slots;
        uint64_t sent;
        int64_t progress_ns;
        int64_t look_ns; /* when it looks at its leases' clock again */
};

void sim_agent_install(struct sim_agent *a);
void sim_agent_start(struct sim_agent *a);
void sim_agent_kill(struct sim_agent *a);
void sim_agent_free(struct sim_agent *a);
void sim_agent_receive(struct sim_agent *a, struct sim_msg *m);
void sim_agent_tick(struct sim_agent *a);
/* All it had to say is acknowledged, and nothing is under way. */
bool sim_agent_is_quiet(const struct sim_agent *a);

/* once-sim-disk.c */
int sim_spool_put(struct spool *s, const struct sim_job *job);
/* All that is queued is durable, in order. */
void sim_spool_flush(struct spool *s);
/* What is queued is lost. */
void sim_spool_drop(struct spool *s);
void sim_disk_wipe(struct sim_disk *d);

/* ---- the coordinator ---- */

struct sim_lease_row {
        struct plan_past past;
        struct plan_part *parts;
        size_t n_parts;
        bool dead; /* taken back so late that its host must not begin anything of it */
};

/* Its store: what is committed survives. */
struct sim_store {
        uint32_t epoch;
        int outcome[SIM_UNITS_MAX + 1]; /* 1 + enum outcome; 0 = not counted */
        size_t host[SIM_UNITS_MAX + 1];
        struct sim_lease_row *leases;
        size_t n_leases;
        struct {
                char agent_id[33];
                uint64_t seq;
        } agents[64];
        size_t n_agents;
        size_t present[SIM_HOSTS_MAX]; /* 1 + index of agents; 0 = none yet */
};

struct sim_link {
        int conn;
        bool connected, welcomed, was_ready, given_up;
        int64_t hello_ns, ping_ns, heard_ns, opened_ns;
        uint64_t hello_seq, hello_done;
        char agent_id[33], incarnation[33];
        int64_t stamp_ns; /* newest of the agent's */
        uint64_t received, committed;
        uint64_t head;
        int64_t *holds;
        size_t n_holds;
        bool lost; /* nothing heard for too long: what it had went to others */
};

struct sim_coord {
        struct sim_world *world;
        bool alive;
        int64_t back_ns, frozen_until_ns, behind_until_ns;
        struct sim_store committed, store;
        struct plan *plan;
        struct sim_link links[SIM_HOSTS_MAX];
        char coord_id[33];
        bool dirty;
};

void sim_coord_begin(struct sim_coord *c);
void sim_coord_start(struct sim_coord *c);
void sim_coord_kill(struct sim_coord *c);
void sim_coord_free(struct sim_coord *c);
void sim_coord_receive(struct sim_coord *c, struct sim_msg *m);
void sim_coord_tick(struct sim_coord *c);
void sim_store_free(struct sim_store *s);

/* ---- the world ---- */

struct sim_world {
        unsigned long seed;
        uint64_t dice;
        int64_t now_ns, faults_until_ns;
        int64_t total, parallel, ttl_ns;
        size_t n_hosts;
        int loss, twice, late; /* of 1000 messages */
        sd_event *event;
        struct sim_coord coord;
        struct sim_agent agents[SIM_HOSTS_MAX];
        struct sim_msg *messages;
        int conns, processes;
        bool trace;

        /* the truth, to hold all else against */
        int ended[SIM_UNITS_MAX + 1];       /* lives that came to their end, whatever it was */
        int64_t attempt[SIM_UNITS_MAX + 1]; /* the highest lent */
        struct ranges dead[SIM_HOSTS_MAX];  /* leases taken back: nothing of them may begin */
        int64_t n_begun, n_late, n_recovered, n_lost, n_deaths, n_resumes, n_expired, n_reconciled,
                n_stolen, n_revoked;
};

/* 0..of-1 */
int64_t sim_chance(struct sim_world *w, int64_t of);
/* Takes m over. */
void sim_send(struct sim_world *w, struct sim_msg *m);
struct sim_msg *sim_msg_new(size_t host, bool to_agent, int conn, enum message_type type);
void sim_msg_free(struct sim_msg *m);
void sim_name(struct sim_world *w, char ret[static 33], const char *what);

_printf_(2, 3) void sim_say(struct sim_world *w, const char *format, ...);
/* Ends the test, and says how to have the same again. */
_printf_(2, 3)
        __attribute__((noreturn)) void sim_violated(struct sim_world *w, const char *format, ...);
#define sim_require(w, expression, ...)                                                            \
        do {                                                                                       \
                if (!(expression))                                                                 \
                        sim_violated(w, __VA_ARGS__);                                              \
        } while (0)
