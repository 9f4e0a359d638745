/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where journal entries come from: this host's journal, directories and files of journals, streams
 * of `journalctl -o export`; one after the other. Only entries that have LXDSOAK_RUN are given, but
 * for journal_source_open_between().
 */

#include "base/error.h"
#include "base/options.h"
#include "report/journal-entry.h"

struct journal_places {
        bool local;                                     /* this host's */
        struct string_list directories, files, streams; /* "-": stdin */
};

struct journal_source;

/* Only entries of that run and with one of those MESSAGE_IDs (NULL ends them); NULL: of any. places
 * and ids are borrowed. What comes from stdin can be read again. */
int journal_source_open(const struct journal_places *places, const char *run,
                        const char *const *ids, struct journal_source **ret,
                        struct error *err) _warn_unused_;
/* Every entry from one time to another, of a run or not, with what makes a line for people. */
int journal_source_open_between(const struct journal_places *places, int64_t from_ns, int64_t to_ns,
                                struct journal_source **ret, struct error *err) _warn_unused_;
struct journal_source *journal_source_close(struct journal_source *s);
DEFINE_CLEANUP(struct journal_source *, journal_source_close)

/* The next entry: 1; 0: that was the last. A damaged entry is left out, and counted. */
int journal_source_next(struct journal_source *s, struct journal_entry *e,
                        struct error *err) _warn_unused_;
/* After the last: looks whether there are more since, in journals (streams are read once). */
int journal_source_again(struct journal_source *s, struct error *err) _warn_unused_;
uint64_t journal_source_damaged(const struct journal_source *s);
