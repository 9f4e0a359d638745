/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One entry of a journal, with those of its fields that a report is made from. One struct serves
 * for one entry after the other; it grows to the largest of them.
 */

#include <stdint.h>

#include "base/util.h"

#define JOURNAL_FIELDS_MAX 64          /* further ones are dropped */
#define JOURNAL_FIELD_MAX  (16U << 20) /* bytes of one field; a longer one is dropped */

struct journal_entry {
        char *text;
        size_t used, size;
        struct {
                size_t name, value, value_size; /* places in text; both end with NUL */
        } fields[JOURNAL_FIELDS_MAX];
        size_t n;
        int64_t realtime_ns; /* when the journal took it */
};

void journal_entry_reset(struct journal_entry *e);
void journal_entry_deinit(struct journal_entry *e);
/* Is it one of those that are kept? LXDSOAK_…, MESSAGE_ID, _HOSTNAME, and what makes a line for
 * people: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER. */
bool journal_entry_wants(const char *name, size_t size);
/* Only 0 or -ENOMEM. */
int journal_entry_add(struct journal_entry *e, const char *name, size_t name_size,
                      const void *value, size_t value_size) _warn_unused_;
/* NULL = it has none. ret_size may be NULL. */
const char *journal_entry_get(const struct journal_entry *e, const char *name, size_t *ret_size);
