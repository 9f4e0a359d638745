/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the server share: its state, and the calls between them.
 * server.c has the dispatch and the interface, server-send.c what goes out, server-hello.c who may
 * drive, server-session.c the coordinator's session, server-cleanup.c the clean-up,
 * server-evidence.c the evidence, server-metrics.c the figures of host and daemon, server-restore.c
 * what a restart finds in the spool.
 */

#include "agent/arbiter.h"
#include "agent/listener.h"
#include "agent/preflight.h"
#include "agent/run.h"
#include "agent/server.h"
#include "agent/sweep.h"
#include "base/seldom.h"

#define QUIET_NS   (10 * NSEC_PER_SEC) /* it sends a PING every 2 s: then it is gone */
#define BATCH_ROWS 100

/* A HELLO that is being noted on disk, before it is answered. */
struct hello_note {
        struct peer peer;
        char coord_id[33], who[WHO_SIZE];
        uint32_t epoch;
        uint64_t seq;       /* of the HELLO */
        bool known;         /* it speaks of this agent */
        uint64_t committed; /* then: records of ours its coordinator has */
        struct run_spec spec;
};

struct server {
        struct server_deps deps;
        struct listener *listener;
        struct outbox *outbox;
        struct run *run;
        char incarnation[33];

        /* the coordinator that drives; has_driver false: nobody does */
        bool has_driver;
        struct peer driver;
        char coord_id[33], who[WHO_SIZE];
        uint64_t hello_seq;
        uint32_t epoch; /* the highest of the run that is here, and on disk */
        int64_t heard_ns, since_ns;
        char thief[33]; /* coord_id, see arbiter.h */
        int64_t thief_ns;
        bool ending; /* the run, for the thief */
        char stop_by[WHO_SIZE]; /* who asked that the run be stopped */

        bool noting;
        struct hello_note note;
        struct peer visitor; /* the last one that came without a spec */
        char visitor_who[WHO_SIZE];

        /* what the agent had used when the run began: the figures are the run's */
        struct http_stats http_before;
        int64_t cpu_before_ns;

        /* a HELLO whose preflight is under way */
        struct preflight *preflight;
        char server_name[65];

        /* records on the wire */
        sd_event_source *flush;
        uint64_t sent;
        int64_t progress_ns, flushed_ns;

        sd_event_source *metrics; /* a timer, always on; it records while a run is driven */

        json_object *leftovers; /* once stopped */

        struct suspects *suspects; /* instances that left things, of any run */
        struct sweep *sweep;
        struct lxd *sweep_lxd; /* of its own: another project than the run's, perhaps */
        char sweep_run[RUN_ID_SIZE];
        char sweep_skip[RUN_ID_SIZE]; /* a run that is left alone, until that was said */
        struct peer sweeper;
        json_object *swept; /* items not sent yet */
        bool sweep_dry;

        struct seldom refused; /* how often that is logged */

        void (*on_idle)(void *userdata);
        void *on_idle_userdata;
};

/* ---- server-send.c ---- */

/* Takes body over. What cannot be sent is dropped: all that matters is sent again. */
void send_message(struct server *s, const struct peer *to, enum message_type type, const char *run,
                  uint64_t seq, json_object *body);
void send_err(struct server *s, const struct peer *to, const char *code, const char *text);
void send_refuse(struct server *s, const struct peer *to, enum refuse_code code, const char *format,
                 ...) _printf_(4, 5);
/* Its key may not do that: said to the peer, and logged. */
void refuse_role(struct server *s, const struct peer *peer, const char *what, enum role needed);
void send_stopped(struct server *s);
void fill_pong(struct server *s, struct msg_pong *pong);
/* The run's id, empty when there is none. */
const char *run_id(const struct server *s);
/* Puts records on the wire, as many as the window allows. */
void flush_records(struct server *s);
/* Does so in at most usec. */
void flush_soon(struct server *s, uint64_t usec);
int on_flush(sd_event_source *source, uint64_t usec, void *userdata);
void on_outbox_ready(void *userdata);

/* ---- server-hello.c ---- */

/* Answered with REFUSE when it does not. */
bool hello_version_fits(struct server *s, const struct peer *peer, const struct msg_hello *m);
/* Nothing was done for the run and nothing is known of it but its spec. */
bool run_is_fresh(struct server *s);

/* ---- server-session.c ---- */

/* What handles a message; body is the decoded struct of its type. */
typedef void (*message_handler)(struct server *s, const struct peer *peer,
                                const struct wire_header *h, void *body);

void on_hello(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_lease(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_revoke(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_ack(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_ping(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_stop(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
void on_bye(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);
/* listener_handlers.changed: who may not drive any more does not. */
void server_recheck(void *userdata);
/* What a run of this server needs. */
struct run_deps server_run_deps(struct server *s);
/* What is here of it ends, and its records stay in the spool: it may be taken up again. */
void forget_run(struct server *s);
void end_in_spool(struct server *s);
bool is_driver(struct server *s, const struct peer *peer, const struct wire_header *h);

/* ---- server-cleanup.c ---- */

void on_cleanup(struct server *s, const struct peer *peer, const struct wire_header *h, void *body);

/* ---- server-evidence.c ---- */

void on_evidence(struct server *s, const struct peer *peer, const struct wire_header *h,
                 void *body);

/* ---- server-metrics.c ---- */

int server_start_metrics(struct server *s) _warn_unused_;
/* Records how host and daemon are now. */
void server_measure(struct server *s);

/* ---- server-restore.c ---- */

/* The records of a run that the spool still has, into the outbox. */
int server_restore_records(struct server *s, const char *run) _warn_unused_;
/* Takes up again the run the spool holds, if there is one. */
int server_restore(struct server *s, struct error *err) _warn_unused_;
