/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The faults a test can ask for, and when they bite. One table (FAULTS) names
 * them all; the control API, --help and the matching are derived from it. This
 * file decides only whether a fault applies; the API's and the operations' code
 * does what it says.
 */

#include <regex.h>

#include "http.h"
#include "latency.h"
#include "timer.h"

/*
 * id, name, layer, what it applies to when the fault does not say, what it does.
 * The scope of a request fault is a list of request kinds (`@write`, `@db` and
 * globs too), that of an operation fault a list of operation kinds.
 */
#define FAULTS(X)                                                                                  \
        X(SLOW, "slow", REQUEST, "*", "the answer comes `ms` later (1000)")                        \
        X(ERROR, "error", REQUEST, "*", "refused with HTTP `code` (500) and `text`")               \
        X(SILENT, "silent", REQUEST, "*",                                                          \
          "accepted and never answered; with `effect` the work is done all the same")              \
        X(CLOSE, "close", REQUEST, "*",                                                            \
          "the connection is closed after `bytes` bytes of the answer (three quarters of it)")     \
        X(MALFORMED, "malformed", REQUEST, "*", "the answer's JSON is cut in half")                \
        X(GIANT, "giant", REQUEST, "*", "a body of `bytes` bytes (64 MiB)")                        \
        X(TRICKLE, "trickle", REQUEST, "*", "the answer drips, `bytes` (1) every `ms` (100)")      \
        X(SHUTTING_DOWN, "shutting-down", REQUEST, "@write", "503 LXD is shutting down")           \
        X(DB_STALLED, "db-stalled", REQUEST, "@db",                                                \
          "after `ms` (20000): 500 Failed to begin transaction: context deadline exceeded")        \
        X(OP_SLOW, "op-slow", OPERATION, "*", "the operation takes `ms` longer (1000)")            \
        X(OP_FAIL, "op-fail", OPERATION, "*", "it fails with `text`; with `effect` it is done")    \
        X(OP_STUCK, "op-stuck", OPERATION, "*", "it runs until the fault is taken away")           \
        X(OP_VANISH, "op-vanish", OPERATION, "*",                                                  \
          "it is gone (404) when it should end; with `effect` false its work is not done")         \
        X(POOL_FULL, "pool-full", OPERATION, "create,copy",                                        \
          "Unable to unpack image, run out of disk space; the instance is taken back")             \
        X(IMAGE_LOCKED, "image-locked", OPERATION, "create", "creates run until it is lifted")     \
        X(BUSY_LOCK, "busy-lock", OPERATION, "start,stop,restart,freeze,unfreeze,update,delete",   \
          "Instance is busy running a \"stop\" operation")                                         \
        X(BUSY_MOUNT, "busy-mount", OPERATION, "delete", "unlinkat …: device or resource busy")    \
        X(STOP_IGNORED, "stop-ignored", OPERATION, "stop",                                         \
          "a clean stop runs into its timeout, a forced one works")                                \
        X(DELETE_LIED, "delete-lied", OPERATION, "delete",                                         \
          "Success and gone for the API, but a monitor process of it lives on")                    \
        X(DELETE_KEPT, "delete-kept", OPERATION, "delete", "Success, and it is still listed")      \
        X(FD_LEAK, "fd-leak", OPERATION, "delete", "leaks `bytes` (1) descriptors each time")      \
        X(GOROUTINE_LEAK, "goroutine-leak", OPERATION, "delete", "the metric grows by `bytes`")    \
        X(MONITOR_STUCK, "monitor-stuck", INSTANCE, "*",                                           \
          "reads of it take 5 s and say Error, state hangs, exec is refused, delete lies")         \
        X(FROZEN, "frozen", INSTANCE, "*",                                                         \
          "says Running, exec never ends, a clean stop fails at its timeout, a forced one works")  \
        X(RESTART, "restart", DAEMON, "", "once: operations and connections lost, gone for `ms`")  \
        X(STOPPED, "stopped", DAEMON, "", "connections are queued, no byte is read, time stands")  \
        X(GONE, "gone", DAEMON, "", "ECONNREFUSED, or ENOENT with `effect`; all is dropped")

enum fault_layer { FAULT_REQUEST, FAULT_OPERATION, FAULT_INSTANCE, FAULT_DAEMON };

#define FAULT_ENUM(id, name, layer, scope, what) FAULT_##id,
enum fault_kind { FAULTS(FAULT_ENUM) FAULT_KINDS };
#undef FAULT_ENUM

struct fault_info {
        const char *name;
        enum fault_layer layer;
        const char *scope, *what;
};

extern const struct fault_info fault_infos[FAULT_KINDS];

struct fault {
        struct list link;
        unsigned id;
        enum fault_kind kind;
        const struct fault_info *info;
        char scope[160];
        char *instance; /* the regular expression as given, NULL: every one */
        regex_t regex;
        uint64_t after, count; /* skip that many matches, then bite that often (0: always) */
        double probability;
        int64_t ms; /* negative: not given */
        uint64_t bytes;
        bool bytes_given, effect;
        int code;
        char text[200]; /* "" when not given */
        uint64_t matched, hits;
        struct timer expiry;
        struct faults *owner;
};

struct faults {
        struct list list;
        unsigned n, last_id;
        struct rng rng;
        struct timers *timers; /* these run on when the daemon stands still */
        /* A fault was added (and is in the list), or is about to go (and is not). */
        void (*changed)(void *userdata, struct fault *f, bool added);
        void *userdata;
};

#define FAULTS_MAX 256

void faults_init(struct faults *fs, uint64_t seed, struct timers *timers,
                 void (*changed)(void *, struct fault *, bool), void *userdata);
void faults_deinit(struct faults *fs);

/*
 * Adds the fault that @spec describes. 0 and its id in @ret_id, or -EINVAL with the
 * reason in @ret_why (@size bytes), or -E2BIG when there are FAULTS_MAX already.
 */
_warn_unused_ int faults_add(struct faults *fs, json_object *spec, unsigned *ret_id, char *ret_why,
                             size_t size);
/* Takes one away; -ENOENT when there is none. Its effects end with it. */
_warn_unused_ int faults_remove(struct faults *fs, unsigned id);
void faults_clear(struct faults *fs);
bool faults_alive(const struct faults *fs, unsigned id);

/* Every fault as JSON, new reference. */
json_object *faults_to_json(const struct faults *fs);

/* What is asked of a request fault: the request's kind, and what it is. */
struct fault_subject {
        const char *kind;     /* of the request or operation */
        const char *instance; /* NULL when there is none */
        bool write, db;
};

/*
 * The next fault of @layer after @from (NULL: the first) that applies to @subject. Counts
 * it as matched and hit.
 */
struct fault *faults_next(struct faults *fs, enum fault_layer layer, struct fault *from,
                          const struct fault_subject *subject);

/* Whether an instance fault of @kind is on @instance (counts a hit). */
bool faults_on_instance(struct faults *fs, enum fault_kind kind, const char *instance);

static inline int64_t fault_ns(const struct fault *f, int64_t default_ms)
{
        return (f->ms >= 0 ? f->ms : default_ms) * NSEC_PER_MSEC;
}

static inline uint64_t fault_bytes(const struct fault *f, uint64_t by_default)
{
        return f->bytes_given ? f->bytes : by_default;
}
