/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What may be taken for a run's own when something is to be removed as root. Pure:
 * it looks at names only, believes nothing, and has no table of exceptions.
 */

#include "proto/soak.h"

/* PREFIX-RUN-NUMBER or PREFIX-RUN-template, whole, with this very run. */
bool owned_name(const char *instance, const char *run);

/* Cuts PROJECT_ and, if that makes it one, a -NUMBER of LXC's off: does what is left
 * look like a name of ours, of whatever run? Then *ret has it, PROJECT_ included. */
bool owned_shape(const char *full, char *ret, size_t size);

/* What stands behind PREFIX-RUN- ("7", "0042", "template"), or NULL: not of that run. */
const char *owned_unit(const char *instance, const char *run);

/* Is path beneath directory dir, with name as a component below it, and free of "."
 * and ".."? dir is absolute, without a slash at its end. */
bool owned_path(const char *path, const char *dir, const char *name);
