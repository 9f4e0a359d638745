/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The shapes of what we ask LXD for and of what it answers about an instance.
 * Builds and reads JSON only.
 */

#include <json-c/json.h>

#include "agent/unit.h"
#include "proto/message.h"

/* What preflight found out and every create needs. */
struct source_info {
        char fingerprint[65];          /* IMAGE */
        char template_name[NAME_SIZE]; /* COPY: what is copied */
        json_object *profiles;         /* COPY: the template's, owned; NULL = default */
};

/* "PREFIX-RUN-NNNN", the width fixed by the total. */
void instance_name(const struct run_spec *spec, int64_t unit, char ret[static NAME_SIZE]);
/* "PREFIX-RUN-template" */
void template_instance_name(const struct run_spec *spec, char ret[static NAME_SIZE]);
/* True if name is the one that its keys say: PREFIX-run-unit of any width, or
 * the template's. A copy somebody made of ours carries our keys but not our name. */
bool instance_name_fits(const char *name, const char *run, const char *unit);

/* All return a new object, NULL = out of memory. */
json_object *create_body(const struct run_spec *spec, const struct source_info *source,
                         const char *name, const char *unit, const char *agent_id, bool from_image);
json_object *state_body(const char *action, bool force, int64_t timeout_ns);
json_object *exec_body(char *const *argv, size_t n, bool record, const struct run_spec *spec,
                       int64_t unit);

/* Reads what GET of an instance returned: whose it is and how it is, and the
 * names of its host side links and the addresses of their inner ends,
 * comma-separated. */
enum unit_seen instance_seen(json_object *instance, const char *run, const char *unit,
                             char *ret_veths, size_t veths_size);

/* config[key] or NULL. */
const char *instance_config(json_object *instance, const char *key);

/* Splits a command line into words as sh would: blanks, '…', "…", \x; nothing is
 * expanded. -EINVAL: an open quote, or nothing in it. The caller clears *ret. */
int split_command(const char *line, struct string_list *ret) _warn_unused_;
