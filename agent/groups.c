/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See groups.h. */

#include "agent/groups.h"

#include <ctype.h>

#include "agent/owned.h"
#include "base/text.h"

#define HEX_MIN 8 /* so many hex digits in a row, one of them a number: a fingerprint, a UUID */

/* It is to stay what it is inside JSON, whose escapes would take room. */
static void make_plain(char *s)
{
        for (; *s; s++)
                if (*s == '"' || *s == '\\' || (unsigned char)*s >= 0x7f)
                        *s = '?';
}

void groups_add(struct groups *g, const char *name)
{
        char plain[GROUP_NAME_SIZE];

        text_printable(name, plain, sizeof(plain));
        make_plain(plain);
        for (size_t i = 0; i < g->n; i++)
                if (streq(g->items[i].name, plain)) {
                        g->items[i].n++;
                        return;
                }
        if (g->n == GROUPS_MAX) {
                g->other++;
                return;
        }
        memcpy(g->items[g->n].name, plain, sizeof(plain));
        g->items[g->n++].n = 1;
}

/* How many characters from here are a number or a fingerprint; 0 = none. */
static size_t varying(const char *s, size_t max)
{
        size_t hex = 0, digits = 0;
        bool number = false;

        while (digits < max && isdigit((unsigned char)s[digits]))
                digits++;
        while (hex < max && isxdigit((unsigned char)s[hex])) {
                number = number || isdigit((unsigned char)s[hex]);
                hex++;
        }
        return hex >= HEX_MIN && number ? hex : digits;
}

static void put(char *ret, size_t size, size_t *n, char c)
{
        if (*n + 1 < size)
                ret[(*n)++] = c;
}

/* "a1b2c3d4-… .log" has no numbers of its own, "lxc.log" none at all. */
static void put_component(const char *s, size_t length, char *ret, size_t size, size_t *n)
{
        char name[256], kept[256];

        snprintf(name, sizeof(name), "%.*s", (int)length, s);
        if (owned_shape(name, kept, sizeof(kept))) {
                put(ret, size, n, '*');
                return;
        }
        for (size_t i = 0; i < length;) {
                size_t skip = varying(s + i, length - i);

                if (skip == 0)
                        put(ret, size, n, s[i++]);
                else if (*n == 0 || ret[*n - 1] != '*')
                        put(ret, size, n, '*');
                i += skip;
        }
}

void groups_path(const char *path, char *ret, size_t size)
{
        size_t n = 0;

        while (*path) {
                size_t length = strcspn(path, "/");

                put_component(path, length, ret, size, &n);
                path += length;
                if (*path == '/') {
                        put(ret, size, &n, '/');
                        path++;
                }
        }
        ret[n] = '\0';
}

static int compare(const void *a, const void *b)
{
        const struct group *x = a, *y = b;

        if (x->n != y->n)
                return x->n > y->n ? -1 : 1;
        return strcmp(x->name, y->name);
}

json_object *groups_to_json(struct groups *g, size_t most)
{
        json_object *o = json_object_new_object();
        int64_t other = g->other;

        if (!o)
                return NULL;
        qsort(g->items, g->n, sizeof(*g->items), compare);
        for (size_t i = 0; i < g->n; i++) {
                if (i < most)
                        json_object_object_add(o, g->items[i].name,
                                               json_object_new_int64(g->items[i].n));
                else
                        other += g->items[i].n;
        }
        if (other > 0)
                json_object_object_add(o, "other", json_object_new_int64(other));
        return o;
}
