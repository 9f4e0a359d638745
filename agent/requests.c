/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* LXD's request and instance objects: see requests.h. */

#include "agent/requests.h"

#include <ctype.h>

#define WIDTH_UNBOUNDED 9 /* digits of UNITS_MAX */

static int name_width(int64_t total)
{
        char digits[24];

        return total > 0 ? snprintf(digits, sizeof(digits), "%lld", (long long)total)
                         : WIDTH_UNBOUNDED;
}

void instance_name(const struct run_spec *spec, int64_t unit, char ret[static NAME_SIZE])
{
        snprintf(ret, NAME_SIZE, "%s-%s-%0*lld", spec->prefix, spec->run, name_width(spec->total),
                 (long long)unit);
}

void template_instance_name(const struct run_spec *spec, char ret[static NAME_SIZE])
{
        snprintf(ret, NAME_SIZE, "%s-%s-template", spec->prefix, spec->run);
}

bool instance_name_fits(const char *name, const char *run, const char *unit)
{
        const char *tail = strrchr(name, '-');
        size_t n = strlen(run);

        if (!tail || (size_t)(tail - name) < n + 1 || tail[-(ptrdiff_t)n - 1] != '-' ||
            strncmp(tail - n, run, n) != 0)
                return false;
        tail++;
        if (streq(unit, "template"))
                return streq(tail, unit);
        if (strspn(tail, "0123456789") != strlen(tail) || !tail[0])
                return false;
        return strtoll(tail, NULL, 10) == strtoll(unit, NULL, 10);
}

static void add_string(json_object *o, const char *key, const char *value)
{
        json_object_object_add(o, key, json_object_new_string(value));
}

json_object *create_body(const struct run_spec *spec, const struct source_info *source,
                         const char *name, const char *unit, const char *agent_id, bool from_image)
{
        json_object *body = json_object_new_object(), *config = json_object_new_object(),
                    *from = json_object_new_object();

        add_string(config, KEY_RUN, spec->run);
        add_string(config, KEY_UNIT, unit);
        add_string(config, KEY_AGENT, agent_id);
        if (from_image) {
                add_string(from, "type", "image");
                add_string(from, "fingerprint", source->fingerprint);
        } else {
                add_string(from, "type", "copy");
                add_string(from, "source", source->template_name);
                json_object_object_add(from, "instance_only", json_object_new_boolean(true));
                json_object_object_add(from, "allow_inconsistent", json_object_new_boolean(true));
                /* without it a copy has no root device */
                json_object_object_add(body, "profiles", json_object_get(source->profiles));
        }
        add_string(body, "name", name);
        add_string(body, "type", "container");
        json_object_object_add(body, "source", from);
        json_object_object_add(body, "config", config);
        return body;
}

