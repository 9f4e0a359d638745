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
        X(LOOP_LATE, "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a0b")

#define X(name, id) static const char MESSAGE_ID_##name[] __attribute__((unused)) = id;
MESSAGE_IDS(X)
#undef X
