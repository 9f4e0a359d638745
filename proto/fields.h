/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Structs to JSON objects and back, driven by one table a struct: name, type,
 * place, limits. Unknown keys are ignored (a newer peer may add them); a known
 * key of the wrong type or outside its limits is -EBADMSG and says which.
 */

#include <json-c/json.h>

#include "base/error.h"
#include "base/options.h"

enum field_type {
        FIELD_I64,    /* int64_t, within min..max */
        FIELD_BOOL,   /* bool */
        FIELD_STRING, /* char[size]: longer is an error */
        FIELD_WORD,   /* int: a word through from_name/name */
        FIELD_LIST,   /* struct string_list of at most max entries of at most size bytes */
        FIELD_OBJECT, /* a struct with a table of its own */
        FIELD_ARRAY,  /* json_object * of type array with at most max entries; owned */
};

struct field {
        const char *name;
        enum field_type type;
        size_t offset, size;
        int64_t min, max;
        bool required;
        int (*from_name)(const char *);
        const char *(*to_name)(int);
        const struct field *sub; /* OBJECT; ends with a NULL name */
};

/* Returns a new object. */
json_object *fields_encode(const struct field *table, const void *from);

/* Fills *to, which the caller has zeroed or given defaults; absent keys leave
 * it as it is. On failure what was filled is still to be released. */
int fields_decode(const struct field *table, json_object *object, void *to,
                  struct error *err) _warn_unused_;

/* Frees lists and arrays. */
void fields_release(const struct field *table, void *of);
