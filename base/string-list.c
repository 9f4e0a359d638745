/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of strings of options.h: what repeatable options and arrays of text are kept in. */

#include "base/options.h"

int string_list_add(struct string_list *list, const char *s)
{
        char **items = reallocarray(list->items, list->n + 1, sizeof(*items)), *copy;

        if (!items)
                return -ENOMEM;
        list->items = items;
        copy = strdup(s);
        if (!copy)
                return -ENOMEM;
        list->items[list->n++] = copy;
        return 0;
}

void string_list_clear(struct string_list *list)
{
        for (size_t i = 0; i < list->n; i++)
                free(list->items[i]);
        free(list->items);
        *list = (struct string_list){0};
}
