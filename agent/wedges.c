/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See wedges.h. */

#include "agent/wedges-internal.h"

#include "base/clock.h"
#include "base/log.h"

#define TICK_USEC        500000
#define INQUIRIES_MAX    4 /* at a time; the helper has 8 children in all */
#define HTTP_UNAVAILABLE 503
/* An answer was lost: so long the probes have to say whether the daemon was restarted. */
#define LOST_NS (45 * NSEC_PER_SEC)
/* LXD forgets an operation 5 s after its end. Who stood still for most of that may not have asked
 * in time. */
#define STOOD_STILL_NS (3 * NSEC_PER_SEC)

/* ---- records ---- */

static struct wedge *find(const struct wedges *w, int64_t number)
{
        struct wedge *x = w->open;

        while (x && x->record.wedge.number != number)
                x = x->next;
        return x;
}

static void forget(struct wedges *w, const struct wedge *x)
{
        struct wedge **p = &w->open;

        while (*p != x)
                p = &(*p)->next;
        *p = x->next;
        free((void *)x);
}

static void tell(struct wedges *w, const struct record *record)
{
        struct record copy = *record;

        w->deps.on_record(&copy, copy.kind == RECORD_WEDGE ? copy.wedge.instance : "",
                          w->deps.userdata);
}

void wedges_name_directory(const struct wedges *w, int64_t number, enum wedge_class class,
                           char *ret, size_t size)
{
        snprintf(ret, size, "%s-%04lld-%s", w->deps.spec->run, (long long)number,
                 wedge_class_name((int)class));
}

int64_t wedges_note(struct wedges *w, const struct finding *f,
                    const struct wedge_question *question, int64_t number, int cleared_by,
                    bool evidence)
{
        struct wedge *x = calloc(1, sizeof(*x));
        int64_t now = now_monotonic_ns(), realtime = now_realtime_ns();
        struct record *r;

        if (!x || w->n >= WEDGES_MAX) {
                free(x);
                log_error("Wedge %s of %s is not recorded: %s", wedge_class_name((int)f->class),
                          f->suspect, w->n >= WEDGES_MAX ? "there are too many" : "out of memory");
                return 0;
        }
        r = &x->record;
        r->kind = RECORD_WEDGE;
        if (question) {
                r->unit = question->unit;
                r->attempt = question->attempt;
                r->lease = question->lease;
                snprintf(r->wedge.instance, sizeof(r->wedge.instance), "%s", question->instance);
        }
        r->wedge.number = number ? number : ++w->n;
        r->wedge.class = f->class;
        memcpy(r->wedge.suspect, f->suspect, sizeof(r->wedge.suspect));
        memcpy(r->wedge.detail, f->detail, sizeof(r->wedge.detail));
        r->wedge.since_realtime_ns = realtime - (now - f->since_ns);
        r->wedge.detected_realtime_ns = realtime;
        r->wedge.sure = f->sure;
        r->wedge.cleared_by = cleared_by;
        r->wedge.cleared_realtime_ns = cleared_by < 0 ? 0 : realtime;
        if (evidence && w->deps.evidence && w->deps.spec->evidence_limit > 0)
                wedges_name_directory(w, r->wedge.number, f->class, r->wedge.evidence,
                                      sizeof(r->wedge.evidence));
        tell(w, r);
        number = r->wedge.number;
        if (cleared_by >= 0) {
                free(x);
                return number;
        }
        x->next = w->open;
        w->open = x;
        return number;
}

static void clear(struct wedges *w, struct wedge *x, int by)
{
        x->record.wedge.cleared_by = by;
        x->record.wedge.cleared_realtime_ns = now_realtime_ns();
        tell(w, &x->record);
        forget(w, x);
}

/* That one unit is gone does not make room for the next. */
void wedges_cleared(struct wedges *w, int64_t number, int by)
{
        struct wedge *x = find(w, number);

        if (x && x->record.wedge.class != WEDGE_POOL_FULL)
                clear(w, x, by);
}

void wedges_kept(struct wedges *w, int64_t number)
{
        struct wedge *x = find(w, number);

        if (x && x->record.wedge.class != WEDGE_POOL_FULL)
                forget(w, x);
}

