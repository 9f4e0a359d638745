/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * In what the servers differ: one row a dialect, the API's handlers ask it and
 * never a version. The rows follow what a real LXD 5.0.2 answers and what the
 * sources of LXD 5.21 and Incus 6.12 say.
 */

#include "util.h"

/* What `/operations/ID/wait?timeout=N` answers. */
enum wait_style {
        WAIT_OPERATION, /* the operation, running or failed as it may be */
        WAIT_ERROR      /* an error for both the timeout and the failure; the operation is lost */
};

struct dialect {
        const char *name;
        const char *server, *version;
        enum wait_style wait;
        bool wait_early_head;      /* the head of the wait's answer goes out at once */
        bool short_errors;         /* {"error","error_code","type"} and nothing else */
        bool containers_resource;  /* operations name their instance twice */
        bool image_locked_creates; /* one create an image at a time */
        bool force_delete;         /* DELETE instance?force=1 */
        bool create_start;         /* `start` in POST instances */
        bool testing_wait;         /* POST /internal/testing/operation-wait */
        const char *exec_log_dir;  /* below logs/, with its slash, or "" */
        const char *metrics_prefix;
        const char *gc_path;
        const char *duplicate_text;    /* the error of a create whose name is taken, %s the name */
        const char *const *extensions; /* beyond the common ones, NULL at the end */
};

extern const struct dialect dialects[];
extern const size_t n_dialects;
extern const char *const common_extensions[];

/* NULL when there is no such dialect. */
const struct dialect *dialect_find(const char *name);
