/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See suspects.h. One row of JSON each in the spool, under PROJECT/INSTANCE. */

#include "agent/suspects.h"

#include <json-c/json.h>

#include "base/log.h"

struct suspects {
        struct spool *spool;
        struct suspect *items;
        size_t n;
        char runs[RUNS_KEPT * RUN_ID_SIZE + 1]; /* oldest first, a comma behind each */
};

#define KEY_SIZE (2 * NAME_SIZE)

static const struct {
        const char *key;
        size_t offset, size;
} members[] = {
#define MEMBER(m)                                                                                  \
        {                                                                                          \
#m, offsetof(struct suspect, m), sizeof(((struct suspect *)0)->m)                  \
        }
        MEMBER(instance), MEMBER(project), MEMBER(run), MEMBER(unit), MEMBER(veths),
#undef MEMBER
};

static void make_key(char key[static KEY_SIZE], const char *project, const char *instance)
{
        snprintf(key, KEY_SIZE, "%s/%s", project, instance);
}

static bool has_name(const char *veths, const char *name, size_t length)
{
        while (*veths) {
                size_t n = strcspn(veths, ",");

                if (n == length && strncmp(veths, name, n) == 0)
                        return true;
                veths += n + (veths[n] == ',');
        }
        return false;
}

void veths_add(char veths[static SUSPECT_VETHS_SIZE], const char *names)
{
        while (*names) {
                size_t n = strcspn(names, ","), used = strlen(veths);

                if (n > 0 && !has_name(veths, names, n) && used + n + 2 <= SUSPECT_VETHS_SIZE)
                        snprintf(veths + used, SUSPECT_VETHS_SIZE - used, "%s%.*s", used ? "," : "",
                                 (int)n, names);
                names += n + (names[n] == ',');
        }
}

/* ---- rows ---- */

static void save(struct suspects *s, const struct suspect *suspect)
{
        json_object *o = json_object_new_object();
        char key[KEY_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                json_object_object_add(
                        o, members[i].key,
                        json_object_new_string((const char *)suspect + members[i].offset));
        make_key(key, suspect->project, suspect->instance);
        if (spool_put_suspect(s->spool, key,
                              json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)) < 0)
                log_error("Out of memory: that %s left something may be forgotten",
                          suspect->instance);
        json_object_put(o);
}

/* A row that makes no sense is as good as none. */
static bool parse(const char *text, struct suspect *ret)
{
        json_object *o = json_tokener_parse(text), *value;
        bool ok = o && json_object_is_type(o, json_type_object);

        for (size_t i = 0; ok && i < ELEMENTSOF(members); i++) {
                ok = json_object_object_get_ex(o, members[i].key, &value) &&
                     json_object_is_type(value, json_type_string) &&
                     (size_t)json_object_get_string_len(value) < members[i].size;
                if (ok)
                        strcpy((char *)ret + members[i].offset, json_object_get_string(value));
        }
        json_object_put(o);
        return ok;
}

/* ---- the list ---- */

static const char *project_name(const char *project)
{
        return project[0] ? project : "default";
}

static struct suspect *find(const struct suspects *s, const char *project, const char *instance)
{
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->items[i].instance, instance) &&
                    streq(project_name(s->items[i].project), project_name(project)))
                        return &s->items[i];
        return NULL;
}

static struct suspect *append(struct suspects *s, const struct suspect *suspect)
{
        struct suspect *items;

        if (s->n == SUSPECTS_MAX) {
                struct suspect oldest = s->items[0];

                log_warning("More than %d instances left something: %s is forgotten", SUSPECTS_MAX,
                            oldest.instance);
                suspects_forget(s, oldest.project, oldest.instance);
        }
        items = reallocarray(s->items, s->n + 1, sizeof(*items));
        if (!items)
                return NULL;
        s->items = items;
        items[s->n] = *suspect;
        return &items[s->n++];
}

static int load_row(const struct spool_row *row, void *userdata)
{
        struct suspect suspect = {0};

        if (parse(row->text, &suspect) && !append(userdata, &suspect))
                return -ENOMEM;
        return 0;
}

int suspects_new(struct spool *spool, struct suspects **ret)
{
        struct suspects *s = calloc(1, sizeof(*s));
        _cleanup_(freep)
        char *runs = NULL;
        int r;

        if (!s)
                return -ENOMEM;
        s->spool = spool;
        runs = spool_get_meta(spool, "runs");
        if (runs && strlen(runs) < sizeof(s->runs) && strlen(runs) % RUN_ID_SIZE == 0)
                strcpy(s->runs, runs);
        r = spool_each_suspect(spool, load_row, s);
        if (r < 0) {
                suspects_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct suspects *suspects_free(struct suspects *s)
{
        if (!s)
                return NULL;
        free(s->items);
        free(s);
        return NULL;
}

void suspects_add(struct suspects *s, const struct suspect *suspect)
{
        struct suspect *known = find(s, suspect->project, suspect->instance);
        char before[SUSPECT_VETHS_SIZE];

        if (!known) {
                known = append(s, suspect);
                if (known)
                        save(s, known);
                return;
        }
        strcpy(before, known->veths);
        veths_add(known->veths, suspect->veths);
        if (!streq(before, known->veths))
                save(s, known);
}

void suspects_forget(struct suspects *s, const char *project, const char *instance)
{
        struct suspect *known = find(s, project, instance);
        char key[KEY_SIZE];

        if (!known)
                return;
        make_key(key, known->project, known->instance);
        if (spool_drop_suspect(s->spool, key) < 0)
                log_error("Out of memory: the next clean-up will ask for %s again", instance);
        s->n--;
        memmove(known, known + 1, (size_t)(s->items + s->n - known) * sizeof(*known));
}

void suspects_add_run(struct suspects *s, const char *run)
{
        size_t used = strlen(s->runs);

        if (strlen(run) != RUN_ID_SIZE - 1 || suspects_has_run(s, run))
                return;
        if (used + RUN_ID_SIZE >= sizeof(s->runs)) {
                memmove(s->runs, s->runs + RUN_ID_SIZE, used - RUN_ID_SIZE + 1);
                used -= RUN_ID_SIZE;
        }
        snprintf(s->runs + used, sizeof(s->runs) - used, "%s,", run);
        if (spool_put_meta(s->spool, "runs", s->runs, NULL, NULL) < 0)
                log_error("Out of memory: that run %s was here may be forgotten", run);
}

bool suspects_has_run(const struct suspects *s, const char *run)
{
        return has_name(s->runs, run, strlen(run));
}

size_t suspects_n(const struct suspects *s)
{
        return s->n;
}

const struct suspect *suspects_get(const struct suspects *s, size_t i)
{
        return &s->items[i];
}
