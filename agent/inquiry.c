/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See inquiry.h. Three stages: looking (two questions at once), capturing (two more),
 * answered. Each stage ends when all of it has come back. */

#include "agent/inquiry.h"

#include "agent/evidence.h"
#include "agent/facts.h"
#include "agent/helper-ask.h"
#include "base/log.h"

/* The verdict is to be there 5 s after the deadline, the evidence 5 s later. */
#define LOOK_NS    (4 * NSEC_PER_SEC)
#define CAPTURE_NS (5 * NSEC_PER_SEC)

struct inquiry {
        const struct inquiry_env *env;
        inquiry_namer namer;
        inquiry_handler handler;
        void *userdata;
        int64_t daemon_pid;

        struct symptoms symptoms;
        char text[ERROR_TEXT_MAX], instance[NAME_SIZE], operation[80];
        struct finding finding;
        enum diagnosis diagnosis;

        struct lxd_call *call;
        struct helper_call *helper;
        sd_event_source *later;
        int waiting;
        bool complete;           /* the evidence is there, and has only to be kept */
        json_object *operations; /* as LXD listed them; evidence too */
        json_object *files;
};

void inquiry_cancel(struct inquiry *q)
{
        if (!q)
                return;
        if (q->call)
                lxd_cancel(q->call);
        if (q->helper)
                helper_call_cancel(q->helper);
        sd_event_source_disable_unref(q->later);
        json_object_put(q->operations);
        json_object_put(q->files);
        free(q);
}

static void answer(struct inquiry *q)
{
        inquiry_handler handler = q->handler;
        struct finding finding = q->finding;
        enum diagnosis diagnosis = q->diagnosis;
        void *userdata = q->userdata;

        inquiry_cancel(q);
        handler(diagnosis, &finding, userdata);
}

/* ---- asking ---- */

static json_object *helper_request(const struct inquiry *q, const char *verb)
{
        json_object *o = json_object_new_object();

        json_object_object_add(o, "verb", json_object_new_string(verb));
        json_object_object_add(o, "lxd_dir", json_object_new_string(q->env->lxd_dir));
        json_object_object_add(o, "daemon_pid", json_object_new_int64(q->daemon_pid));
        json_object_object_add(o, "run", json_object_new_string(q->env->run));
        json_object_object_add(o, "project", json_object_new_string(q->env->project));
        json_object_object_add(o, "instance", json_object_new_string(q->instance));
        return o;
}

static int ask_helper(struct inquiry *q, json_object *request, int64_t limit_ns,
                      helper_handler handler)
{
        int r = helper_ask(q->env->inventory, request, limit_ns, handler, q, &q->helper);

        if (r < 0)
                q->helper = NULL;
        else
                q->waiting++;
        return r;
}

static int ask_lxd(struct inquiry *q, const char *path, int64_t limit_ns, lxd_handler handler)
{
        int r = lxd_request(q->env->lxd, "GET", path, NULL, limit_ns, handler, q, &q->call);

        if (r < 0)
                q->call = NULL;
        else
                q->waiting++;
        return r;
}

/* ---- capturing ---- */

static void add_file(struct inquiry *q, const char *name, const char *text)
{
        json_object *file = json_object_new_object();

        json_object_object_add(file, "name", json_object_new_string(name));
        json_object_object_add(file, "text", json_object_new_string(text));
        json_object_array_add(q->files, file);
}

/* The page a person reads first. */
static void add_index(struct inquiry *q)
{
        char text[2048];
        size_t used;

        used = (size_t)snprintf(
                text, sizeof(text),
                "%s\n\nsuspect   %s\nhow sure  %lld %%\nseen      %s\nrun       %s\ninstance  %s\n"
                "LXD said  %s\n\nTaken before anything was disturbed. In here:\n",
                wedge_class_name((int)q->finding.class), q->finding.suspect,
                (long long)q->finding.sure, q->finding.detail, q->env->run,
                q->instance[0] ? q->instance : "(the daemon itself)", q->text[0] ? q->text : "-");
        for (size_t i = 0; i < json_object_array_length(q->files); i++) {
                json_object *name;

                if (used < sizeof(text) &&
                    json_object_object_get_ex(json_object_array_get_idx(q->files, i), "name",
                                              &name))
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "  %s\n",
                                                 json_object_get_string(name));
        }
        add_file(q, "README.txt", text);
}

static void captured(struct inquiry *q)
{
        if (--q->waiting > 0)
                return;
        /* From the loop: what the files were read from belongs to nobody else then. */
        q->complete = true;
        sd_event_source_set_enabled(q->later, SD_EVENT_ONESHOT);
}

static void keep(struct inquiry *q)
{
        char directory[EVIDENCE_NAME_MAX] = "";
        int r;

        q->namer(&q->finding, directory, sizeof(directory), q->userdata);
        if (q->operations)
                add_file(q, "api/operations.json",
                         json_object_to_json_string_ext(q->operations, JSON_C_TO_STRING_PRETTY));
        add_index(q);
        r = evidence_write(q->env->evidence, directory, TAKE(q->files), q->env->evidence_limit);
        if (r < 0)
                log_error("The evidence of %s could not be kept: %s", directory, strerror(-r));
        answer(q);
}

