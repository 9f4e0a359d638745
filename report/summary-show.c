/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A summary on stdout: the one way of it, whichever program shows it. */

#include "report/summary.h"

void summary_show(const struct summary *s, bool json, bool verbose)
{
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
        const struct summary_style style = {
                .color = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                         !(term && streq(term, "dumb")),
                .verbose = verbose,
        };
        json_object *object;

        if (!json) {
                summary_print(s, &style, stdout);
                return;
        }
        object = summary_to_json(s);
        if (object)
                printf("%s\n", json_object_to_json_string_ext(
                                       object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
        json_object_put(object);
}
