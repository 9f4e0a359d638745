/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looking into the kept evidence, for the thread of evidence.c: names, and parts of files.
 * It waits for the disk, and changes nothing.
 */

#include <json-c/json.h>

#include "proto/message.h"

#define EVIDENCE_PART ".part" /* behind the name of what is not whole yet */

/*
 * path: the directory of all evidence. *ret_items: an array of names, in order, or of one
 * string, the text from ask->offset on, at most EVIDENCE_CHUNK_MAX bytes, cut between
 * characters; what is not UTF-8 is '?', byte for byte. *ret_size: of the whole file, else 0.
 * -ENOENT also for what is not the run's.
 */
int evidence_read(const char *path, const struct msg_evidence *ask, int64_t *ret_size,
                  json_object **ret_items) _warn_unused_;
