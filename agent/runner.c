/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One unit against LXD: see runner.h. */

#include "agent/runner-internal.h"

#include "base/clock.h"
#include "base/log.h"

/* ---- records ---- */

void runner_add_record(struct runner *r, struct record *record, bool ends)
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
        r->last = *s;
        runner_add_record(r, &record, false);
}

static void record_leftover(struct runner *r, enum leftover_kind kind, const char *name,
                            const char *detail)
{
        struct record record = {.kind = RECORD_LEFTOVER};

        record.leftover.kind = kind;
        snprintf(record.leftover.name, sizeof(record.leftover.name), "%s", name);
        snprintf(record.leftover.detail, sizeof(record.leftover.detail), "%s", detail);
        runner_add_record(r, &record, false);
}

static void record_leftovers(struct runner *r)
{
        if (r->unit.instance_may_exist)
                record_leftover(r, LEFTOVER_INSTANCE, r->name, r->unit.last_error);
        for (size_t i = 0; i < r->n_left; i++)
                record_leftover(r, r->left[i].kind, r->left[i].name, r->left[i].detail);
}

static void record_outcome(struct runner *r)
{
        struct record record = {.kind = RECORD_OUTCOME};

        record.outcome.outcome = r->unit.outcome;
        snprintf(record.outcome.name, sizeof(record.outcome.name), "%s", r->name);
        record.outcome.start_realtime_ns = r->start_realtime_ns;
        record.outcome.duration_ns = now_monotonic_ns() - r->start_ns;
        runner_add_record(r, &record, true);
}

/* ---- answers of LXD ---- */

enum result runner_result_of(const struct lxd_answer *a)
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
        if (r->action == UNIT_KILL)
                runner_note_kill(r, a);
        runner_feed(r, &(struct unit_event){.kind = UNIT_EVENT_ANSWER,
                                            .result = runner_result_of(a),
                                            .code = a->code,
                                            .text = a->text,
                                            .exit_status = -1});
}

static void on_looked(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = UNIT_EVENT_LOOKED,
                                   .result = runner_result_of(a),
                                   .code = a->code,
                                   .text = a->text};

        r->call = NULL;
        if (a->status == LXD_OK)
                event.seen = instance_seen(a->metadata, r->env->spec->run, r->unit_key, r->veths,
                                           sizeof(r->veths));
        else if (a->status == LXD_ERROR && a->code == 404)
                event.seen = UNIT_SEEN_ABSENT;
        runner_feed(r, &event);
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

/* Most units leave nothing: there is room for it only when there is something. */
static void keep_left(struct runner *r, const struct inventory_answer *a)
{
        size_t n = MIN(a->n, (size_t)LEFT_MAX);

        free(TAKE(r->left));
        r->n_left = 0;
        if (n == 0)
                return;
        r->left = malloc(n * sizeof(*r->left));
        if (!r->left) {
                log_error("Out of memory: what %s left is counted, not named", r->name);
                return;
        }
        memcpy(r->left, a->items, n * sizeof(*r->left));
        r->n_left = n;
}

static void on_inventory(const struct inventory_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = UNIT_EVENT_INVENTORY, .result = RESULT_OK};

        r->query = NULL;
        if (a->error == 0 && a->blind & ~r->env->blind)
                say_blind(r->env, a->blind);
        keep_left(r, a);
        event.n_left = a->n;
        if (a->error < 0) {
                event.result = a->error == -ETIMEDOUT ? RESULT_TIMEOUT : RESULT_LOST;
                event.code = a->error;
                event.text = a->error_text;
        }
        runner_feed(r, &event);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = r->abort_pending     ? UNIT_EVENT_ABORT
                                           : r->removal_pending ? UNIT_EVENT_RECOVER
                                           : r->rung_is_over    ? UNIT_EVENT_ANSWER
                                                                : UNIT_EVENT_PAUSED,
                                   .result = RESULT_FAIL};

        r->timer_armed = r->abort_pending = r->removal_pending = r->rung_is_over = false;
        runner_feed(r, &event);
        return 0;
}

int runner_arm_timer(struct runner *r, int64_t pause_ns)
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

/* 0 = no limit: somebody watches. */
static int64_t time_left(int64_t deadline_ns)
{
        return deadline_ns ? MAX(deadline_ns - now_monotonic_ns(), NSEC_PER_MSEC) : 0;
}

int runner_request(struct runner *r, const char *method, const char *suffix, json_object *body,
                   int64_t deadline_ns, lxd_handler handler)
{
        char path[NAME_SIZE + 64]; /* our names need no escaping */
        int e;

        snprintf(path, sizeof(path), "/1.0/instances/%s%s", r->name, suffix);
        e = lxd_request(r->env->lxd, method, path, body, time_left(deadline_ns), handler, r,
                        &r->call);
        json_object_put(body);
        return e;
}

