/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which runs journals tell of. Of each, the entries of its outcomes are gone through, so that the
 * figures are those of the run's store.
 */

#include "report/journal-source.h"
#include "report/runs.h"

/* Any user can write entries of runs that never were: of more than these, the further ones are
 * counted as not readable. */
#define JOURNAL_RUNS_MAX 1000

/* The oldest first, without a path. What cannot be put together is counted and left out. */
int journal_runs_list(const struct journal_places *places, struct run_places *ret,
                      struct error *err) _warn_unused_;