static void on_evidence(int error, const char *text, json_object *messages, void *userdata)
{
        struct inquiry *q = userdata;
        size_t n = messages ? json_object_array_length(messages) : 0;

        q->helper = NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *files, *m = json_object_array_get_idx(messages, i);

                if (!json_object_object_get_ex(m, "files", &files) ||
                    !json_object_is_type(files, json_type_array))
                        continue;
                for (size_t k = 0; k < json_object_array_length(files); k++)
                        json_object_array_add(q->files,
                                              json_object_get(json_object_array_get_idx(files, k)));
        }
        if (error < 0)
                add_file(q, "incomplete.txt", text);
        captured(q);
}

static void on_instance(const struct lxd_answer *a, void *userdata)
{
        struct inquiry *q = userdata;
        json_object *masked = a->status == LXD_OK ? facts_mask_instance(a->metadata) : NULL;

        q->call = NULL;
        add_file(q, "api/instance.json",
                 masked ? json_object_to_json_string_ext(masked, JSON_C_TO_STRING_PRETTY)
                        : a->text);
        json_object_put(masked);
        captured(q);
}

static void capture(struct inquiry *q)
{
        char path[NAME_SIZE + 32];
        json_object *request;

        if (!q->env->evidence || q->env->evidence_limit <= 0) {
                answer(q);
                return;
        }
        q->files = json_object_new_array();
        q->waiting = 1; /* ourselves, till all is asked */
        request = helper_request(q, "evidence");
        json_object_object_add(request, "limit_bytes",
                               json_object_new_int64(q->env->evidence_limit));
        if (ask_helper(q, request, CAPTURE_NS, on_evidence) < 0)
                add_file(q, "incomplete.txt", "lxdsoak-helper could not be asked");
        if (q->instance[0]) {
                snprintf(path, sizeof(path), "/1.0/instances/%s", q->instance);
                if (ask_lxd(q, path, CAPTURE_NS, on_instance) < 0)
                        q->call = NULL;
        }
        captured(q);
}

/* ---- looking ---- */

static void looked(struct inquiry *q)
{
        if (--q->waiting > 0)
                return;
        q->symptoms.operation = q->operation;
        q->diagnosis = detector_classify(&q->symptoms, &q->finding);
        if (q->diagnosis == DIAGNOSIS_WEDGE)
                capture(q);
        else
                answer(q);
}

static void on_facts(int error, const char *text, json_object *messages, void *userdata)
{
        struct inquiry *q = userdata;

        q->helper = NULL;
        facts_read(messages, &q->symptoms.facts);
        if (error < 0)
                log_warning("What the host shows of %s is not known: %s", q->instance, text);
        looked(q);
}

static void on_operations(const struct lxd_answer *a, void *userdata)
{
        struct inquiry *q = userdata;

        q->call = NULL;
        if (a->status == LXD_OK) {
                q->operations = json_object_get(a->metadata);
                q->symptoms.n_operations = facts_count_operations(
                        a->metadata, q->instance, q->operation, sizeof(q->operation));
        }
        looked(q);
}

static int on_later(sd_event_source *s, void *userdata)
{
        struct inquiry *q = userdata;

        if (q->complete) {
                keep(q);
                return 0;
        }
        if (q->diagnosis == DIAGNOSIS_WEDGE) {
                capture(q);
                return 0;
        }
        q->waiting = 1;
        if (ask_helper(q, helper_request(q, "examine"), LOOK_NS, on_facts) < 0)
                log_warning("lxdsoak-helper could not be asked about %s", q->instance);
        if (ask_lxd(q, "/1.0/operations?recursion=1", LOOK_NS, on_operations) < 0)
                q->call = NULL;
        looked(q);
        return 0;
}

/* ---- the interface ---- */

static struct inquiry *inquiry_alloc(const struct inquiry_env *env, const char *instance,
                                     int64_t daemon_pid, inquiry_namer namer,
                                     inquiry_handler handler, void *userdata)
{
        struct inquiry *q = calloc(1, sizeof(*q));

        /* From the loop, so that nobody is answered before he has asked. */
        if (q && sd_event_add_defer(env->event, &q->later, on_later, q) < 0) {
                free(q);
                q = NULL;
        }
        if (!q)
                return NULL;
        q->env = env;
        q->namer = namer;
        q->handler = handler;
        q->userdata = userdata;
        q->daemon_pid = daemon_pid;
        snprintf(q->instance, sizeof(q->instance), "%s", instance);
        return q;
}

int inquiry_start(const struct inquiry_env *env, const struct symptoms *symptoms,
                  int64_t daemon_pid, inquiry_namer namer, inquiry_handler handler, void *userdata,
                  struct inquiry **ret)
{
        struct inquiry *q =
                inquiry_alloc(env, symptoms->instance, daemon_pid, namer, handler, userdata);

        if (!q)
                return -ENOMEM;
        q->symptoms = *symptoms;
        snprintf(q->text, sizeof(q->text), "%s", symptoms->text);
        q->symptoms.text = q->text;
        q->symptoms.instance = q->instance;
        q->symptoms.image = env->image;
        q->symptoms.pool = "";
        q->symptoms.operation = "";
        q->symptoms.n_operations = -1;
        q->symptoms.facts = (struct facts){.n_exec = -1, .n_unpack = -1};
        *ret = q;
        return 0;
}

int inquiry_capture(const struct inquiry_env *env, const char *instance, int64_t daemon_pid,
                    const struct finding *finding, inquiry_namer namer, inquiry_handler handler,
                    void *userdata, struct inquiry **ret)
{
        struct inquiry *q = inquiry_alloc(env, instance, daemon_pid, namer, handler, userdata);

        if (!q)
                return -ENOMEM;
        q->finding = *finding;
        q->diagnosis = DIAGNOSIS_WEDGE;
        *ret = q;
        return 0;
}
