/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Structs to JSON objects and back, driven by one table a struct: name, type,
 * place, limits. Unknown keys are ignored (a newer peer may add them); a known
 * key of the wrong type or outside its limits is -EBADMSG and says which.
 * Text is UTF-8 without NUL on the wire; what is not is made so ('?').
 */

#include <json-c/json.h>

#include "base/error.h"
#include "base/options.h"

/* For _cleanup_(json_putp). */
static inline void json_putp(json_object **o)
{
        json_object_put(*o);
}

enum field_type {
        FIELD_I64,    /* int64_t, within min..max */
        FIELD_BOOL,   /* bool */
        FIELD_STRING, /* char[size]: longer is an error; at least min bytes */
        FIELD_WORD,   /* int: a word through from_name/name */
        FIELD_LIST,   /* struct string_list of at most max entries of 1 to size bytes */
        FIELD_OBJECT, /* a struct with a table of its own */
        FIELD_ARRAY,  /* json_object * of type array with at most max entries; owned. NULL is
                         encoded as an empty one */
};

struct field {
        const char *name;
        enum field_type type;
        size_t offset, size;
        int64_t min, max;
        bool required;
        int (*from_name)(const char *);
        const char *(*to_name)(int);
        const char *(*check)(const char *); /* STRING: NULL if fine, else what it must be; may be
                                               NULL itself; see names.h */
        const struct field *sub;            /* OBJECT; ends with a NULL name */
        size_t presence; /* OBJECT: place of a bool that says whether it is there (encoded if set,
                            set when decoded); 0 = always there */
};

/* Returns a new object, NULL if out of memory. */
json_object *fields_encode(const struct field *table, const void *from);

/* Fills *to, which the caller has zeroed or given defaults; absent keys leave
 * it as it is. On failure what was filled is still to be released. */
int fields_decode(const struct field *table, json_object *object, void *to,
                  struct error *err) _warn_unused_;

/* Frees lists and arrays. What was released can be released or filled again. */
void fields_release(const struct field *table, void *of);
