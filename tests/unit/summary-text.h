/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a summary says, as text and as JSON, for its tests to look at. */

#include <json-c/json_pointer.h>

#include "tests/unit/unit.h"

#include "report/summary.h"

static inline char *text_of(const struct summary *s)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        summary_print(s, NULL, f);
        fclose(f);
        if (getenv("LXDSOAK_SHOW"))
                printf("\n%s\n", text);
        return text;
}

static inline json_object *at(json_object *o, const char *path)
{
        json_object *found = NULL;

        assert_int_equal(json_pointer_get(o, path, &found), 0);
        return found;
}
