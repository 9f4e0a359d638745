/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit and its wedge: the watch over its deadlines, the questions to the detector, and
 * the rungs of the ladder; see runner.h. */

#include "agent/runner-internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/message-ids.h"

#define CANCEL_NS  (5 * NSEC_PER_SEC)
#define THAW_NS    (10 * NSEC_PER_SEC)
#define RESTART_NS (90 * NSEC_PER_SEC)

/* ---- what went wrong ---- */

static void fill_question(const struct runner *r, struct wedge_question *q)
{
        *q = (struct wedge_question){
                .unit = r->number,
                .attempt = r->attempt,
                .lease = r->lease,
                .instance = r->name,
                .phase = r->unit.phase,
                .since_ns = r->unit.phase_start_ns,
                .extensions = r->extensions,
                .text = "",
                .left = "",
        };
}

static void on_diagnosed(const struct wedge_answer *a, void *userdata)
{
        struct runner *r = userdata;
        struct unit_event event = {.kind = UNIT_EVENT_DIAGNOSED, .diagnosis = UNIT_FAILED};

        r->inquiry = NULL;
        if (a->away) {
                event.diagnosis = UNIT_AWAY;
        } else if (a->diagnosis == DIAGNOSIS_WEDGE) {
                event.diagnosis = UNIT_WEDGED;
                r->wedge = a->number;
                memcpy(r->operation, a->finding->operation, sizeof(r->operation));
        }
        runner_feed(r, &event);
}

int runner_diagnose(struct runner *r)
{
        struct wedge_question q;
        char left[SUSPECT_MAX] = "";

        fill_question(r, &q);
        if (r->unit.verify_left && r->n_left > 0)
                snprintf(left, sizeof(left), "%s %.240s", leftover_kind_name((int)r->left[0].kind),
                         r->left[0].name);
        else if (r->unit.verify_left)
                snprintf(left, sizeof(left), "%s", r->name);
        q.phase = r->last.phase;
        q.result = r->last.result;
        q.code = r->last.code;
        q.text = r->last.text;
        q.left = left;
        q.since_ns = r->last.start_monotonic_ns;
        return wedges_ask(r->env->wedges, &q, on_diagnosed, r, &r->inquiry);
}

/* ---- the watch ---- */

static void say_late(const struct runner *r, int64_t now_ns)
{
        const char *fields[3];
        char run[32], unit[40], phase[40];

        snprintf(run, sizeof(run), "LXDSOAK_RUN=%s", r->env->spec->run);
        snprintf(unit, sizeof(unit), "LXDSOAK_UNIT=%lld", (long long)r->number);
        snprintf(phase, sizeof(phase), "LXDSOAK_PHASE=%s", phase_name((int)r->unit.phase));
        fields[0] = run;
        fields[1] = unit;
        fields[2] = phase;
        log_entry(LOG_NOTICE, MESSAGE_ID_LATE, fields, 3,
                  "%s: %s is late, %lld s till now, while others still get on", r->name,
                  phase_name((int)r->unit.phase),
                  (long long)((now_ns - r->unit.phase_start_ns) / NSEC_PER_SEC));
}

static void on_looked_into(const struct wedge_answer *a, void *userdata)
{
        struct runner *r = userdata;
        int64_t now = now_monotonic_ns();
        struct unit_event event = {.kind = UNIT_EVENT_WEDGED, .result = RESULT_TIMEOUT};
        char text[ERROR_TEXT_MAX];

        r->inquiry = NULL;
        if (a->away || a->diagnosis != DIAGNOSIS_WEDGE) {
                if (!a->away) {
                        r->extensions++;
                        say_late(r, now);
                }
                r->look_again_ns =
                        now + MAX(r->env->plan.deadline_ns[r->unit.phase] / 2, NSEC_PER_SEC);
                return;
        }
        r->wedge = a->number;
        memcpy(r->operation, a->finding->operation, sizeof(r->operation));
        snprintf(text, sizeof(text), "%s: %.200s: %.200s", wedge_class_name((int)a->finding->class),
                 a->finding->suspect, a->finding->detail);
        event.text = text;
        runner_cancel(r);
        runner_feed(r, &event);
}

