/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of verbs, and `inventory`: what the host still has of instances. */

#include "agent/helper-verbs.h"

#include "agent/helper-wire.h"
#include "agent/scan.h"
#include "base/clock.h"

#define JSON_FLAGS (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

int verb_write(const struct verb_context *context, json_object *message)
{
        _cleanup_(freep)
        char *line = NULL;
        size_t length;
        const char *text = json_object_to_json_string_length(message, JSON_FLAGS, &length);

        if (!text)
                return -ENOMEM;
        if (length + 1 > HELPER_MESSAGE_MAX)
                return -EMSGSIZE;
        line = malloc(length + 1);
        if (!line)
                return -ENOMEM;
        memcpy(line, text, length);
        line[length++] = '\n';
        for (size_t done = 0; done < length;) {
                ssize_t n = write(context->out, line + done, length - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t)n;
        }
        return 0;
}

const char *verb_get_text(json_object *o, const char *key)
{
        json_object *value;

        if (!json_object_object_get_ex(o, key, &value) || !value)
                return "";
        if (!json_object_is_type(value, json_type_string))
                return NULL;
        /* What JSON hides behind a NUL is not looked at, so there must be none. */
        if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
                return NULL;
        return json_object_get_string(value);
}

int verb_get_lxd_dir(json_object *request, char *buf, size_t size, struct error *err)
{
        const char *dir = verb_get_text(request, "lxd_dir");
        size_t n;

        if (!dir || strlen(dir) >= size || strstr(dir, "/..") || (dir[0] && dir[0] != '/'))
                return error_set(err, -EINVAL, "lxd_dir is no absolute path");
        snprintf(buf, size, "%s", dir);
        for (n = strlen(buf); n > 1 && buf[n - 1] == '/'; n--)
                buf[n - 1] = '\0';
        return 0;
}

/* ---- inventory ---- */

struct inventory_request {
        struct scan *scan;
        char lxd_dir[HELPER_LXD_DIR_MAX];
};

static void inventory_release(void *data)
{
        struct inventory_request *r = data;

        if (!r)
                return;
        scan_free(r->scan);
        free(r);
}

static int check_targets(json_object *request, struct scan *scan, struct error *err)
{
        json_object *targets;
        size_t n;
        int r;

        if (!json_object_object_get_ex(request, "targets", &targets) ||
            !json_object_is_type(targets, json_type_array))
                return error_set(err, -EINVAL, "targets is no list");
        n = json_object_array_length(targets);
        if (n > SCAN_TARGETS_MAX)
                return error_set(err, -E2BIG, "more than %d targets", SCAN_TARGETS_MAX);
        for (size_t i = 0; i < n; i++) {
                json_object *t = json_object_array_get_idx(targets, i);
                const char *instance, *project, *veths;

                if (!json_object_is_type(t, json_type_object))
                        return error_set(err, -EINVAL, "target %zu is no object", i);
                instance = verb_get_text(t, "instance");
                project = verb_get_text(t, "project");
                veths = verb_get_text(t, "veths");
                if (!instance || !project || !veths)
                        return error_set(err, -EINVAL, "target %zu is malformed", i);
                r = scan_add_target(scan, project, instance, veths, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int inventory_check(json_object *request, const struct verb_context *context,
                           void **ret_request, struct error *err)
{
        struct inventory_request *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        r = verb_get_lxd_dir(request, q->lxd_dir, sizeof(q->lxd_dir), err);
        if (r >= 0)
                r = scan_new(context->root, q->lxd_dir, &q->scan);
        if (r >= 0)
                r = check_targets(request, q->scan, err);
        if (r < 0) {
                inventory_release(q);
                return r;
        }
        *ret_request = q;
        return 0;
}

static json_object *make_item(const struct scan *s, const struct scan_item *item)
{
        json_object *o = json_object_new_object();

        json_object_object_add(o, "kind",
                               json_object_new_string(leftover_kind_name((int)item->kind)));
        json_object_object_add(o, "name", json_object_new_string(item->name));
        json_object_object_add(o, "detail", json_object_new_string(item->detail));
        json_object_object_add(o, "instance",
                               json_object_new_string(s->targets[item->target].instance));
        json_object_object_add(o, "target", json_object_new_int64(item->target));
        return o;
}

static int write_items(const struct verb_context *context, const struct scan *s)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_items;) {
                _cleanup_(json_putp)
                json_object *message = json_object_new_object();
                json_object *items = json_object_new_array();

                for (size_t n = 0; n < HELPER_ITEMS_MAX && i < s->n_items; n++, i++)
                        json_object_array_add(items, make_item(s, &s->items[i]));
                json_object_object_add(message, "id", json_object_new_int64(context->id));
                json_object_object_add(message, "more", json_object_new_boolean(true));
                json_object_object_add(message, "items", items);
                r = verb_write(context, message);
        }
        return r;
}

static int write_end(const struct verb_context *context, const struct scan *s, int64_t took_ns)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        json_object *blind = json_object_new_array();

        for (int kind = 0; kind < LEFTOVER_MAX_; kind++)
                if (s->blind & (1U << kind))
                        json_object_array_add(blind,
                                              json_object_new_string(leftover_kind_name(kind)));
        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "blind", blind);
        json_object_object_add(message, "omitted", json_object_new_int64((int64_t)s->omitted));
        json_object_object_add(message, "took_us", json_object_new_int64(took_ns / NSEC_PER_USEC));
        return verb_write(context, message);
}

static int inventory_run(void *data, const struct verb_context *context, struct error *err)
{
        struct inventory_request *q = data;
        int64_t begin_ns = now_monotonic_ns();
        int r;

        q->scan->doing = context->progress->doing;
        r = scan_run(q->scan);
        if (r < 0)
                return error_set_errno(err, r, "the scan failed while %s",
                                       context->progress->doing);
        r = write_items(context, q->scan);
        if (r >= 0)
                r = write_end(context, q->scan, now_monotonic_ns() - begin_ns);
        if (r < 0)
                return error_set_errno(err, r, "the answer could not be written");
        return 0;
}

/* ---- the table ---- */

static const struct verb verb_inventory = {
        .name = "inventory",
        .time_limit_ns = 10 * NSEC_PER_SEC,
        .answer_max = 16 * 1024 * 1024, /* 256 targets of 64 items of 600 bytes */
        .check = inventory_check,
        .release = inventory_release,
        .run = inventory_run,
};

static const struct verb *const verbs[] = {&verb_inventory, &verb_names,    &verb_remove,
                                           &verb_examine,   &verb_evidence, &verb_thaw,
                                           &verb_restart,   &verb_census};

const struct verb *verb_find(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i]->name, name))
                        return verbs[i];
        return NULL;
}
