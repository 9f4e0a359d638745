/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the journals say around the times at which levels change, whoever said it: for the eyes of
 * people, and never part of what is computed of a run.
 */

#include "report/journal-source.h"
#include "report/summary.h"

#define JOURNAL_NEAR_PLACES 8 /* of a run, the first ones */
#define JOURNAL_NEAR_LINES  4 /* of each: the most urgent, and of those the nearest */

/* Fills lines of the summary. */
int journal_near_read(const struct journal_places *places, struct summary *s,
                      struct error *err) _warn_unused_;
