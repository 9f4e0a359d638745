/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Numbers, sizes and durations; see parse.h. Works on digits itself: strtoll()
 * and strtod() take blanks, signs, hexadecimal and the locale's decimal point.
 */

#include <inttypes.h>

#include "base/parse.h"

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/*
 * Reads digits at *s into *ret and moves *s behind them. -EINVAL if there are
 * none; -ERANGE, behind all of them, if they exceed limit.
 */
static int scan_digits(const char **s, uint64_t limit, uint64_t *ret)
{
        const char *p = *s;
        bool over = false;
        uint64_t v = 0;

        if (!is_digit(*p))
                return -EINVAL;
        for (; is_digit(*p); p++) {
                uint64_t digit = (uint64_t)(*p - '0');

                if (over || v > (limit - digit) / 10)
                        over = true;
                else
                        v = v * 10 + digit;
        }
        *s = p;
        if (over)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
        bool negative = *s == '-';
        uint64_t v = 0;
        int64_t value;
        int r;

        s += negative;
        r = scan_digits(&s, (uint64_t)INT64_MAX + negative, &v);
        if (r == -EINVAL || *s)
                return -EINVAL;
        if (r < 0)
                return r;
        value = negative ? (int64_t)-v : (int64_t)v;
        if (value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

int parse_size(const char *s, int64_t min, int64_t max, int64_t *ret)
{
        static const char units[] = "KMGT";
        unsigned shift = 0;
        uint64_t v = 0;
        int r;

        r = scan_digits(&s, INT64_MAX, &v);
        if (r == -EINVAL)
                return r;
        if (*s) {
                const char *unit = strchr(units, *s);

                if (!unit || s[1])
                        return -EINVAL;
                shift = 10 * (unsigned)(unit - units + 1);
        }
        if (r < 0 || v > (uint64_t)INT64_MAX >> shift)
                return -ERANGE;
        v <<= shift;
        if ((int64_t)v < min || (int64_t)v > max)
                return -ERANGE;
        *ret = (int64_t)v;
        return 0;
}

static const struct {
        const char *word;
        int64_t ns;
} duration_units[] = {
        /* the longer words first: "min" and "ms" begin with "m" */
        {"min", 60 * NSEC_PER_SEC}, {"ms", NSEC_PER_MSEC},      {"s", NSEC_PER_SEC},
        {"m", 60 * NSEC_PER_SEC},   {"h", 3600 * NSEC_PER_SEC}, {"d", 86400 * NSEC_PER_SEC},
};

/* ".5" at *s as a numerator and denominator; nothing there is 0/1. */
static int scan_fraction(const char **s, uint64_t *ret_numerator, uint64_t *ret_denominator)
{
        const char *p = *s;

        *ret_numerator = 0;
        *ret_denominator = 1;
        if (*p != '.')
                return 0;
        if (!is_digit(p[1]))
                return -EINVAL;
        for (p++; is_digit(*p); p++) {
                if (*ret_denominator > UINT64_C(100000000000000000))
                        return -EINVAL; /* more than 18 digits */
                *ret_numerator = *ret_numerator * 10 + (uint64_t)(*p - '0');
                *ret_denominator *= 10;
        }
        *s = p;
        return 0;
}

/* One number with its unit. alone: it is all there is, and may go without a unit. */
static int scan_duration(const char **s, bool alone, int64_t *ret)
{
        uint64_t whole = 0, numerator, denominator;
        __int128 ns = -1;
        int r, q;

        r = scan_digits(s, INT64_MAX, &whole);
        if (r == -EINVAL)
                return r;
        q = scan_fraction(s, &numerator, &denominator);
        if (q < 0)
                return q;
        if (**s == '\0' && alone)
                ns = NSEC_PER_SEC;
        for (size_t i = 0; ns < 0 && i < ELEMENTSOF(duration_units); i++)
                if (startswith(*s, duration_units[i].word)) {
                        ns = duration_units[i].ns;
                        *s += strlen(duration_units[i].word);
                }
        if (ns < 0)
                return -EINVAL;
        ns = ns * whole + ns * numerator / denominator;
        if (r == 0 && ns <= INT64_MAX)
                *ret = (int64_t)ns;
        else
                *ret = -1; /* of the form, but too much */
        return 0;
}

int parse_duration(const char *s, int64_t min_ns, int64_t max_ns, int64_t *ret)
{
        const char *begin = s;
        bool over = false;
        int64_t sum = 0;

        do {
                int64_t ns;
                int r = scan_duration(&s, s == begin, &ns);

                if (r < 0)
                        return r;
                if (ns < 0 || __builtin_add_overflow(sum, ns, &sum))
                        over = true;
        } while (*s);
        if (over || sum < min_ns || sum > max_ns)
                return -ERANGE;
        *ret = sum;
        return 0;
}

int parse_bool(const char *s, bool *ret)
{
        static const char *const yes[] = {"yes", "true", "on", "1"};
        static const char *const no[] = {"no", "false", "off", "0"};

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (streq(s, yes[i]) || streq(s, no[i])) {
                        *ret = streq(s, yes[i]);
                        return 0;
                }
        return -EINVAL;
}

/* n/unit, to a tenth below ten. Returns false, if rounding makes it `limit` units. */
static bool format_unit(uint64_t n, uint64_t unit, unsigned limit, const char *word, bool negative,
                        char *buf, size_t size)
{
        const char *sign = negative ? "-" : "";
        uint64_t tenths = n / unit * 10 + (n % unit * 10 + unit / 2) / unit;
        uint64_t whole = n / unit + (n % unit >= unit - unit / 2);

        if (tenths < 100 && unit > 1)
                snprintf(buf, size, "%s%" PRIu64 ".%" PRIu64 " %s", sign, tenths / 10, tenths % 10,
                         word);
        else if (whole < limit)
                snprintf(buf, size, "%s%" PRIu64 " %s", sign, whole, word);
        else
                return false;
        return true;
}

const char *format_duration(int64_t ns, char *buf, size_t size)
{
        uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, s;
        bool neg = ns < 0;

        if (n < 1000 && format_unit(n, 1, 1000, "ns", neg, buf, size))
                return buf;
        if (n < 1000000 && format_unit(n, 1000, 1000, "µs", neg, buf, size))
                return buf;
        if (n < 1000000000 && format_unit(n, 1000000, 1000, "ms", neg, buf, size))
                return buf;
        s = (n + 50000000) / 100000000; /* tenths of a second */
        if (s < 600) {
                snprintf(buf, size, "%s%" PRIu64 ".%" PRIu64 " s", neg ? "-" : "", s / 10, s % 10);
                return buf;
        }
        s = n / 1000000000 + (n % 1000000000 >= 500000000);
        if (s < 3600)
                snprintf(buf, size, "%s%" PRIu64 "m%02" PRIu64 "s", neg ? "-" : "", s / 60, s % 60);
        else if (s < 86400)
                snprintf(buf, size, "%s%" PRIu64 "h%02" PRIu64 "m", neg ? "-" : "", s / 3600,
                         s % 3600 / 60);
        else
                snprintf(buf, size, "%s%" PRIu64 "d%02" PRIu64 "h", neg ? "-" : "", s / 86400,
                         s % 86400 / 3600);
        return buf;
}

const char *format_size(int64_t bytes, char *buf, size_t size)
{
        static const char *const words[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        uint64_t n = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                uint64_t unit = UINT64_C(1) << (10 * i);

                if (n / unit >= 1024 && i + 1 < ELEMENTSOF(words))
                        continue;
                if (n % unit == 0)
                        snprintf(buf, size, "%s%" PRIu64 " %s", bytes < 0 ? "-" : "", n / unit,
                                 words[i]);
                else if (!format_unit(n, unit, 1024, words[i], bytes < 0, buf, size))
                        continue;
                return buf;
        }
        return buf;
}
