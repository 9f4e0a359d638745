/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Thresholds that end a run: held against what the hosts have told until now. Those without
 * ",abort" are left to the summary.
 */

#include "base/options.h"
#include "proto/record.h"
#include "report/threshold.h"

struct run_thresholds;

/* texts have been checked. *ret is NULL when none of them ends a run. */
int run_thresholds_new(const struct string_list *texts, int64_t now_ns,
                       struct run_thresholds **ret) _warn_unused_;
struct run_thresholds *run_thresholds_free(struct run_thresholds *t);
DEFINE_CLEANUP(struct run_thresholds *, run_thresholds_free)

/* A record that was stored; counted: an outcome that is the unit's. t may be NULL. */
void run_thresholds_record(struct run_thresholds *t, const struct record *r, bool counted,
                           int64_t now_ns);
/* The text of the first that does not hold; NULL = none, or it was told already. t may be NULL. */
const char *run_thresholds_broken(struct run_thresholds *t, int64_t now_ns);