void wedges_tried(struct wedges *w, int64_t number, enum rung rung, int64_t start_realtime_ns,
                  int64_t duration_ns, enum result result, const char *error)
{
        const struct wedge *x = find(w, number);
        struct record r = {.kind = RECORD_RECOVERY};

        if (!x)
                return;
        r.unit = x->record.unit;
        r.attempt = x->record.attempt;
        r.lease = x->record.lease;
        r.recovery.wedge = number;
        r.recovery.rung = rung;
        r.recovery.start_realtime_ns = start_realtime_ns;
        r.recovery.duration_ns = duration_ns;
        r.recovery.result = result;
        snprintf(r.recovery.error, sizeof(r.recovery.error), "%s", error);
        tell(w, &r);
}

int64_t wedges_count(const struct wedges *w)
{
        return w->n;
}

/* A create that ends well is the proof that the pool has room again. */
static void pool_has_room(struct wedges *w)
{
        struct wedge *x, *next;

        for (x = w->open; x; x = next) {
                next = x->next;
                if (x->record.wedge.class == WEDGE_POOL_FULL)
                        clear(w, x, RUNG_ITSELF);
        }
}

void wedges_progress(struct wedges *w, enum phase phase, int64_t duration_ns)
{
        pace_ended(&w->pace, phase, duration_ns, now_monotonic_ns());
        if (phase == PHASE_CREATE)
                pool_has_room(w);
}

const struct pace *wedges_pace(const struct wedges *w)
{
        return &w->pace;
}

bool wedges_pool_is_full(const struct wedges *w)
{
        for (const struct wedge *x = w->open; x; x = x->next)
                if (x->record.wedge.class == WEDGE_POOL_FULL)
                        return true;
        return false;
}

/* ---- the units' questions ---- */

static void inquiry_unlink(struct wedge_inquiry *i)
{
        struct wedge_inquiry **p = &i->wedges->inquiries;

        while (*p != i)
                p = &(*p)->next;
        *p = i->next;
        if (!i->next)
                i->wedges->tail = p;
}

void wedges_cancel(struct wedge_inquiry *i)
{
        if (!i)
                return;
        if (i->inquiry) {
                inquiry_cancel(i->inquiry);
                i->wedges->n_asked--;
        }
        inquiry_unlink(i);
        free(i);
}

static void reply(struct wedge_inquiry *i, const struct wedge_answer *answer)
{
        wedge_handler handler = i->handler;
        void *userdata = i->userdata;

        wedges_cancel(i);
        handler(answer, userdata);
}

static void name_evidence(const struct finding *f, char *ret, size_t size, void *userdata)
{
        struct wedge_inquiry *i = userdata;

        if (!i->number)
                i->number = ++i->wedges->n;
        wedges_name_directory(i->wedges, i->number, f->class, ret, size);
}

/* While its evidence was taken, what it waited for may have come. */
static int64_t note_of_unit(struct wedge_inquiry *i, const struct finding *f, bool evidence)
{
        struct wedges *w = i->wedges;
        int64_t number = wedges_note(w, f, &i->question, i->number, -1, evidence);

        w->told = *f;
        w->told_ns = now_monotonic_ns();
        if (f->class == WEDGE_POOL_FULL && w->pace.of[PHASE_CREATE].last_ns > i->asked_ns)
                pool_has_room(w);
        return number;
}

static void on_diagnosed(enum diagnosis d, const struct finding *f, void *userdata)
{
        struct wedge_inquiry *i = userdata;
        struct wedge_answer answer = {.diagnosis = d, .finding = f};

        i->inquiry = NULL;
        i->wedges->n_asked--;
        /* The daemon may have gone while we looked. */
        if (i->wedges->watch.open && d != DIAGNOSIS_WEDGE)
                answer.away = true;
        if (d == DIAGNOSIS_WEDGE)
                answer.number = note_of_unit(i, f, true);
        reply(i, &answer);
}

/* Others wait as this one does. The last of them finds the others' wedges instead. */
static bool has_company(const struct wedge_inquiry *i)
{
        enum phase phase = i->question.phase;

        for (const struct wedge_inquiry *x = i->wedges->inquiries; x; x = x->next)
                if (x != i && x->question.phase == phase && x->question.result == RESULT_OK)
                        return true;
        for (const struct wedge *x = i->wedges->open; x; x = x->next)
                if (phase == PHASE_CREATE && x->record.wedge.class == WEDGE_IMAGE_LOCKED)
                        return true;
        return false;
}

