/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See html-text.h. */

#include "report/html-text.h"

#include <ctype.h>

#include "base/text.h"

/* Calls put for every character, made harmless: one byte, or several of UTF-8. */
static void each(FILE *out, const char *s, void (*put)(FILE *out, const char *c, size_t n))
{
        while (s && *s) {
                size_t n = 1;

                while (n < 4 && !utf8_valid(s, n) && s[n])
                        n++;
                if (!utf8_valid(s, n)) {
                        put(out, "?", 1);
                        s++;
                        continue;
                }
                if (*s == '\n' || *s == '\t')
                        put(out, " ", 1);
                else if (n == 1 && iscntrl((unsigned char)*s))
                        put(out, "?", 1);
                else
                        put(out, s, n);
                s += n;
        }
}

static void put_text(FILE *out, const char *c, size_t n)
{
        switch (*c) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fwrite(c, 1, n, out);
        }
}

void html_text(FILE *out, const char *s)
{
        each(out, s, put_text);
}

void html_foreign(FILE *out, const char *s)
{
        fputs("<bdi>", out);
        each(out, s, put_text);
        fputs("</bdi>", out);
}

static void put_json(FILE *out, const char *c, size_t n)
{
        if (strchr("\"\\<>&", *c))
                fprintf(out, "\\u%04x", (unsigned)*c);
        else
                fwrite(c, 1, n, out);
}

void html_json_string(FILE *out, const char *s)
{
        fputc('"', out);
        each(out, s, put_json);
        fputc('"', out);
}

void html_path(FILE *out, const char *s)
{
        for (; *s; s++)
                if (isascii(*s) && (isalnum((unsigned char)*s) || strchr("/._-", *s)))
                        fputc(*s, out);
                else
                        fprintf(out, "%%%02X", (unsigned)(unsigned char)*s);
}
