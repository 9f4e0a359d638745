/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The background operations: they start at once, end after their latency, are
 * kept for a while and then vanish, as the real daemon's do. What an operation
 * does to its instance, it does when it ends.
 */

#include "faults.h"
#include "instances.h"
#include "latency.h"

struct fake;
struct call;

/* id, name (in options and faults), description in the API, whether it locks its instance */
#define OPERATIONS(X)                                                                              \
        X(CREATE, "create", "Creating instance", true)                                             \
        X(COPY, "copy", "Creating instance", true)                                                 \
        X(START, "start", "Starting instance", true)                                               \
        X(STOP, "stop", "Stopping instance", true)                                                 \
        X(RESTART, "restart", "Restarting instance", true)                                         \
        X(FREEZE, "freeze", "Freezing instance", true)                                             \
        X(UNFREEZE, "unfreeze", "Unfreezing instance", true)                                       \
        X(EXEC, "exec", "Executing command", false)                                                \
        X(UPDATE, "update", "Updating instance", true)                                             \
        X(DELETE, "delete", "Deleting instance", true)                                             \
        X(WAIT, "wait", "Operation wait", false)

#define OPERATION_ENUM(id, name, text, locks) OP_##id,
enum op_kind { OPERATIONS(OPERATION_ENUM) OP_KINDS };
#undef OPERATION_ENUM

struct op_info {
        const char *name, *text;
        bool locks;
};

extern const struct op_info op_infos[OP_KINDS];

enum op_status { OP_RUNNING = 103, OP_SUCCESS = 200, OP_FAILURE = 400 };

struct operation {
        struct operations *owner;
        struct operation *hash_next;
        struct list link;      /* running ones, or the kept ones in the order they ended */
        struct list exec_link; /* of its instance's execs, which holds a displaced stop too */
        struct list waiters;   /* struct call */
        uint64_t serial;
        enum op_kind kind;
        enum op_status status;
        struct instance *instance; /* NULL once it has ended */
        char name[NAME_SIZE];
        const char *project;
        int64_t created_ns;  /* realtime */
        int64_t finished_ns; /* monotonic */
        struct timer timer;
        char *error;        /* NULL unless it failed */
        unsigned held_by;   /* the fault that keeps it running, 0: none */
        int64_t hold_ns;    /* how long it takes once that has gone */
        bool start;         /* create: start it too */
        bool force;         /* stop, restart */
        int64_t timeout_ns; /* of a clean stop; negative: none */
        bool fail_done;     /* fails, but its work is done */
        bool vanish, no_effect, lie, keep;
        bool has_return; /* exec */
        int return_code;
        struct buf stream[2]; /* what the command wrote, until it ends */
        bool logged;          /* the exec's output was recorded */
};

struct op_counters {
        uint64_t started, succeeded, failed, vanished;
};

struct operations {
        struct fake *fake;
        struct operation **buckets;
        size_t n_buckets;
        struct list running, kept;
        uint64_t n, n_running, n_running_max, n_max;
        uint64_t last_serial, mix;
        int64_t retention_ns;
        struct timer sweep;
        struct op_counters counters[OP_KINDS];
};

#define OPERATIONS_MAX 500000
#define OP_ID_SIZE     37

void operations_init(struct operations *os, struct fake *fake, uint64_t seed, int64_t retention_ns);
void operations_deinit(struct operations *os);
/* All of them gone at once, as when the daemon is killed. */
void operations_drop(struct operations *os);

/* "create" to OP_CREATE, -ENOENT. */
_warn_unused_ int op_kind_find(const char *name);

/*
 * Makes an operation on @instance (NULL: one that will not come to be, named @name). It
 * does not run yet. NULL when there are OPERATIONS_MAX.
 */
struct operation *operation_new(struct operations *os, enum op_kind kind, struct instance *instance,
                                const char *project, const char *name);

/* Lets it run, for its latency and @extra_ns. Faults are looked up here. */
void operation_start(struct operation *op, struct operations *os, int64_t extra_ns);

/* The same, but it will fail with @error. */
void operation_start_failing(struct operation *op, struct operations *os, const char *error);

/* Ends it now, with its effect. */
void operation_finish(struct operation *op, struct operations *os);

/* A fault has gone: what it held runs on. */
void operations_release(struct operations *os, unsigned fault_id);

struct operation *operations_find(struct operations *os, const char *id);
void operation_id(const struct operations *os, const struct operation *op, char ret[OP_ID_SIZE]);
void operation_render(const struct operations *os, const struct operation *op, struct buf *b);
