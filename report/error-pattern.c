/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See error-pattern.h. */

#include "report/error-pattern.h"

#include <ctype.h>

#define PREFIX_MIN 3 /* letters, before a number at the end of a word, */
#define NUMBER_MAX 2 /* of so many digits */
#define HEX_MIN    8 /* letters of a word that is hexadecimal without a digit */
#define GROUP_MAX  4 /* of a MAC or an address of IPv6 */

struct word {
        size_t length, digits, hex;
        size_t prefix; /* letters before its first digit */
};

/* Letters of other scripts are letters: of 800µs, the whole is one. */
static bool in_word(char c)
{
        return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static struct word measure(const char *s)
{
        struct word w = {0};

        for (; in_word(s[w.length]); w.length++) {
                w.digits += isdigit((unsigned char)s[w.length]) != 0;
                w.hex += isxdigit((unsigned char)s[w.length]) != 0;
                w.prefix += w.digits == 0;
        }
        return w;
}

/* How long the UUID is that s begins with; 0 = it does not. */
static size_t uuid_length(const char *s)
{
        static const size_t groups[] = {8, 4, 4, 4, 12};
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                struct word w = measure(s + n);

                if (w.length != groups[i] || w.hex != w.length)
                        return 0;
                n += w.length;
                if (i + 1 < ELEMENTSOF(groups) && s[n++] != '-')
                        return 0;
        }
        return n;
}

/* ext4, overlay2: how much of it is its name; 0 = it is no such word. */
static size_t name_length(const char *s, const struct word *w)
{
        size_t hex = 0;

        for (size_t i = 0; i < w->prefix; i++)
                hex += isxdigit((unsigned char)s[i]) != 0;
        if (w->prefix < PREFIX_MIN || hex == w->prefix || w->digits > NUMBER_MAX ||
            w->prefix + w->digits != w->length || startswith(s, "veth"))
                return 0;
        return w->prefix;
}

/* A number behind one that a point or a colon divides from it is a part of that. */
static size_t put_number(char *buf, size_t n)
{
        if (n >= 2 && buf[n - 2] == '#' && (buf[n - 1] == '.' || buf[n - 1] == ':'))
                return n - 1;
        buf[n] = '#';
        return n + 1;
}

static bool is_number(const char *buf, size_t n, const struct word *w)
{
        if (w->digits > 0)
                return true;
        if (w->hex != w->length)
                return false;
        return w->length >= HEX_MIN ||
               (w->length <= GROUP_MAX && n >= 2 && buf[n - 2] == '#' && buf[n - 1] == ':');
}

char *error_pattern(const char *text, char *buf, size_t size)
{
        size_t n = 0;

        while (*text && n + 1 < size) {
                struct word w = measure(text);
                size_t name = name_length(text, &w), length = uuid_length(text);

                if (w.length == 0) {
                        buf[n++] = *text++;
                        continue;
                }
                if (length == 0 && !is_number(buf, n, &w))
                        name = w.length;
                length = length ?: w.length;
                name = MIN(name, size - 1 - n);
                memcpy(buf + n, text, name);
                n += name;
                if (name < length && n + 1 < size)
                        n = put_number(buf, n);
                text += length;
        }
        buf[n] = '\0';
        return buf;
}
