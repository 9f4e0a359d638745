/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole fake: one daemon that can be stopped, lost and restarted, and the control beside it. */

#include <sys/types.h>

#include "dialect.h"
#include "faults.h"
#include "http.h"
#include "instances.h"
#include "latency.h"
#include "operations.h"

struct fake_options {
        const char *socket, *control;
        const struct dialect *dialect;
        const char *images[16];
        size_t n_images;
        const char *projects[8];
        size_t n_projects;
        const char *templates[8];
        size_t n_templates;
        const char *server_name;
        const char *issue; /* what `cat /etc/issue` prints, without the newline */
        struct latency latency[OP_KINDS];
        struct latency api_latency;
        uint64_t seed;
        int64_t retention_ns;
        unsigned max_instances, max_connections;
        bool image_lock;
        int server_pid;
};

#define ROUTES_MAX 64
#define GHOSTS_MAX 64

struct ghost {
        pid_t pid;
        char name[NAME_SIZE];
};

struct fake {
        struct fake_options options;
        const struct dialect *dialect;
        struct timers timers;         /* the daemon's; stand still while it is stopped */
        struct timers control_timers; /* run always */
        struct http_server api, control;
        struct instances instances;
        struct operations operations;
        struct faults faults;
        struct rng rng;
        struct buf scratch;     /* the metadata being written */
        struct buf envelope;    /* the answer around it; both are kept and reused */
        struct timer come_back; /* after a restart that takes time */
        bool down;              /* between the two halves of such a restart */
        bool stopped, quit;
        int64_t started_ns;    /* monotonic, of the daemon */
        int64_t image_free_ns; /* when the image's lock is free again */
        unsigned restarts;
        int server_pid;
        uint64_t goroutines_leaked;
        int *leaked_fds;
        size_t n_leaked_fds;
        struct ghost ghosts[GHOSTS_MAX];
        size_t n_ghosts;
        uint64_t requests[ROUTES_MAX];
};

/* Makes everything and listens. Negative errno, with the reason printed. */
_warn_unused_ int fake_init(struct fake *f, const struct fake_options *o);
void fake_deinit(struct fake *f);

/* Sets the latency of the operation @kind, of `api`, or of `all` operations. -EINVAL, -ENOENT. */
_warn_unused_ int fake_set_latency(struct fake_options *o, const char *kind, const char *text);

/* Runs until a signal says otherwise. */
_warn_unused_ int fake_run(struct fake *f, int signal_fd);

/* The daemon dies: its connections and operations are gone, half-made instances stay. */
void fake_daemon_lost(struct fake *f);

/* Zeroes what /fake/stats counts (not what is). */
void fake_reset_stats(struct fake *f);

/*
 * Leaves a process behind that looks like the monitor of @name's container, as a
 * delete that lied does. It dies with the fake.
 */
void fake_add_ghost(struct fake *f, const char *name);
void fake_drop_ghosts(struct fake *f);

/* Opens @n descriptors and never closes them (bounded). */
void fake_leak_fds(struct fake *f, uint64_t n);
