/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The commands of lxdsoak-report. Each is a file of its own, command-WORD.c, with a table of its
 * own options; this list is all that main.c, the manual page's check and the completion's know of
 * them. A command reads argv behind its word, prints, and returns the program's exit code.
 */

#include "base/options.h"
#include "report/store.h"

/* word; the first is the one that is meant when none is named */
#define REPORT_COMMANDS(X)                                                                         \
        X(show)                                                                                    \
        X(list)                                                                                    \
        X(trend)                                                                                   \
        X(export)                                                                                  \
        X(compare)

#define X(word)                                                                                    \
        int report_##word(int argc, char **argv);                                                  \
        extern const struct option_table report_##word##_table;
REPORT_COMMANDS(X)
#undef X

struct report_command {
        const char *word;
        int (*main)(int argc, char **argv);
        const struct option_table *table;
};
extern const struct report_command report_commands[];
extern const size_t report_n_commands;

/*
 * Reads a command's argv by its table into target, zeroed by the caller. *ret_rest: what is not an
 * option, at most max. True: go on. False: *ret_code is the exit code, and what is wrong was said.
 */
bool report_parse(const struct option_table *table, int argc, char **argv, void *target,
                  const char **ret_rest, size_t max, size_t *ret_n, int *ret_code) _warn_unused_;

/* Says err, which r came with, and returns the exit code for it: 64 where the user named something
 * that is not there or not a run, else 70. */
int report_failed(int r, const struct error *err);
