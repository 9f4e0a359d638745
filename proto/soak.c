/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of soak.h as strings, and back. */

#include "proto/soak.h"

#define WORD(n, w) w,
static const char *const phase_words[] = {PHASES(WORD)};
static const char *const result_words[] = {RESULTS(WORD)};
static const char *const outcome_words[] = {OUTCOMES(WORD)};
static const char *const mode_words[] = {MODES(WORD)};
static const char *const source_words[] = {SOURCES(WORD)};
static const char *const stop_kind_words[] = {STOP_KINDS(WORD)};
static const char *const leftover_kind_words[] = {LEFTOVER_KINDS(WORD)};
static const char *const record_kind_words[] = {RECORD_KINDS(WORD)};
static const char *const wedge_class_words[] = {WEDGE_CLASSES(WORD)};
static const char *const rung_words[] = {RUNGS(WORD)};
static const char *const on_wedge_words[] = {ON_WEDGES(WORD)};
static const char *const census_kind_words[] = {CENSUS_KINDS(WORD)};
static const char *const metric_kind_words[] = {METRIC_KINDS(WORD)};
#undef WORD

#define X(type)                                                                                    \
        const char *type##_name(int v)                                                             \
        {                                                                                          \
                if (v < 0 || (size_t)v >= ELEMENTSOF(type##_words))                                \
                        return "?";                                                                \
                return type##_words[v];                                                            \
        }                                                                                          \
        int type##_from_name(const char *s)                                                        \
        {                                                                                          \
                for (size_t i = 0; i < ELEMENTSOF(type##_words); i++)                              \
                        if (streq(s, type##_words[i]))                                             \
                                return (int)i;                                                     \
                return -EINVAL;                                                                    \
        }
SOAK_WORDS(X)
#undef X
