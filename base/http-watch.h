/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The sockets of a curl multi handle on an sd_event. Curl forgets a socket after
 * every transfer and names it again at the next; here it stays watched in
 * between, which saves four system calls a request.
 */

#include <systemd/sd-event.h>

#include "base/util.h"

struct http_watch;

/* handler: called with what a socket in use is ready for. */
int http_watch_new(sd_event *event, sd_event_io_handler_t handler, void *userdata,
                   struct http_watch **ret) _warn_unused_;
struct http_watch *http_watch_free(struct http_watch *w);
DEFINE_CLEANUP(struct http_watch *, http_watch_free)

/* events: EPOLLIN and EPOLLOUT, or 0 = not in use for now. */
int http_watch_set(struct http_watch *w, int fd, uint32_t events) _warn_unused_;
/* Before fd is closed. */
void http_watch_drop(struct http_watch *w, int fd);
