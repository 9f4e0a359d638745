/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading numbers, sizes, durations and ranges that a person wrote. Strict: the
 * whole string or nothing, no leading blanks, no silent overflow. Outputs are
 * untouched on failure.
 *
 * Errors, all of them: -EINVAL not of the form, -ERANGE of the form but outside
 * the limits.
 */

#include <stdint.h>

#include "base/util.h"

/* A decimal whole number within [min, max]. */
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret) _warn_unused_;

/* A size in bytes: a number with an optional K, M, G or T (powers of 1024). */
int parse_size(const char *s, int64_t min, int64_t max, int64_t *ret) _warn_unused_;

/* A duration in nanoseconds: number (a fraction is allowed) with ms, s (also
 * none), min or m, h, d; several may follow each other, as in "1h30m". */
int parse_duration(const char *s, int64_t min_ns, int64_t max_ns, int64_t *ret) _warn_unused_;

/* yes/no, true/false, on/off, 1/0. */
int parse_bool(const char *s, bool *ret) _warn_unused_;

/* "1.5 s", "320 ms", "12 µs", "2h03m": short, for tables. Returns buf. */
const char *format_duration(int64_t ns, char *buf, size_t size);
/* The same for a while: until the end of the block. */
#define DURATION(ns) format_duration((int64_t)(ns), (char[32]){0}, 32)

/* "512 MiB". Returns buf. */
const char *format_size(int64_t bytes, char *buf, size_t size);