void runner_watch(struct runner *r, int64_t now_ns)
{
        struct wedge_question q;
        int64_t begin;

        if (!r->env->wedges || r->inquiry || !unit_in_phase(&r->unit) ||
            wedges_daemon_is_away(r->env->wedges))
                return;
        if (r->watched_ns != r->unit.phase_start_ns) {
                r->watched_ns = r->unit.phase_start_ns;
                r->look_again_ns = r->extensions = 0;
        }
        /* Nobody could get on while the daemon was away. */
        begin = MAX(r->unit.phase_start_ns, wedges_daemon_back_ns(r->env->wedges));
        if (now_ns - begin < r->env->plan.deadline_ns[r->unit.phase] || now_ns < r->look_again_ns)
                return;
        fill_question(r, &q);
        if (wedges_ask(r->env->wedges, &q, on_looked_into, r, &r->inquiry) < 0)
                r->inquiry = NULL; /* at the next turn, then */
}

/* ---- the ladder ---- */

static void rung_answered(struct runner *r, enum result result, const char *error)
{
        struct unit_event event = {.kind = UNIT_EVENT_ANSWER, .result = result, .exit_status = -1};

        wedges_tried(r->env->wedges, r->wedge, r->rung, r->rung_start_realtime_ns,
                     now_monotonic_ns() - r->rung_start_ns, result, error);
        runner_feed(r, &event);
}

/* There was nothing for this rung to do, which is not worth a word. */
static int skip_rung(struct runner *r)
{
        r->rung_is_over = true;
        return runner_arm_timer(r, 0);
}

static void on_cancelled(const struct lxd_answer *a, void *userdata)
{
        struct runner *r = userdata;

        r->call = NULL;
        rung_answered(r, runner_result_of(a), a->text);
}

static int cancel_operation(struct runner *r)
{
        char path[128];

        if (!r->operation[0])
                return skip_rung(r);
        snprintf(path, sizeof(path), "/1.0/operations/%s", r->operation);
        return lxd_request(r->env->lxd, "DELETE", path, NULL, CANCEL_NS, on_cancelled, r, &r->call);
}

static void on_helped(int error, const char *text, json_object *messages, void *userdata)
{
        struct runner *r = userdata;
        char why[ERROR_TEXT_MAX] = "";
        bool done = helper_did_something(messages, why, sizeof(why));

        r->helper = NULL;
        if (error < 0) {
                rung_answered(r, error == -ETIMEDOUT ? RESULT_TIMEOUT : RESULT_FAIL, text);
        } else if (done || why[0]) {
                rung_answered(r, done ? RESULT_OK : RESULT_FAIL, why);
        } else {
                struct unit_event event = {.kind = UNIT_EVENT_ANSWER, .result = RESULT_FAIL};

                runner_feed(r, &event); /* nothing was frozen */
        }
}

static int ask_helper(struct runner *r, const char *verb, int64_t limit_ns)
{
        json_object *o = json_object_new_object();
        char dir[256];
        char *slash;

        snprintf(dir, sizeof(dir), "%s", lxd_socket_path(r->env->lxd));
        slash = strrchr(dir, '/');
        if (slash)
                *slash = '\0';
        json_object_object_add(o, "verb", json_object_new_string(verb));
        json_object_object_add(o, "lxd_dir", json_object_new_string(dir));
        json_object_object_add(o, "run", json_object_new_string(r->env->spec->run));
        json_object_object_add(o, "project", json_object_new_string(r->env->spec->project));
        json_object_object_add(o, "instance", json_object_new_string(r->name));
        json_object_object_add(o, "daemon_pid",
                               json_object_new_int64(wedges_daemon_pid(r->env->wedges)));
        return helper_ask(r->env->inventory, o, limit_ns, on_helped, r, &r->helper);
}

