/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Taking stock at the end of a run: the template is removed, the API is asked
 * which instances still carry the run's key, and the host is asked once more
 * about everything a unit could not get rid of. What is still there then is what
 * the run left behind.
 */

#include "agent/runner.h"

struct stock;

int stock_new(struct runner_env *env, struct stock **ret) _warn_unused_;
struct stock *stock_free(struct stock *s);

/* A unit left this; it is looked at again at the end. */
void stock_remember(struct stock *s, const struct record *record, const char *instance);

typedef void (*stock_handler)(json_object *leftovers, void *userdata);

/* kept: instances are meant to stay, so they are not leftovers. A second call
 * while one is under way, or after it, does nothing. */
void stock_take(struct stock *s, bool kept, stock_handler handler, void *userdata);
