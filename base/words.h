/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The words of an enum, and back, made of the list that also makes the enum:
 *
 *   #define COLOURS(X) X(RED, "red") X(GREEN, "green")
 *   DEFINE_WORDS(colour, COLOURS)
 *
 * gives colour_name(), "?" for what is none of them, and colour_from_name(), -EINVAL for such.
 */

#include "base/util.h"

#define WORDS_WORD(n, word) word,
#define DEFINE_WORDS(type, LIST)                                                                   \
        static const char *const type##_words[] = {LIST(WORDS_WORD)};                              \
        const char *type##_name(int v)                                                             \
        {                                                                                          \
                return v >= 0 && (size_t)v < ELEMENTSOF(type##_words) ? type##_words[v] : "?";     \
        }                                                                                          \
        int type##_from_name(const char *s)                                                        \
        {                                                                                          \
                for (size_t i = 0; i < ELEMENTSOF(type##_words); i++)                              \
                        if (streq(s, type##_words[i]))                                             \
                                return (int)i;                                                     \
                return -EINVAL;                                                                    \
        }
