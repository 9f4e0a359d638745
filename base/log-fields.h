/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The fields of one journal entry while they are put together: "NAME=value" strings of any length.
 * One struct serves for one entry after the other; it grows to the largest of them.
 *
 * Without memory a field is missing, and failed says so.
 */

#include "base/log.h"

struct log_fields {
        char *text; /* one string behind the other */
        size_t used, size;
        size_t at[LOG_FIELDS_MAX]; /* where each begins */
        const char *pointers[LOG_FIELDS_MAX];
        size_t n;
        bool failed;
};

/* Forgets the fields, keeps the room. */
void log_fields_reset(struct log_fields *f);
void log_fields_deinit(struct log_fields *f);

void log_fields_add(struct log_fields *f, const char *name, const char *value);
void log_fields_add_i64(struct log_fields *f, const char *name, int64_t value);

/* For log_entry(); good until the next field is added. */
const char *const *log_fields_get(struct log_fields *f, size_t *ret_n);
