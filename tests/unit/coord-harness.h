/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs the real lxdsoak-coord in a scratch directory of its own, beside agents
 * that are made up, and keeps what it said.
 */

#include <json-c/json.h>

#include "tests/unit/fake-agent.h"
#include "tests/unit/unit.h"

#define HARNESS_AGENTS 4

struct harness {
        char dir[64];
        char endpoints[HARNESS_AGENTS][128], ids[HARNESS_AGENTS][33];
        pid_t agents[HARNESS_AGENTS];
        char hosts[512]; /* of all that were added, for --hosts */
        pid_t coord;
        int code; /* its exit status */
        char *out, *err;
        json_object *json; /* what it said on stdout, if that is JSON */
        int64_t took_ms;
};

void harness_begin(struct harness *h);
void harness_end(struct harness *h);

/* Starts an agent on a unix socket in the directory and adds it to hosts. */
size_t harness_agent(struct harness *h, struct fake_agent config);

/* args: words separated by blanks. Gives it limit_s, then kills it (code -1). */
void harness_run(struct harness *h, const char *args, int limit_s);
/* The same in two steps, to do something in between. */
void harness_start(struct harness *h, const char *args);
void harness_wait(struct harness *h, int limit_s);

/* Until a number in the run's database is at least so high, or something stands on its stderr. */
void harness_await(const struct harness *h, const char *sql, int64_t wanted);
void harness_await_said(const struct harness *h, const char *text);

/* A number deep in the JSON: "units.passed". */
int64_t harness_number(const struct harness *h, const char *path);
/* As sqlite3's one number for a query on the run's database; needs --run-dir run. */
int64_t harness_query(const struct harness *h, const char *sql);

#define assert_code(h, wanted)                                                                     \
        do {                                                                                       \
                if ((h)->code != (wanted))                                                         \
                        fail_msg("exit code %d, wanted %d\nstdout: %s\nstderr: %s", (h)->code,     \
                                 wanted, (h)->out, (h)->err);                                      \
        } while (0)
#define assert_says(h, text)                                                                       \
        do {                                                                                       \
                if (!strstr((h)->err, text))                                                       \
                        fail_msg("stderr does not say «%s»: %s", text, (h)->err);                  \
        } while (0)
