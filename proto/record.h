/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A record is one fact about a unit that must not be lost: the agent numbers
 * it, writes it to its spool, sends it, and forgets it once the coordinator has
 * committed it. On the wire, and in the spool, it is a JSON array:
 *
 *   [seq, kind, unit, attempt, lease, …]         kind is a word of RECORD_KINDS
 *   sample    … phase, step, start_realtime_ns, start_monotonic_ns, duration_ns,
 *               result, error_code, error
 *   exec      … step, command, exit_status, stdout, stderr, truncated
 *   leftover  … kind, name, detail
 *   held      … live, mem_available
 *   outcome   … outcome, instance name, start_realtime_ns, duration_ns
 *   returned  … first, count, reason
 */

#include <json-c/json.h>

#include "base/error.h"
#include "proto/soak.h"

struct record {
        uint64_t seq;
        enum record_kind kind;
        int64_t unit, attempt, lease;
        union {
                struct {
                        enum phase phase;
                        int64_t step; /* 0.., counts exec commands */
                        int64_t start_realtime_ns, start_monotonic_ns, duration_ns;
                        enum result result;
                        int64_t error_code; /* LXD's, or the command's exit status; 0 = none */
                        char error[ERROR_TEXT_MAX]; /* LXD's own words; empty = none */
                } sample;
                struct {
                        int64_t step;
                        char command[EXEC_LENGTH_MAX];
                        int64_t exit_status; /* -1 = not known */
                        char out[EXEC_OUTPUT_MAX + 1], err[EXEC_OUTPUT_MAX + 1];
                        bool truncated;
                } exec;
                struct {
                        enum leftover_kind kind;
                        char name[256], detail[256];
                } leftover;
                struct {
                        int64_t live;          /* units held on this host, this one included */
                        int64_t mem_available; /* bytes, -1 = not known */
                } held;
                struct {
                        enum outcome outcome;
                        char name[NAME_SIZE];
                        int64_t start_realtime_ns, duration_ns;
                } outcome;
                struct {
                        int64_t first, count;
                        char reason[64]; /* "drain", "min-free", "expired", "error" */
                } returned;
        };
};

/* Returns a new JSON array, NULL if out of memory. Text that is not UTF-8 is made so. */
json_object *record_encode(const struct record *r);

/* -EBADMSG with err saying which element is wrong. Over-long text is cut; further
 * elements, which a newer peer may send, are ignored. Only the member of the
 * union that kind names is filled. */
int record_decode(json_object *row, struct record *ret, struct error *err) _warn_unused_;
