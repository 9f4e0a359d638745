/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fills struct error; see error.h. Never logs and never allocates. */

#include "base/error.h"

static void _printf_(3, 0) error_fill(struct error *err, int code, const char *format, va_list ap)
{
        err->code = code;
        vsnprintf(err->text, sizeof(err->text), format, ap);
}

int error_set(struct error *err, int code, const char *format, ...)
{
        va_list ap;

        if (!err || err->code)
                return code;
        va_start(ap, format);
        error_fill(err, code, format, ap);
        va_end(ap);
        return code;
}

int error_set_errno(struct error *err, int code, const char *format, ...)
{
        va_list ap;
        size_t n;

        if (!err || err->code)
                return code;
        va_start(ap, format);
        error_fill(err, code, format, ap);
        va_end(ap);
        n = strlen(err->text);
        snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(abs(code)));
        return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
        struct error old;
        va_list ap;
        size_t n;

        if (!err)
                return 0;
        old = *err;
        va_start(ap, format);
        error_fill(err, old.code, format, ap);
        va_end(ap);
        n = strlen(err->text);
        snprintf(err->text + n, sizeof(err->text) - n, ": %s", old.text);
        return err->code;
}
