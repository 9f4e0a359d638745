/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Structs to JSON and back by table; see fields.h. What comes in here was
 * written by a peer: every value is checked against its row of the table before
 * it is stored, and text of the peer's in our messages is made printable.
 */

#include <inttypes.h>

#include "base/text.h"
#include "proto/fields.h"

static void *at(const void *base, size_t offset)
{
        return (char *)(uintptr_t)base + offset;
}

static json_object *encode_string(const char *s, size_t n)
{
        _cleanup_(freep)
        char *clean = NULL;

        if (utf8_valid(s, n))
                return json_object_new_string_len(s, (int)n);
        clean = malloc(n + 1);
        if (!clean)
                return NULL;
        return json_object_new_string_len(clean, (int)utf8_copy(clean, n + 1, s, n));
}

static json_object *encode_list(const struct string_list *list)
{
        json_object *array = json_object_new_array_ext((int)list->n);

        for (size_t i = 0; array && i < list->n; i++) {
                json_object *s = encode_string(list->items[i], strlen(list->items[i]));

                if (!s || json_object_array_add(array, s) < 0) {
                        json_object_put(s);
                        json_object_put(array);
                        return NULL;
                }
        }
        return array;
}

static json_object *encode_field(const struct field *f, const void *from)
{
        void *p = at(from, f->offset);
        json_object *array;

        switch (f->type) {
        case FIELD_I64: return json_object_new_int64(*(int64_t *)p);
        case FIELD_BOOL: return json_object_new_boolean(*(bool *)p);
        case FIELD_STRING: return encode_string(p, strnlen(p, f->size - 1));
        case FIELD_WORD: return json_object_new_string(f->to_name(*(int *)p));
        case FIELD_LIST: return encode_list(p);
        case FIELD_OBJECT: return fields_encode(f->sub, p);
        case FIELD_ARRAY:
                array = *(json_object **)p;
                return array ? json_object_get(array) : json_object_new_array();
        }
        return NULL;
}

json_object *fields_encode(const struct field *table, const void *from)
{
        json_object *object = json_object_new_object();

        for (const struct field *f = table; object && f->name; f++) {
                json_object *value;

                if (f->presence > 0 && !*(bool *)at(from, f->presence))
                        continue;
                value = encode_field(f, from);
                if (!value || json_object_object_add_ex(object, f->name, value,
                                                        JSON_C_OBJECT_ADD_CONSTANT_KEY) < 0) {
                        json_object_put(value);
                        json_object_put(object);
                        return NULL;
                }
        }
        return object;
}

static int wrong_type(const struct field *f, json_object *value, const char *want,
                      struct error *err)
{
        return error_set(err, -EBADMSG, "\"%s\" must be %s, not of type %s", f->name, want,
                         json_type_to_name(json_object_get_type(value)));
}

static int decode_i64(const struct field *f, json_object *value, int64_t *ret, struct error *err)
{
        int64_t v;

        if (!json_object_is_type(value, json_type_int))
                return wrong_type(f, value, "a whole number", err);
        v = json_object_get_int64(value);
        /* above INT64_MAX json-c gives INT64_MAX, and the number itself as uint64 */
        if (v < f->min || v > f->max || (v > 0 && json_object_get_uint64(value) > INT64_MAX))
                return error_set(err, -EBADMSG, "\"%s\" is %s, must be %" PRId64 " to %" PRId64,
                                 f->name, json_object_get_string(value), f->min, f->max);
        *ret = v;
        return 0;
}

/* A string of at least min and at most max bytes that can be a C string. */
static int decode_text(const struct field *f, json_object *value, size_t min, size_t max,
                       const char **ret, struct error *err)
{
        const char *s;
        size_t n;

        if (!json_object_is_type(value, json_type_string))
                return wrong_type(f, value, "a string", err);
        s = json_object_get_string(value);
        n = (size_t)json_object_get_string_len(value);
        if (n < min)
                return error_set(err, -EBADMSG, "\"%s\" is %zu bytes long, must be at least %zu",
                                 f->name, n, min);
        if (n > max)
                return error_set(err, -EBADMSG, "\"%s\" is %zu bytes long, must be at most %zu",
                                 f->name, n, max);
        if (strlen(s) != n)
                return error_set(err, -EBADMSG, "\"%s\" holds a NUL character", f->name);
        if (!utf8_valid(s, n))
                return error_set(err, -EBADMSG, "\"%s\" is not UTF-8", f->name);
        *ret = s;
        return 0;
}

