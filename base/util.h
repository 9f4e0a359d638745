/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The few macros every file uses: clean-up attributes, warn-unused, array
 * sizes, and the clean-up functions of the libraries we use. It holds nothing
 * that knows about soaking.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _warn_unused_  __attribute__((warn_unused_result))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define STR(x)        STR_(x)
#define STR_(x)       #x

#define MIN(a, b)                                                                                  \
        ({                                                                                         \
                typeof(a) a_ = (a);                                                                \
                typeof(b) b_ = (b);                                                                \
                a_ < b_ ? a_ : b_;                                                                 \
        })
#define MAX(a, b)                                                                                  \
        ({                                                                                         \
                typeof(a) a_ = (a);                                                                \
                typeof(b) b_ = (b);                                                                \
                a_ > b_ ? a_ : b_;                                                                 \
        })

#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_USEC INT64_C(1000)

/* Takes a pointer out of a variable, for handing ownership on. */
#define TAKE(p)                                                                                    \
        ({                                                                                         \
                typeof(p) p_ = (p);                                                                \
                (p) = NULL;                                                                        \
                p_;                                                                                \
        })

#define DEFINE_CLEANUP(type, func)                                                                 \
        static inline _unused_ void func##p(type *p)                                               \
        {                                                                                          \
                if (*p)                                                                            \
                        func(*p);                                                                  \
        }

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

static inline bool streq(const char *a, const char *b)
{
        return strcmp(a, b) == 0;
}

static inline bool startswith(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}
