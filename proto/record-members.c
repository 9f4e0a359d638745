/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of record-members.h. */

#include "proto/record-members.h"

#define PLACE(m) offsetof(struct record, m), sizeof(((struct record *)0)->m)

#define INT(m, text, name, least, most)                                                            \
        {                                                                                          \
                text, "LXDSOAK_" name, MEMBER_INT, PLACE(m), (least), (most)                       \
        }
/* A number that may be none. */
#define INT_OR(nothing, m, text, name, least, most)                                                \
        {                                                                                          \
                text, "LXDSOAK_" name, MEMBER_INT, PLACE(m), (least), (most), true, (nothing)      \
        }
#define TEXT(m, text, name)                                                                        \
        {                                                                                          \
                text, "LXDSOAK_" name, MEMBER_TEXT, PLACE(m)                                       \
        }
#define WORD(m, text, field, word)                                                                 \
        {                                                                                          \
                text, "LXDSOAK_" field, MEMBER_WORD, PLACE(m), .name = word##_name,                \
                                                               .from_name = word##_from_name       \
        }
#define WORD_OR_NONE(m, text, field, word)                                                         \
        {                                                                                          \
                text, "LXDSOAK_" field, MEMBER_WORD, PLACE(m), 0, 0, true, -1, word##_name,        \
                        word##_from_name                                                           \
        }
#define BOOL(m, text, name)                                                                        \
        {                                                                                          \
                text, "LXDSOAK_" name, MEMBER_BOOL, PLACE(m)                                       \
        }
#define TIME(m, text, name) INT(m, text, name, 0, INT64_MAX)

static const struct record_member sample[] = {
        WORD(sample.phase, "phase", "PHASE", phase),
        INT(sample.step, "step", "STEP", 0, EXEC_COMMANDS_MAX),
        TIME(sample.start_realtime_ns, "start, realtime", "START_REALTIME_NS"),
        TIME(sample.start_monotonic_ns, "start, monotonic", "START_MONOTONIC_NS"),
        TIME(sample.duration_ns, "duration", "DURATION_NS"),
        WORD(sample.result, "result", "RESULT", result),
        INT_OR(0, sample.error_code, "error code", "ERROR_CODE", INT64_MIN, INT64_MAX),
        TEXT(sample.error, "error", "ERROR"),
};

static const struct record_member exec[] = {
        INT(exec.step, "step", "STEP", 0, EXEC_COMMANDS_MAX),
        TEXT(exec.command, "command", "COMMAND"),
        INT(exec.exit_status, "exit status", "EXIT_STATUS", INT32_MIN, INT32_MAX),
        TEXT(exec.out, "stdout", "STDOUT"),
        TEXT(exec.err, "stderr", "STDERR"),
        BOOL(exec.truncated, "truncated", "TRUNCATED"),
};

static const struct record_member leftover[] = {
        WORD(leftover.kind, "what was left", "LEFTOVER", leftover_kind),
        TEXT(leftover.name, "name", "LEFTOVER_NAME"),
        TEXT(leftover.detail, "detail", "DETAIL"),
};

static const struct record_member held[] = {
        INT(held.live, "units live", "HELD", 0, UNITS_MAX),
        INT_OR(-1, held.mem_available, "memory available", "MEM_AVAILABLE", -1, INT64_MAX),
};

static const struct record_member outcome[] = {
        WORD(outcome.outcome, "outcome", "OUTCOME", outcome),
        TEXT(outcome.name, "instance", "INSTANCE"),
        TIME(outcome.start_realtime_ns, "start, realtime", "START_REALTIME_NS"),
        TIME(outcome.duration_ns, "duration", "DURATION_NS"),
};

static const struct record_member returned[] = {
        INT(returned.first, "first unit", "FIRST", 1, UNITS_MAX),
        INT(returned.count, "count", "COUNT", 1, UNITS_MAX),
        TEXT(returned.reason, "reason", "REASON"),
};

