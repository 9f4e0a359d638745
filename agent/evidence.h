/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the evidence of wedges is kept: STATE_DIR/evidence/RUN-NUMBER-CLASS, a directory
 * each, with README.txt for a person to read first. Written by a thread of its own, so that
 * a slow disk holds nobody up; a directory appears under its name when it is whole. At most
 * EVIDENCE_DIRECTORY_MAX are kept: the oldest goes.
 */

#include <json-c/json.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "proto/message.h"

struct evidence;

int evidence_new(sd_event *event, const char *state_dir, struct evidence **ret) _warn_unused_;
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

/* r: 0, -ENOENT, -EIO …; items: names, or one string, the text; borrowed, NULL on failure. */
typedef void (*evidence_handler)(int r, int64_t size, json_object *items, void *userdata);

/*
 * What is kept, as msg_evidence asks it. The answer comes on the loop. userdata: from
 * malloc(), taken over on success, and freed when it was answered, or never will be.
 * -EBUSY: too many questions are under way.
 */
int evidence_ask(struct evidence *e, const struct msg_evidence *ask, evidence_handler handler,
                 void *userdata) _warn_unused_;
