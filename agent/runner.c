/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One unit against LXD: see runner.h. */

#include "agent/runner.h"

#include "base/clock.h"
#include "base/log.h"

#define VETHS_SIZE    256
#define LEFT_MAX      16 /* things of one unit reported; the count is always right */
#define FETCH_NS      (30 * NSEC_PER_SEC)
#define READY_COMMAND "true"

struct runner {
        struct runner_env *env;
        struct unit unit;
        int64_t number, attempt, lease;
        char unit_key[24]; /* what user.lxdsoak.unit says */
        char name[NAME_SIZE];
        char veths[VETHS_SIZE];
        int64_t start_ns, start_realtime_ns;

        /* what is under way: at most one of these */
        bool intent_pending;
        struct lxd_call *call;
        struct inventory_query *query;
        sd_event_source *timer;
        bool timer_armed;

        enum unit_action action;
        size_t exec_step;
        bool abort_pending, removal_pending;

        /* a command whose output is being fetched */
        struct unit_event exec_event;
        char exec_text[ERROR_TEXT_MAX];
        char *output[2], *output_path[2];
        bool truncated;
        int fetching;

        struct inventory_item left[LEFT_MAX];
        size_t n_left;
        char left_error[ERROR_TEXT_MAX];
};

static void feed(struct runner *r, const struct unit_event *event);

/* ---- records ---- */

static void add_record(struct runner *r, struct record *record, bool ends)
{
        int e;

        record->unit = r->number;
        record->attempt = r->attempt;
        record->lease = r->lease;
        e = r->env->outbox ? outbox_add(r->env->outbox, record, ends ? r->number : -1, 0) : 0;
        if (e < 0)
                log_error("Unit %lld: a record could not be kept: %s", (long long)r->number,
                          strerror(-e));
        r->env->on_record(record, r->name, r->env->userdata);
}

static void record_sample(struct runner *r, const struct unit_sample *s)
{
        struct record record = {.kind = RECORD_SAMPLE};

        record.sample.phase = s->phase;
        record.sample.step = s->step;
        record.sample.start_realtime_ns = s->start_realtime_ns;
        record.sample.start_monotonic_ns = s->start_monotonic_ns;
        record.sample.duration_ns = s->duration_ns;
        record.sample.result = s->result;
        record.sample.error_code = s->code;
        snprintf(record.sample.error, sizeof(record.sample.error), "%s", s->text);
        add_record(r, &record, false);
}

static void record_leftover(struct runner *r, enum leftover_kind kind, const char *name,
                            const char *detail)
{
        struct record record = {.kind = RECORD_LEFTOVER};

        record.leftover.kind = kind;
        snprintf(record.leftover.name, sizeof(record.leftover.name), "%s", name);
        snprintf(record.leftover.detail, sizeof(record.leftover.detail), "%s", detail);
        add_record(r, &record, false);
}

static void record_leftovers(struct runner *r)
{
        if (r->unit.instance_may_exist)
                record_leftover(r, LEFTOVER_INSTANCE, r->name, r->unit.last_error);
        for (size_t i = 0; i < MIN(r->n_left, (size_t)LEFT_MAX); i++)
                record_leftover(r, r->left[i].kind, r->left[i].name, r->left[i].detail);
}

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
        add_record(r, &record, false);
}

static void record_outcome(struct runner *r)
{
        struct record record = {.kind = RECORD_OUTCOME};

        record.outcome.outcome = r->unit.outcome;
        snprintf(record.outcome.name, sizeof(record.outcome.name), "%s", r->name);
        record.outcome.start_realtime_ns = r->start_realtime_ns;
        record.outcome.duration_ns = now_monotonic_ns() - r->start_ns;
        add_record(r, &record, true);
}

/* ---- answers of LXD ---- */

