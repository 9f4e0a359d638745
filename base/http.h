/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * HTTP over a unix socket, on an sd_event loop, through libcurl's multi socket
 * interface: many requests at once, connections kept and used again. It knows
 * nothing about LXD. Nothing here blocks.
 */

#include <systemd/sd-event.h>

#include "base/error.h"

#define HTTP_BODY_MAX (16 * 1024 * 1024) /* a longer answer is an error */

struct http_client;
struct http_request;

struct http_response {
        int error; /* 0, or why there is no answer: -ECONNREFUSED, -ENOENT, -EACCES (connect);
                      -ECONNRESET (closed before the end); -ETIMEDOUT; -EMSGSIZE (too long);
                      -EPROTO (not HTTP); -EIO */
        const char *error_text; /* never NULL */
        long status;
        const char *body; /* NUL-terminated, valid during the call */
        size_t size;
        int64_t duration_ns; /* from http_send() */
};

typedef void (*http_handler)(const struct http_response *response, void *userdata);

struct http_stats {
        uint64_t requests, connections;
};

/* max_connections: kept open at most; further ones are opened and closed. */
int http_client_new(sd_event *event, const char *socket_path, size_t max_connections,
                    struct http_client **ret) _warn_unused_;
/* Cancels what is under way without calling the handlers. */
struct http_client *http_client_free(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_free)

/*
 * Sends a request; handler is called exactly once, later, from the loop, unless
 * it is cancelled. body NULL = none (it is copied). timeout_ns 0 = none.
 * path begins with '/'. ret_request may be NULL; it is valid until the handler
 * was called.
 */
int http_send(struct http_client *c, const char *method, const char *path, const char *body,
              int64_t timeout_ns, http_handler handler, void *userdata,
              struct http_request **ret_request) _warn_unused_;
/* The handler is not called any more. */
void http_cancel(struct http_request *r);

/* Closes the connections that are kept. -EBUSY: a request is under way, and nothing is done. */
int http_close_idle(struct http_client *c) _warn_unused_;

void http_get_stats(const struct http_client *c, struct http_stats *ret);
