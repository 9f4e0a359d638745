/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Records as journal entries: a message for people, and for programs all that the record holds
 * [proto/record-journal.h], with LXDSOAK_RUN, LXDSOAK_AGENT and, where there is one,
 * LXDSOAK_INSTANCE. Every record that is numbered is told once; one that an earlier agent may have
 * had no time to tell, twice.
 */

#include "proto/message.h"
#include "proto/record.h"

/* instance: "" = none. */
void journal_record(const struct run_spec *spec, const char *agent_id, const struct record *record,
                    const char *instance);

/* The run's begin on this host. */
void journal_begin(const struct run_spec *spec, const char *agent_id, const char *whom);
/* Its end: what was there at the end (an array of msg_item objects), how the agent was, and the
 * number of its last record. */
void journal_end(const struct run_spec *spec, const char *agent_id, const char *server,
                 json_object *leftovers, const struct msg_pong *pong, uint64_t last_seq);