static enum result result_of(const struct lxd_answer *a)
{
        switch (a->status) {
        case LXD_OK: return RESULT_OK;
        case LXD_ERROR: return RESULT_FAIL;
        case LXD_LOST: return RESULT_LOST;
        case LXD_TIMEOUT: return RESULT_TIMEOUT;
        }
        return RESULT_FAIL;
}

static void on_answer(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;

        r->call = NULL;
        feed(r, &(struct unit_event){.kind = UNIT_EVENT_ANSWER,
                                     .result = result_of(a),
                                     .code = a->code,
                                     .text = a->text,
                                     .exit_status = -1});
}

static void on_looked(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = UNIT_EVENT_LOOKED,
                                   .result = result_of(a),
                                   .code = a->code,
                                   .text = a->text};

        r->call = NULL;
        if (a->status == LXD_OK)
                event.seen = instance_seen(a->metadata, r->env->spec->run, r->unit_key, r->veths,
                                           sizeof(r->veths));
        else if (a->status == LXD_ERROR && a->code == 404)
                event.seen = UNIT_SEEN_ABSENT;
        feed(r, &event);
}

/* ---- commands ---- */

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
                                     .result = result_of(a),
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
        feed(r, &event);
}

static void exec_clear(struct runner *r)
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
        exec_clear(r);
        feed(r, &event);
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

/* ---- the host ---- */

/* Once a run: what verify does not see is not verified. */
static void say_blind(struct runner_env *env, unsigned blind)
{
        char kinds[96] = "";

        for (int k = 0; k < LEFTOVER_MAX_; k++)
                if (blind & (1U << k))
                        snprintf(kinds + strlen(kinds), sizeof(kinds) - strlen(kinds), " %s",
                                 leftover_kind_name(k));
        log_warning("The host cannot be searched for:%s. Run lxdsoak-helper as root (systemctl "
                    "start lxdsoak-helper.socket) to see them",
                    kinds);
        env->blind |= blind;
}

static void on_inventory(const struct inventory_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = UNIT_EVENT_INVENTORY, .result = RESULT_OK};

        r->query = NULL;
        if (a->error == 0 && a->blind & ~r->env->blind)
                say_blind(r->env, a->blind);
        r->n_left = a->n;
        for (size_t i = 0; i < MIN(a->n, (size_t)LEFT_MAX); i++)
                r->left[i] = a->items[i];
        event.n_left = a->n;
        if (a->error < 0) {
                event.result = a->error == -ETIMEDOUT ? RESULT_TIMEOUT : RESULT_LOST;
                event.code = a->error;
                event.text = a->error_text;
        }
        feed(r, &event);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = r->abort_pending     ? UNIT_EVENT_ABORT
                                           : r->removal_pending ? UNIT_EVENT_RECOVER
                                                                : UNIT_EVENT_PAUSED};

        r->timer_armed = r->abort_pending = r->removal_pending = false;
        feed(r, &event);
        return 0;
}

static int arm_timer(struct runner *r, int64_t pause_ns)
{
        uint64_t usec = (uint64_t)(pause_ns / NSEC_PER_USEC);
        int e;

        if (!r->timer) {
                e = sd_event_add_time_relative(r->env->event, &r->timer, CLOCK_MONOTONIC, usec,
                                               1000, on_timer, r);
        } else {
                e = sd_event_source_set_time_relative(r->timer, usec);
                if (e >= 0)
                        e = sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
        }
        r->timer_armed = e >= 0;
        return e;
}

/* ---- actions ---- */

static int instance_request(struct runner *r, const char *method, const char *suffix,
                            json_object *body, int64_t deadline_ns, lxd_handler handler)
{
        char path[NAME_SIZE + 64]; /* our names need no escaping */
        int e;

        snprintf(path, sizeof(path), "/1.0/instances/%s%s", r->name, suffix);
        e = lxd_request(r->env->lxd, method, path, body,
                        MAX(deadline_ns - now_monotonic_ns(), NSEC_PER_MSEC), handler, r, &r->call);
        json_object_put(body);
        return e;
}

