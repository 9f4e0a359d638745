/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a record of each kind holds, as one table: the order of the wire, the limits, and the field
 * of the journal. record.c (JSON) and record-journal.c (entries) do what it says.
 */

#include "proto/record.h"

enum member_type {
        MEMBER_INT,  /* int64_t, within min..max */
        MEMBER_TEXT, /* char[size], UTF-8, cut when it is longer */
        MEMBER_WORD, /* int, one of a list */
        MEMBER_BOOL,
};

struct record_member {
        const char *what;  /* in messages */
        const char *field; /* LXDSOAK_… */
        enum member_type type;
        size_t offset, size; /* in struct record; size also says how much of it is filled */
        int64_t min, max;
        bool has_none; /* there is a value that means there is none: */
        int64_t none;  /* left out of the journal; of a WORD, "" on the wire */
        const char *(*name)(int);
        int (*from_name)(const char *);
};

/* In the order of the wire; *ret_n is 0 for what is no kind. */
const struct record_member *record_members(enum record_kind kind, size_t *ret_n);

/* The lowest unit a record of the kind may be about: -1 not known, 0 none. */
int64_t record_unit_min(enum record_kind kind);

/* The end of what a member fills. */
static inline size_t record_filled(const struct record_member *members, size_t n)
{
        size_t filled = 0;

        for (size_t i = 0; i < n; i++)
                filled = MAX(filled, members[i].offset + members[i].size);
        return filled;
}
