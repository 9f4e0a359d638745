/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A run of a comparison, read from its store: its samples, and its summary for what is shown side
 * by side. It reads only. */

#include "report/compare.h"
#include "report/summary.h"

struct compare_run {
        struct compare_samples samples;
        struct summary *summary; /* owned */
};

/* Errors as of store.h. */
int compare_run_read(struct store *store, struct compare_run *ret, struct error *err) _warn_unused_;
void compare_run_deinit(struct compare_run *run);
