/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The instances the fake has, and how the API shows them. They exist in memory
 * only: no process, no file. Who changes their state is operations.c.
 */

#include "buf.h"
#include "dialect.h"

struct operation;

enum instance_status {
        INSTANCE_STOPPED = 102,
        INSTANCE_RUNNING = 103,
        INSTANCE_FROZEN = 110,
        INSTANCE_ERROR = 112
};

const char *status_text(int code);

/* What a recorded exec left: two files below the instance's logs. */
struct exec_log {
        struct list link;
        char id[40]; /* the UUID in the files' names */
        struct buf stream[2];
        bool present[2];
};

struct instance {
        struct instance *hash_next;
        struct list link;
        char name[NAME_SIZE];
        const char *project; /* belongs to struct instances */
        enum instance_status status;
        json_object *config;  /* user.*, volatile.*, image.* */
        json_object *devices; /* its own; the profile's come on top */
        json_object *profiles;
        char description[128];
        bool ephemeral;
        bool broken;                 /* its creation was cut off; it cannot be started */
        struct operation *lock;      /* the operation that is changing it, or NULL */
        struct list execs;           /* running exec operations */
        struct list logs;            /* struct exec_log */
        int64_t created_ns, used_ns; /* realtime */
        uint64_t serial;             /* for the veth's name, the pid and the MAC */
        uint64_t generation;         /* changes with every write: its ETag */
        unsigned starts;
};

#define INSTANCE_LOGS_MAX 1000

struct instances {
        struct instance **buckets;
        size_t n_buckets;
        struct list list;
        uint64_t n, n_max, created, deleted, last_serial;
        char *projects[16];
        size_t n_projects;
        unsigned limit;
};

void instances_init(struct instances *is, unsigned limit);
void instances_deinit(struct instances *is);

/* The project's name as kept here, NULL when there is no such project. */
const char *instances_project(const struct instances *is, const char *name);
_warn_unused_ int instances_add_project(struct instances *is, const char *name);

struct instance *instances_find(const struct instances *is, const char *project, const char *name);

/* Letters, digits and dashes, as a host name; 1 to 63 characters. */
bool instance_name_valid(const char *name);

/*
 * Makes one, Stopped. It takes over @config, @devices and @profiles (each may be NULL).
 * -EEXIST, or -ENOSPC at the limit; then nothing was taken over.
 */
_warn_unused_ int instances_add(struct instances *is, const char *project, const char *name,
                                json_object *config, json_object *devices, json_object *profiles,
                                const char *fingerprint, struct instance **ret);
/* Forgets @i with its logs. No operation may hold it any more. */
void instances_remove(struct instances *is, struct instance *i);

/* Sets the status and the volatile keys that go with it. */
void instance_set_status(struct instance *i, enum instance_status status);

struct exec_log *instance_find_log(struct instance *i, const char *id);
struct exec_log *instance_add_log(struct instance *i, const char *id);
void instance_drop_log(struct exec_log *log);

/* The JSON of an instance; @full adds state, snapshots and backups; @stuck shows it as Error. */
void instance_render(const struct instance *i, bool full, bool stuck, struct buf *b);
void instance_render_state(const struct instance *i, struct buf *b);
