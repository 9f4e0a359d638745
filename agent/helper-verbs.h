/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the helper can be asked: one table of verbs. A verb checks its request in
 * the helper itself, where nothing can wait, and then runs in a child of its own,
 * which may hang and be abandoned. It writes its answer, one line of JSON a message
 * (helper-wire.h), to the descriptor it is given.
 */

#include <json-c/json.h>

#include "base/error.h"

/* One page shared with the child: what it was doing when it was heard of last. */
struct verb_progress {
        char doing[128];
};

struct verb_context {
        const char *root; /* "" but in tests */
        int64_t id;       /* of the request, for the answers */
        int out;          /* where answers go */
        struct verb_progress *progress;
};

struct verb {
        const char *name;
        int64_t time_limit_ns;
        size_t answer_max; /* bytes of answer accepted from the child */
        bool partial;      /* when its time is up, what it has written counts all the same */
        /* *ret_request: what run() is given; it lives as long as the child. */
        int (*check)(json_object *request, const struct verb_context *context, void **ret_request,
                     struct error *err);
        void (*release)(void *request);
        int (*run)(void *request, const struct verb_context *context, struct error *err);
};

/* NULL: there is none of this name. */
const struct verb *verb_find(const char *name);

/* Writes one message; ends it with a newline. */
int verb_write(const struct verb_context *context, json_object *message) _warn_unused_;

extern const struct verb verb_names;              /* helper-names.c */
extern const struct verb verb_remove;             /* helper-remove.c */
extern const struct verb verb_examine, verb_thaw; /* helper-examine.c */
extern const struct verb verb_restart;            /* helper-restart.c */
extern const struct verb verb_evidence;           /* helper-evidence.c */
extern const struct verb verb_census;             /* helper-census.c */

/* ---- for the verbs ---- */

static inline void json_putp(json_object **o)
{
        json_object_put(*o);
}

/* A string member, "" where there is none. NULL: it is something else. */
const char *verb_get_text(json_object *o, const char *key);
/* "lxd_dir": an absolute path without a slash at its end, or "". */
int verb_get_lxd_dir(json_object *request, char *buf, size_t size, struct error *err) _warn_unused_;
