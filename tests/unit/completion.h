/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the lists of options in a completion file. */

#include "base/util.h"

/* The words of one list of the completion file: NAME="--a --b". */
static inline char *completion_list(const char *text, const char *name)
{
        char heading[32], *from, *to;

        snprintf(heading, sizeof(heading), "%s=\"", name);
        from = strstr(text, heading);
        if (!from)
                return NULL;
        from += strlen(heading);
        to = strchr(from, '"');
        return to ? strndup(from, (size_t)(to - from)) : NULL;
}

static inline bool has_word(const char *list, const char *name)
{
        char word[64];
        size_t n = (size_t)snprintf(word, sizeof(word), "--%s", name);

        for (const char *p = list; (p = strstr(p, word)); p += n)
                if (strchr(" \n", p[n]))
                        return true;
        return false;
}

static inline size_t count_words(const char *list)
{
        size_t n = 0;

        for (const char *p = list; (p = strstr(p, " --")); p++)
                n++;
        return n + 1;
}
