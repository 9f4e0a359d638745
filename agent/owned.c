/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and paths of a run's own; see owned.h. */

#include "agent/owned.h"

#include <ctype.h>

#define UNIT_DIGITS_MAX 9 /* of UNITS_MAX */

static bool run_ok(const char *run)
{
        size_t n = strlen(run);

        for (size_t i = 0; i < n; i++)
                if (!islower((unsigned char)run[i]) && !isdigit((unsigned char)run[i]))
                        return false;
        /* Else PREFIX-RUN-template-1, a cgroup of LXC's, would be of run "template". */
        return n == RUN_ID_SIZE - 1 && !streq(run, "template");
}

static bool unit_ok(const char *unit)
{
        size_t n = strlen(unit);

        return streq(unit, "template") ||
               (n > 0 && n <= UNIT_DIGITS_MAX && strspn(unit, "0123456789") == n);
}

static bool prefix_ok(const char *prefix, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)prefix[i]) && prefix[i] != '-')
                        return false;
        return n > 0 && n <= PREFIX_MAX && isalpha((unsigned char)prefix[0]);
}

const char *owned_unit(const char *instance, const char *run)
{
        const char *tail = strrchr(instance, '-');
        size_t before;

        if (!tail || !run_ok(run) || strlen(instance) >= NAME_SIZE || !unit_ok(tail + 1))
                return NULL;
        before = (size_t)(tail - instance);
        /* PREFIX, '-', RUN */
        if (before < RUN_ID_SIZE + 1 || strncmp(tail - (RUN_ID_SIZE - 1), run, RUN_ID_SIZE - 1) ||
            tail[-RUN_ID_SIZE] != '-' || !prefix_ok(instance, before - RUN_ID_SIZE))
                return NULL;
        return tail + 1;
}

/* The run a name may be of, by its place in it. */
static bool has_shape(const char *instance)
{
        const char *tail = strrchr(instance, '-');
        char run[RUN_ID_SIZE];

        if (!tail || tail - instance < RUN_ID_SIZE)
                return false;
        snprintf(run, sizeof(run), "%s", tail - (RUN_ID_SIZE - 1));
        return owned_name(instance, run);
}

bool owned_shape(const char *full, char *ret, size_t size)
{
        const char *name = strrchr(full, '_');
        size_t begin = name ? (size_t)(name + 1 - full) : 0;

        if ((size_t)snprintf(ret, size, "%s", full) >= size)
                return false;
        if (has_shape(ret + begin))
                return true;
        if (strrchr(ret, '-'))
                *strrchr(ret, '-') = '\0';
        return unit_ok(full + strlen(ret) + (full[strlen(ret)] == '-')) && has_shape(ret + begin);
}

bool owned_name(const char *instance, const char *run)
{
        return owned_unit(instance, run) != NULL;
}

bool owned_path(const char *path, const char *dir, const char *name)
{
        size_t n = strlen(dir);
        bool found = false;

        if (n < 2 || dir[0] != '/' || strncmp(path, dir, n) != 0 || path[n] != '/')
                return false;
        for (path += n; *path;) {
                size_t length;

                path++;
                length = strcspn(path, "/");
                if (length == 0 || (length == 1 && path[0] == '.') ||
                    (length == 2 && path[0] == '.' && path[1] == '.'))
                        return false;
                found = found || (length == strlen(name) && strncmp(path, name, length) == 0);
                path += length;
        }
        return found;
}