json_object *state_body(const char *action, bool force, int64_t timeout_ns)
{
        json_object *body = json_object_new_object();

        add_string(body, "action", action);
        json_object_object_add(body, "force", json_object_new_boolean(force));
        json_object_object_add(
                body, "timeout",
                json_object_new_int64((timeout_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
        return body;
}

/* A unit's own seed, the same in every run with the same --seed (splitmix64,
 * Steele, Lea, Flood 2014): a command in it can vary its work reproducibly. */
static uint64_t unit_seed(int64_t seed, int64_t unit)
{
        uint64_t z = (uint64_t)seed + (uint64_t)unit * UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

json_object *exec_body(char *const *argv, size_t n, bool record, const struct run_spec *spec,
                       int64_t unit)
{
        json_object *body = json_object_new_object(), *command = json_object_new_array(),
                    *environment = json_object_new_object();
        char text[24];

        for (size_t i = 0; i < n; i++)
                json_object_array_add(command, json_object_new_string(argv[i]));
        add_string(environment, "LXDSOAK_RUN", spec->run);
        snprintf(text, sizeof(text), "%lld", (long long)unit);
        add_string(environment, "LXDSOAK_UNIT", text);
        snprintf(text, sizeof(text), "%llu", (unsigned long long)unit_seed(spec->seed, unit));
        add_string(environment, "LXDSOAK_SEED", text);
        json_object_object_add(body, "command", command);
        json_object_object_add(body, "environment", environment);
        json_object_object_add(body, "wait-for-websocket", json_object_new_boolean(false));
        json_object_object_add(body, "record-output", json_object_new_boolean(record));
        json_object_object_add(body, "interactive", json_object_new_boolean(false));
        return body;
}

static json_object *get_object(json_object *o, const char *key)
{
        json_object *v;

        if (!o || !json_object_object_get_ex(o, key, &v) ||
            !json_object_is_type(v, json_type_object))
                return NULL;
        return v;
}

const char *instance_config(json_object *instance, const char *key)
{
        json_object *config = get_object(instance, "config"), *v;

        if (!config || !json_object_object_get_ex(config, key, &v))
                return NULL;
        return json_object_get_string(v);
}

/* volatile.NIC.host_name, and volatile.NIC.hwaddr, which is not .last_state.hwaddr. */
static bool tells_a_link(const char *key, const char *value)
{
        const char *suffix = strrchr(key, '.');

        if (!startswith(key, "volatile.") || !suffix || !value || !value[0])
                return false;
        if (streq(suffix, ".host_name"))
                return true;
        return streq(suffix, ".hwaddr") && !strstr(key, ".last_state.") && strlen(value) == 17;
}

static void collect_veths(json_object *config, char *ret, size_t size)
{
        size_t used = 0;

        if (size == 0)
                return;
        ret[0] = '\0';
        json_object_object_foreach (config, key, value) {
                const char *name = json_object_get_string(value);
                int n;

                if (!tells_a_link(key, name))
                        continue;
                n = snprintf(ret + used, size - used, "%s%s", used ? "," : "", name);
                if (n < 0 || (size_t)n >= size - used) {
                        ret[used] = '\0';
                        return;
                }
                used += (size_t)n;
        }
}

enum unit_seen instance_seen(json_object *instance, const char *run, const char *unit,
                             char *ret_veths, size_t veths_size)
{
        const char *its_run = instance_config(instance, KEY_RUN),
                   *its_unit = instance_config(instance, KEY_UNIT), *status;
        json_object *v;

        if (!its_run || !its_unit || !streq(its_run, run) || !streq(its_unit, unit))
                return UNIT_SEEN_FOREIGN;
        if (ret_veths)
                collect_veths(get_object(instance, "config"), ret_veths, veths_size);
        status = json_object_object_get_ex(instance, "status", &v) ? json_object_get_string(v) : "";
        if (status && streq(status, "Running"))
                return UNIT_SEEN_RUNNING;
        if (status && streq(status, "Stopped"))
                return UNIT_SEEN_STOPPED;
        return UNIT_SEEN_OTHER;
}

int split_command(const char *line, struct string_list *ret)
{
        char word[EXEC_LENGTH_MAX + 1];
        size_t n = 0;
        bool in_word = false;
        char quote = 0;
        int r;

        for (const char *p = line;; p++) {
                char c = *p;

                if (n >= EXEC_LENGTH_MAX)
                        return -E2BIG;
                if (c == '\0' && quote)
                        return -EINVAL;
                if (c == '\0' || (!quote && isspace((unsigned char)c))) {
                        if (in_word) {
                                word[n] = '\0';
                                r = string_list_add(ret, word);
                                if (r < 0)
                                        return r;
                        }
                        in_word = false;
                        n = 0;
                        if (c == '\0')
                                break;
                        continue;
                }
                in_word = true;
                if (quote ? c == quote : (c == '\'' || c == '"'))
                        quote = quote ? 0 : c;
                else if (c == '\\' && quote != '\'' && p[1])
                        word[n++] = *++p;
                else
                        word[n++] = c;
        }
        return ret->n > 0 ? 0 : -EINVAL;
}
