/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Talks to LXD or Incus: requests, and operations followed to their end in
 * whatever dialect the server speaks. It knows the API's shapes, not what a
 * unit is. Nothing blocks; every call is answered exactly once unless it is
 * cancelled.
 *
 * What it relies on (tried on LXD 5.0.2, read in the sources of later ones):
 *  - finished operations vanish after 5 s, so /wait is asked at once, and a 404
 *    means finished or lost: never success, never failure;
 *  - /wait?timeout=N answers in three dialects. The body's `type` is looked at,
 *    never the HTTP code alone, and what is unclear is read again from
 *    GET /operations/ID, which is the same everywhere.
 */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/http.h"

enum lxd_status {
        LXD_OK,      /* done, as asked */
        LXD_ERROR,   /* LXD said no: code and text are its own */
        LXD_LOST,    /* no answer, or the operation is not known any more */
        LXD_TIMEOUT, /* the deadline passed; it may still go on */
};

struct lxd_answer {
        enum lxd_status status;
        int64_t code;          /* ERROR: LXD's error code; LOST: negative errno */
        const char *text;      /* never NULL; ERROR: LXD's own words */
        json_object *metadata; /* OK: of the request or the operation; borrowed, may be NULL */
};

typedef void (*lxd_handler)(const struct lxd_answer *answer, void *userdata);

struct lxd;
struct lxd_call;

/*
 * Where the socket is: explicit (option), else $LXD_SOCKET, $LXD_DIR/unix.socket,
 * the snap's if it can be written to, the deb's, $INCUS_SOCKET,
 * $INCUS_DIR/unix.socket, Incus's usual two. -ENOENT or -EACCES with err set:
 * one line that names what was tried and what to do. The caller frees *ret.
 */
int lxd_find_socket(const char *explicit_path, char **ret, struct error *err) _warn_unused_;

/* max_in_flight sizes the pool of kept connections. */
int lxd_new(sd_event *event, const char *socket_path, size_t max_in_flight,
            struct lxd **ret) _warn_unused_;
struct lxd *lxd_free(struct lxd *lxd);
DEFINE_CLEANUP(struct lxd *, lxd_free)

/* Project for paths that have one; empty or NULL = default. */
int lxd_set_project(struct lxd *lxd, const char *project) _warn_unused_;

/*
 * One request. If the server answers with an operation, it is followed until
 * it ends. deadline_ns: from now, 0 = none. `path` begins with "/1.0" and must
 * be escaped (lxd_escape()); the project is added by us, behind '?' or '&'.
 * body may be NULL.
 */
int lxd_request(struct lxd *lxd, const char *method, const char *path, json_object *body,
                int64_t deadline_ns, lxd_handler handler, void *userdata,
                struct lxd_call **ret) _warn_unused_;
void lxd_cancel(struct lxd_call *call);

/* Fetches raw bytes (an exec's output): answered with OK and a string in
 * metadata, or as lxd_request(). */
int lxd_fetch(struct lxd *lxd, const char *path, int64_t deadline_ns, lxd_handler handler,
              void *userdata, struct lxd_call **ret) _warn_unused_;

/* Percent-encodes one path segment. The caller frees; NULL = out of memory. */
char *lxd_escape(const char *s);

/* Closes the connections that are kept for later. -EBUSY: a call is under way, and none is. */
int lxd_close_idle(struct lxd *lxd) _warn_unused_;
void lxd_get_stats(const struct lxd *lxd, struct http_stats *ret);
const char *lxd_socket_path(const struct lxd *lxd);
