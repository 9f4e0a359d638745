/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small questions asked of the host beside the load, for the live view: how
 * many instances the API lists and how long it takes to tell (on a connection
 * of its own, every 2 s, recursion=0: 3 ms at 30 running), how many mounts there
 * are, how much memory and disk is free (read by a thread of its own, every
 * second, since a file system can stand still).
 */

#include <systemd/sd-event.h>

#include "proto/message.h"

struct probe;

int probe_new(sd_event *event, const char *lxd_socket, const char *state_dir,
              struct probe **ret) _warn_unused_;
struct probe *probe_free(struct probe *p);
DEFINE_CLEANUP(struct probe *, probe_free)

/* Fills the fields of the host: api_*, mounts, mem_available, disk_free, rss. */
void probe_fill(struct probe *p, struct msg_pong *ret);
/* MemAvailable in bytes, -1 = not known. */
int64_t probe_mem_available(struct probe *p);
