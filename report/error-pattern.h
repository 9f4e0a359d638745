/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is the same in two errors of the same kind: the text, with '#' for all that differs from
 * unit to unit and from host to host. Pure.
 *
 *   numbers      12, 0x7f, 1.5, 12:30:05, 10.0.3.7, 1.21GiB; and of paths, names and pids
 *   durations    1m30.5s, 800µs, 9.99s
 *   ids          UUIDs of operations, fingerprints, MACs, the random part of vethXXXXXXXX: every
 *                word with a digit in it, and hexadecimal ones of eight letters and more
 *
 * A short number at the end of a word that has a meaning is not taken for an id: ext4 is ext#,
 * overlay2 overlay#, eth0 eth#.
 */

#include "base/util.h"

/* Puts it into buf, cut to size (with its NUL); it is never longer than the text. Returns buf. */
char *error_pattern(const char *text, char *buf, size_t size);