static int do_create(struct runner *r, int64_t deadline_ns)
{
        json_object *body = create_body(r->env->spec, r->env->source, r->name, r->unit_key,
                                        r->env->agent_id, r->env->spec->source == SOURCE_IMAGE);
        int e = lxd_request(r->env->lxd, "POST", "/1.0/instances", body, time_left(deadline_ns),
                            on_answer, r, &r->call);

        json_object_put(body);
        return e;
}

static int do_stop(struct runner *r, bool force, int64_t deadline_ns)
{
        return runner_request(r, "PUT", "/state",
                              state_body("stop", force, r->env->spec->stop_timeout_ns), deadline_ns,
                              on_answer);
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
                return runner_request(r, "PUT", "/state", state_body("start", false, 0), deadline,
                                      on_answer);
        case UNIT_LOOK: return runner_request(r, "GET", "", NULL, deadline, on_looked);
        case UNIT_TRY_EXEC: return runner_try_exec(r, deadline);
        case UNIT_EXEC: return runner_exec(r, deadline);
        case UNIT_STOP: return do_stop(r, r->env->spec->stop == STOP_FORCE, deadline);
        case UNIT_KILL:
                r->rung_start_ns = now_monotonic_ns();
                r->rung_start_realtime_ns = now_realtime_ns();
                return do_stop(r, true, deadline);
        case UNIT_DELETE: return runner_request(r, "DELETE", "", NULL, deadline, on_answer);
        case UNIT_INVENTORY: return do_inventory(r);
        case UNIT_PAUSE: return runner_arm_timer(r, step->pause_ns);
        case UNIT_DIAGNOSE: return runner_diagnose(r);
        case UNIT_RUNG: return runner_climb(r, step->rung);
        case UNIT_HOLD:
        case UNIT_END: return 0;
        }
        return -EINVAL;
}

static void held(struct runner *r)
{
        struct record record = {.kind = RECORD_HELD};

        r->env->on_held(r, &record, r->env->userdata);
        runner_add_record(r, &record, false);
}

static void ended(struct runner *r)
{
        struct runner_env *env = r->env;

        runner_close_wedge(r);
        record_outcome(r);
        env->on_end(r, r->unit.outcome, env->userdata);
}

void runner_feed(struct runner *r, const struct unit_event *event)
{
        struct unit_step step;
        int64_t before_ns = r->unit.phase_start_ns;
        int e;

        unit_feed(&r->unit, event, now_monotonic_ns(), now_realtime_ns(), &step);
        r->action = step.action;
        /* It has moved: nobody need look why it did not. */
        if (r->inquiry && (r->unit.phase_start_ns != before_ns || !unit_in_phase(&r->unit)))
                wedges_cancel(TAKE(r->inquiry));
        if (step.has_sample)
                record_sample(r, &step.sample);
        if (step.leftovers) {
                r->left_behind = true;
                record_leftovers(r);
        }
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
                if (runner_arm_timer(r, NSEC_PER_SEC) < 0)
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
        runner_feed(r, &(struct unit_event){.kind = abort ? UNIT_EVENT_ABORT : UNIT_EVENT_BEGIN});
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
        e = runner_arm_timer(r, 0);
        if (e < 0) {
                runner_free(r);
                return e;
        }
        *ret = r;
        return 0;
}

void runner_cancel(struct runner *r)
{
        if (r->call)
                lxd_cancel(TAKE(r->call));
        if (r->query)
                inventory_cancel(TAKE(r->query));
        if (r->timer_armed)
                sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
        r->timer_armed = r->rung_is_over = false;
        runner_cancel_wedge(r);
        runner_exec_clear(r);
}

struct runner *runner_free(struct runner *r)
{
        if (!r)
                return NULL;
        runner_cancel(r);
        sd_event_source_disable_unref(r->timer);
        free(r->left);
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
        runner_cancel(r);
        runner_feed(r, &(struct unit_event){.kind = UNIT_EVENT_ABORT});
}

void runner_finish(struct runner *r)
{
        runner_feed(r, &(struct unit_event){.kind = UNIT_EVENT_FINISH});
}

void runner_keep(struct runner *r)
{
        runner_feed(r, &(struct unit_event){.kind = UNIT_EVENT_KEEP});
}

int64_t runner_lease(const struct runner *r)
{
        return r->lease;
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

bool runner_phase(const struct runner *r, enum phase *ret_phase, int64_t *ret_since_ns)
{
        if (!unit_in_phase(&r->unit))
                return false;
        *ret_phase = r->unit.phase;
        *ret_since_ns = r->unit.phase_start_ns;
        return true;
}

bool runner_is_held(const struct runner *r)
{
        return r->action == UNIT_HOLD;
}
