/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the evidence of wedges is kept: STATE_DIR/evidence/RUN-NUMBER-CLASS, a directory
 * each, with README.txt for a person to read first. Written by a thread of its own, so that
 * a slow disk holds nobody up; a directory appears under its name when it is whole. At most
 * EVIDENCE_DIRECTORIES_MAX are kept: the oldest goes.
 */

#include <json-c/json.h>

#include "base/error.h"

#define EVIDENCE_DIRECTORIES_MAX 100

struct evidence;

int evidence_new(const char *state_dir, struct evidence **ret) _warn_unused_;
/* Waits for what is still to be written. */
struct evidence *evidence_free(struct evidence *e);
DEFINE_CLEANUP(struct evidence *, evidence_free)

/*
 * files: an array of {"name", "text"}, taken over, also on failure. Names are relative
 * paths of [A-Za-z0-9._/-] without ".."; others are left out. Those of one name are put
 * together in their order. limit_bytes: of all texts; what is beyond is left out, and said
 * to be in omitted.txt.
 */
int evidence_write(struct evidence *e, const char *directory, json_object *files,
                   int64_t limit_bytes) _warn_unused_;
