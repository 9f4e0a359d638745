/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A record as the fields of a journal entry, and back: nothing of it is lost but its lease. The
 * fields are LXDSOAK_RECORD (the kind), LXDSOAK_SEQ, LXDSOAK_UNIT, LXDSOAK_ATTEMPT and those of the
 * kind, see record-members.h. What is not known, or empty, is left out.
 */

#include "proto/record.h"

#define RECORD_FIELD_KIND "LXDSOAK_RECORD"
#define RECORD_FIELD_SEQ  "LXDSOAK_SEQ"

/* Calls add once a field; value is valid only during the call. */
void record_to_fields(const struct record *r,
                      void (*add)(const char *name, const char *value, void *userdata),
                      void *userdata);

/* get: a field's value, NULL if the entry has none. -EBADMSG with err saying which field is wrong.
 * Over-long text is cut. */
int record_from_fields(const char *(*get)(const char *name, size_t *ret_size, void *userdata),
                       void *userdata, struct record *ret, struct error *err) _warn_unused_;
