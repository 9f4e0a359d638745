/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text that came from somewhere else: made valid UTF-8 so that it can go into
 * JSON, made harmless so that it can go into a message on a terminal. Neither
 * ever makes it longer.
 */

#include "base/util.h"

/* Whether size bytes at s are UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool utf8_valid(const char *s, size_t size);

/*
 * Copies at most dst_size - 1 bytes of the size bytes at src and ends them with
 * NUL, cutting only between characters. A byte that is not part of UTF-8, and
 * NUL, become '?'. Returns the length of the copy. dst may be src.
 */
size_t utf8_copy(char *dst, size_t dst_size, const char *src, size_t size);

/*
 * s for use inside a message: control characters and what is not UTF-8 as '?',
 * "..." at the end if it had to be cut. s may be NULL. Returns buf.
 */
const char *text_printable(const char *s, char *buf, size_t size);

/* The same in place: text_printable() for s in a temporary of the expression. */
#define TEXT_PRINTABLE(s) text_printable((s), (char[80]){0}, 80)

/*
 * Reads a whole text file of at most max bytes; *ret is NUL-terminated and the
 * caller's to free(). -EFBIG when it is longer, -EINVAL when it holds a NUL,
 * else what open() and read() say (-EISDIR for a directory).
 */
int text_read_file(const char *path, size_t max, char **ret) _warn_unused_;

/* The same from an open file, which stays open. */
int text_read_fd(int fd, size_t max, char **ret) _warn_unused_;

/* Cuts blanks (space, tab, CR) from both ends of a line, in place. Returns its beginning. */
char *text_trim(char *line);