static int do_create(struct runner *r, int64_t deadline_ns)
{
        json_object *body = create_body(r->env->spec, r->env->source, r->name, r->unit_key,
                                        r->env->agent_id, r->env->spec->source == SOURCE_IMAGE);
        int e = lxd_request(r->env->lxd, "POST", "/1.0/instances", body,
                            MAX(deadline_ns - now_monotonic_ns(), NSEC_PER_MSEC), on_answer, r,
                            &r->call);

        json_object_put(body);
        return e;
}

static int do_exec(struct runner *r, int64_t deadline_ns)
{
        const struct string_list *argv = &r->env->argv[r->unit.exec_step];

        r->exec_step = r->unit.exec_step;
        return instance_request(r, "POST", "/exec",
                                exec_body(argv->items, argv->n, true, r->env->spec, r->number),
                                deadline_ns, on_executed);
}

static int do_try_exec(struct runner *r, int64_t deadline_ns)
{
        char *argv[] = {(char[]){READY_COMMAND}};

        return instance_request(r, "POST", "/exec",
                                exec_body(argv, 1, false, r->env->spec, r->number), deadline_ns,
                                on_tried);
}

static int do_stop(struct runner *r, bool force, int64_t deadline_ns)
{
        return instance_request(r, "PUT", "/state",
                                state_body("stop", force, r->env->spec->stop_timeout_ns),
                                deadline_ns, on_answer);
}

static int do_inventory(struct runner *r)
{
        return inventory_ask(r->env->inventory, r->env->spec->project, r->name, r->veths,
                             on_inventory, r, &r->query);
}

/* Returns negative if the action could not even be begun. */
static int perform(struct runner *r, const struct unit_step *step)
{
        int64_t deadline = step->deadline_ns;

        switch (step->action) {
        case UNIT_CREATE: return do_create(r, deadline);
        case UNIT_START:
                return instance_request(r, "PUT", "/state", state_body("start", false, 0), deadline,
                                        on_answer);
        case UNIT_LOOK: return instance_request(r, "GET", "", NULL, deadline, on_looked);
        case UNIT_TRY_EXEC: return do_try_exec(r, deadline);
        case UNIT_EXEC: return do_exec(r, deadline);
        case UNIT_STOP: return do_stop(r, r->env->spec->stop == STOP_FORCE, deadline);
        case UNIT_KILL: return do_stop(r, true, deadline);
        case UNIT_DELETE: return instance_request(r, "DELETE", "", NULL, deadline, on_answer);
        case UNIT_INVENTORY: return do_inventory(r);
        case UNIT_PAUSE: return arm_timer(r, step->pause_ns);
        case UNIT_HOLD:
        case UNIT_END: return 0;
        }
        return -EINVAL;
}

static void held(struct runner *r)
{
        struct record record = {.kind = RECORD_HELD};

        r->env->on_held(r, &record, r->env->userdata);
        add_record(r, &record, false);
}

static void ended(struct runner *r)
{
        struct runner_env *env = r->env;

        record_outcome(r);
        env->on_end(r, r->unit.outcome, env->userdata);
}

static void feed(struct runner *r, const struct unit_event *event)
{
        struct unit_step step;
        int e;

        unit_feed(&r->unit, event, now_monotonic_ns(), now_realtime_ns(), &step);
        r->action = step.action;
        if (step.has_sample)
                record_sample(r, &step.sample);
        if (step.leftovers)
                record_leftovers(r);
        if (step.action == UNIT_END) {
                ended(r); /* frees r */
                return;
        }
        e = perform(r, &step);
        if (step.action == UNIT_HOLD)
                held(r);
        if (e < 0) {
                log_error("Unit %lld: %s could not be begun: %s", (long long)r->number,
                          unit_state_name(&r->unit), strerror(-e));
                /* Memory is short: a pause is the only thing that may help. */
                r->abort_pending = true;
                if (arm_timer(r, NSEC_PER_SEC) < 0)
                        ended(r);
        }
}

