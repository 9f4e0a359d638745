/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The format of the spool, in one place: its tables, and what is done to them. A change of the
 * tables is a new SPOOL_VERSION.
 */

#define SPOOL_VERSION 1

#define SPOOL_TABLES                                                                               \
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)"               \
        " WITHOUT ROWID;"                                                                          \
        "CREATE TABLE IF NOT EXISTS run(run TEXT PRIMARY KEY, spec TEXT NOT NULL,"                 \
        " epoch INTEGER NOT NULL, head INTEGER NOT NULL DEFAULT 0,"                                \
        " acked INTEGER NOT NULL DEFAULT 0, newest_lease INTEGER NOT NULL DEFAULT 0,"              \
        " current INTEGER NOT NULL) WITHOUT ROWID;"                                                \
        "CREATE TABLE IF NOT EXISTS lease(lease INTEGER PRIMARY KEY, first INTEGER NOT NULL,"      \
        " count INTEGER NOT NULL, attempt INTEGER NOT NULL);"                                      \
        "CREATE TABLE IF NOT EXISTS intent(unit INTEGER PRIMARY KEY, attempt INTEGER NOT NULL,"    \
        " lease INTEGER NOT NULL, name TEXT NOT NULL);"                                            \
        "CREATE TABLE IF NOT EXISTS record(run TEXT NOT NULL, seq INTEGER NOT NULL,"               \
        " row TEXT NOT NULL, PRIMARY KEY(run, seq)) WITHOUT ROWID;"                                \
        "CREATE TABLE IF NOT EXISTS epoch(n INTEGER PRIMARY KEY AUTOINCREMENT,"                    \
        " run TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL);"                                      \
        "CREATE TABLE IF NOT EXISTS suspect(name TEXT PRIMARY KEY, row TEXT NOT NULL);"

/* What can be written, and the statements that carry it out. Parameters: ?1..?4 the numbers, ?5 and
 * ?6 the texts. */
#define SPOOL_JOBS(X)                                                                              \
        X(BEGIN, "BEGIN IMMEDIATE", NULL, NULL, NULL)                                              \
        X(COMMIT, "COMMIT", NULL, NULL, NULL)                                                      \
        X(META, "INSERT OR REPLACE INTO meta VALUES(?5, ?6)", NULL, NULL, NULL)                    \
        X(RUN, "UPDATE run SET current = 0 WHERE run != ?5",                                       \
          "INSERT INTO run(run, spec, epoch, head, acked, current) VALUES(?5, ?6, ?1, ?2, ?2, 1)"  \
          " ON CONFLICT(run) DO UPDATE SET spec = ?6, head = max(head, ?2),"                       \
          " acked = max(acked, ?2), current = 1",                                                  \
          "INSERT OR REPLACE INTO epoch(run, epoch) VALUES(?5,"                                    \
          " max(?1, coalesce((SELECT epoch FROM epoch WHERE run = ?5), 0)))",                      \
          "DELETE FROM epoch WHERE n <= (SELECT max(n) FROM epoch) - 1000")                        \
        X(END_RUN, "UPDATE run SET current = 0", "DELETE FROM lease", "DELETE FROM intent", NULL)  \
        X(LEASE, "INSERT OR IGNORE INTO lease VALUES(?1, ?2, ?3, ?4)",                             \
          "UPDATE run SET newest_lease = max(newest_lease, ?1) WHERE current", NULL, NULL)         \
        X(INTENT, "INSERT OR REPLACE INTO intent VALUES(?2, ?3, ?1, ?5)",                          \
          "UPDATE lease SET count = count - (?2 + 1 - first), first = ?2 + 1"                      \
          " WHERE lease = ?1 AND ?2 >= first",                                                     \
          "DELETE FROM lease WHERE lease = ?1 AND count <= 0", NULL)                               \
        X(RECORD, "INSERT OR IGNORE INTO record VALUES(?5, ?1, ?6)",                               \
          "UPDATE run SET head = max(head, ?1) WHERE run = ?5",                                    \
          "DELETE FROM intent WHERE unit = ?2", "DELETE FROM lease WHERE lease = ?3")              \
        X(ACK, "DELETE FROM record WHERE run = ?5 AND seq <= ?1",                                  \
          "UPDATE run SET acked = max(acked, ?1) WHERE run = ?5",                                  \
          "DELETE FROM run WHERE current = 0 AND acked >= head", NULL)                             \
        X(FORGET,                                                                                  \
          "DELETE FROM record WHERE (?5 = '' OR run = ?5) AND run NOT IN"                          \
          " (SELECT run FROM run WHERE current)",                                                  \
          "DELETE FROM run WHERE (?5 = '' OR run = ?5) AND NOT current", NULL, NULL)               \
        X(SUSPECT, "INSERT OR REPLACE INTO suspect VALUES(?5, ?6)", NULL, NULL, NULL)              \
        X(CLEARED, "DELETE FROM suspect WHERE name = ?5", NULL, NULL, NULL)