/* Whether somebody is looking into the same thing at this moment. */
static bool has_twin(const struct wedge_inquiry *i)
{
        struct symptoms s = {.result = i->question.result, .text = i->text, .pool = ""}, other = s;
        struct finding mine = {0}, theirs = {0};

        if (!detector_knows_words(&s, &mine))
                return false;
        for (const struct wedge_inquiry *x = i->wedges->inquiries; x; x = x->next) {
                other.result = x->question.result;
                other.text = x->text;
                if (x->inquiry && detector_knows_words(&other, &theirs) &&
                    mine.class == theirs.class)
                        return true;
        }
        return false;
}

static bool was_told(const struct wedge_inquiry *i, const struct finding *f)
{
        const struct wedges *w = i->wedges;

        if (w->told_ns > i->asked_ns && w->told.class == f->class &&
            streq(w->told.suspect, f->suspect))
                return true;
        for (const struct wedge *x = w->open; x; x = x->next)
                if (x->record.wedge.class == f->class && streq(x->record.wedge.suspect, f->suspect))
                        return true;
        return false;
}

/* The same pool is not captured once a unit. */
static bool known_already(struct wedge_inquiry *i, const struct symptoms *s)
{
        struct wedge_answer answer = {.diagnosis = DIAGNOSIS_WEDGE};
        struct finding finding = {0};

        if (!detector_knows_words(s, &finding) || !was_told(i, &finding))
                return false;
        answer.finding = &finding;
        answer.number = note_of_unit(i, &finding, false);
        reply(i, &answer);
        return true;
}

static bool is_operation_lost(const struct wedge_question *q)
{
        return q->result == RESULT_LOST && q->code == -ENOENT;
}

static void look_into(struct wedge_inquiry *i)
{
        struct wedges *w = i->wedges;
        const struct wedge_question *q = &i->question;
        int64_t now = now_monotonic_ns(), span = w->deps.spec->deadline_ns[q->phase];
        struct symptoms s = {
                .phase = q->phase,
                .result = q->result,
                .text = i->text,
                .instance = i->instance,
                .image = w->env.image,
                .pool = "",
                /* A stop that LXD gives up at once says nothing of init. */
                .clean_stop =
                        w->deps.spec->stop == STOP_CLEAN &&
                        i->asked_ns - q->since_ns >= w->deps.spec->stop_timeout_ns - NSEC_PER_SEC,
                .left = i->left,
                .operation_lost = is_operation_lost(q),
                .since_ns = q->since_ns,
                .extensions = q->extensions,
                .progress = now - w->pace.of[q->phase].last_ns < span,
                .progress_elsewhere = now - pace_newest_ns(&w->pace) < span,
                .company = has_company(i),
                .for_ns = now - q->since_ns,
                .slowest_ns = w->pace.of[q->phase].slowest_ns,
                .overloaded = probe_overloaded(w->deps.probe),
        };

        if (known_already(i, &s))
                return;
        if (inquiry_start(&w->env, &s, w->watch.pid, name_evidence, on_diagnosed, i, &i->inquiry) <
            0) {
                log_error("Out of memory: %s is not looked into", i->instance);
                reply(i, &(struct wedge_answer){.diagnosis = DIAGNOSIS_NONE});
                return;
        }
        w->n_asked++;
}

/* An answer was lost, or the daemon says that it is going down. */
static bool may_be_away(const struct wedge_question *q)
{
        return q->result == RESULT_LOST ||
               (q->result == RESULT_FAIL && q->code == HTTP_UNAVAILABLE);
}

/* What became of the daemon since the unit asked: it was restarted or is not there, or was not
 * for a while, and what failed meanwhile failed for that; or the probes have since been answered
 * by the same one. */
