/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The instances the fake has. */

#include <ctype.h>
#include <stdarg.h>

#include "instances.h"

const char *status_text(int code)
{
        static const struct {
                int code;
                const char *text;
        } texts[] = {{100, "Operation created"},
                     {101, "Started"},
                     {102, "Stopped"},
                     {103, "Running"},
                     {105, "Pending"},
                     {106, "Starting"},
                     {107, "Stopping"},
                     {109, "Freezing"},
                     {110, "Frozen"},
                     {111, "Thawed"},
                     {112, "Error"},
                     {200, "Success"},
                     {400, "Failure"},
                     {401, "Cancelled"}};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (texts[i].code == code)
                        return texts[i].text;
        return "Unknown";
}

static uint64_t hash(const char *project, const char *name)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

        for (; *project; project++)
                h = (h ^ (unsigned char)*project) * UINT64_C(0x100000001b3);
        for (; *name; name++)
                h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
        return h;
}

void instances_init(struct instances *is, unsigned limit)
{
        *is = (struct instances){.n_buckets = 4096, .limit = limit};
        list_init(&is->list);
        is->buckets = must(calloc(is->n_buckets, sizeof(*is->buckets)));
}

void instances_deinit(struct instances *is)
{
        while (!list_empty(&is->list))
                instances_remove(is, list_first(&is->list, struct instance, link));
        for (size_t i = 0; i < is->n_projects; i++)
                free(is->projects[i]);
        free(is->buckets);
        *is = (struct instances){0};
}

const char *instances_project(const struct instances *is, const char *name)
{
        for (size_t i = 0; i < is->n_projects; i++)
                if (strcmp(is->projects[i], name) == 0)
                        return is->projects[i];
        return NULL;
}

int instances_add_project(struct instances *is, const char *name)
{
        if (instances_project(is, name))
                return 0;
        if (is->n_projects == ARRAY_SIZE(is->projects))
                return -ENOSPC;
        is->projects[is->n_projects++] = must(strdup(name));
        return 0;
}

static struct instance **slot(const struct instances *is, const char *project, const char *name)
{
        struct instance **p = &is->buckets[hash(project, name) % is->n_buckets];

        while (*p && (strcmp((*p)->name, name) != 0 || strcmp((*p)->project, project) != 0))
                p = &(*p)->hash_next;
        return p;
}

struct instance *instances_find(const struct instances *is, const char *project, const char *name)
{
        return *slot(is, project, name);
}

bool instance_name_valid(const char *name)
{
        size_t n = strlen(name);

        if (n < 1 || n >= NAME_SIZE || isdigit((unsigned char)name[0]) || name[0] == '-' ||
            name[n - 1] == '-')
                return false;
        for (; *name; name++)
                if (!isalnum((unsigned char)*name) && *name != '-')
                        return false;
        return true;
}

static void config_set(json_object *config, const char *key, const char *value)
{
        json_object_object_add(config, key, must(json_object_new_string(value)));
}

static _printf_(3, 4) void config_setf(json_object *config, const char *key, const char *format,
                                       ...)
{
        char text[64];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        config_set(config, key, text);
}

/* The keys the daemon itself puts into a new instance's configuration. */
static void config_add_volatile(struct instance *i, const char *fingerprint)
{
        config_set(i->config, "image.architecture", "amd64");
        config_set(i->config, "image.description", "fake image");
        config_set(i->config, "image.os", "Fake");
        config_set(i->config, "volatile.apply_template", "create");
        config_set(i->config, "volatile.base_image", fingerprint);
        config_set(i->config, "volatile.cloud-init.instance-id", "00000000");
        config_setf(i->config, "volatile.eth0.hwaddr", "00:16:3e:00:00:%02llx",
                    (unsigned long long)i->serial & 0xff);
        config_set(i->config, "volatile.idmap.base", "0");
        config_set(i->config, "volatile.last_state.idmap", "[]");
        config_setf(i->config, "volatile.uuid", "00000000-0000-4000-8000-%012llx",
                    (unsigned long long)i->serial);
}

static json_object *default_profiles(void)
{
        json_object *a = must(json_object_new_array());

        json_object_array_add(a, must(json_object_new_string("default")));
        return a;
}

int instances_add(struct instances *is, const char *project, const char *name, json_object *config,
                  json_object *devices, json_object *profiles, const char *fingerprint,
                  struct instance **ret)
{
        struct instance **p = slot(is, project, name), *i;

        if (*p)
                return -EEXIST;
        if (is->n >= is->limit)
                return -ENOSPC;
        i = must(calloc(1, sizeof(*i)));
        strcpy(i->name, name);
        i->project = instances_project(is, project);
        i->status = INSTANCE_STOPPED;
        i->config = config ? config : must(json_object_new_object());
        i->devices = devices ? devices : must(json_object_new_object());
        i->profiles = profiles ? profiles : default_profiles();
        i->created_ns = realtime_ns();
        i->serial = ++is->last_serial;
        list_init(&i->execs);
        list_init(&i->logs);
        config_add_volatile(i, fingerprint);
        list_append(&is->list, &i->link);
        *p = i;
        is->created++;
        if (++is->n > is->n_max)
                is->n_max = is->n;
        *ret = i;
        return 0;
}

void instances_remove(struct instances *is, struct instance *i)
{
        struct instance **p = slot(is, i->project, i->name);

        *p = i->hash_next;
        list_remove(&i->link);
        is->n--;
        is->deleted++;
        while (!list_empty(&i->logs))
                instance_drop_log(list_first(&i->logs, struct exec_log, link));
        json_object_put(i->config);
        json_object_put(i->devices);
        json_object_put(i->profiles);
        free(i);
}

void instance_set_status(struct instance *i, enum instance_status status)
{
        bool was = i->status == INSTANCE_RUNNING || i->status == INSTANCE_FROZEN;
        bool is = status == INSTANCE_RUNNING || status == INSTANCE_FROZEN;

        i->status = status;
        i->generation++;
        if (is && !was) {
                i->starts++;
                i->used_ns = realtime_ns();
                json_object_object_del(i->config, "volatile.apply_template");
                config_setf(i->config, "volatile.eth0.host_name", "vethfa%06llx",
                            (unsigned long long)(i->serial * 16 + i->starts % 16) & 0xffffff);
                config_set(i->config, "volatile.idmap.current", "[]");
                config_set(i->config, "volatile.last_state.power", "RUNNING");
        } else if (was && !is) {
                json_object_object_del(i->config, "volatile.eth0.host_name");
                config_set(i->config, "volatile.last_state.power", "STOPPED");
        }
}

struct exec_log *instance_find_log(struct instance *i, const char *id)
{
        list_foreach(l, &i->logs)
        {
                struct exec_log *log = container_of(l, struct exec_log, link);

                if (strcmp(log->id, id) == 0)
                        return log;
        }
        return NULL;
}

void instance_drop_log(struct exec_log *log)
{
        list_remove(&log->link);
        buf_deinit(&log->stream[0]);
        buf_deinit(&log->stream[1]);
        free(log);
}

struct exec_log *instance_add_log(struct instance *i, const char *id)
{
        struct exec_log *log = must(calloc(1, sizeof(*log)));
        size_t n = 0;

        list_foreach(l, &i->logs) n++;
        if (n >= INSTANCE_LOGS_MAX)
                instance_drop_log(list_first(&i->logs, struct exec_log, link));
        snprintf(log->id, sizeof(log->id), "%s", id);
        log->present[0] = log->present[1] = true;
        list_append(&i->logs, &log->link);
        return log;
}
