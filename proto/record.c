/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records to JSON rows and back; see record.h. What a row holds stands in the table of
 * record-members.h. A row is read element by element with a cursor that remembers the
 * first thing that was wrong.
 */

#include <inttypes.h>

#include "base/text.h"
#include "proto/record-members.h"

#define AT(record, member) ((const char *)(record) + (member)->offset)

/* -- writing ------------------------------------------------------------------------------- */

struct writer {
        json_object *row;
        bool failed;
};

static void w_add(struct writer *w, json_object *value)
{
        if (!value || json_object_array_add(w->row, value) < 0) {
                json_object_put(value);
                w->failed = true;
        }
}

static void w_int(struct writer *w, int64_t v)
{
        w_add(w, json_object_new_int64(v));
}

static void w_text(struct writer *w, const char *s, size_t size)
{
        char buf[EXEC_OUTPUT_MAX + 1];
        size_t n = strnlen(s, size - 1);

        if (!utf8_valid(s, n)) {
                n = utf8_copy(buf, sizeof(buf), s, n);
                s = buf;
        }
        w_add(w, json_object_new_string_len(s, (int)n));
}

static void w_word(struct writer *w, const char *word)
{
        w_add(w, json_object_new_string(word));
}

static void write_member(struct writer *w, const struct record *r, const struct record_member *m)
{
        int word;

        switch (m->type) {
        case MEMBER_INT: w_int(w, *(const int64_t *)AT(r, m)); return;
        case MEMBER_TEXT: w_text(w, AT(r, m), m->size); return;
        case MEMBER_WORD:
                word = *(const int *)AT(r, m);
                w_word(w, m->has_none && word == m->none ? "" : m->name(word));
                return;
        case MEMBER_BOOL: w_add(w, json_object_new_boolean(*(const bool *)AT(r, m))); return;
        }
}

json_object *record_encode(const struct record *r)
{
        size_t n;
        const struct record_member *members = record_members(r->kind, &n);
        struct writer w = {.row = json_object_new_array_ext((int)n + 5)};

        if (!w.row)
                return NULL;
        w.failed = !members;
        w_add(&w, json_object_new_uint64(r->seq));
        w_word(&w, record_kind_name((int)r->kind));
        w_int(&w, r->unit);
        w_int(&w, r->attempt);
        w_int(&w, r->lease);
        for (size_t i = 0; i < n; i++)
                write_member(&w, r, members + i);
        if (w.failed) {
                json_object_put(w.row);
                return NULL;
        }
        return w.row;
}

/* -- reading ------------------------------------------------------------------------------- */

struct reader {
        json_object *row;
        size_t i;
        int error;
        struct error *err;
};

/* The next element, if it is there and of that type and nothing was wrong before. */
static json_object *r_next(struct reader *r, const char *what, json_type type)
{
        json_object *value;

        if (r->error < 0)
                return NULL;
        if (r->i >= json_object_array_length(r->row)) {
                r->error = error_set(r->err, -EBADMSG, "Record ends before element %zu, %s", r->i,
                                     what);
                return NULL;
        }
        value = json_object_array_get_idx(r->row, r->i++);
        if (!json_object_is_type(value, type)) {
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is of type %s, must be %s",
                                     r->i - 1, what, json_type_to_name(json_object_get_type(value)),
                                     json_type_to_name(type));
                return NULL;
        }
        return value;
}

static int64_t r_int(struct reader *r, const char *what, int64_t min, int64_t max)
{
        json_object *value = r_next(r, what, json_type_int);
        int64_t v;

        if (!value)
                return 0;
        v = json_object_get_int64(value);
        if (v < min || v > max || (v > 0 && json_object_get_uint64(value) > INT64_MAX))
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is %s, must be %" PRId64
                                     " to %" PRId64,
                                     r->i - 1, what, json_object_get_string(value), min, max);
        return v;
}

static void r_text(struct reader *r, const char *what, char *ret, size_t size)
{
        json_object *value = r_next(r, what, json_type_string);

        if (value)
                utf8_copy(ret, size, json_object_get_string(value),
                          (size_t)json_object_get_string_len(value));
}

/* none: what "" stands for; negative numbers are no words, so that it needs a flag of its own. */
static int r_word(struct reader *r, const char *what, int (*from_name)(const char *), bool has_none,
                  int none)
{
        json_object *value = r_next(r, what, json_type_string);
        int v;

        if (!value)
                return 0;
        if (has_none && !*json_object_get_string(value))
                return none;
        v = from_name(json_object_get_string(value));
        if (v < 0)
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is \"%s\", which is no word "
                                     "known here",
                                     r->i - 1, what, TEXT_PRINTABLE(json_object_get_string(value)));
        return v;
}

static bool r_bool(struct reader *r, const char *what)
{
        json_object *value = r_next(r, what, json_type_boolean);

        return value && json_object_get_boolean(value);
}

static void read_member(struct reader *r, struct record *rec, const struct record_member *m)
{
        char *to = (char *)rec + m->offset;

        switch (m->type) {
        case MEMBER_INT: *(int64_t *)to = r_int(r, m->what, m->min, m->max); return;
        case MEMBER_TEXT: r_text(r, m->what, to, m->size); return;
        case MEMBER_WORD:
                *(int *)to = r_word(r, m->what, m->from_name, m->has_none, (int)m->none);
                return;
        case MEMBER_BOOL: *(bool *)to = r_bool(r, m->what); return;
        }
}

int record_decode(json_object *row, struct record *ret, struct error *err)
{
        struct reader r = {.row = row, .err = err};
        const struct record_member *members;
        struct record rec;
        size_t n;

        if (!json_object_is_type(row, json_type_array))
                return error_set(err, -EBADMSG, "Record is of type %s, must be array",
                                 json_type_to_name(json_object_get_type(row)));
        rec.seq = (uint64_t)r_int(&r, "number", 0, INT64_MAX);
        rec.kind = (enum record_kind)r_word(&r, "kind", record_kind_from_name, false, 0);
        if (r.error < 0)
                return r.error;
        rec.unit = r_int(&r, "unit", record_unit_min(rec.kind), UNITS_MAX);
        rec.attempt = r_int(&r, "attempt", 0, INT64_MAX);
        rec.lease = r_int(&r, "lease", 0, INT64_MAX);
        members = record_members(rec.kind, &n);
        for (size_t i = 0; i < n && r.error == 0; i++)
                read_member(&r, &rec, members + i);
        if (r.error < 0)
                return r.error;
        /* the rest of the union is large and not used */
        memcpy(ret, &rec, record_filled(members, n));
        return 0;
}
