/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One question to lxdsoak-helper, whatever its verb, on a connection of its own: a
 * helper that takes its time over one does not keep the others waiting. It is asked
 * once. Never blocks, and an answer always comes, at the latest when the time is up.
 */

#include <json-c/json.h>

#include "agent/inventory.h"

/*
 * error: 0, or a negative errno with its text. messages: an array of the objects that came
 * (helper-wire.h), borrowed; with an error, those that came before it.
 */
typedef void (*helper_handler)(int error, const char *text, json_object *messages, void *userdata);

struct helper_call;

/* request: an object with "verb" and what that takes; taken over, also on failure. An
 * "id" is put in. handler is called once, from the loop. */
int helper_ask(struct inventory *inv, json_object *request, int64_t limit_ns,
               helper_handler handler, void *userdata, struct helper_call **ret) _warn_unused_;
/* The same by what an inventory is made of. */
int helper_ask_with(sd_event *event, const char *helper, json_object *request, int64_t limit_ns,
                    helper_handler handler, void *userdata, struct helper_call **ret) _warn_unused_;
void helper_call_cancel(struct helper_call *c);

/* Of answers that carry items of {name, error}: true if something was done. ret_error: why
 * something else was not, "" = nothing went wrong. */
bool helper_did_something(json_object *messages, char *ret_error, size_t size);
