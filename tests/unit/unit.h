/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every unit test begins with: cmocka, and the few checks of our own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

/* r is the error `code`, and the text in err says `part`. */
#define assert_error(r, wanted, err, part) check_error(r, wanted, &(err), part, __FILE__, __LINE__)

static inline void check_error(int r, int wanted, const struct error *err, const char *part,
                               const char *file, int line)
{
        if (r == wanted && err->code == wanted && strstr(err->text, part))
                return;
        print_error("returned %d (wanted %d), code %d, «%s» does not say «%s»\n", r, wanted,
                    err->code, err->text, part);
        _fail(file, line);
}

/* r is 0; shows the error otherwise. */
#define assert_ok(r, err) check_ok(r, &(err), __FILE__, __LINE__)

static inline void check_ok(int r, const struct error *err, const char *file, int line)
{
        if (r == 0)
                return;
        print_error("returned %d, «%s»\n", r, err->text);
        _fail(file, line);
}
