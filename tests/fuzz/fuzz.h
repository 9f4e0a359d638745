/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the fuzz targets share. A target is one function after libFuzzer's
 * manner; with -Dfuzzer=true it is linked with libFuzzer, else with main.c,
 * which runs it over the corpus in the tree and over simple mutations of it.
 */

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() there in every build. */
#define require(condition)                                                                         \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* An error says so, and in words. */
#define require_error(r, err) require((r) == 0 || ((err).code == (r) && (err).text[0]))

/* data as a C string (what is behind a NUL is dropped by its readers); the caller's to free(). */
static inline _unused_ char *fuzz_string(const uint8_t *data, size_t size)
{
        char *s = malloc(size + 1);

        require(s);
        if (size > 0)
                memcpy(s, data, size);
        s[size] = '\0';
        return s;
}

/* Puts data into a file without a name, open as *ret_fd, and returns its path. */
const char *fuzz_file(const uint8_t *data, size_t size, mode_t mode, int *ret_fd);
