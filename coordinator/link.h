/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection to one agent: a DEALER socket of its own, the session on it
 * (HELLO, PING, STOP, ACK and their repetitions), and the honest reason
 * when there is none. A link goes silent when nothing was heard for 10 s, then
 * closes its socket, opens a new one and says HELLO again, until it is told to
 * end. It hands records up in order, each once, and acknowledges only what it
 * is told is committed.
 *
 * It does not know what a plan or a store is, and never gives a run up: that is
 * its owner's to decide. The owner calls link_tick() a few times a second; all
 * handlers are called from the loop or from link_tick(), and must not free the
 * link.
 */

#include <systemd/sd-event.h>

#include "coordinator/address.h"
#include "proto/keys.h"
#include "proto/message.h"
#include "proto/record.h"
#include "proto/wire.h"

#define LINK_PING_NS    (2 * NSEC_PER_SEC)
#define LINK_SUSPECT_NS (10 * NSEC_PER_SEC)
#define LINK_REPEAT_NS  (1 * NSEC_PER_SEC)

#define LINK_STATES(X)                                                                             \
        X(CONNECTING, "connecting") /* no WELCOME yet */                                           \
        X(READY, "ready")                                                                          \
        X(SILENT, "silent")   /* was ready; nothing heard of late */                               \
        X(STOPPED, "stopped") /* said STOPPED */                                                   \
        X(FAILED, "failed")   /* for good: refused, or speaks nonsense */                          \
        X(CLOSED, "closed")

enum link_state {
#define X(n, w) LINK_##n,
        LINK_STATES(X)
#undef X
                LINK_STATE_MAX_,
};
const char *link_state_name(int v);

/* What is new about a session. */
enum link_news {
        LINK_FIRST,     /* there was none before */
        LINK_AGAIN,     /* the same agent process as before */
        LINK_RESTARTED, /* the agent was started anew, and has its spool */
        LINK_NEW_AGENT, /* another agent, or its spool is lost: its records begin at 1 */
};

struct link;

/* Any may be NULL. */
struct link_ops {
        /* A session stands; before the state changes. */
        void (*welcome)(struct link *l, const struct msg_welcome *w, enum link_news news,
                        void *userdata);
        /* Each change, after it. link_error() says why for SILENT and FAILED. */
        void (*state)(struct link *l, enum link_state old, void *userdata);
        void (*lease_ok)(struct link *l, int64_t lease, void *userdata);
        /* Once a session, when all the agent had to tell at its beginning has been handed up: the
         * leases it still has something of. */
        void (*holds)(struct link *l, const int64_t *leases, size_t n, void *userdata);
        /* In order and without gaps; duplicates were left out. */
        void (*record)(struct link *l, const struct record *r, void *userdata);
        void (*pong)(struct link *l, const struct msg_pong *pong, void *userdata);
        /* Once, before the state changes. */
        void (*stopped)(struct link *l, const struct msg_stopped *stopped, void *userdata);
        void (*cleaned)(struct link *l, const struct msg_cleaned *cleaned, void *userdata);
        void (*exhibit)(struct link *l, const struct msg_exhibit *exhibit, void *userdata);
};

/* All pointers are borrowed for the life of the link. */
struct link_config {
        sd_event *event;
        void *zmq;
        const struct endpoint *endpoint;
        const struct host_addresses *addresses;
        const struct key_pair *key; /* TCP only, as server_key */
        const char *server_key;
        const struct msg_hello *hello; /* but for agent_id */
        const char *run;               /* empty = about no run */
        uint32_t epoch;
        /* Of an earlier coordinator of this run: the agent that was there, and its last record.
         * Empty = none. */
        char agent_id[33];
        uint64_t committed;
        const struct link_ops *ops;
        void *userdata;
};

int link_new(const struct link_config *config, struct link **ret) _warn_unused_;
/* Closes at once; link_bye() before it for a good end. */
struct link *link_free(struct link *l);
DEFINE_CLEANUP(struct link *, link_free)

/* Everything that is due by the time: (re)connects, repeats, pings, suspects. */
void link_tick(struct link *l, int64_t now_ns);

/* We ourselves did not listen for so long: not to be held against the agent. */
void link_excuse(struct link *l, int64_t late_ns);

/* Sends it once, or not: the plan repeats what is not confirmed. agent_stamp_ns is the link's. */
void link_lease(struct link *l, const struct msg_lease *lease);
/* Asks for what is not begun of it; 0 = of all. Once, or not. */
void link_revoke(struct link *l, int64_t lease);
/* Asks that the run be stopped which the agent works on, whoever drives it. Once, or not. */
void link_ask_stop(struct link *l);
/* Of the agent that has just said WELCOME, as LINK_FIRST or LINK_NEW_AGENT, all records up to seq
 * are on disk. */
void link_begin_at(struct link *l, uint64_t seq);
/* All records up to seq are on disk. */
void link_commit(struct link *l, uint64_t seq);
/* Modes only go up; a lower one than before is ignored. */
void link_stop(struct link *l, enum stop_mode mode, bool keep, int64_t now_ns);
/* Asks for a cleanup; again at every new session, until the last CLEANED. */
void link_cleanup(struct link *l, const struct msg_cleanup *cleanup);
/* Asks once, or not: the owner asks again. */
void link_evidence(struct link *l, const struct msg_evidence *ask);
/* Gives the link up for good; the state becomes FAILED. */
void link_give_up(struct link *l, int code, const char *format, ...) _printf_(3, 4);
/* Ends the session, if there is one, and begins anew at a time; the link is CONNECTING again, and
 * what it was refused for is forgotten. Not from a handler. */
void link_pause(struct link *l, int64_t until_ns);
/* It was there before, in another coordinator's time, and may be again: from now on it is only
 * given up for good reason. */
void link_be_patient(struct link *l, int64_t now_ns);
/* FAILED, and not because it cannot be reached, or does not want to now. */
bool link_is_given_up(const struct link *l);
/* Ends the session; the state becomes CLOSED. Not from a handler. */
void link_bye(struct link *l);

enum link_state link_state(const struct link *l);
const char *link_label(const struct link *l);
/* Why it is not ready, in words, without the host's name. Never NULL. */
const char *link_error(const struct link *l);
/* A negative errno, 0 = none: -EBUSY another coordinator has the agent, -ESTALE a later start of
 * this run's coordinator has it, -ECANCELED it was stolen. */
int link_error_code(const struct link *l);
/* Valid once it was ready. */
const struct msg_welcome *link_welcome(const struct link *l);
/* NULL before the first one. */
const struct msg_pong *link_pong(const struct link *l, int64_t *ret_at_ns);
/* When anything was last heard within a session; 0 = never. */
int64_t link_heard_ns(const struct link *l);
uint64_t link_committed(const struct link *l);
/* STOPPED, and every record up to the final one committed. */
bool link_drained(const struct link *l);
/* The owner's index for this link. */
void link_set_index(struct link *l, size_t index);
size_t link_index(const struct link *l);
