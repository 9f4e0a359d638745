/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The REST API: one table of routes, and a `call` for each request being
 * answered. Handlers answer at once, or park the call with an operation. They ask
 * the dialect how, and are not asked for a request a fault has already answered.
 */

#include "fake.h"

#define SEGMENTS_MAX 8

struct route;

/* One request, from its arrival to its answer; one a connection, reused. */
struct call {
        struct fake *fake;
        struct http_conn *conn;
        const struct route *route;
        char path[HTTP_MAX_TARGET];
        char *args[SEGMENTS_MAX]; /* the variable segments of the path, decoded, in order */
        size_t n_args;
        json_object *body; /* NULL when there is none or it is no JSON */
        bool bad_body;
        const char *project;
        char subject[NAME_SIZE]; /* the instance it is about, "" when none */
        int recursion;
        struct timer timer; /* a delay, or the timeout of a wait */
        struct list waiter; /* of an operation */
        struct operation *waits_for;
        bool refuse; /* a fault answers: */
        int refuse_code;
        char refuse_text[200];
        bool never; /* a fault: not even that */
};

enum route_flags {
        ROUTE_WRITE = 1,
        ROUTE_DB = 2,        /* needs the database */
        ROUTE_INSTANCE = 4,  /* its first argument is an instance */
        ROUTE_OPERATION = 8, /* its first argument is an operation */
        ROUTE_EARLY = 16     /* answers although the daemon is shutting down */
};

/*
 * kind, method, path (`*` is a variable segment), handler, flags. The kind is what faults and
 * the statistics call it.
 */
