/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From JSON to what the detector knows: the helper's answer to `examine`, and LXD's list
 * of operations. What is missing or of another type is simply not known. Pure.
 */

#include <json-c/json.h>

#include "agent/detector.h"

/* messages: the answers of `examine`, an array; the first that has "facts" counts. */
void facts_read(json_object *messages, struct facts *ret);

/*
 * list: metadata of /1.0/operations?recursion=1, a map of lists by status. Counts those
 * that run and name the instance among their resources; -1 = not known. ret_operation:
 * the id of one of them, "" = none.
 */
int64_t facts_count_operations(json_object *list, const char *instance, char *ret_operation,
                               size_t size);

/* A copy of an instance as LXD shows it, fit to be shown: values of configuration keys that
 * may be secrets are replaced. NULL = out of memory or no object. */
json_object *facts_mask_instance(json_object *instance);