/* What each rung removes from the host. While LXD has the instance, only its processes and
 * what is mounted in it: the rest is LXD's to delete. */
static int next_kind(const struct runner *r, int kind)
{
        static const enum leftover_kind order[] = {LEFTOVER_MOUNT, LEFTOVER_CGROUP, LEFTOVER_VETH,
                                                   LEFTOVER_VOLUME};

        if (r->rung == RUNG_MONITOR || !r->unit.host_only)
                return -1;
        for (size_t i = 0; i + 1 < ELEMENTSOF(order); i++)
                if ((int)order[i] == kind)
                        return (int)order[i + 1];
        return -1;
}

static int remove_kind(struct runner *r, int kind);

static void on_removed(const struct removed_answer *a, void *userdata)
{
        struct runner *r = userdata;
        const char *why = a->error < 0 ? a->error_text : "";
        int kind = next_kind(r, r->removing);

        r->removal = NULL;
        for (size_t i = 0; a->error == 0 && i < a->n; i++) {
                if (a->items[i].error[0])
                        why = a->items[i].error;
                else
                        r->removed = true;
        }
        if (a->error == 0 && kind >= 0 && remove_kind(r, kind) == 0)
                return;
        if (r->removed || why[0]) {
                rung_answered(r, r->removed ? RESULT_OK : RESULT_FAIL, why);
        } else {
                struct unit_event event = {.kind = UNIT_EVENT_ANSWER, .result = RESULT_FAIL};

                runner_feed(r, &event); /* there was nothing of the kind */
        }
}

static int remove_kind(struct runner *r, int kind)
{
        struct removal_target target = {.run = r->env->spec->run,
                                        .project = r->env->spec->project,
                                        .instance = r->name,
                                        .veths = r->veths};

        r->removing = kind;
        return inventory_remove(r->env->inventory, &target, (enum leftover_kind)kind, on_removed, r,
                                &r->removal);
}

int runner_climb(struct runner *r, enum rung rung)
{
        r->rung = rung;
        r->removed = false;
        r->rung_start_ns = now_monotonic_ns();
        r->rung_start_realtime_ns = now_realtime_ns();
        log_debug("%s: trying %s", r->name, rung_name((int)rung));
        switch (rung) {
        case RUNG_CANCEL: return cancel_operation(r);
        case RUNG_THAW: return ask_helper(r, "thaw", THAW_NS);
        case RUNG_MONITOR: return remove_kind(r, LEFTOVER_PROCESS);
        case RUNG_UNMOUNT: return remove_kind(r, LEFTOVER_MOUNT);
        case RUNG_RESTART: return ask_helper(r, "restart-daemon", RESTART_NS);
        case RUNG_STOP:
        case RUNG_ITSELF:
        case RUNG_MAX_: break;
        }
        return skip_rung(r);
}

void runner_note_kill(struct runner *r, const struct lxd_answer *a)
{
        if (r->wedge)
                wedges_tried(r->env->wedges, r->wedge, RUNG_STOP, r->rung_start_realtime_ns,
                             now_monotonic_ns() - r->rung_start_ns, runner_result_of(a), a->text);
}

void runner_close_wedge(struct runner *r)
{
        if (!r->wedge)
                return;
        if (r->left_behind || r->unit.instance_may_exist)
                wedges_kept(r->env->wedges, r->wedge);
        else
                wedges_cleared(r->env->wedges, r->wedge, r->unit.cleared_by);
}

void runner_cancel_wedge(struct runner *r)
{
        if (r->inquiry)
                wedges_cancel(TAKE(r->inquiry));
        if (r->helper)
                helper_call_cancel(TAKE(r->helper));
        if (r->removal)
                inventory_remove_cancel(TAKE(r->removal));
}
