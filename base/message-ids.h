/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The MESSAGE_IDs of our journal entries, in one list; units/lxdsoak.catalog
 * explains each, and a test holds the two against each other.
 */

#define MESSAGE_IDS(X)                                                                             \
        X(RUN_STARTED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a01")                                         \
        X(RUN_ENDED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a02")                                           \
        X(SAMPLE, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a03")                                              \
        X(SAMPLE_FAILED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a04")                                       \
        X(UNIT_ENDED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a05")                                          \
        X(LEFTOVER, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a06")                                            \
        X(LXD_LOST, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a07")                                            \
        X(LXD_BACK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a08")                                            \
        X(CLEANED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a09")                                             \
        X(VERDICT, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0a")                                             \
        X(LOOP_LATE, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0b")                                           \
        X(LATE, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0c")                                                \
        X(WEDGE_CLEARED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0d")                                       \
        X(RECOVERY, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0e")                                            \
        X(EXEC, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c01")                                                \
        X(HELD, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c02")                                                \
        X(RETURNED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c03")                                            \
        X(CENSUS, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c04")                                              \
        X(METRIC, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c05")                                              \
        X(HOST, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c06")                                                \
        X(NOT_COUNTED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c07")                                         \
        X(DROPPED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1c08")                                             \
        X(REFUSED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a20")                                             \
        X(LEAK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a10")                                                \
        X(WEDGE_DAEMON_DOWN, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b01")                                   \
        X(WEDGE_DAEMON_HUNG, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b02")                                   \
        X(WEDGE_DATABASE_STALLED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b03")                              \
        X(WEDGE_OPERATION_STUCK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b04")                               \
        X(WEDGE_OPERATION_LOST, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b05")                                \
        X(WEDGE_MONITOR_STUCK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b06")                                 \
        X(WEDGE_INSTANCE_FROZEN, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b07")                               \
        X(WEDGE_STOP_IGNORED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b08")                                  \
        X(WEDGE_EXEC_STUCK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b09")                                    \
        X(WEDGE_DELETE_BUSY, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0a")                                   \
        X(WEDGE_TASK_UNKILLABLE, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0b")                               \
        X(WEDGE_IMAGE_LOCKED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0c")                                  \
        X(WEDGE_POOL_FULL, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0d")                                     \
        X(WEDGE_INSTANCE_BUSY_LOCK, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0e")                            \
        X(WEDGE_DELETE_LIED, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b0f")                                   \
        X(WEDGE_LEFTOVER, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b10")                                      \
        X(WEDGE_UNKNOWN, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1b11")

#define X(name, id) static const char MESSAGE_ID_##name[] __attribute__((unused)) = id;
MESSAGE_IDS(X)
#undef X
