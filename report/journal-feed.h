/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What journalctl -o export writes, as it comes in pieces: whole entries out of whatever bytes are
 * there. journal-stream.c reads each of them.
 */

#include "base/error.h"
#include "report/journal-entry.h"

/* Bytes of an entry that is not whole yet; one field fits four times. */
#define JOURNAL_FEED_MAX (4 * JOURNAL_FIELD_MAX)

struct journal_feed {
        char *bytes;
        size_t at, n, room; /* at: of the first that was not given yet */
};

void journal_feed_deinit(struct journal_feed *f);
/* -EBADMSG: an entry is too large. */
int journal_feed_put(struct journal_feed *f, const void *bytes, size_t n,
                     struct error *err) _warn_unused_;
/* The next whole entry: 1; 0: it is not all there yet. */
int journal_feed_next(struct journal_feed *f, struct journal_entry *e,
                      struct error *err) _warn_unused_;
