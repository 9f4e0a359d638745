/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of options.h share among themselves. */

#include "base/options.h"

const struct option_spec *option_find(const struct option_table *table, const char *name,
                                      size_t length);

/*
 * Puts a value into target. where: what stands before the text of an error, as
 * "--name" or "FILE:LINE: name". seen: one bool an option, whether this source
 * gave it already (for lists).
 */
int option_set(const struct option_table *table, const struct option_spec *spec, const char *value,
               void *target, bool *seen, const char *where, struct error *err) _warn_unused_;

/* The option a person may have meant, NULL if none is near. */
const char *option_suggest(const struct option_table *table, const char *name, bool in_file);
