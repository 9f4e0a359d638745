/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the journal's export format (systemd.io/JOURNAL_EXPORT_FORMATS), as `journalctl -o export`
 * writes it: lines NAME=value, or NAME, a newline, 8 bytes of size (little endian), the bytes, a
 * newline; an empty line ends an entry. Several streams may follow each other.
 */

#include "base/error.h"
#include "report/journal-entry.h"

struct journal_stream;

/* Borrows in. */
int journal_stream_new(FILE *in, struct journal_stream **ret) _warn_unused_;
struct journal_stream *journal_stream_free(struct journal_stream *s);
DEFINE_CLEANUP(struct journal_stream *, journal_stream_free)

/* The next entry: 1; 0 at the end. -EBADMSG: it is cut off, or not of that form (err says where);
 * -EIO, -ENOMEM. */
int journal_stream_next(struct journal_stream *s, struct journal_entry *e,
                        struct error *err) _warn_unused_;
