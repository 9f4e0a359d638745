/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the user asked of lxdsoak-coord: one table of options for all its
 * commands, the checks no table can express, and the run's spec made from it.
 * It reads the command line and looks at the run directory; it opens no
 * connection and writes nothing.
 */

#include "base/options.h"
#include "proto/endpoint.h"
#include "proto/message.h"

/*      constant  word       usage behind the program's name */
#define COORD_COMMANDS(X)                                                                          \
        X(RUN, "run", "[run] --hosts HOST,… --total N [OPTION…]")                                  \
        X(RESUME, "resume", "resume RUN [OPTION…]")                                                \
        X(STATUS, "status", "status --hosts HOST,… [--json]")                                      \
        X(STOP, "stop", "stop --hosts HOST,… [--run ID]")                                          \
        X(CLEANUP, "cleanup", "cleanup --hosts HOST,… [--run ID] [--dry-run]")                     \
        X(EVIDENCE, "evidence", "evidence RUN [--hosts HOST,…] [--run-dir DIR]")                   \
        X(KEYGEN, "keygen", "keygen [--show] [FILE]")

enum coord_command {
#define X(n, w, u) COORD_##n,
        COORD_COMMANDS(X)
#undef X
                COORD_COMMAND_MAX_,
};

struct source_option {
        int source; /* enum source */
        char template_name[NAME_SIZE];
};

struct coord_options {
        enum coord_command command;

        char *hosts_text;
        struct endpoint *hosts;
        size_t n_hosts;

        int64_t total;       /* 0 = not given */
        int64_t duration_ns; /* 0 = not given */
        int64_t parallel;
        int mode; /* enum mode */
        int64_t min_free;
        bool keep;
        char *image;
        struct source_option source;
        struct string_list exec;
        int stop; /* enum stop_kind */
        int64_t stop_timeout_ns;
        int64_t deadline_ns[PHASE_MAX_];
        int64_t probe_timeout_ns, evidence_limit;
        int on_wedge; /* enum on_wedge */
        bool allow_daemon_restart;
        int64_t allow_leak;   /* 1 << CENSUS_… */
        int64_t steady_share; /* percent */
        int64_t phases;       /* PHASE_BIT()s */
        char *prefix;
        char *project; /* NULL = the agent's own */
        int64_t seed;  /* 0 = not given; chosen by coord_options_parse() */

        struct string_list thresholds; /* texts of report/threshold.h */

        char *run_dir; /* NULL = ./lxdsoak-RUN */
        char *textfile; /* NULL = none */
        bool json, quiet, verbose;

        char *run; /* cleanup, stop: of this run only; NULL = of all. evidence, resume: of this one
                    */
        bool wait, steal; /* when another coordinator has a host */
        bool dry_run;
        bool show; /* keygen: only what is there */

        char *key, *known_agents; /* NULL = look in the usual places */
        int64_t connect_timeout_ns, lease_ns;

        char *file; /* keygen: NULL = the usual place; evidence, resume: RUN as given */
};

/* Every option of every command, in the order of --help. */
const struct option_spec *coord_option_specs(size_t *ret_n);
/* Does the command know the option of this number? */
bool coord_option_of(size_t index, enum coord_command command);

/*
 * Reads and checks argv. 0: go on; 1: --help or --version was printed;
 * -EINVAL: err says in one line what is wrong and what to do. In every case
 * o is the caller's to coord_options_release().
 */
int coord_options_parse(int argc, char **argv, struct coord_options *o,
                        struct error *err) _warn_unused_;
void coord_options_release(struct coord_options *o);

/* "create,start,…" in any order → PHASE_BIT()s. -EINVAL with err set: an
 * unknown or repeated word. */
int coord_parse_phases(const char *s, int64_t *ret, struct error *err) _warn_unused_;
/* Do these phases make a unit's life? -EINVAL with err set. */
int coord_check_phases(int64_t phases, int mode, bool keep, struct error *err) _warn_unused_;

/* Fills the spec of a run that is called run. Released with
 * fields_release(run_spec_fields, …). */
int coord_options_to_spec(const struct coord_options *o, const char *run, struct run_spec *ret,
                          struct error *err) _warn_unused_;
