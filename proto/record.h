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
 *   wedge     … number, class, instance, suspect, since_realtime_ns, detected_realtime_ns,
 *               sure, detail, evidence, cleared_by ("" = not yet), cleared_realtime_ns
 *   recovery  … number of the wedge, rung, start_realtime_ns, duration_ns, result, error
 *   census    … units ended, realtime_ns, daemon_pid, a count for each of CENSUS_KINDS in
 *               their order, what it is: a JSON object as text, {kind: {name: count}} of some
 *               kinds, such as what the fds point to
 *   metric    … realtime_ns, a figure for each of METRIC_KINDS in their order (-1 = not known)
 *
 * A wedge of the daemon itself belongs to unit 0. It is recorded when it is noticed and,
 * with the same number, when it has cleared.
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
                        char reason[64]; /* "drain", "min-free", "expired", "revoked", "error",
                                            "wedge" */
                } returned;
                struct {
                        int64_t number; /* 1.., unique on this host in this run */
                        enum wedge_class class;
                        char instance[NAME_SIZE];  /* "" = the daemon itself */
                        char suspect[SUSPECT_MAX]; /* "pid 4711 [lxc monitor]", an operation … */
                        int64_t since_realtime_ns; /* when it stopped, as far as we can tell */
                        int64_t detected_realtime_ns;
                        int64_t sure;                     /* percent */
                        char detail[ERROR_TEXT_MAX];      /* what was seen */
                        char evidence[EVIDENCE_NAME_MAX]; /* directory on the host, "" = none */
                        int cleared_by;                   /* enum rung, -1 = not cleared */
                        int64_t cleared_realtime_ns;      /* 0 = not cleared */
                } wedge;
                struct {
                        int64_t wedge; /* its number */
                        enum rung rung;
                        int64_t start_realtime_ns, duration_ns;
                        enum result result; /* OK: carried out, not: it cleared the wedge */
                        char error[ERROR_TEXT_MAX];
                } recovery;
                struct {
                        int64_t units; /* that had ended on this host */
                        int64_t realtime_ns;
                        int64_t daemon_pid; /* another one: it was restarted; -1 = not known */
                        int64_t count[CENSUS_MAX_]; /* -1 = not known */
                        char detail[CENSUS_DETAIL_MAX];
                } census;
                struct {
                        int64_t realtime_ns;
                        int64_t figure[METRIC_MAX_]; /* -1 = not known */
                } metric;
        };
};

/* Returns a new JSON array, NULL if out of memory. Text that is not UTF-8 is made so. */
json_object *record_encode(const struct record *r);

/* -EBADMSG with err saying which element is wrong. Over-long text is cut; further
 * elements, which a newer peer may send, are ignored. Only the member of the
 * union that kind names is filled. */
int record_decode(json_object *row, struct record *ret, struct error *err) _warn_unused_;
