/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-entry.h. */

#include "report/journal-entry.h"

void journal_entry_reset(struct journal_entry *e)
{
        e->used = e->n = 0;
        e->realtime_ns = 0;
}

void journal_entry_deinit(struct journal_entry *e)
{
        free(e->text);
        *e = (struct journal_entry){0};
}

static bool is(const char *name, size_t size, const char *wanted)
{
        return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

bool journal_entry_wants(const char *name, size_t size)
{
        static const char ours[] = "LXDSOAK_";
        static const char *const others[] = {"MESSAGE_ID", "_HOSTNAME", "MESSAGE", "PRIORITY",
                                             "SYSLOG_IDENTIFIER"};

        if (size > sizeof(ours) - 1 && memcmp(name, ours, sizeof(ours) - 1) == 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (is(name, size, others[i]))
                        return true;
        return false;
}

static int make_room(struct journal_entry *e, size_t more)
{
        size_t size = MAX(e->size, (size_t)4096);
        char *text;

        while (size - e->used < more)
                size *= 2;
        if (size == e->size)
                return 0;
        text = realloc(e->text, size);
        if (!text)
                return -ENOMEM;
        e->text = text;
        e->size = size;
        return 0;
}

/* Returns where it is. */
static size_t put(struct journal_entry *e, const void *bytes, size_t size)
{
        size_t at = e->used;

        if (size > 0)
                memcpy(e->text + at, bytes, size);
        e->text[at + size] = '\0';
        e->used += size + 1;
        return at;
}

int journal_entry_add(struct journal_entry *e, const char *name, size_t name_size,
                      const void *value, size_t value_size)
{
        if (e->n >= JOURNAL_FIELDS_MAX || value_size > JOURNAL_FIELD_MAX)
                return 0;
        if (make_room(e, name_size + value_size + 2) < 0)
                return -ENOMEM;
        e->fields[e->n].name = put(e, name, name_size);
        e->fields[e->n].value = put(e, value, value_size);
        e->fields[e->n++].value_size = value_size;
        return 0;
}

const char *journal_entry_get(const struct journal_entry *e, const char *name, size_t *ret_size)
{
        for (size_t i = 0; i < e->n; i++) {
                if (!streq(e->text + e->fields[i].name, name))
                        continue;
                if (ret_size)
                        *ret_size = e->fields[i].value_size;
                return e->text + e->fields[i].value;
        }
        return NULL;
}