static int decode_string(const struct field *f, json_object *value, char *ret, struct error *err)
{
        const char *s, *must;
        int r = decode_text(f, value, (size_t)f->min, f->size - 1, &s, err);

        if (r < 0)
                return r;
        must = f->check ? f->check(s) : NULL;
        if (must)
                return error_set(err, -EBADMSG, "\"%s\" is \"%s\", must be %s", f->name,
                                 TEXT_PRINTABLE(s), must);
        memcpy(ret, s, strlen(s) + 1);
        return 0;
}

static int decode_word(const struct field *f, json_object *value, int *ret, struct error *err)
{
        const char *s;
        int v, r = decode_text(f, value, 0, 64, &s, err);

        if (r < 0)
                return r;
        v = f->from_name(s);
        if (v < 0)
                return error_set(err, -EBADMSG, "\"%s\" is \"%s\", which is no word known here",
                                 f->name, TEXT_PRINTABLE(s));
        *ret = v;
        return 0;
}

static int check_array(const struct field *f, json_object *value, struct error *err)
{
        size_t n;

        if (!json_object_is_type(value, json_type_array))
                return wrong_type(f, value, "an array", err);
        n = json_object_array_length(value);
        if (n > (size_t)f->max)
                return error_set(err, -EBADMSG, "\"%s\" has %zu entries, must be at most %" PRId64,
                                 f->name, n, f->max);
        return 0;
}

static int decode_list(const struct field *f, json_object *value, struct string_list *ret,
                       struct error *err)
{
        int r = check_array(f, value, err);

        if (r < 0)
                return r;
        string_list_clear(ret);
        for (size_t i = 0; i < json_object_array_length(value); i++) {
                const char *s;

                r = decode_text(f, json_object_array_get_idx(value, i), 1, f->size, &s, err);
                if (r < 0)
                        return r;
                r = string_list_add(ret, s);
                if (r < 0)
                        return error_set_errno(err, r, "Cannot keep \"%s\"", f->name);
        }
        return 0;
}

static int decode_field(const struct field *f, json_object *value, void *to, struct error *err)
{
        void *p = at(to, f->offset);
        int r;

        switch (f->type) {
        case FIELD_I64: return decode_i64(f, value, p, err);
        case FIELD_BOOL:
                if (!json_object_is_type(value, json_type_boolean))
                        return wrong_type(f, value, "true or false", err);
                *(bool *)p = json_object_get_boolean(value);
                return 0;
        case FIELD_STRING: return decode_string(f, value, p, err);
        case FIELD_WORD: return decode_word(f, value, p, err);
        case FIELD_LIST: return decode_list(f, value, p, err);
        case FIELD_OBJECT:
                if (!json_object_is_type(value, json_type_object))
                        return wrong_type(f, value, "an object", err);
                r = fields_decode(f->sub, value, p, err);
                if (r < 0)
                        error_prefix(err, "\"%s\"", f->name);
                else if (f->presence > 0)
                        *(bool *)at(to, f->presence) = true;
                return r;
        case FIELD_ARRAY:
                r = check_array(f, value, err);
                if (r < 0)
                        return r;
                json_object_put(*(json_object **)p);
                *(json_object **)p = json_object_get(value);
                return 0;
        }
        return -EINVAL;
}

int fields_decode(const struct field *table, json_object *object, void *to, struct error *err)
{
        for (const struct field *f = table; f->name; f++) {
                json_object *value;
                int r;

                if (!json_object_object_get_ex(object, f->name, &value)) {
                        if (f->required)
                                return error_set(err, -EBADMSG, "\"%s\" is missing", f->name);
                        continue;
                }
                r = decode_field(f, value, to, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

void fields_release(const struct field *table, void *of)
{
        for (const struct field *f = table; f->name; f++) {
                void *p = at(of, f->offset);

                if (f->type == FIELD_LIST) {
                        string_list_clear(p);
                } else if (f->type == FIELD_OBJECT) {
                        fields_release(f->sub, p);
                } else if (f->type == FIELD_ARRAY) {
                        json_object_put(*(json_object **)p);
                        *(json_object **)p = NULL;
                }
        }
}