#define ROUTES(X)                                                                                  \
        X("root-get", "GET", "/", root_get, 0)                                                     \
        X("server-get", "GET", "/1.0", server_get, 0)                                              \
        X("instances-get", "GET", "/1.0/instances", instances_get, ROUTE_DB)                       \
        X("instances-post", "POST", "/1.0/instances", instances_post, ROUTE_DB | ROUTE_WRITE)      \
        X("instance-get", "GET", "/1.0/instances/*", instance_get, ROUTE_DB | ROUTE_INSTANCE)      \
        X("instance-put", "PUT", "/1.0/instances/*", instance_put,                                 \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("instance-patch", "PATCH", "/1.0/instances/*", instance_patch,                           \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("instance-delete", "DELETE", "/1.0/instances/*", instance_delete,                        \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("state-get", "GET", "/1.0/instances/*/state", state_get, ROUTE_DB | ROUTE_INSTANCE)      \
        X("state-put", "PUT", "/1.0/instances/*/state", state_put,                                 \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("exec-post", "POST", "/1.0/instances/*/exec", exec_post,                                 \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("logs-get", "GET", "/1.0/instances/*/logs", logs_get, ROUTE_DB | ROUTE_INSTANCE)         \
        X("log-get", "GET", "/1.0/instances/*/logs/*", log_get, ROUTE_DB | ROUTE_INSTANCE)         \
        X("log-delete", "DELETE", "/1.0/instances/*/logs/*", log_delete,                           \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("log-get", "GET", "/1.0/instances/*/logs/exec-output/*", exec_log_get,                   \
          ROUTE_DB | ROUTE_INSTANCE)                                                               \
        X("log-delete", "DELETE", "/1.0/instances/*/logs/exec-output/*", exec_log_delete,          \
          ROUTE_DB | ROUTE_INSTANCE | ROUTE_WRITE)                                                 \
        X("operations-get", "GET", "/1.0/operations", operations_get, 0)                           \
        X("operation-get", "GET", "/1.0/operations/*", operation_get, ROUTE_OPERATION)             \
        X("operation-delete", "DELETE", "/1.0/operations/*", operation_delete,                     \
          ROUTE_OPERATION | ROUTE_WRITE)                                                           \
        X("operation-wait", "GET", "/1.0/operations/*/wait", operation_wait, ROUTE_OPERATION)      \
        X("images-get", "GET", "/1.0/images", images_get, ROUTE_DB)                                \
        X("aliases-get", "GET", "/1.0/images/aliases", aliases_get, ROUTE_DB)                      \
        X("alias-get", "GET", "/1.0/images/aliases/*", alias_get, ROUTE_DB)                        \
        X("image-get", "GET", "/1.0/images/*", image_get, ROUTE_DB)                                \
        X("profiles-get", "GET", "/1.0/profiles", profiles_get, ROUTE_DB)                          \
        X("profile-get", "GET", "/1.0/profiles/*", profile_get, ROUTE_DB)                          \
        X("pools-get", "GET", "/1.0/storage-pools", pools_get, ROUTE_DB)                           \
        X("pool-get", "GET", "/1.0/storage-pools/*", pool_get, ROUTE_DB)                           \
        X("pool-resources-get", "GET", "/1.0/storage-pools/*/resources", pool_resources_get,       \
          ROUTE_DB)                                                                                \
        X("volumes-get", "GET", "/1.0/storage-pools/*/volumes", volumes_get, ROUTE_DB)             \
        X("volumes-get", "GET", "/1.0/storage-pools/*/volumes/container", volumes_get, ROUTE_DB)   \
        X("volume-get", "GET", "/1.0/storage-pools/*/volumes/container/*", volume_get, ROUTE_DB)   \
        X("networks-get", "GET", "/1.0/networks", networks_get, ROUTE_DB)                          \
        X("network-get", "GET", "/1.0/networks/*", network_get, ROUTE_DB)                          \
        X("projects-get", "GET", "/1.0/projects", projects_get, ROUTE_DB)                          \
        X("project-get", "GET", "/1.0/projects/*", project_get, ROUTE_DB)                          \
        X("warnings-get", "GET", "/1.0/warnings", warnings_get, ROUTE_DB)                          \
        X("metrics-get", "GET", "/1.0/metrics", metrics_get, 0)                                    \
        X("resources-get", "GET", "/1.0/resources", resources_get, 0)                              \
        X("events-get", "GET", "/1.0/events", events_get, 0)                                       \
        X("gc-get", "GET", "/internal/gc", gc_get, 0)                                              \
        X("gc-get", "GET", "/internal/debug/gc", gc_get, 0)                                        \
        X("testing-wait-post", "POST", "/internal/testing/operation-wait", testing_wait_post, 0)

struct route {
        const char *kind, *method, *path;
        void (*handler)(struct call *c);
        unsigned flags;
        size_t n_segments;
};

extern struct route api_routes[];
extern const size_t n_api_routes;

/* Counts the segments of the table's paths; before anything else. */
void api_prepare(void);
extern const struct http_callbacks api_callbacks;

/* The answers, in the shapes of the dialect. @metadata is JSON; NULL is `{}`. */
void call_sync(struct call *c, const char *metadata, size_t size);
void call_sync_etag(struct call *c, const char *metadata, size_t size, uint64_t etag);
void call_error(struct call *c, int code, const char *text);
void call_errorf(struct call *c, int code, const char *format, ...) _printf_(3, 4);
void call_raw(struct call *c, const char *type, const char *data, size_t size);
void call_operation(struct call *c, struct operation *op);

/* The fake's scratch buffer, emptied: where a handler writes its metadata. */
struct buf *call_scratch(struct call *c);

/* A member of the body; NULL, false or @by_default when it is not there or of another type. */
const char *body_string(struct call *c, const char *key);
bool body_bool(struct call *c, const char *key);
int64_t body_int(struct call *c, const char *key, int64_t by_default);
json_object *body_object(struct call *c, const char *key);

/* The instance its first argument names; NULL when there is none, and then it is answered. */
struct instance *call_instance(struct call *c);

/* What a parked call is told. */
void call_operation_ended(struct call *c, struct operation *op);
void call_operation_lost(struct call *c);
/* Parks @c with @op until it ends or @timeout_ns is over (negative: no timeout). */
void call_wait(struct call *c, struct operation *op, int64_t timeout_ns);

#define ROUTE_HANDLER(kind, method, path, handler, flags) void api_##handler(struct call *c);
ROUTES(ROUTE_HANDLER)
#undef ROUTE_HANDLER
