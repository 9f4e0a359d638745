/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A single-threaded HTTP/1.1 server on one unix socket, with an epoll of its own.
 * It moves bytes and keeps connections; it does not know what they mean. An
 * answer may come long after its request (a long-poll holds a connection, not a
 * thread), and may be spoilt on the wire on purpose: see struct http_wire.
 *
 * One request at a time is open on a connection; what a client pipelines waits.
 */

#include "buf.h"
#include "http-parse.h"
#include "timer.h"

struct http_server;

enum http_wire_kind {
        HTTP_WIRE_PLAIN,
        HTTP_WIRE_SILENT,    /* the answer is swallowed, the connection stays open */
        HTTP_WIRE_CLOSE,     /* closed after `bytes` bytes of the answer */
        HTTP_WIRE_MALFORMED, /* well-formed HTTP around broken JSON */
        HTTP_WIRE_GIANT,     /* a JSON body of `bytes` bytes more than a client wants */
        HTTP_WIRE_TRICKLE    /* `bytes` bytes every gap_ns */
};

#define HTTP_WIRE_MOST UINT64_MAX /* as `bytes` of HTTP_WIRE_CLOSE: three quarters of it */

struct http_wire {
        enum http_wire_kind kind;
        uint64_t bytes;
        int64_t gap_ns;
};

struct http_conn {
        struct http_server *server;
        struct list link;
        int fd;
        uint32_t events;
        struct buf in, out;
        size_t out_pos;
        uint64_t pad_left; /* of a giant body, still to be sent */
        struct http_request request;
        struct http_wire wire;
        struct timer wire_timer;
        bool busy;      /* a request waits for its answer */
        bool started;   /* its head has gone out already */
        bool continued; /* 100 Continue was sent */
        bool closing;   /* close once everything is out */
        bool dead;      /* closed, freed at the end of the turn */
        bool in_turn;   /* its requests are being processed further up the stack */
        void *user;
};

struct http_answer {
        int status;
        const char *type;  /* Content-Type, NULL: application/json */
        const char *extra; /* more header lines, each with its CRLF, or NULL */
        const char *body;
        size_t size;
};

struct http_callbacks {
        /* A request is complete in @c->request; answer it now or later. */
        void (*request)(struct http_conn *c, void *userdata);
        /* @c goes away, answered or not. Forget it. */
        void (*gone)(struct http_conn *c, void *userdata);
};

struct http_counters {
        uint64_t opened, refused, closed_by_peer, closed_by_us, requests, bytes_in, bytes_out;
        uint64_t open, open_max, statuses[6]; /* answers by status / 100 */
};

struct http_server {
        int epoll_fd, listen_fd;
        char *path;
        unsigned max_connections;
        struct list connections, graveyard;
        struct timers *timers;
        struct http_callbacks callbacks;
        void *userdata;
        struct http_counters counters;
};

/*
 * Makes the server and binds @path, mode 0660. A socket file left by a dead process
 * is replaced, one that answers is not (-EADDRINUSE). @timers must outlive it.
 */
_warn_unused_ int http_server_init(struct http_server *s, const char *path, struct timers *timers,
                                   const struct http_callbacks *callbacks, void *userdata);
/* Closes everything and removes the socket file. */
void http_server_deinit(struct http_server *s);

/* Closes the listening socket; the file stays (ECONNREFUSED) unless @unlink_file (ENOENT). */
void http_server_unlisten(struct http_server *s, bool unlink_file);
_warn_unused_ int http_server_listen(struct http_server *s);

/* Closes every connection. */
void http_server_drop(struct http_server *s);

/* Handles what is ready, without waiting. */
void http_server_turn(struct http_server *s);

/* Answers the open request of @c. */
void http_answer(struct http_conn *c, const struct http_answer *a);

/* Sends `200 OK` and the headers now; the body comes with http_answer(). */
void http_answer_head(struct http_conn *c);

void http_conn_close(struct http_conn *c);
