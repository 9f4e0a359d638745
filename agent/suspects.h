/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Instances that are known to have left something on this host, over runs and
 * restarts of the agent, so that a clean-up finds it when no one else knows of it
 * any more. At most SUSPECTS_MAX; then the oldest is forgotten. Kept in the spool.
 */

#include "agent/spool.h"

#define SUSPECTS_MAX       1000
#define SUSPECT_VETHS_SIZE 256
#define SUSPECT_UNIT_SIZE  24

struct suspect {
        char instance[NAME_SIZE], project[NAME_SIZE], run[RUN_ID_SIZE];
        char unit[SUSPECT_UNIT_SIZE];   /* as user.lxdsoak.unit says */
        char veths[SUSPECT_VETHS_SIZE]; /* comma-separated names */
};

struct suspects;

/* Reads what the spool has. The spool is borrowed. */
int suspects_new(struct spool *spool, struct suspects **ret) _warn_unused_;
struct suspects *suspects_free(struct suspects *s);

/* Remembers it; what is known of its links already is kept. */
void suspects_add(struct suspects *s, const struct suspect *suspect);
/* The host has nothing of it any more. */
void suspects_forget(struct suspects *s, const char *project, const char *instance);

/* The runs this agent has driven, the last RUNS_KEPT: what bears such a run's name is ours. */
#define RUNS_KEPT 100
void suspects_add_run(struct suspects *s, const char *run);
bool suspects_has_run(const struct suspects *s, const char *run);

size_t suspects_n(const struct suspects *s);
/* Oldest first; good until the next call that changes something. */
const struct suspect *suspects_get(const struct suspects *s, size_t i);

/* Adds names, comma-separated, to those in veths that are not there yet and fit. */
void veths_add(char veths[static SUSPECT_VETHS_SIZE], const char *names);
