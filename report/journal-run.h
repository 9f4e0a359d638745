/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run out of journals, as a store: the same reports are made of it as of the coordinator's own.
 *
 * Needed are the journals of the run's hosts, where their agents wrote every record, and that of
 * the coordinator's host, where it wrote what only it knows. What is not there is noticed, since
 * records are numbered and the coordinator told of how many there are; then the store says what is
 * missing, and the verdict is inconclusive.
 */

#include "report/journal-gather.h"
#include "report/journal-source.h"
#include "report/store.h"

/* what: a run's id, or "last": the one that began last. -ENOENT: there is none. */
int journal_run_open(const struct journal_places *places, const char *what, struct store **ret,
                     struct error *err) _warn_unused_;

/* Only what a list of runs needs of one: who its hosts were, how it and its units ended. */
int journal_run_open_outcomes(const struct journal_places *places, const char *run,
                              struct store **ret, struct error *err) _warn_unused_;

/* The run that what names. */
int journal_run_find(const struct journal_places *places, const char *what,
                     char ret[static RUN_ID_SIZE], struct error *err) _warn_unused_;

/* The store of what was gathered until now; more may be gathered then, and another be built. */
int journal_run_build(struct gathered *g, struct store **ret, struct error *err) _warn_unused_;
