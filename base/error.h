/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An error a person will read. Functions return a negative errno for the
 * program and, where what went wrong needs words (which key, which file, what
 * to do about it), fill one of these. It owns no memory, so it can live on the
 * stack and be copied. Libraries fill it; one layer prints it, once.
 */

#include <stdarg.h>

#include "base/util.h"

struct error {
        int code;       /* negative errno, 0 = none */
        char text[512]; /* one line: what, where, what to do */
};

#define ERROR_INIT ((struct error){0})

/* Fills err (may be NULL) and returns code, so that a caller can write
 * `return error_set(err, -EINVAL, "…")`. The first text stays. */
int error_set(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* The same, with ": " and strerror(code) behind the text. */
int error_set_errno(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* Puts "PREFIX: " before the text that is there. Returns err->code. */
int error_prefix(struct error *err, const char *format, ...) _printf_(2, 3);
