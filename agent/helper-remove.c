/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `remove`: one kind of thing of one instance. The request says whose
 * instance it is; that the name is one of that run's is checked here, and what
 * there is of it is looked for here. A request names no process, path or link.
 */

#include "agent/helper-verbs.h"
#include "agent/helper-wire.h"
#include "agent/owned.h"
#include "agent/remove.h"
#include "base/clock.h"

struct remove_request {
        struct removal removal;
        enum leftover_kind kind;
        char lxd_dir[HELPER_LXD_DIR_MAX];
        char instance[NAME_SIZE], project[SCAN_PROJECT_MAX + 1];
        char veths[SCAN_VETHS_MAX * SCAN_VETH_SIZE];
};

static void remove_release(void *data)
{
        free(data);
}

static int copy(json_object *request, const char *key, char *buf, size_t size, struct error *err)
{
        const char *text = verb_get_text(request, key);

        if (!text || strlen(text) >= size)
                return error_set(err, -EINVAL, "%s is malformed", key);
        memcpy(buf, text, strlen(text) + 1);
        return 0;
}

static int check_kind(json_object *request, struct remove_request *q, struct error *err)
{
        const char *word = verb_get_text(request, "kind");
        int kind = word ? leftover_kind_from_name(word) : -EINVAL;

        if (kind < 0 || !remove_find(kind))
                return error_set(err, -EINVAL, "nothing of kind %.20s is removed by this helper",
                                 word ?: "?");
        q->kind = (enum leftover_kind)kind;
        return 0;
}

/* The names have to be such as a scan takes, and the instance one of the run's. */
static int check_names(json_object *request, struct remove_request *q, struct error *err)
{
        _cleanup_(scan_freep)
        struct scan *scan = NULL;
        const char *run = verb_get_text(request, "run");
        int r;

        r = copy(request, "instance", q->instance, sizeof(q->instance), err);
        if (r >= 0)
                r = copy(request, "project", q->project, sizeof(q->project), err);
        if (r >= 0)
                r = copy(request, "veths", q->veths, sizeof(q->veths), err);
        if (r >= 0)
                r = scan_new("", "", &scan);
        if (r >= 0)
                r = scan_add_target(scan, q->project, q->instance, q->veths, err);
        if (r < 0)
                return r;
        if (!run || !owned_name(q->instance, run))
                return error_set(err, -EPERM, "%s is no instance of run %.20s: refused",
                                 q->instance, run ?: "?");
        return 0;
}

static int remove_check(json_object *request, const struct verb_context *context,
                        void **ret_request, struct error *err)
{
        struct remove_request *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return -ENOMEM;
        r = verb_get_lxd_dir(request, q->lxd_dir, sizeof(q->lxd_dir), err);
        if (r >= 0 && !q->lxd_dir[0])
                r = error_set(err, -EINVAL, "lxd_dir is not given");
        if (r >= 0)
                r = check_kind(request, q, err);
        if (r >= 0)
                r = check_names(request, q, err);
        if (r < 0) {
                free(q);
                return r;
        }
        q->removal.root = context->root;
        q->removal.lxd_dir = q->lxd_dir;
        q->removal.project = q->project;
        q->removal.instance = q->instance;
        q->removal.veths = q->veths;
        *ret_request = q;
        return 0;
}

static int write_results(const struct verb_context *context, const struct remove_request *q)
{
        const struct removal *m = &q->removal;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < m->n_results;) {
                _cleanup_(json_putp)
                json_object *message = json_object_new_object();
                json_object *items = json_object_new_array();

                for (size_t n = 0; n < HELPER_ITEMS_MAX && i < m->n_results; n++, i++) {
                        json_object *o = json_object_new_object();

                        json_object_object_add(o, "name",
                                               json_object_new_string(m->results[i].name));
                        json_object_object_add(o, "error",
                                               json_object_new_string(m->results[i].error));
                        json_object_array_add(items, o);
                }
                json_object_object_add(message, "id", json_object_new_int64(context->id));
                json_object_object_add(message, "more", json_object_new_boolean(true));
                json_object_object_add(message, "items", items);
                r = verb_write(context, message);
        }
        return r;
}

static int remove_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *end = json_object_new_object();
        struct remove_request *q = data;
        int64_t begin_ns = now_monotonic_ns();
        int r;

        q->removal.doing = context->progress->doing;
        r = remove_find(q->kind)(&q->removal);
        if (r < 0)
                return error_set_errno(err, r, "%s of %s could not be removed",
                                       leftover_kind_name((int)q->kind), q->instance);
        r = write_results(context, q);
        json_object_object_add(end, "id", json_object_new_int64(context->id));
        json_object_object_add(
                end, "took_us",
                json_object_new_int64((now_monotonic_ns() - begin_ns) / NSEC_PER_USEC));
        if (r >= 0)
                r = verb_write(context, end);
        if (r < 0)
                return error_set_errno(err, r, "the answer could not be written");
        return 0;
}

const struct verb verb_remove = {
        .name = "remove",
        .time_limit_ns = 20 * NSEC_PER_SEC,
        .answer_max = 1024 * 1024, /* 512 results of 420 bytes */
        .check = remove_check,
        .release = remove_release,
        .run = remove_run,
};
