/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Holds a manual page, as scdoc's source, against an option table, both ways:
 * each option has an entry with its argument and its default, and no entry and no
 * --word is of an option there is not.
 */

#include <limits.h>

#include "base/options.h"
#include "base/text.h"
#include "tests/unit/unit.h"

/* What docs/NAME says. The caller frees. */
static inline char *man_read(const char *name)
{
        const char *source = getenv("LXDSOAK_SOURCE");
        char path[PATH_MAX], *text = NULL;

        assert_non_null(source);
        snprintf(path, sizeof(path), "%s/docs/%s", source, name);
        if (text_read_file(path, 256 * 1024, &text) < 0)
                fail_msg("%s cannot be read", path);
        return text;
}

/* The paragraph that has heading in its first line, that line being an entry's. The
 * caller frees; NULL = there is none. */
static inline char *man_entry(const char *man, const char *heading)
{
        for (const char *at = man; (at = strstr(at, heading)); at++) {
                const char *line = at, *end = strstr(at, "\n\n");

                while (line > man && line[-1] != '\n')
                        line--;
                if (*line == '*')
                        return strndup(line, end ? (size_t)(end - line) : strlen(line));
        }
        return NULL;
}

/* shown: the default as the page is to say it; NULL = none. */
static inline void man_check_entry(const char *man, const char *heading,
                                   const struct option_spec *spec, const char *shown)
{
        _cleanup_(freep)
        char *entry = man_entry(man, heading);
        char wanted[256];

        if (!entry)
                fail_msg("the manual page has no entry %s", heading);
        if (spec->arg) {
                /* HOST,… is set as _HOST_,… */
                snprintf(wanted, sizeof(wanted), "_%.*s_", (int)strcspn(spec->arg, ","), spec->arg);
                if (!strstr(entry, wanted))
                        fail_msg("%s: its argument is %s", heading, wanted);
        }
        if (shown) {
                snprintf(wanted, sizeof(wanted), "Default: %s.", shown);
                if (!strstr(entry, wanted))
                        fail_msg("%s: the entry does not say «%s»", heading, wanted);
        }
}
