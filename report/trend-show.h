/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A trend for people and for programs, from the same struct; docs/lxdsoak-report.1.scd has the
 * names. */

#include <json-c/json.h>

#include "report/trend.h"

/* A few lines, the verdict first. */
void trend_print(const struct trend *t, FILE *out);

/* A new object. What could not be told is null. */
json_object *trend_to_json(const struct trend *t);