static void on_intent(int e, void *userdata)
{
        struct runner *r = userdata;
        bool abort = r->abort_pending || e < 0;

        r->intent_pending = r->abort_pending = false;
        /* Without the intent on disk nothing may be created. */
        if (e < 0)
                log_error("Unit %lld is not begun: its intent could not be written: %s",
                          (long long)r->number, strerror(-e));
        feed(r, &(struct unit_event){.kind = abort ? UNIT_EVENT_ABORT : UNIT_EVENT_BEGIN});
}

/* ---- the interface ---- */

static struct runner *runner_alloc(struct runner_env *env, const char *name, const char *unit_key,
                                   int64_t unit, int64_t attempt, int64_t lease)
{
        struct runner *r = calloc(1, sizeof(*r));

        if (!r)
                return NULL;
        r->env = env;
        r->number = unit;
        r->attempt = attempt;
        r->lease = lease;
        r->start_ns = now_monotonic_ns();
        r->start_realtime_ns = now_realtime_ns();
        snprintf(r->name, sizeof(r->name), "%s", name);
        snprintf(r->unit_key, sizeof(r->unit_key), "%s", unit_key);
        unit_init(&r->unit, &env->plan);
        return r;
}

int runner_new(struct runner_env *env, int64_t unit, int64_t attempt, int64_t lease,
               struct runner **ret)
{
        char name[NAME_SIZE], unit_key[24];
        struct runner *r;
        int e;

        instance_name(env->spec, unit, name);
        snprintf(unit_key, sizeof(unit_key), "%lld", (long long)unit);
        r = runner_alloc(env, name, unit_key, unit, attempt, lease);
        if (!r)
                return -ENOMEM;
        e = spool_put_intent(env->spool, lease, unit, attempt, r->name, on_intent, r);
        if (e < 0) {
                free(r);
                return e;
        }
        r->intent_pending = true;
        *ret = r;
        return 0;
}

int runner_new_removal(struct runner_env *env, const char *name, const char *unit_key, int64_t unit,
                       int64_t attempt, int64_t lease, struct runner **ret)
{
        struct runner *r = runner_alloc(env, name, unit_key, unit, attempt, lease);
        int e;

        if (!r)
                return -ENOMEM;
        r->removal_pending = true;
        e = arm_timer(r, 0);
        if (e < 0) {
                runner_free(r);
                return e;
        }
        *ret = r;
        return 0;
}

static void cancel(struct runner *r)
{
        if (r->call)
                lxd_cancel(TAKE(r->call));
        if (r->query)
                inventory_cancel(TAKE(r->query));
        if (r->timer_armed)
                sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        r->timer_armed = false;
        exec_clear(r);
}

struct runner *runner_free(struct runner *r)
{
        if (!r)
                return NULL;
        cancel(r);
        sd_event_source_disable_unref(r->timer);
        free(r);
        return NULL;
}

void runner_abort(struct runner *r)
{
        if (r->removal_pending)
                return; /* it is being removed as it is */
        if (r->intent_pending) {
                r->abort_pending = true;
                return;
        }
        cancel(r);
        feed(r, &(struct unit_event){.kind = UNIT_EVENT_ABORT});
}

void runner_finish(struct runner *r)
{
        feed(r, &(struct unit_event){.kind = UNIT_EVENT_FINISH});
}

void runner_keep(struct runner *r)
{
        feed(r, &(struct unit_event){.kind = UNIT_EVENT_KEEP});
}

int64_t runner_unit(const struct runner *r)
{
        return r->number;
}

int64_t runner_start_ns(const struct runner *r)
{
        return r->start_ns;
}

const char *runner_name(const struct runner *r)
{
        return r->name;
}

const char *runner_state_name(const struct runner *r)
{
        return unit_state_name(&r->unit);
}

bool runner_is_held(const struct runner *r)
{
        return r->action == UNIT_HOLD;
}
