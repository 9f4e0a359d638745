/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the coordinator's key and the agents' public keys are: the file the
 * user named, else the user's own, else the machine's. And `keygen`.
 */

#include "coordinator/options.h"
#include "proto/keys.h"

/* path NULL = the usual places. Errors as key_read(); err says what to do. */
int key_files_secret(const char *path, struct key_pair *ret, struct error *err) _warn_unused_;
/* path NULL = the user's own file first, then the machine's. */
int key_files_known_agent(const char *path, const char *host, char ret[static KEY_Z85_SIZE],
                          struct error *err) _warn_unused_;

/* The command `keygen`: returns the exit code. */
int keygen_main(const struct coord_options *o);