static const struct record_member wedge[] = {
        INT(wedge.number, "number of the wedge", "WEDGE", 1, WEDGES_MAX),
        WORD(wedge.class, "class", "CLASS", wedge_class),
        TEXT(wedge.instance, "instance", "INSTANCE"),
        TEXT(wedge.suspect, "suspect", "SUSPECT"),
        TIME(wedge.since_realtime_ns, "since", "SINCE_REALTIME_NS"),
        TIME(wedge.detected_realtime_ns, "detected", "DETECTED_REALTIME_NS"),
        INT(wedge.sure, "how sure", "SURE", 0, 100),
        TEXT(wedge.detail, "detail", "DETAIL"),
        TEXT(wedge.evidence, "evidence", "EVIDENCE"),
        WORD_OR_NONE(wedge.cleared_by, "cleared by", "CLEARED_BY", rung),
        INT_OR(0, wedge.cleared_realtime_ns, "cleared", "CLEARED_REALTIME_NS", 0, INT64_MAX),
};

static const struct record_member recovery[] = {
        INT(recovery.wedge, "number of the wedge", "WEDGE", 1, WEDGES_MAX),
        WORD(recovery.rung, "rung", "RUNG", rung),
        TIME(recovery.start_realtime_ns, "start, realtime", "START_REALTIME_NS"),
        TIME(recovery.duration_ns, "duration", "DURATION_NS"),
        WORD(recovery.result, "result", "RESULT", result),
        TEXT(recovery.error, "error", "ERROR"),
};

#define COUNT(n, w)  INT_OR(-1, census.count[CENSUS_##n], w, #n, -1, INT64_MAX),
#define FIGURE(n, w) INT_OR(-1, metric.figure[METRIC_##n], w, #n, -1, INT64_MAX),

static const struct record_member census[] = {
        INT(census.units, "units ended", "UNITS", 0, UNITS_MAX),
        TIME(census.realtime_ns, "realtime", "REALTIME_NS"),
        INT_OR(-1, census.daemon_pid, "pid of the daemon", "DAEMON_PID", -1, INT32_MAX),
        CENSUS_KINDS(COUNT) /* */
        TEXT(census.detail, "detail", "DETAIL"),
};

static const struct record_member metric[] = {
        TIME(metric.realtime_ns, "realtime", "REALTIME_NS"), METRIC_KINDS(FIGURE) /* */
};

static const struct {
        const struct record_member *members;
        size_t n;
} kinds[RECORD_MAX_] = {
        [RECORD_SAMPLE] = {sample, ELEMENTSOF(sample)},
        [RECORD_EXEC] = {exec, ELEMENTSOF(exec)},
        [RECORD_LEFTOVER] = {leftover, ELEMENTSOF(leftover)},
        [RECORD_HELD] = {held, ELEMENTSOF(held)},
        [RECORD_OUTCOME] = {outcome, ELEMENTSOF(outcome)},
        [RECORD_RETURNED] = {returned, ELEMENTSOF(returned)},
        [RECORD_WEDGE] = {wedge, ELEMENTSOF(wedge)},
        [RECORD_RECOVERY] = {recovery, ELEMENTSOF(recovery)},
        [RECORD_CENSUS] = {census, ELEMENTSOF(census)},
        [RECORD_METRIC] = {metric, ELEMENTSOF(metric)},
};

const struct record_member *record_members(enum record_kind kind, size_t *ret_n)
{
        *ret_n = (size_t)kind < RECORD_MAX_ ? kinds[kind].n : 0;
        return *ret_n > 0 ? kinds[kind].members : NULL;
}

int64_t record_unit_min(enum record_kind kind)
{
        switch (kind) {
        case RECORD_LEFTOVER: return -1;
        case RECORD_RETURNED:
        case RECORD_WEDGE:
        case RECORD_RECOVERY:
        case RECORD_CENSUS:
        case RECORD_METRIC: return 0;
        default: return 1;
        }
}
