/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The checks of lxdsoak-coord's options that the table cannot express: values
 * with a form of their own, and what goes together. Every complaint says what,
 * where and what to do instead.
 */

#include "coordinator/options.h"

/* For OPTION_FUNC; field is what the table's offset points at. */
int option_parse_source(const char *value, void *field, struct error *err);
/* "PHASE=TIME,…", "all=TIME": into int64_t[PHASE_MAX_], which keeps what is not named. */
int option_parse_deadline(const char *value, void *field, struct error *err);
/* "KIND,…" of CENSUS_KINDS: adds 1 << CENSUS_… to an int64_t. */
int option_parse_allow_leak(const char *value, void *field, struct error *err);
int option_check_threshold(const char *value, struct error *err);
int option_parse_phases(const char *value, void *field, struct error *err);
int option_parse_prefix(const char *value, void *field, struct error *err);
/* evidence: what RUN stands for; fills run, run_dir and, from its store, hosts_text. */
int options_find_run(struct coord_options *o, struct error *err);
int option_parse_run_id(const char *value, void *field, struct error *err);

/* What goes together, the hosts, the run directory. */
int options_check(struct coord_options *o, struct error *err) _warn_unused_;
