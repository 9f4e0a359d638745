/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small questions asked of the host beside the load, for the live view and for the wedge
 * detector. Of LXD, each on a connection of its own and never twice at a time: /1.0,
 * which needs no database, every second; the list of instances (recursion=0: 3 ms at 30
 * running), every 2 s; one of our own instances, every 2 s, which asks its monitor. Of
 * the host, by a thread of its own, every second, since a file system can stand still:
 * how many mounts there are, how much memory and disk is free, in which state the
 * daemon's process is, and how pressed the host is.
 */

#include <systemd/sd-event.h>

#include "agent/detector.h"
#include "proto/message.h"

struct probe;

int probe_new(sd_event *event, const char *lxd_socket, const char *state_dir,
              struct probe **ret) _warn_unused_;
struct probe *probe_free(struct probe *p);
DEFINE_CLEANUP(struct probe *, probe_free)

/* The instance that is asked about from now on, "" = none, in project ("" = default). */
void probe_set_instance(struct probe *p, const char *project, const char *instance);

/* Fills the fields of the host: api_*, daemon_*, instance_*, mounts, mem_available, disk_free,
 * rss. */
void probe_fill(struct probe *p, struct msg_pong *ret);
/* What pong has no place for: pressure and load, at their METRIC_… in figures. */
void probe_fill_metrics(struct probe *p, int64_t *figures);
/* MemAvailable in bytes, -1 = not known. */
int64_t probe_mem_available(struct probe *p);
/* What the detector wants to know of the daemon; progress_ns and probe_timeout_ns are the
 * caller's. */
void probe_view(struct probe *p, struct daemon_view *ret);
/* The host has no time for anybody: half of the last ten seconds something waited for a
 * CPU, memory or disk (PSI). */
bool probe_overloaded(struct probe *p);
