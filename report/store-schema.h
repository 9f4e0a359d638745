/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tables of a run's store, in one place; docs/store.md explains them to people. A change of
 * them is a new STORE_VERSION. Words (phase, result, outcome, …) are those of proto/soak.h, times
 * are ns, "realtime" since 1970, sizes bytes. NULL is "none" or "not known".
 *
 * Records are numbered by the agent that made them: (run, agent, seq) is a record's name, so one
 * that came twice is there once. Hosts are named by their label in every table that people ask.
 */

#define STORE_APPLICATION_ID 0x4c585331 /* "LXS1" */
#define STORE_VERSION        5

#define METRIC_COLUMN(n, w) " " w " INTEGER,"
#define METRIC_NAME(n, w)   ", " w
#define METRIC_VALUE(n, w)  ", ?"

#define STORE_SCHEMA                                                                               \
        "CREATE TABLE run ("                                                                       \
        " run TEXT PRIMARY KEY,"                                                                   \
        " mode TEXT NOT NULL,"                                                                     \
        " planned INTEGER,"                                                                        \
        " seed INTEGER NOT NULL,"                                                                  \
        " duration_ns INTEGER,"                                                                    \
        " spec TEXT NOT NULL,"                                                                     \
        " started_realtime_ns INTEGER NOT NULL,"                                                   \
        " ended_realtime_ns INTEGER,"                                                              \
        " wall_ns INTEGER,"                                                                        \
        " stopped INTEGER NOT NULL DEFAULT 0,"                                                     \
        " verdict TEXT,"                                                                           \
        " exit_code INTEGER,"                                                                      \
        " thresholds TEXT,"                                                                        \
        " aborted TEXT,"                                                                           \
        " missing TEXT,"                                                                           \
        " epoch INTEGER NOT NULL DEFAULT 1,"                                                       \
        " seen_realtime_ns INTEGER"                                                                \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE host ("                                                                      \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " number INTEGER NOT NULL,"                                                                \
        " state TEXT NOT NULL,"                                                                    \
        " text TEXT,"                                                                              \
        " agent INTEGER,"                                                                          \
        " hostname TEXT,"                                                                          \
        " server TEXT,"                                                                            \
        " oldest_max_ns INTEGER,"                                                                  \
        " pong TEXT,"                                                                              \
        " PRIMARY KEY (run, host)"                                                                 \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE agent ("                                                                     \
        " agent INTEGER PRIMARY KEY,"                                                              \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " agent_id TEXT NOT NULL,"                                                                 \
        " acked INTEGER NOT NULL DEFAULT 0,"                                                       \
        " UNIQUE (run, agent_id)"                                                                  \
        ");"                                                                                       \
        "CREATE TABLE lease ("                                                                     \
        " run TEXT NOT NULL,"                                                                      \
        " lease INTEGER NOT NULL,"                                                                 \
        " host TEXT NOT NULL,"                                                                     \
        " first INTEGER NOT NULL,"                                                                 \
        " count INTEGER NOT NULL,"                                                                 \
        " attempt INTEGER NOT NULL,"                                                               \
        " tries INTEGER NOT NULL,"                                                                 \
        " over INTEGER NOT NULL DEFAULT 0,"                                                        \
        " PRIMARY KEY (run, lease)"                                                                \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE unit ("                                                                      \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " host TEXT NOT NULL,"                                                                     \
        " attempt INTEGER NOT NULL,"                                                               \
        " outcome TEXT NOT NULL,"                                                                  \
        " name TEXT,"                                                                              \
        " start_realtime_ns INTEGER NOT NULL,"                                                     \
        " duration_ns INTEGER NOT NULL,"                                                           \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " PRIMARY KEY (run, unit)"                                                                 \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE late ("                                                                      \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " host TEXT NOT NULL,"                                                                     \
        " attempt INTEGER NOT NULL,"                                                               \
        " outcome TEXT NOT NULL,"                                                                  \
        " why TEXT NOT NULL,"                                                                      \
        " name TEXT,"                                                                              \
        " start_realtime_ns INTEGER NOT NULL,"                                                     \
        " duration_ns INTEGER NOT NULL,"                                                           \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " lease INTEGER NOT NULL,"                                                                 \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE sample ("                                                                    \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " attempt INTEGER NOT NULL,"                                                               \
        " host TEXT NOT NULL,"                                                                     \
        " phase TEXT NOT NULL,"                                                                    \
        " step INTEGER NOT NULL,"                                                                  \
        " start_realtime_ns INTEGER NOT NULL,"                                                     \
        " start_monotonic_ns INTEGER NOT NULL,"                                                    \
        " duration_ns INTEGER NOT NULL,"                                                           \
        " result TEXT NOT NULL,"                                                                   \
        " error_code INTEGER NOT NULL,"                                                            \
        " error TEXT,"                                                                             \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE exec_output ("                                                               \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " attempt INTEGER NOT NULL,"                                                               \
        " host TEXT NOT NULL,"                                                                     \
        " step INTEGER NOT NULL,"                                                                  \
        " command TEXT NOT NULL,"                                                                  \
        " exit_status INTEGER,"                                                                    \
        " stdout TEXT NOT NULL,"                                                                   \
        " stderr TEXT NOT NULL,"                                                                   \
        " truncated INTEGER NOT NULL,"                                                             \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE leftover ("                                                                  \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " kind TEXT NOT NULL,"                                                                     \
        " name TEXT NOT NULL,"                                                                     \
        " unit INTEGER,"                                                                           \
        " attempt INTEGER,"                                                                        \
        " detail TEXT,"                                                                            \
        " at_end INTEGER NOT NULL,"                                                                \
        " PRIMARY KEY (run, host, kind, name)"                                                     \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE held ("                                                                      \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " attempt INTEGER NOT NULL,"                                                               \
        " host TEXT NOT NULL,"                                                                     \
        " live INTEGER NOT NULL,"                                                                  \
        " mem_available INTEGER,"                                                                  \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " lease INTEGER NOT NULL,"                                                                 \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE returned ("                                                                  \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " first INTEGER NOT NULL,"                                                                 \
        " count INTEGER NOT NULL,"                                                                 \
        " reason TEXT NOT NULL,"                                                                   \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " lease INTEGER NOT NULL,"                                                                 \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE wedge ("                                                                     \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " agent INTEGER NOT NULL,"                                                                 \
        " number INTEGER NOT NULL,"                                                                \
        " unit INTEGER,"                                                                           \
        " attempt INTEGER,"                                                                        \
        " class TEXT NOT NULL,"                                                                    \
        " instance TEXT,"                                                                          \
        " suspect TEXT,"                                                                           \
        " since_realtime_ns INTEGER NOT NULL,"                                                     \
        " detected_realtime_ns INTEGER NOT NULL,"                                                  \
        " sure INTEGER NOT NULL,"                                                                  \
        " detail TEXT,"                                                                            \
        " evidence TEXT,"                                                                          \
        " cleared_by TEXT,"                                                                        \
        " cleared_realtime_ns INTEGER,"                                                            \
        " PRIMARY KEY (run, agent, number)"                                                        \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE recovery ("                                                                  \
        " run TEXT NOT NULL,"                                                                      \
        " unit INTEGER NOT NULL,"                                                                  \
        " attempt INTEGER NOT NULL,"                                                               \
        " host TEXT NOT NULL,"                                                                     \
        " wedge INTEGER NOT NULL,"                                                                 \
        " rung TEXT NOT NULL,"                                                                     \
        " start_realtime_ns INTEGER NOT NULL,"                                                     \
        " duration_ns INTEGER NOT NULL,"                                                           \
        " result TEXT NOT NULL,"                                                                   \
        " error TEXT,"                                                                             \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " PRIMARY KEY (run, agent, seq)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE census ("                                                                    \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " units INTEGER NOT NULL,"                                                                 \
        " realtime_ns INTEGER NOT NULL,"                                                           \
        " daemon_pid INTEGER,"                                                                     \
        " kind TEXT NOT NULL,"                                                                     \
        " count INTEGER NOT NULL,"                                                                 \
        " detail TEXT,"                                                                            \
        " agent INTEGER NOT NULL,"                                                                 \
        " seq INTEGER NOT NULL,"                                                                   \
        " PRIMARY KEY (run, agent, seq, kind)"                                                     \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE leak ("                                                                      \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " kind TEXT NOT NULL,"                                                                     \
        " per_unit REAL NOT NULL,"                                                                 \
        " ci_low REAL NOT NULL,"                                                                   \
        " ci_high REAL NOT NULL,"                                                                  \
        " total INTEGER NOT NULL,"                                                                 \
        " what TEXT,"                                                                              \
        " accepted INTEGER NOT NULL,"                                                              \
        " PRIMARY KEY (run, host, kind)"                                                           \
        ") WITHOUT ROWID;"                                                                         \
        "CREATE TABLE metric ("                                                                    \
        " run TEXT NOT NULL,"                                                                      \
        " host TEXT NOT NULL,"                                                                     \
        " realtime_ns INTEGER NOT NULL," METRIC_KINDS(                                             \
                METRIC_COLUMN) " agent INTEGER NOT NULL,"                                          \
                               " seq INTEGER NOT NULL,"                                            \
                               " PRIMARY KEY (run, agent, seq)"                                    \
                               ") WITHOUT ROWID;"

/* Every statement that writes. Those of records begin with run, agent, seq, host, unit, attempt. */
#define STORE_STATEMENTS(X)                                                                        \
        X(BEGIN, "BEGIN IMMEDIATE")                                                                \
        X(COMMIT, "COMMIT")                                                                        \
        X(ROLLBACK, "ROLLBACK")                                                                    \
        X(RUN, "INSERT INTO run (run, mode, planned, seed, duration_ns, spec,"                     \
               " started_realtime_ns) VALUES (?, ?, nullif(?, 0), ?, nullif(?, 0), ?, ?)")         \
        X(RUN_STOPPED, "UPDATE run SET stopped = 1 WHERE run = ?")                                 \
        X(RUN_ENDED, "UPDATE run SET ended_realtime_ns = ?2, wall_ns = ?3 WHERE run = ?1")         \
        X(RUN_RESUMED, "UPDATE run SET epoch = epoch + 1, ended_realtime_ns = NULL,"               \
                       " verdict = NULL, exit_code = NULL, wall_ns = ?2, seen_realtime_ns = ?3"    \
                       " WHERE run = ?1")                                                          \
        X(RUN_SEEN, "UPDATE run SET wall_ns = ?2, seen_realtime_ns = ?3 WHERE run = ?1")           \
        X(LEASE, "INSERT INTO lease (run, lease, host, first, count, attempt, tries)"              \
                 " VALUES (?, ?, ?, ?, ?, ?, ?)")                                                  \
        X(LEASE_OVER, "UPDATE lease SET over = 1 WHERE run = ?1 AND lease = ?2")                   \
        X(LEASES_OVER, "UPDATE lease SET over = 1 WHERE run = ?1 AND host = ?2 AND NOT over")      \
        X(RUN_VERDICT, "UPDATE run SET verdict = ?2, exit_code = ?3 WHERE run = ?1")               \
        X(RUN_THRESHOLDS, "UPDATE run SET thresholds = ?2 WHERE run = ?1")                         \
        X(RUN_ABORTED, "UPDATE run SET aborted = ?2 WHERE run = ?1")                               \
        X(RUN_MISSING, "UPDATE run SET missing ="                                                  \
                       " coalesce(missing || char(10), '') || ?2 WHERE run = ?1")                  \
        X(HOST, "INSERT INTO host (run, host, number, state) VALUES (?, ?, ?, ?)")                 \
        X(HOST_STATE, "UPDATE host SET state = ?3, text = coalesce(?4, text)"                      \
                      " WHERE run = ?1 AND host = ?2")                                             \
        X(HOST_AGENT, "UPDATE host SET agent = ?3, hostname = ?4, server = ?5"                     \
                      " WHERE run = ?1 AND host = ?2")                                             \
        X(HOST_PONG, "UPDATE host SET pong = ?3, oldest_max_ns ="                                  \
                     " max(coalesce(oldest_max_ns, 0), ?4) WHERE run = ?1 AND host = ?2")          \
        X(AGENT_FIND, "SELECT agent, host, acked FROM agent WHERE run = ?1 AND agent_id = ?2")     \
        X(AGENT, "INSERT INTO agent (run, host, agent_id) VALUES (?, ?, ?)")                       \
        X(AGENT_ACKED, "UPDATE agent SET acked = ?2 WHERE agent = ?1")                             \
        X(SAMPLE, "INSERT INTO sample (run, agent, seq, host, unit, attempt, phase, step,"         \
                  " start_realtime_ns, start_monotonic_ns, duration_ns, result, error_code,"       \
                  " error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                     \
        X(EXEC, "INSERT INTO exec_output (run, agent, seq, host, unit, attempt, step, command,"    \
                " exit_status, stdout, stderr, truncated)"                                         \
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, -1), ?, ?, ?)")                        \
        X(LEFTOVER, "INSERT INTO leftover (run, host, kind, name, unit, attempt, detail, at_end)"  \
                    " VALUES (?, ?, ?, ?, nullif(?, -1), nullif(?, -1), ?, 0)"                     \
                    " ON CONFLICT DO NOTHING")                                                     \
        X(LEFTOVER_END, "INSERT INTO leftover (run, host, kind, name, unit, detail, at_end)"       \
                        " VALUES (?, ?, ?, ?, nullif(?, -1), ?, 1)"                                \
                        " ON CONFLICT DO UPDATE SET at_end = 1")                                   \
        X(HELD, "INSERT INTO held (run, agent, seq, host, unit, attempt, lease, live,"             \
                " mem_available) VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, -1))")                  \
        X(UNIT, "INSERT INTO unit (run, agent, seq, host, unit, attempt, outcome, name,"           \
                " start_realtime_ns, duration_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"           \
                " ON CONFLICT DO NOTHING")                                                         \
        X(LATE, "INSERT INTO late (run, agent, seq, host, unit, attempt, lease, outcome, name,"    \
                " start_realtime_ns, duration_ns, why)"                                            \
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                    \
        X(RETURNED, "INSERT INTO returned (run, agent, seq, host, lease, first, count, reason)"    \
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)")                                            \
        X(WEDGE, "INSERT INTO wedge (run, agent, host, unit, attempt, number, class, instance,"    \
                 " suspect, since_realtime_ns, detected_realtime_ns, sure, detail, evidence,"      \
                 " cleared_by, cleared_realtime_ns) VALUES (?, ?, ?, nullif(?, 0), nullif(?, 0),"  \
                 " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0)) ON CONFLICT DO UPDATE SET"          \
                 " cleared_by = excluded.cleared_by,"                                              \
                 " cleared_realtime_ns = excluded.cleared_realtime_ns")                            \
        X(RECOVERY, "INSERT INTO recovery (run, agent, seq, host, unit, attempt, wedge, rung,"     \
                    " start_realtime_ns, duration_ns, result, error)"                              \
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                \
        X(CENSUS, "INSERT INTO census (run, agent, seq, host, units, realtime_ns, daemon_pid,"     \
                  " kind, count, detail) VALUES (?, ?, ?, ?, ?, ?, nullif(?, -1), ?, ?, ?)")       \
        X(NO_LEAKS, "DELETE FROM leak WHERE run = ?")                                              \
        X(LEAK, "INSERT INTO leak (run, host, kind, per_unit, ci_low, ci_high, total, what,"       \
                " accepted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")                                   \
        X(METRIC, "INSERT INTO metric (run, agent, seq, host, realtime_ns" METRIC_KINDS(           \
                          METRIC_NAME) ") VALUES (?, ?, ?, ?, ?" METRIC_KINDS(METRIC_VALUE) ")")

enum store_stmt {
#define X(name, sql) STORE_STMT_##name,
        STORE_STATEMENTS(X)
#undef X
                STORE_STMT_MAX_,
};
