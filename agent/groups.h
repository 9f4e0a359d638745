/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How many there are of which kind: names counted by what they have in common, so that a
 * few lines tell what a thousand descriptors point to. Pure.
 */

#include <json-c/json.h>

#include "base/util.h"

#define GROUP_NAME_SIZE 80
#define GROUPS_MAX      256

struct groups {
        struct group {
                char name[GROUP_NAME_SIZE];
                int64_t n;
        } items[GROUPS_MAX];
        size_t n;
        int64_t other; /* of those beyond GROUPS_MAX */
};

/* One more of this name, cut and made printable. */
void groups_add(struct groups *g, const char *name);

/* A path without what differs from one thing to the next: '*' for each component that is
 * called as a run's instances are, each number, each fingerprint. */
void groups_path(const char *path, char *ret, size_t size);

/* {name: number}, the `most` most frequent and "other" for the rest; NULL = out of memory. */
json_object *groups_to_json(struct groups *g, size_t most);
