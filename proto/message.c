/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables of message.h: what each message carries and within which limits.
 * There is no code here but the words of two lists.
 */

#include "proto/message.h"

#include "base/words.h"
#include "proto/names.h"

#define HOURS(n) ((n)*INT64_C(3600) * NSEC_PER_SEC)

/* Rows of a table; T is the struct, m the member, whose name is the key on the wire. */
#define I64(T, m, lo, hi)                                                                          \
        {                                                                                          \
                .name = #m, .type = FIELD_I64, .offset = offsetof(T, m), .min = (lo), .max = (hi), \
                .required = true                                                                   \
        }
#define NUMBER(T, m)   I64(T, m, 0, INT64_MAX)  /* never unknown */
#define MEASURED(T, m) I64(T, m, -1, INT64_MAX) /* -1 = not known */
#define BOOL(T, m)                                                                                 \
        {                                                                                          \
                .name = #m, .type = FIELD_BOOL, .offset = offsetof(T, m), .required = true         \
        }
#define TEXT(T, m, least, how)                                                                     \
        {                                                                                          \
                .name = #m, .type = FIELD_STRING, .offset = offsetof(T, m),                        \
                .size = sizeof(((T *)0)->m), .min = (least), .check = (how), .required = true      \
        }
#define WORD(T, m, word)                                                                           \
        {                                                                                          \
                .name = #m, .type = FIELD_WORD, .offset = offsetof(T, m),                          \
                .from_name = word##_from_name, .to_name = word##_name, .required = true            \
        }
#define LIST(T, m, bytes, most)                                                                    \
        {                                                                                          \
                .name = #m, .type = FIELD_LIST, .offset = offsetof(T, m), .size = (bytes),         \
                .max = (most), .required = true                                                    \
        }
#define ARRAY(T, m, most)                                                                          \
        {                                                                                          \
                .name = #m, .type = FIELD_ARRAY, .offset = offsetof(T, m), .max = (most),          \
                .required = true                                                                   \
        }
#define OBJECT(T, m, table)                                                                        \
        {                                                                                          \
                .name = #m, .type = FIELD_OBJECT, .offset = offsetof(T, m), .sub = (table),        \
                .required = true                                                                   \
        }
#define OPTIONAL_OBJECT(T, m, table, has)                                                          \
        {                                                                                          \
                .name = #m, .type = FIELD_OBJECT, .offset = offsetof(T, m), .sub = (table),        \
                .presence = offsetof(T, has)                                                       \
        }
#define END                                                                                        \
        {                                                                                          \
                .name = NULL                                                                       \
        }

DEFINE_WORDS(refuse_code, REFUSE_CODES)
DEFINE_WORDS(stop_mode, STOP_MODES)

