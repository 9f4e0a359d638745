/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What lxdsoak-agent does about its key instead of running: --show-key,
 * --make-key, and --check of what decides who is let in. It opens no socket and
 * changes nothing but that --make-key makes a key where there is none.
 */

#include "agent/config.h"

/* Whether the options ask for one of them. */
bool own_key_wanted(const struct agent_config *config);
/* Does it; 0, or negative with err set. */
int own_key_main(const struct agent_config *config, struct error *err) _warn_unused_;

/* The line for known_agents of a host of that name: "name,short KEY" when the name has a domain,
 * else "name KEY". */
void own_key_line(const char *hostname, const char *key, char *buf, size_t size);
