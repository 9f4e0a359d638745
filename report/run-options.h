/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The options by which commands are told where a run is: in the directories of stores, or in
 * journals. A command's table begins with RUN_OPTIONS, its struct holds a run_options.
 */

#include "report/journal-source.h"
#include "report/store.h"

struct run_options {
        struct string_list dirs;
        struct journal_places journal;
};

/* clang-format off */
#define RUN_OPTIONS(at)                                                                            \
        {"dir", 0, OPTION_LIST, "DIR", "look for runs in there, repeatable; by default in the present directory", \
         NULL, (at) + offsetof(struct run_options, dirs), .group = "Where the run is"},            \
        {"journal", 0, OPTION_FLAG, NULL, "take it from this host's journal",                      \
         NULL, (at) + offsetof(struct run_options, journal.local)},                                \
        {"directory", 0, OPTION_LIST, "DIR", "take it from the journals in there, repeatable",     \
         NULL, (at) + offsetof(struct run_options, journal.directories)},                          \
        {"file", 0, OPTION_LIST, "FILE", "take it from this journal file, repeatable",             \
         NULL, (at) + offsetof(struct run_options, journal.files)},                                \
        {"stream", 0, OPTION_LIST, "FILE", "take it from what journalctl -o export wrote, repeatable; -: stdin", \
         NULL, (at) + offsetof(struct run_options, journal.streams)}
/* clang-format on */

/* Was a journal asked for? */
bool run_options_journal(const struct run_options *o);

/* Opens the run that what names, as runs_open() or journal_run_open() does. */
int run_options_open(const struct run_options *o, const char *what, struct store **ret,
                     struct error *err) _warn_unused_;
