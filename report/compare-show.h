/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A comparison for people and for programs, from the same structs; docs/lxdsoak-report.1.scd has
 * the keys. */

#include <json-c/json.h>

#include "report/compare-run.h"

/* What LXD said in A or in B, side by side: errors of a kind (error-pattern.h) are one. */
struct compare_error {
        const struct summary_error *error;
        int64_t a, b;
        char pattern[ERROR_TEXT_MAX];
};

struct compare_shown {
        const struct compare_run *a, *b;
        const struct compare *result;
        double floor;
        /* filled by compare_explain() */
        char reason[512];
        struct compare_error *errors; /* the most frequent first */
        size_t n_errors;
};

/* Why that verdict, in one line, and what LXD said. -ENOMEM. */
int compare_explain(struct compare_shown *s) _warn_unused_;
void compare_shown_deinit(struct compare_shown *s);
int compare_exit_code(enum compare_verdict v);

/* Verdict first. */
void compare_print(const struct compare_shown *s, FILE *out);

/* A new object. */
json_object *compare_to_json(const struct compare_shown *s);

/* Fills errors. -ENOMEM. */
int compare_errors(struct compare_shown *s) _warn_unused_;

/* Wedges by class, at most max. */
struct compare_wedge {
        const char *class;
        int64_t a, b;
};
size_t compare_wedges(const struct compare_shown *s, struct compare_wedge *ret, size_t max);
