/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands in the container, and what they print; see runner.h. */

#include "agent/runner-internal.h"
#include "base/clock.h"
#include "base/log.h"

#define FETCH_NS      (30 * NSEC_PER_SEC)
#define READY_COMMAND "true"

static void record_exec(struct runner *r)
{
        struct record record = {.kind = RECORD_EXEC};

        record.exec.step = (int64_t)r->exec_step;
        snprintf(record.exec.command, sizeof(record.exec.command), "%s",
                 r->env->spec->exec.items[r->exec_step]);
        record.exec.exit_status = r->exec_event.exit_status;
        snprintf(record.exec.out, sizeof(record.exec.out), "%s", r->output[0] ?: "");
        snprintf(record.exec.err, sizeof(record.exec.err), "%s", r->output[1] ?: "");
        record.exec.truncated = r->truncated;
        runner_add_record(r, &record, false);
}

static int64_t exit_status_of(json_object *metadata)
{
        json_object *v;

        if (!metadata || !json_object_is_type(metadata, json_type_object) ||
            !json_object_object_get_ex(metadata, "return", &v))
                return -1;
        return json_object_get_int64(v);
}

static void exec_event(struct runner *r, const struct lxd_answer *a, struct unit_event *event)
{
        *event = (struct unit_event){.kind = UNIT_EVENT_ANSWER,
                                     .result = runner_result_of(a),
                                     .code = a->code,
                                     .text = r->exec_text,
                                     .ended_ns = now_monotonic_ns(),
                                     .exit_status = exit_status_of(a->metadata)};
        snprintf(r->exec_text, sizeof(r->exec_text), "%s", a->text);
        if (event->result == RESULT_OK && event->exit_status != 0) {
                /* non-zero is a success for LXD: the command ran */
                event->result = RESULT_FAIL;
                event->code = event->exit_status;
                snprintf(r->exec_text, sizeof(r->exec_text),
                         event->exit_status == 127 ? "exit status %lld: no such command"
                                                   : "exit status %lld",
                         (long long)event->exit_status);
        }
}

static void on_tried(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event;

        r->call = NULL;
        exec_event(r, a, &event);
        runner_feed(r, &event);
}

void runner_exec_clear(struct runner *r)
{
        for (int i = 0; i < 2; i++) {
                free(TAKE(r->output[i]));
                free(TAKE(r->output_path[i]));
        }
        r->truncated = false;
}

/* The command's own words say more than its exit status. */
static void exec_explain(struct runner *r)
{
        size_t used = strlen(r->exec_text);
        const char *words = r->output[1];

        if (r->exec_event.result != RESULT_FAIL || !words || !words[0])
                return;
        snprintf(r->exec_text + used, sizeof(r->exec_text) - used, ": %.*s",
                 (int)strcspn(words, "\n"), words);
}

static void exec_done(struct runner *r)
{
        struct unit_event event = r->exec_event;

        exec_explain(r);
        record_exec(r);
        runner_exec_clear(r);
        runner_feed(r, &event);
}

static void fetch_next(struct runner *r);

static void on_output_deleted(const struct lxd_answer *a, void *userdata)
{
        /* 404: it went with its instance */
        if (a->status != LXD_OK && a->code != 404)
                log_debug("An output file of a command stays in LXD's logs: %s", a->text);
}

/* LXD keeps the files of an exec, also beyond the instance. Nobody waits for it. */
static void delete_output(struct runner *r, const char *path)
{
        if (lxd_request(r->env->lxd, "DELETE", path, NULL, FETCH_NS, on_output_deleted, NULL,
                        NULL) < 0)
                log_debug("Out of memory: an output file stays in LXD's logs");
}

static void on_fetched(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;

        r->call = NULL;
        if (a->status == LXD_OK && a->metadata) {
                const char *text = json_object_get_string(a->metadata);

                r->truncated |= json_object_get_string_len(a->metadata) > EXEC_OUTPUT_MAX;
                r->output[r->fetching] = strndup(text, EXEC_OUTPUT_MAX);
        }
        delete_output(r, r->output_path[r->fetching]);
        r->fetching++;
        fetch_next(r);
}

static void fetch_next(struct runner *r)
{
        for (; r->fetching < 2; r->fetching++) {
                const char *path = r->output_path[r->fetching];

                if (path && lxd_fetch(r->env->lxd, path, FETCH_NS, on_fetched, r, &r->call) == 0)
                        return;
        }
        exec_done(r);
}

static void on_executed(const struct lxd_answer *a, void *userdata)
{
        static const char *const streams[] = {"1", "2"};
        struct runner *r = userdata;
        json_object *output, *path;

        r->call = NULL;
        exec_event(r, a, &r->exec_event);
        if (a->metadata && json_object_is_type(a->metadata, json_type_object) &&
            json_object_object_get_ex(a->metadata, "output", &output) &&
            json_object_is_type(output, json_type_object))
                for (int i = 0; i < 2; i++)
                        if (json_object_object_get_ex(output, streams[i], &path) &&
                            startswith(json_object_get_string(path) ?: "", "/1.0/"))
                                r->output_path[i] = strdup(json_object_get_string(path));
        r->fetching = 0;
        fetch_next(r);
}

int runner_exec(struct runner *r, int64_t deadline_ns)
{
        const struct string_list *argv = &r->env->argv[r->unit.exec_step];

        r->exec_step = r->unit.exec_step;
        return runner_request(r, "POST", "/exec",
                              exec_body(argv->items, argv->n, true, r->env->spec, r->number),
                              deadline_ns, on_executed);
}

int runner_try_exec(struct runner *r, int64_t deadline_ns)
{
        char *argv[] = {(char[]){READY_COMMAND}};

        return runner_request(r, "POST", "/exec",
                              exec_body(argv, 1, false, r->env->spec, r->number), deadline_ns,
                              on_tried);
}
