/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The faults a test can ask for, and when they bite. */

#include <fnmatch.h>

#include "faults.h"

#define FAULT_INFO(id, fault_name, fault_layer, fault_scope, fault_what)                           \
        {.name = fault_name,                                                                       \
         .layer = FAULT_##fault_layer,                                                             \
         .scope = fault_scope,                                                                     \
         .what = fault_what},
const struct fault_info fault_infos[FAULT_KINDS] = {FAULTS(FAULT_INFO)};
#undef FAULT_INFO

void faults_init(struct faults *fs, uint64_t seed, struct timers *timers,
                 void (*changed)(void *, struct fault *, bool), void *userdata)
{
        *fs = (struct faults){
                .rng = {seed}, .timers = timers, .changed = changed, .userdata = userdata};
        list_init(&fs->list);
}

static void fault_free(struct fault *f)
{
        if (f->instance) {
                regfree(&f->regex);
                free(f->instance);
        }
        free(f);
}

static void fault_remove(struct fault *f)
{
        struct faults *fs = f->owner;

        timers_disarm(fs->timers, &f->expiry);
        list_remove(&f->link);
        fs->n--;
        fs->changed(fs->userdata, f, false);
        fault_free(f);
}

static void fault_expired(struct timer *t, int64_t now)
{
        (void)now;
        fault_remove(container_of(t, struct fault, expiry));
}

int faults_remove(struct faults *fs, unsigned id)
{
        list_foreach(i, &fs->list)
        {
                struct fault *f = container_of(i, struct fault, link);

                if (f->id == id) {
                        fault_remove(f);
                        return 0;
                }
        }
        return -ENOENT;
}

bool faults_alive(const struct faults *fs, unsigned id)
{
        list_foreach(i, &fs->list) if (container_of(i, struct fault, link)->id == id) return true;
        return false;
}

void faults_clear(struct faults *fs)
{
        while (!list_empty(&fs->list))
                fault_remove(list_first(&fs->list, struct fault, link));
}

void faults_deinit(struct faults *fs)
{
        while (!list_empty(&fs->list)) {
                struct fault *f = list_first(&fs->list, struct fault, link);

                timers_disarm(fs->timers, &f->expiry);
                list_remove(&f->link);
                fault_free(f);
        }
}

static bool in_scope(const char *scope, const struct fault_subject *s)
{
        char copy[sizeof(((struct fault *)0)->scope)], *rest = copy, *word;

        strcpy(copy, scope);
        while ((word = strsep(&rest, ", "))) {
                if (strcmp(word, "@write") == 0 ? s->write
                    : strcmp(word, "@db") == 0  ? s->db
                                                : fnmatch(word, s->kind, 0) == 0)
                        return true;
        }
        return false;
}

/* Counts a match and says whether it bites. */
static bool bites(struct faults *fs, struct fault *f, const struct fault_subject *s)
{
        if (f->instance && (!s->instance || regexec(&f->regex, s->instance, 0, NULL, 0) != 0))
                return false;
        if (!in_scope(f->scope, s))
                return false;
        if (f->count && f->hits >= f->count)
                return false;
        if (f->matched++ < f->after)
                return false;
        if (f->probability < 1.0 && rng_unit(&fs->rng) >= f->probability)
                return false;
        f->hits++;
        return true;
}

struct fault *faults_next(struct faults *fs, enum fault_layer layer, struct fault *from,
                          const struct fault_subject *subject)
{
        struct list *i = from ? from->link.next : fs->list.next;

        for (; i != &fs->list; i = i->next) {
                struct fault *f = container_of(i, struct fault, link);

                if (f->info->layer == layer && bites(fs, f, subject))
                        return f;
        }
        return NULL;
}

bool faults_on_instance(struct faults *fs, enum fault_kind kind, const char *instance)
{
        struct fault_subject s = {.kind = "", .instance = instance};

        list_foreach(i, &fs->list)
        {
                struct fault *f = container_of(i, struct fault, link);

                if (f->kind == kind && bites(fs, f, &s))
                        return true;
        }
        return false;
}

static int set_kind(struct fault *f, const char *name)
{
        for (size_t i = 0; i < FAULT_KINDS; i++) {
                if (strcmp(fault_infos[i].name, name) != 0)
                        continue;
                f->kind = (enum fault_kind)i;
                f->info = &fault_infos[i];
                strcpy(f->scope, f->info->scope);
                return 0;
        }
        return -EINVAL;
}

static int set_scope(struct fault *f, const char *s)
{
        if (strlen(s) >= sizeof(f->scope))
                return -EINVAL;
        strcpy(f->scope, s);
        return 0;
}

