/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See facts.h. */

#include "agent/facts.h"

#include "base/text.h"

#define OPERATIONS_MAX 10000

static json_object *get(json_object *o, const char *key, json_type type)
{
        json_object *v;

        if (!o || !json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
                return NULL;
        return v;
}

static void get_text(json_object *o, const char *key, char *buf, size_t size)
{
        json_object *v = get(o, key, json_type_string);

        if (v)
                utf8_copy(buf, size, json_object_get_string(v),
                          (size_t)json_object_get_string_len(v));
}

static bool get_bool(json_object *o, const char *key)
{
        json_object *v = get(o, key, json_type_boolean);

        return v && json_object_get_boolean(v);
}

/* ---- the helper's facts ---- */

static void read_task(json_object *facts, const char *key, struct task_fact *ret)
{
        json_object *o = get(facts, key, json_type_object), *pid;
        char state[8] = "";

        pid = get(o, "pid", json_type_int);
        if (!pid)
                return;
        ret->pid = MAX(json_object_get_int64(pid), 0);
        get_text(o, "state", state, sizeof(state));
        ret->state = state[0];
        get_text(o, "comm", ret->comm, sizeof(ret->comm));
        get_text(o, "wchan", ret->wchan, sizeof(ret->wchan));
        ret->dying = get_bool(o, "dying");
}

/* How many there are, and the one that is stopped if one is, else the first. */
static int64_t read_tasks(json_object *facts, const char *key, struct task_fact *ret)
{
        json_object *list = get(facts, key, json_type_array);
        size_t n = list ? json_object_array_length(list) : 0;

        if (!list)
                return -1;
        for (size_t i = 0; ret && i < n; i++) {
                json_object *wrap = json_object_new_object();
                struct task_fact t = {0};

                json_object_object_add(wrap, "t",
                                       json_object_get(json_object_array_get_idx(list, i)));
                read_task(wrap, "t", &t);
                json_object_put(wrap);
                if (ret->pid == 0 || (t.state == 'T' && ret->state != 'T'))
                        *ret = t;
        }
        return (int64_t)n;
}

void facts_read(json_object *messages, struct facts *ret)
{
        json_object *facts = NULL;
        size_t n = messages ? json_object_array_length(messages) : 0;

        *ret = (struct facts){.n_exec = -1, .n_unpack = -1};
        for (size_t i = 0; !facts && i < n; i++)
                facts = get(json_object_array_get_idx(messages, i), "facts", json_type_object);
        if (!facts)
                return;
        ret->known = true;
        read_task(facts, "daemon", &ret->daemon);
        read_task(facts, "monitor", &ret->monitor);
        read_task(facts, "init", &ret->init);
        read_task(facts, "unkillable", &ret->unkillable);
        read_task(facts, "holder", &ret->holder);
        get_text(get(facts, "holder", json_type_object), "mount", ret->mount, sizeof(ret->mount));
        ret->monitor_frozen = get_bool(get(facts, "monitor", json_type_object), "frozen");
        ret->payload_frozen = get_bool(facts, "payload_frozen");
        ret->n_exec = read_tasks(facts, "exec", NULL);
        ret->n_unpack = read_tasks(facts, "unpack", &ret->unpack);
}

/* ---- operations ---- */

/* "/1.0/instances/NAME" or "/1.0/containers/NAME", perhaps with "?project=". */
static bool names_instance(json_object *urls, const char *instance)
{
        size_t n = json_object_array_length(urls), length = strlen(instance);

        for (size_t i = 0; i < n; i++) {
                const char *url = json_object_get_string(json_object_array_get_idx(urls, i));
                const char *name = url ? strrchr(url, '/') : NULL;

                if (name && strncmp(name + 1, instance, length) == 0 &&
                    (name[1 + length] == '\0' || name[1 + length] == '?'))
                        return true;
        }
        return false;
}

static bool is_about(json_object *operation, const char *instance)
{
        json_object *resources = get(operation, "resources", json_type_object);

        if (!resources)
                return false;
        json_object_object_foreach (resources, key, urls) {
                if (key && json_object_is_type(urls, json_type_array) &&
                    names_instance(urls, instance))
                        return true;
        }
        return false;
}

int64_t facts_count_operations(json_object *list, const char *instance, char *ret_operation,
                               size_t size)
{
        int64_t n = 0;

        ret_operation[0] = '\0';
        if (!list || !json_object_is_type(list, json_type_object))
                return -1;
        json_object_object_foreach (list, status, operations) {
                size_t length = json_object_is_type(operations, json_type_array)
                                        ? json_object_array_length(operations)
                                        : 0;

                if (!streq(status, "running") && !streq(status, "pending"))
                        continue;
                for (size_t i = 0; i < MIN(length, (size_t)OPERATIONS_MAX); i++) {
                        json_object *o = json_object_array_get_idx(operations, i);

                        if (!is_about(o, instance))
                                continue;
                        if (n++ == 0)
                                get_text(o, "id", ret_operation, size);
                }
        }
        return n;
}

/* ---- secrets ---- */

static bool may_be_secret(const char *key)
{
        static const char *const words[] = {"password",   "token",     "secret",     "key",
                                            "cloud-init", "user-data", "vendor-data"};

        if (startswith(key, "environment."))
                return true;
        if (startswith(key, "user."))
                return !startswith(key, "user.lxdsoak.");
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasestr(key, words[i]))
                        return true;
        return false;
}

static void mask(json_object *config)
{
        if (!config)
                return;
        json_object_object_foreach (config, key, value) {
                if (value && may_be_secret(key))
                        json_object_object_add(config, key, json_object_new_string("(masked)"));
        }
}

json_object *facts_mask_instance(json_object *instance)
{
        json_object *copy = NULL;

        if (!instance || !json_object_is_type(instance, json_type_object) ||
            json_object_deep_copy(instance, &copy, NULL) < 0)
                return NULL;
        mask(get(copy, "config", json_type_object));
        mask(get(copy, "expanded_config", json_type_object));
        return copy;
}
