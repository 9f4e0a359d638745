/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of the options about wedges and leaks; see options.h. */

#include <ctype.h>

#include "base/parse.h"
#include "coordinator/options-check.h"

#define DAY_NS (INT64_C(24) * 3600 * NSEC_PER_SEC)

/* "30", "30s", "5m": a number alone is seconds. */
static int parse_time(const char *text, int64_t *ret)
{
        char with_unit[40];
        size_t n = strlen(text);

        if (n == 0 || n + 2 > sizeof(with_unit))
                return -EINVAL;
        snprintf(with_unit, sizeof(with_unit), "%s%s", text,
                 isdigit((unsigned char)text[n - 1]) ? "s" : "");
        return parse_duration(with_unit, NSEC_PER_SEC, DAY_NS, ret);
}

static int parse_one(char *word, int64_t *deadline_ns, struct error *err)
{
        char *equals = strchr(word, '=');
        int64_t ns;
        int phase;

        if (!equals)
                return error_set(err, -EINVAL, "\"%.40s\" is not PHASE=TIME, such as stop=90s",
                                 word);
        *equals = '\0';
        phase = streq(word, "all") ? PHASE_MAX_ : phase_from_name(word);
        if (phase < 0)
                return error_set(err, -EINVAL,
                                 "\"%.40s\" is no phase; one of create, start, ready, exec, stop, "
                                 "delete, verify, or all",
                                 word);
        if (parse_time(equals + 1, &ns) < 0)
                return error_set(err, -EINVAL, "%s=\"%.40s\": a time of 1s to 24h is needed", word,
                                 equals + 1);
        for (int p = 0; p < PHASE_MAX_; p++)
                if (phase == PHASE_MAX_ || phase == p)
                        deadline_ns[p] = ns;
        return 0;
}

int option_parse_deadline(const char *value, void *field, struct error *err)
{
        _cleanup_(freep)
        char *copy = strdup(value);
        char *save = NULL;
        int r = copy ? 0 : -ENOMEM;

        if (copy && !copy[0])
                return error_set(err, -EINVAL, "it is empty; PHASE=TIME is needed");
        for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word && r == 0;
             word = strtok_r(NULL, ",", &save))
                r = parse_one(word, field, err);
        return r;
}

static int no_such_kind(const char *word, struct error *err)
{
        char known[160];
        size_t n = 0;

        for (int k = 0; k < CENSUS_MAX_; k++)
                n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", k ? ", " : "",
                                      census_kind_name(k));
        return error_set(err, -EINVAL, "\"%.40s\" is no kind of leak; kinds are %s", word, known);
}

int option_parse_allow_leak(const char *value, void *field, struct error *err)
{
        _cleanup_(freep)
        char *copy = strdup(value);
        char *rest = copy, *word;
        int64_t *kinds = field;

        if (!copy)
                return -ENOMEM;
        while ((word = strsep(&rest, ","))) {
                int kind = census_kind_from_name(word);

                if (kind < 0)
                        return no_such_kind(word, err);
                *kinds |= INT64_C(1) << kind;
        }
        return 0;
}
