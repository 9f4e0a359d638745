/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What only the coordinator knows of a run, as entries of the journal of its host: what was asked
 * for, who the hosts are and how they ended, which outcomes do not count, how long it took. With
 * the journals of the hosts that is all of the store's: a report can be made of them alone.
 *
 * It goes to the journal whether stderr is a terminal or not. Where there is no journal it goes
 * nowhere.
 */

#include "coordinator/run-internal.h"
#include "report/summary.h"

void run_journal_started(const struct run *run);
/* WELCOME. */
void run_journal_welcome(const struct run *run, size_t host);
/* An outcome that is not the unit's; why: the store's word for it. */
void run_journal_not_counted(struct run *run, size_t host, const struct record *r, const char *why);
/* How the hosts ended, as the store has it, then the verdict. */
int run_journal_ended(const struct run *run, const struct summary *s,
                      struct error *err) _warn_unused_;