static bool settle_away(struct wedge_inquiry *i, bool *ret_away)
{
        const struct wedges *w = i->wedges;
        struct daemon_view view = {0};
        int64_t now = now_monotonic_ns();

        *ret_away = w->watch.open || w->restarted_ns > i->question.since_ns ||
                    (i->question.result != RESULT_OK && w->back_ns > i->question.since_ns) ||
                    (is_operation_lost(&i->question) && w->stood_still_ns > i->question.since_ns);
        if (*ret_away || !may_be_away(&i->question))
                return true;
        probe_view(w->deps.probe, &view);
        if (now - i->asked_ns >= LOST_NS) {
                *ret_away = true;
                return true;
        }
        /* Two answers of /1.0 later it would show. */
        return view.daemon.ok_ns > i->asked_ns + 3 * NSEC_PER_SEC && !view.daemon.failed_ns;
}

static void serve(struct wedges *w)
{
        struct wedge_inquiry *i, *next;
        bool away;

        for (i = w->inquiries; i; i = next) {
                next = i->next;
                if (i->inquiry || !settle_away(i, &away))
                        continue;
                if (away)
                        reply(i, &(struct wedge_answer){.away = true});
                else if (w->n_asked < INQUIRIES_MAX && !has_twin(i))
                        look_into(i);
        }
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct wedges *w = userdata;
        int64_t now = now_monotonic_ns();

        sd_event_source_set_time_relative(s, TICK_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        if (now - w->ticked_ns > STOOD_STILL_NS)
                w->stood_still_ns = now;
        w->ticked_ns = now;
        wedges_watch_daemon(w);
        serve(w);
        return 0;
}

int wedges_ask(struct wedges *w, const struct wedge_question *question, wedge_handler handler,
               void *userdata, struct wedge_inquiry **ret)
{
        struct wedge_inquiry *i = calloc(1, sizeof(*i));

        if (!i)
                return -ENOMEM;
        i->wedges = w;
        i->question = *question;
        snprintf(i->text, sizeof(i->text), "%s", question->text ? question->text : "");
        snprintf(i->instance, sizeof(i->instance), "%s", question->instance);
        snprintf(i->left, sizeof(i->left), "%s", question->left ? question->left : "");
        i->question.text = i->text;
        i->question.left = i->left;
        i->question.instance = i->instance;
        i->asked_ns = now_monotonic_ns();
        i->handler = handler;
        i->userdata = userdata;
        *w->tail = i;
        w->tail = &i->next;
        *ret = i;
        return 0;
}

/* ---- the interface ---- */

int wedges_new(const struct wedges_deps *deps, struct wedges **ret)
{
        _cleanup_(wedges_freep)
        struct wedges *w = calloc(1, sizeof(*w));
        char *slash;
        int r;

        if (!w)
                return -ENOMEM;
        w->deps = *deps;
        w->tail = &w->inquiries;
        w->ticked_ns = now_monotonic_ns();
        snprintf(w->lxd_dir, sizeof(w->lxd_dir), "%s", deps->lxd_socket);
        slash = strrchr(w->lxd_dir, '/');
        if (slash)
                *slash = '\0';
        r = lxd_new(deps->event, deps->lxd_socket, INQUIRIES_MAX, &w->lxd);
        if (r >= 0)
                r = lxd_set_project(w->lxd, deps->spec->project);
        if (r < 0)
                return r;
        w->env = (struct inquiry_env){
                .event = deps->event,
                .lxd = w->lxd,
                .inventory = deps->inventory,
                .evidence = deps->evidence,
                .run = deps->spec->run,
                .project = deps->spec->project,
                .image = deps->spec->image,
                .lxd_dir = w->lxd_dir,
                .evidence_limit = deps->spec->evidence_limit,
        };
        r = sd_event_add_time_relative(deps->event, &w->tick, CLOCK_MONOTONIC, TICK_USEC, 1000,
                                       on_tick, w);
        if (r < 0)
                return r;
        *ret = TAKE(w);
        return 0;
}

void wedges_stop(struct wedges *w)
{
        sd_event_source_set_enabled(w->tick, SD_EVENT_OFF);
}

struct wedges *wedges_free(struct wedges *w)
{
        if (!w)
                return NULL;
        while (w->inquiries)
                wedges_cancel(w->inquiries);
        inquiry_cancel(w->daemon_inquiry);
        if (w->restart)
                helper_call_cancel(w->restart);
        if (w->look)
                helper_call_cancel(w->look);
        while (w->open)
                forget(w, w->open);
        sd_event_source_disable_unref(w->tick);
        lxd_free(w->lxd);
        free(w);
        return NULL;
}
