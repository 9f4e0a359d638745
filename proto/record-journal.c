/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See record-journal.h. */

#include "proto/record-journal.h"

#include <inttypes.h>

#include "base/parse.h"
#include "base/text.h"
#include "proto/record-members.h"

/* -- writing ------------------------------------------------------------------------------- */

struct writer {
        void (*add)(const char *name, const char *value, void *userdata);
        void *userdata;
};

static void w_int(const struct writer *w, const char *name, int64_t v)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRId64, v);
        w->add(name, text, w->userdata);
}

static void w_member(const struct writer *w, const struct record *r, const struct record_member *m)
{
        const char *at = (const char *)r + m->offset;
        int64_t v;

        switch (m->type) {
        case MEMBER_INT:
                v = *(const int64_t *)at;
                if (!m->has_none || v != m->none)
                        w_int(w, m->field, v);
                return;
        case MEMBER_TEXT:
                if (*at)
                        w->add(m->field, at, w->userdata);
                return;
        case MEMBER_WORD:
                v = *(const int *)at;
                if (!m->has_none || v != m->none)
                        w->add(m->field, m->name((int)v), w->userdata);
                return;
        case MEMBER_BOOL:
                if (*(const bool *)at)
                        w->add(m->field, "1", w->userdata);
                return;
        }
}

void record_to_fields(const struct record *r,
                      void (*add)(const char *name, const char *value, void *userdata),
                      void *userdata)
{
        const struct writer w = {add, userdata};
        size_t n;
        const struct record_member *members = record_members(r->kind, &n);

        add(RECORD_FIELD_KIND, record_kind_name((int)r->kind), userdata);
        w_int(&w, RECORD_FIELD_SEQ, (int64_t)r->seq);
        if (r->unit != 0)
                w_int(&w, "LXDSOAK_UNIT", r->unit);
        if (r->attempt != 0)
                w_int(&w, "LXDSOAK_ATTEMPT", r->attempt);
        for (size_t i = 0; i < n; i++)
                w_member(&w, r, members + i);
}

/* -- reading ------------------------------------------------------------------------------- */

struct reader {
        const char *(*get)(const char *name, size_t *ret_size, void *userdata);
        void *userdata;
        int error;
        struct error *err;
};

static void wrong(struct reader *r, const char *name, const char *value)
{
        if (r->error == 0)
                r->error = error_set(r->err, -EBADMSG, "%s is \"%s\"", name,
                                     value ? TEXT_PRINTABLE(value) : "not there");
}

/* A short value: a number or a word. */
static const char *r_short(struct reader *r, const char *name, char *buf, size_t size)
{
        size_t n;
        const char *value = r->get(name, &n, r->userdata);

        if (!value)
                return NULL;
        n = MIN(n, size - 1);
        memcpy(buf, value, n);
        buf[n] = '\0';
        return buf;
}

static int64_t r_int(struct reader *r, const char *name, int64_t min, int64_t max, bool has_none,
                     int64_t none)
{
        char buf[32];
        const char *value = r_short(r, name, buf, sizeof(buf));
        int64_t v = 0;

        if (!value && has_none)
                return none;
        if (!value || parse_i64(value, min, max, &v) < 0)
                wrong(r, name, value);
        return v;
}

static int r_word(struct reader *r, const char *name, int (*from_name)(const char *), bool has_none,
                  int none)
{
        char buf[64];
        const char *value = r_short(r, name, buf, sizeof(buf));
        int v = value ? from_name(value) : -1;

        if (!value && has_none)
                return none;
        if (v < 0)
                wrong(r, name, value);
        return v;
}

static void r_member(struct reader *r, struct record *rec, const struct record_member *m)
{
        char *to = (char *)rec + m->offset;
        const char *value;
        size_t size;

        switch (m->type) {
        case MEMBER_INT:
                *(int64_t *)to = r_int(r, m->field, m->min, m->max, m->has_none, m->none);
                return;
        case MEMBER_TEXT:
                value = r->get(m->field, &size, r->userdata);
                utf8_copy(to, m->size, value ? value : "", value ? size : 0);
                return;
        case MEMBER_WORD:
                *(int *)to = r_word(r, m->field, m->from_name, m->has_none, (int)m->none);
                return;
        case MEMBER_BOOL: *(bool *)to = r->get(m->field, &size, r->userdata) != NULL; return;
        }
}

int record_from_fields(const char *(*get)(const char *name, size_t *ret_size, void *userdata),
                       void *userdata, struct record *ret, struct error *err)
{
        struct reader r = {.get = get, .userdata = userdata, .err = err};
        const struct record_member *members;
        struct record rec;
        size_t n;

        rec.kind = (enum record_kind)r_word(&r, RECORD_FIELD_KIND, record_kind_from_name, false, 0);
        if (r.error < 0)
                return r.error;
        rec.seq = (uint64_t)r_int(&r, RECORD_FIELD_SEQ, 1, INT64_MAX, false, 0);
        rec.unit = r_int(&r, "LXDSOAK_UNIT", record_unit_min(rec.kind), UNITS_MAX,
                         record_unit_min(rec.kind) <= 0, 0);
        rec.attempt = r_int(&r, "LXDSOAK_ATTEMPT", 0, INT64_MAX, true, 0);
        rec.lease = 0;
        members = record_members(rec.kind, &n);
        for (size_t i = 0; i < n && r.error == 0; i++)
                r_member(&r, &rec, members + i);
        if (r.error < 0)
                return r.error;
        memcpy(ret, &rec, record_filled(members, n));
        return 0;
}
