/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* The text of a member, the object's own; empty if there is none, or it is no text. o is an object.
 */
static inline const char *json_text(json_object *o, const char *key)
{
        json_object *value;

        if (!json_object_object_get_ex(o, key, &value) ||
            !json_object_is_type(value, json_type_string))
                return "";
        return json_object_get_string(value);
}
