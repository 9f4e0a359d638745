/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of a link share: link.c (what the owner sees), link-socket.c
 * (the socket, its monitor, the reasons it does not connect) and link-session.c
 * (the messages).
 */

#include "base/clock.h"
#include "base/zsock.h"
#include "coordinator/link.h"

struct link {
        struct link_config config;
        size_t index;
        enum link_state state;
        struct error error; /* the present reason, code 0 = none */
        bool connect_noted; /* it is that a plain connect() failed */

        /* socket */
        struct zsock *socket, *monitor;
        struct dial *dial;
        size_t address;
        int64_t opened_ns; /* when this socket was opened */
        int64_t first_open_ns;
        int64_t dialled_ns;
        bool reopen;          /* at the next tick */
        int64_t paused_ns;    /* not before */
        bool accepted;        /* a plain connect() went through */
        bool connected;       /* handshake done on this socket */
        unsigned n_no_detail; /* handshakes that failed without saying why, in a row */

        /* session */
        bool welcomed; /* on this socket */
        bool was_ready;
        uint64_t hello_seq;  /* number of the last HELLO */
        uint64_t hello_done; /* up to this one they were answered, or are not to be any more */
        bool patient, given_up;
        int64_t hello_ns, ping_ns;  /* last sent */
        int64_t heard_ns;           /* last received in a session */
        struct msg_welcome welcome; /* without its leases */
        int64_t *holds;             /* they; NULL once they are handed up */
        size_t n_holds;
        struct msg_pong pong;
        int64_t pong_ns;
        int64_t stamp_ns; /* newest of the agent's clock, of the process that is there */
        uint64_t received, committed; /* last record */
        bool ack_due;
        uint64_t n_bad; /* messages that made no sense */

        int stop; /* enum stop_mode, -1 = not asked */
        bool keep;
        int64_t stop_ns;
        bool stopped;
        uint64_t final_seq;

        bool cleanup_due, cleaning;
        struct msg_cleanup cleanup;
};

/* link.c */
void link_set_state(struct link *l, enum link_state state);
/* Ends the link for good, unless it was ready once: then it is only noted. */
void link_fail(struct link *l, int code, const char *format, ...) _printf_(3, 4);
/* Notes a reason, without ending anything. */
void link_note(struct link *l, int code, const char *format, ...) _printf_(3, 4);

/* It has a session, or had one for an earlier coordinator of this run: then it is away, and waited
 * for. */
bool link_was_there(const struct link *l);

/* link-socket.c */
int link_socket_open(struct link *l, int64_t now_ns) _warn_unused_;
void link_socket_close(struct link *l, int linger_ms);
/* Looks for the reason of there being no connection. */
void link_socket_tick(struct link *l, int64_t now_ns);

/* link-session.c */
int link_send(struct link *l, enum message_type type, uint64_t ack, const char *body) _warn_unused_;
/* The same with a struct and its table; false when it could not go now. */
bool link_send_struct(struct link *l, enum message_type type, const struct field *table,
                      const void *body);
void link_hello(struct link *l, int64_t now_ns);
void link_session_tick(struct link *l, int64_t now_ns);
void link_receive(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                  void *userdata);
void link_send_ack(struct link *l);
void link_send_stop(struct link *l, int64_t now_ns);
void link_send_cleanup(struct link *l);