/* clang-format off: a table reads best as a table */
#define T struct run_spec
const struct field run_spec_fields[] = {
        TEXT(T, run, 1, check_run_id),
        TEXT(T, prefix, 1, check_prefix),
        TEXT(T, project, 0, check_project),
        WORD(T, mode, mode),
        TEXT(T, image, 0, check_image_or_empty),
        WORD(T, source, source),
        TEXT(T, template_name, 0, check_instance_name_or_empty),
        LIST(T, exec, EXEC_LENGTH_MAX - 1, EXEC_COMMANDS_MAX),
        WORD(T, stop, stop_kind),
        I64(T, stop_timeout_ns, 0, HOURS(24)),
        I64(T, phases, 1, PHASES_ALL),
        I64(T, total, 0, UNITS_MAX),
        I64(T, parallel, 1, PARALLEL_MAX),
        NUMBER(T, min_free),
        BOOL(T, keep),
        I64(T, seed, INT64_MIN, INT64_MAX),
#define DEADLINE(n, w)                                                                             \
        {.name = "deadline_" w "_ns",                                                              \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(T, deadline_ns[PHASE_##n]),                                            \
         .min = 1,                                                                                 \
         .max = HOURS(24 * 30),                                                                    \
         .required = true},
        PHASES(DEADLINE)
#undef DEADLINE
                I64(T, probe_timeout_ns, NSEC_PER_SEC, HOURS(1)),
        I64(T, evidence_limit, 0, INT64_C(1) << 30),
        WORD(T, on_wedge, on_wedge),
        BOOL(T, allow_daemon_restart),
        I64(T, lease_ns, LEASE_MIN_NS, LEASE_MAX_NS),
        I64(T, allow_leak, 0, (1 << CENSUS_MAX_) - 1),
        I64(T, steady_share, 0, STEADY_SHARE_MAX),
        END,
};
#undef T

#define T struct msg_hello
const struct field msg_hello_fields[] = {
        I64(T, proto_min, 1, 65535),
        I64(T, proto_max, 1, 65535),
        TEXT(T, coord_id, 1, check_one_line),
        TEXT(T, who, 0, check_one_line),
        TEXT(T, agent_id, 0, check_one_line),
        BOOL(T, steal),
        OPTIONAL_OBJECT(T, spec, run_spec_fields, has_spec),
        END,
};
#undef T

#define T struct msg_hello
const struct field msg_hello_range_fields[] = {
        I64(T, proto_min, 1, 65535),
        I64(T, proto_max, 1, 65535),
        END,
};
#undef T

#define T struct msg_welcome
const struct field msg_welcome_fields[] = {
        I64(T, proto, 1, 65535),
        TEXT(T, agent_id, 1, check_one_line),
        TEXT(T, incarnation, 1, check_one_line),
        TEXT(T, hostname, 0, check_one_line),
        TEXT(T, server, 0, check_one_line),
        TEXT(T, version, 0, check_one_line),
        NUMBER(T, agent_stamp_ns),
        NUMBER(T, head),
        I64(T, parallel_max, 1, PARALLEL_MAX),
        ARRAY(T, leases, MESSAGE_LEASES_MAX),
        TEXT(T, run, 0, check_run_id_or_empty),
        TEXT(T, driver, 0, check_one_line),
        NUMBER(T, since_ns),
        NUMBER(T, silent_ns),
        END,
};
#undef T

#define T struct msg_refuse
const struct field msg_refuse_fields[] = {
        WORD(T, code, refuse_code),
        TEXT(T, text, 0, NULL),
        TEXT(T, holder, 0, check_one_line),
        TEXT(T, run, 0, check_run_id_or_empty),
        NUMBER(T, since_ns),
        NUMBER(T, expires_in_ns),
        END,
};
#undef T

#define T struct msg_lease
const struct field msg_lease_fields[] = {
        I64(T, lease, 1, INT64_MAX),
        I64(T, first, 1, UNITS_MAX),
        I64(T, count, 1, UNITS_MAX),
        I64(T, attempt, 1, 1000000),
        I64(T, ttl_ns, 1, HOURS(24)),
        NUMBER(T, agent_stamp_ns),
        END,
};
#undef T

#define T struct msg_lease_ok
const struct field msg_lease_ok_fields[] = {
        I64(T, lease, 1, INT64_MAX),
        END,
};
#undef T

#define T struct msg_revoke
const struct field msg_revoke_fields[] = {
        I64(T, lease, 0, INT64_MAX),
        END,
};
#undef T

#define T struct msg_results
const struct field msg_results_fields[] = {
        ARRAY(T, rows, MESSAGE_ROWS_MAX),
        END,
};
#undef T

#define T struct msg_ping
const struct field msg_ping_fields[] = {
        NUMBER(T, stamp_ns),
        NUMBER(T, agent_stamp_ns),
        END,
};
#undef T

#define T struct msg_pong
const struct field msg_pong_fields[] = {
        NUMBER(T, stamp_ns),
        NUMBER(T, agent_stamp_ns),
        NUMBER(T, head),
        NUMBER(T, in_flight),
        NUMBER(T, held),
        MEASURED(T, oldest_ns),
        MEASURED(T, api_instances),
        MEASURED(T, api_ns),
        BOOL(T, api_waiting),
        MEASURED(T, daemon_ns),
        MEASURED(T, instance_ns),
        BOOL(T, daemon_waiting),
        BOOL(T, instance_waiting),
        NUMBER(T, wedges),
        NUMBER(T, late),
        MEASURED(T, mounts),
        MEASURED(T, mem_available),
        MEASURED(T, disk_free),
        MEASURED(T, loop_dispatches),
        MEASURED(T, loop_cpu_max_ns),
        MEASURED(T, loop_wall_max_ns),
        MEASURED(T, loop_waits),
        MEASURED(T, loop_late_p99_ns),
        MEASURED(T, loop_late_max_ns),
        MEASURED(T, connections),
        MEASURED(T, requests),
        MEASURED(T, cpu_ns),
        MEASURED(T, rss),
        TEXT(T, stop_by, 0, check_one_line),
        END,
};
#undef T

#define T struct msg_stop
const struct field msg_stop_fields[] = {
        WORD(T, mode, stop_mode),
        BOOL(T, keep),
        END,
};
#undef T

#define T struct msg_stopped
const struct field msg_stopped_fields[] = {
        NUMBER(T, final_seq),
        ARRAY(T, leftovers, MESSAGE_ITEMS_MAX),
        OBJECT(T, pong, msg_pong_fields),
        END,
};
#undef T

#define T struct msg_cleanup
const struct field msg_cleanup_fields[] = {
        TEXT(T, run, 0, check_run_id_or_empty),
        TEXT(T, project, 0, check_project),
        BOOL(T, dry_run),
        END,
};
#undef T

#define T struct msg_cleaned
const struct field msg_cleaned_fields[] = {
        ARRAY(T, items, MESSAGE_ITEMS_MAX),
        BOOL(T, done),
        TEXT(T, error, 0, NULL),
        END,
};
#undef T

#define T struct msg_evidence
const struct field msg_evidence_fields[] = {
        TEXT(T, run, 1, check_run_id),
        TEXT(T, directory, 0, check_evidence_directory_or_empty),
        TEXT(T, file, 0, check_evidence_file_or_empty),
        NUMBER(T, offset),
        END,
};
#undef T

#define T struct msg_exhibit
const struct field msg_exhibit_fields[] = {
        TEXT(T, run, 1, check_run_id),
        TEXT(T, directory, 0, check_evidence_directory_or_empty),
        TEXT(T, file, 0, check_evidence_file_or_empty),
        NUMBER(T, offset),
        NUMBER(T, size),
        ARRAY(T, items, EVIDENCE_FILES_MAX),
        TEXT(T, error, 0, NULL),
        END,
};
#undef T

#define T struct msg_err
const struct field msg_err_fields[] = {
        TEXT(T, code, 1, check_one_line),
        TEXT(T, text, 0, NULL),
        END,
};
#undef T

#define T struct msg_item
const struct field msg_item_fields[] = {
        TEXT(T, kind, 1, check_one_line),
        TEXT(T, name, 0, check_one_line),
        TEXT(T, run, 0, check_run_id_or_empty),
        TEXT(T, action, 0, check_one_line),
        TEXT(T, detail, 0, NULL),
        TEXT(T, error, 0, NULL),
        I64(T, unit, -1, UNITS_MAX),
        END,
};
#undef T
/* clang-format on */
