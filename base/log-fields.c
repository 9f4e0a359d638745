/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See log-fields.h. */

#include "base/log-fields.h"

#include <inttypes.h>

void log_fields_reset(struct log_fields *f)
{
        f->used = f->n = 0;
        f->failed = false;
}

void log_fields_deinit(struct log_fields *f)
{
        free(f->text);
        *f = (struct log_fields){0};
}

static bool make_room(struct log_fields *f, size_t more)
{
        size_t size = MAX(f->size, (size_t)1024);
        char *text;

        if (f->n >= LOG_FIELDS_MAX)
                return false;
        while (size - f->used < more)
                size *= 2;
        if (size == f->size)
                return true;
        text = realloc(f->text, size);
        if (!text)
                return false;
        f->text = text;
        f->size = size;
        return true;
}

void log_fields_add(struct log_fields *f, const char *name, const char *value)
{
        size_t name_size = strlen(name), value_size = strlen(value);

        if (!make_room(f, name_size + value_size + 2)) {
                f->failed = true;
                return;
        }
        f->at[f->n++] = f->used;
        memcpy(f->text + f->used, name, name_size);
        f->used += name_size;
        f->text[f->used++] = '=';
        memcpy(f->text + f->used, value, value_size + 1);
        f->used += value_size + 1;
}

void log_fields_add_i64(struct log_fields *f, const char *name, int64_t value)
{
        char text[24];

        snprintf(text, sizeof(text), "%" PRId64, value);
        log_fields_add(f, name, text);
}

const char *const *log_fields_get(struct log_fields *f, size_t *ret_n)
{
        for (size_t i = 0; i < f->n; i++)
                f->pointers[i] = f->text + f->at[i];
        *ret_n = f->n;
        return f->pointers;
}
