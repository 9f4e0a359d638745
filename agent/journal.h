/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records as journal entries: a message for people, fields for programs. */

#include "proto/message.h"
#include "proto/record.h"

void journal_record(const struct run_spec *spec, const char *agent_id, const struct record *record,
                    const char *instance);