static int set_instance(struct fault *f, const char *s)
{
        if (f->instance || regcomp(&f->regex, s, REG_EXTENDED | REG_NOSUB) != 0)
                return -EINVAL;
        f->instance = must(strdup(s));
        return 0;
}

static int set_key(struct fault *f, const char *key, json_object *v, int64_t *ret_for_ms)
{
        const char *s = json_object_get_string(v);
        int64_t n = json_object_get_int64(v);
        bool number = json_object_is_type(v, json_type_int) && n >= 0;

        if (strcmp(key, "fault") == 0)
                return 0; /* taken first, by the caller */
        if (strcmp(key, "request") == 0 && f->info->layer == FAULT_REQUEST)
                return set_scope(f, s);
        if (strcmp(key, "operation") == 0 && f->info->layer == FAULT_OPERATION)
                return set_scope(f, s);
        if (strcmp(key, "instance") == 0 && f->info->layer != FAULT_DAEMON)
                return set_instance(f, s);
        if (strcmp(key, "effect") == 0 && json_object_is_type(v, json_type_boolean)) {
                f->effect = json_object_get_boolean(v);
        } else if (strcmp(key, "probability") == 0) {
                f->probability = json_object_get_double(v);
        } else if (strcmp(key, "text") == 0 && strlen(s) < sizeof(f->text)) {
                strcpy(f->text, s);
        } else if (!number) {
                return -EINVAL;
        } else if (strcmp(key, "nth") == 0 && n > 0) {
                f->after = (uint64_t)n - 1;
                f->count = f->count ? f->count : 1;
        } else if (strcmp(key, "after") == 0) {
                f->after = (uint64_t)n;
        } else if (strcmp(key, "count") == 0) {
                f->count = (uint64_t)n;
        } else if (strcmp(key, "ms") == 0 && n <= 3600 * 1000) {
                f->ms = n;
        } else if (strcmp(key, "for_ms") == 0 && n <= 3600 * 1000) {
                *ret_for_ms = n;
        } else if (strcmp(key, "code") == 0 && n >= 200 && n <= 599) {
                f->code = (int)n;
        } else if (strcmp(key, "bytes") == 0 && n <= INT64_C(1) << 34) {
                f->bytes = (uint64_t)n;
                f->bytes_given = true;
        } else {
                return -EINVAL;
        }
        return 0;
}

int faults_add(struct faults *fs, json_object *spec, unsigned *ret_id, char *ret_why, size_t size)
{
        json_object *name;
        int64_t for_ms = 0;
        struct fault *f;

        if (fs->n >= FAULTS_MAX)
                return -E2BIG;
        if (!json_object_is_type(spec, json_type_object) ||
            !json_object_object_get_ex(spec, "fault", &name)) {
                snprintf(ret_why, size, "a fault is an object with the key `fault`");
                return -EINVAL;
        }
        f = must(calloc(1, sizeof(*f)));
        f->probability = 1.0;
        f->ms = -1;
        f->owner = fs;
        f->expiry.fn = fault_expired;
        if (set_kind(f, json_object_get_string(name)) < 0) {
                snprintf(ret_why, size, "no fault `%s`", json_object_get_string(name));
                fault_free(f);
                return -EINVAL;
        }
        f->effect = f->kind == FAULT_OP_VANISH || f->kind == FAULT_CLOSE;
        json_object_object_foreach (spec, key, value) {
                if (set_key(f, key, value, &for_ms) < 0) {
                        snprintf(ret_why, size, "`%s` is no key of %s, or not with this value", key,
                                 f->info->name);
                        fault_free(f);
                        return -EINVAL;
                }
        }
        f->id = ++fs->last_id;
        list_append(&fs->list, &f->link);
        fs->n++;
        if (for_ms)
                timers_arm(fs->timers, &f->expiry, now_ns() + for_ms * NSEC_PER_MSEC);
        *ret_id = f->id;
        fs->changed(fs->userdata, f, true);
        return 0;
}

json_object *faults_to_json(const struct faults *fs)
{
        json_object *all = must(json_object_new_array());

        list_foreach(i, &fs->list)
        {
                const struct fault *f = container_of(i, struct fault, link);
                json_object *o = must(json_object_new_object());

                json_object_object_add(o, "id", json_object_new_int((int)f->id));
                json_object_object_add(o, "fault", json_object_new_string(f->info->name));
                json_object_object_add(o, "scope", json_object_new_string(f->scope));
                if (f->instance)
                        json_object_object_add(o, "instance", json_object_new_string(f->instance));
                json_object_object_add(o, "matched", json_object_new_int64((int64_t)f->matched));
                json_object_object_add(o, "hits", json_object_new_int64((int64_t)f->hits));
                json_object_array_add(all, o);
        }
        return all;
}
