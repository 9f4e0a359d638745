/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an operation does to its instance, and what the faults make of it. */

#include "operations.h"

/*
 * Looks up the faults that apply to @op, which would take @ns, and marks it with them. Returns
 * how long it takes now. With op.held_by set it does not end by itself.
 */
int64_t op_apply_faults(struct operation *op, struct fake *f, int64_t ns);

/* Does the work of @op as it ends, or sets op.error. */
void op_take_effect(struct operation *op, struct fake *f);
