/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `names`: names that processes, cgroups and directories of the daemon's
 * bear on this host and that look like those of soaked instances, of whatever run.
 * It is how things are found that nobody remembers.
 */

#include "agent/helper-verbs.h"
#include "agent/helper-wire.h"
#include "agent/owned.h"
#include "agent/scan.h"

struct names_request {
        struct scan *scan;
        char lxd_dir[HELPER_LXD_DIR_MAX];
};

static void names_release(void *data)
{
        struct names_request *q = data;

        if (!q)
                return;
        scan_free(q->scan);
        free(q);
}

static int names_check(json_object *request, const struct verb_context *context, void **ret_request,
                       struct error *err)
{
        struct names_request *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return -ENOMEM;
        r = verb_get_lxd_dir(request, q->lxd_dir, sizeof(q->lxd_dir), err);
        if (r >= 0)
                r = scan_new(context->root, q->lxd_dir, &q->scan);
        if (r < 0) {
                names_release(q);
                return r;
        }
        q->scan->wants_name = owned_shape;
        *ret_request = q;
        return 0;
}

static int names_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *end = json_object_new_object();
        struct names_request *q = data;
        struct scan *s = q->scan;
        int r;

        s->doing = context->progress->doing;
        r = scan_run(s);
        for (size_t i = 0; r >= 0 && i < s->n_names;) {
                _cleanup_(json_putp)
                json_object *message = json_object_new_object();
                json_object *items = json_object_new_array();

                for (size_t n = 0; n < HELPER_ITEMS_MAX && i < s->n_names; n++, i++) {
                        json_object *o = json_object_new_object();

                        json_object_object_add(o, "name", json_object_new_string(s->names[i]));
                        json_object_array_add(items, o);
                }
                json_object_object_add(message, "id", json_object_new_int64(context->id));
                json_object_object_add(message, "more", json_object_new_boolean(true));
                json_object_object_add(message, "items", items);
                r = verb_write(context, message);
        }
        json_object_object_add(end, "id", json_object_new_int64(context->id));
        if (r >= 0)
                r = verb_write(context, end);
        if (r < 0)
                return error_set_errno(err, r, "names could not be listed");
        return 0;
}

const struct verb verb_names = {
        .name = "names",
        .time_limit_ns = 10 * NSEC_PER_SEC,
        .answer_max = 1024 * 1024,
        .check = names_check,
        .release = names_release,
        .run = names_run,
};
