/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A file that is there as a whole or not at all: written beside its place under another name, then
 * renamed, so that whoever reads it never sees half of it. A link stays one: what it leads to is
 * replaced. What is there and no regular file (a pipe, /dev/null) is written to as it is. "-" is
 * stdout.
 */

#include "base/error.h"

struct output_file {
        FILE *out;
        char *path, *temporary; /* temporary NULL: it is written to as it is */
};

int output_file_open(const char *path, struct output_file *ret, struct error *err) _warn_unused_;
/* Puts it into its place. On failure what was there before stays. */
int output_file_commit(struct output_file *o, struct error *err) _warn_unused_;
/* Drops what was not committed. */
void output_file_deinit(struct output_file *o);
