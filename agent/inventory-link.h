/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection between inventory.c and the helper: the socket systemd listens on
 * or, where there is none to be had, a helper of our own over a socket pair. It
 * carries messages and says when the helper is gone; what they mean it does not
 * know. Nothing here waits; starting a helper is one posix_spawn().
 */

#include <systemd/sd-event.h>

#include "base/error.h"

struct inventory_link;

typedef void (*inventory_link_message)(const char *text, size_t size, void *userdata);
typedef void (*inventory_link_closed)(void *userdata);

/* helper: a socket, or a program to start; NULL = the installed socket, else the
 * installed program. message and closed may call everything here but free. */
int inventory_link_new(sd_event *event, const char *helper, inventory_link_message message,
                       inventory_link_closed closed, void *userdata,
                       struct inventory_link **ret) _warn_unused_;
struct inventory_link *inventory_link_free(struct inventory_link *l);

/* Connects or starts a helper, if there is no connection. */
int inventory_link_open(struct inventory_link *l, struct error *err) _warn_unused_;
/* closed() is not called for it. Kills a helper of our own. */
void inventory_link_close(struct inventory_link *l);
/* The socket's helper does not serve us: from now on one of our own does. */
void inventory_link_refused(struct inventory_link *l);

int inventory_link_send(struct inventory_link *l, const char *text, size_t size) _warn_unused_;
