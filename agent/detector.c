/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See detector.h. Rules stand in the order in which they are believed. */

#include "agent/detector.h"

static bool says(const struct symptoms *s, const char *words)
{
        return strcasestr(s->text, words) != NULL;
}

static bool is_stopped(const struct task_fact *t)
{
        return t->pid > 0 && (t->state == 'T' || t->state == 't');
}

static enum diagnosis wedge(struct finding *f, enum wedge_class class, int64_t sure)
{
        f->class = class;
        f->sure = sure;
        return DIAGNOSIS_WEDGE;
}

static void suspect_task(struct finding *f, const struct task_fact *t, const char *what)
{
        snprintf(f->suspect, sizeof(f->suspect), "pid %lld %s", (long long)t->pid, what);
}

/* LXD gives up an unpack that meets ENOSPC in these words, whatever the driver; a daemon
 * whose own disk is full says "database or disk is full". */
bool detector_knows_words(const struct symptoms *s, struct finding *f)
{
        static const char *const words[] = {"out of disk space", "no space left on device",
                                            "disk quota exceeded", "disk is full",
                                            "wrote only" /* tar, in as many words */};

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (s->result != RESULT_FAIL || !says(s, words[i]))
                        continue;
                f->since_ns = s->since_ns;
                snprintf(f->suspect, sizeof(f->suspect), "storage pool%s%s", s->pool[0] ? " " : "",
                         s->pool);
                snprintf(f->detail, sizeof(f->detail), "%s", s->text);
                wedge(f, WEDGE_POOL_FULL, SURE_SAID);
                return true;
        }
        return false;
}

/* ---- proof: what the host shows ---- */

/* A task that was killed and is still there, or one that a phase waits for and that
 * waits in the kernel itself. */
static bool is_unkillable(const struct symptoms *s)
{
        const struct task_fact *t = &s->facts.unkillable;

        return t->pid > 0 && (t->dying || s->result == RESULT_OK || s->phase >= PHASE_STOP);
}

static bool classify_by_proof(const struct symptoms *s, struct finding *f)
{
        const struct facts *x = &s->facts;

        if (is_unkillable(s)) {
                suspect_task(f, &x->unkillable, x->unkillable.comm);
                snprintf(f->detail, sizeof(f->detail), "state %c in %s%s", x->unkillable.state,
                         x->unkillable.wchan[0] ? x->unkillable.wchan : "the kernel",
                         x->unkillable.dying ? ", and killed" : "");
                wedge(f, WEDGE_TASK_UNKILLABLE, SURE_PROOF);
                return true;
        }
        /* LXD asks the monitor for everything, waits 5 s for it, and then takes the instance
         * for stopped: it even reports its deletion. */
        if (is_stopped(&x->monitor) || (x->monitor.pid > 0 && x->monitor_frozen)) {
                suspect_task(f, &x->monitor, "[lxc monitor]");
                snprintf(f->detail, sizeof(f->detail), "%s%s%s",
                         x->monitor_frozen ? "its cgroup is frozen" : "it is stopped (state T)",
                         s->left[0] ? "; LXD says the instance is deleted" : "",
                         s->text[0] ? "" : "; LXD has not answered");
                wedge(f, WEDGE_MONITOR_STUCK, SURE_PROOF);
                return true;
        }
        /* LXD still says Running. */
        if (x->payload_frozen) {
                snprintf(f->suspect, sizeof(f->suspect), "cgroup lxc.payload.%s", s->instance);
                snprintf(f->detail, sizeof(f->detail),
                         "its cgroup is frozen, and nobody froze it through LXD");
                wedge(f, WEDGE_INSTANCE_FROZEN, SURE_PROOF);
                return true;
        }
        if (s->phase == PHASE_CREATE && is_stopped(&x->unpack)) {
                suspect_task(f, &x->unpack, x->unpack.comm);
                snprintf(f->detail, sizeof(f->detail),
                         "the process that unpacks image %s is stopped (state %c)", s->image,
                         x->unpack.state);
                wedge(f, WEDGE_IMAGE_LOCKED, SURE_PROOF);
                return true;
        }
        return false;
}

/* ---- words: what LXD said ---- */

static bool classify_by_words(const struct symptoms *s, struct finding *f)
{
        const struct facts *x = &s->facts;

        snprintf(f->detail, sizeof(f->detail), "%s", s->text);
        if (s->result == RESULT_FAIL && (says(s, "device or resource busy") ||
                                         says(s, "dataset is busy") || says(s, "target is busy"))) {
                if (x->holder.pid > 0)
                        snprintf(f->suspect, sizeof(f->suspect), "pid %lld %s holds %.180s",
                                 (long long)x->holder.pid, x->holder.comm, x->mount);
                else
                        snprintf(f->suspect, sizeof(f->suspect), "a mount beneath %s", s->instance);
                wedge(f, WEDGE_DELETE_BUSY, x->holder.pid > 0 ? SURE_PROOF : SURE_SAID);
                return true;
        }
        /* The lock outlived its operation: no expiry in LXD >= 5.14 and Incus. */
        if (s->result == RESULT_FAIL && says(s, "instance is busy running") &&
            s->n_operations == 0) {
                snprintf(f->suspect, sizeof(f->suspect), "LXD's lock of %s", s->instance);
                wedge(f, WEDGE_INSTANCE_BUSY_LOCK, SURE_SAID);
                return true;
        }
        /* A finished operation is forgotten after 5 s, but we ask at once. */
        if (s->operation_lost) {
                snprintf(f->suspect, sizeof(f->suspect), "the operation that was to %s %s",
                         phase_name((int)s->phase), s->instance);
                wedge(f, WEDGE_OPERATION_LOST, SURE_SAID);
                return true;
        }
        f->detail[0] = '\0';
        return false;
}

/* ---- the phase ---- */

static bool classify_stop(const struct symptoms *s, struct finding *f)
{
        if (s->phase != PHASE_STOP || !s->clean_stop || s->facts.init.pid == 0)
                return false;
        if (s->result != RESULT_OK && !says(s, "status is \"running\"") && !says(s, "timeout"))
                return false;
        suspect_task(f, &s->facts.init, "init");
        snprintf(f->detail, sizeof(f->detail), "it was asked to end, and lives on in state %c",
                 s->facts.init.state);
        wedge(f, WEDGE_STOP_IGNORED, SURE_PROOF);
        return true;
}

/* Success as the API reports it is not believed. */
static bool classify_verify(const struct symptoms *s, struct finding *f)
{
        const struct task_fact *alive =
                s->facts.monitor.pid > 0 ? &s->facts.monitor : &s->facts.init;

        if (s->phase != PHASE_VERIFY || !s->left[0])
                return false;
        snprintf(f->detail, sizeof(f->detail), "%s", s->text);
        if (alive->pid > 0) {
                suspect_task(f, alive, alive == &s->facts.monitor ? "[lxc monitor]" : "init");
                wedge(f, WEDGE_DELETE_LIED, SURE_PROOF);
                return true;
        }
        snprintf(f->suspect, sizeof(f->suspect), "%s", s->left);
        wedge(f, WEDGE_LEFTOVER, SURE_PROOF);
        return true;
}

/* Others of the kind end, or the host has no time for anybody: slow. In the end even a host that
 * works has one that is stuck; what took four times as long as any that ended is no tail. */
static bool is_only_late(const struct symptoms *s)
{
        return (s->progress || (s->overloaded && s->progress_elsewhere)) &&
               (s->extensions < EXTENSIONS_MAX || s->for_ns < SLOWEST_FACTOR * s->slowest_ns);
}

/* Beyond its deadline, and nothing on the host says why. */
static enum diagnosis classify_by_clock(const struct symptoms *s, struct finding *f)
{
        bool exec = s->phase == PHASE_EXEC || s->phase == PHASE_READY;

        /* The command is there, and does not end: it is the workload's, unless nobody has
         * time. */
        if (exec && (s->facts.n_exec > 0 || (s->facts.n_exec < 0 && s->n_operations > 0)) &&
            !(s->overloaded && s->progress_elsewhere && s->extensions < EXTENSIONS_MAX)) {
                bool seen = s->facts.n_exec > 0;

                snprintf(f->suspect, sizeof(f->suspect), "a command in %s", s->instance);
                snprintf(f->detail, sizeof(f->detail), "it was started (%s) and has not ended",
                         seen ? "forkexec is there" : "LXD lists it; the host could not be seen");
                return wedge(f, WEDGE_EXEC_STUCK, seen ? SURE_SAID : SURE_CLOCK);
        }
        if (is_only_late(s))
                return DIAGNOSIS_LATE;
        /* In a closed loop all that is in flight soon waits here, and nothing else is left to move.
         */
        if (s->phase == PHASE_CREATE && !s->progress && (s->progress_elsewhere || s->company) &&
            s->facts.n_unpack == 0) {
                snprintf(f->suspect, sizeof(f->suspect), "image %s", s->image);
                snprintf(f->detail, sizeof(f->detail), "no create of it ends, and nothing unpacks");
                return wedge(f, WEDGE_IMAGE_LOCKED, SURE_CLOCK);
        }
        if (s->n_operations > 0) {
                snprintf(f->suspect, sizeof(f->suspect), "operation %s", s->operation);
                snprintf(f->detail, sizeof(f->detail),
                         "LXD lists it as running, and nothing under it is seen to move");
                return wedge(f, WEDGE_OPERATION_STUCK, SURE_CLOCK);
        }
        if (s->n_operations == 0 && s->phase != PHASE_READY && s->phase != PHASE_VERIFY) {
                snprintf(f->suspect, sizeof(f->suspect), "the request to %s %s",
                         phase_name((int)s->phase), s->instance);
                snprintf(f->detail, sizeof(f->detail),
                         "it has no answer, and LXD lists no operation for it");
                return wedge(f, WEDGE_OPERATION_LOST, SURE_CLOCK);
        }
        snprintf(f->suspect, sizeof(f->suspect), "%s of %s", phase_name((int)s->phase),
                 s->instance);
        snprintf(f->detail, sizeof(f->detail), "it does not end, and no rule says why");
        return wedge(f, WEDGE_UNKNOWN, SURE_GUESS);
}

enum diagnosis detector_classify(const struct symptoms *s, struct finding *ret)
{
        struct finding f = {.since_ns = s->since_ns};
        enum diagnosis d = DIAGNOSIS_NONE;

        if (detector_knows_words(s, &f) || classify_by_proof(s, &f) || classify_by_words(s, &f) ||
            classify_stop(s, &f) || classify_verify(s, &f))
                d = DIAGNOSIS_WEDGE;
        else if (s->result == RESULT_OK)
                d = classify_by_clock(s, &f);
        if (d != DIAGNOSIS_WEDGE)
                return d;
        snprintf(f.operation, sizeof(f.operation), "%s", s->operation);
        *ret = f;
        return d;
}

/* ---- the daemon ---- */

/* How long nobody may listen: systemd starts it again on the next connection. */
#define REFUSED_NS (3 * NSEC_PER_SEC)
/* Without proof, so many times the probes' limit. */
#define CLOCK_FACTOR 2

static bool daemon_found(struct finding *f, enum wedge_class class, int64_t sure, int64_t since_ns,
                         const struct daemon_view *v, const char *detail)
{
        *f = (struct finding){.class = class, .sure = sure, .since_ns = since_ns};
        if (v->pid > 0)
                snprintf(f->suspect, sizeof(f->suspect), "pid %lld, the daemon", (long long)v->pid);
        else
                snprintf(f->suspect, sizeof(f->suspect), "the daemon");
        snprintf(f->detail, sizeof(f->detail), "%s", detail);
        return true;
}

/* The kernel takes connections for a stopped daemon, up to its backlog; the state of its
 * process tells it from a busy one. */
static bool daemon_hangs(const struct daemon_view *v, int64_t now_ns, struct finding *f)
{
        int64_t waits = v->daemon.asked_ns ? now_ns - v->daemon.asked_ns : 0;
        char detail[160];

        if (waits < v->probe_timeout_ns)
                return false;
        if (v->pid > 0 && v->state == 'X')
                return daemon_found(f, WEDGE_DAEMON_DOWN, SURE_PROOF, v->daemon.asked_ns, v,
                                    "its process is gone, and no other answers");
        snprintf(detail, sizeof(detail), "it takes connections and says nothing; state %c",
                 v->state ? v->state : '?');
        if (v->state == 'T' || v->state == 't' || v->state == 'Z')
                return daemon_found(f, WEDGE_DAEMON_HUNG, SURE_PROOF, v->daemon.asked_ns, v,
                                    detail);
        if (waits < CLOCK_FACTOR * v->probe_timeout_ns || v->progress_ns > v->daemon.asked_ns)
                return false;
        return daemon_found(f, WEDGE_DAEMON_HUNG, SURE_CLOCK, v->daemon.asked_ns, v, detail);
}

static bool is_database_text(const char *text)
{
        return strstr(text, "begin transaction") || strstr(text, "database is locked") ||
               strstr(text, "context deadline exceeded");
}

/* An answer that is not there after that part of the probes' limit may never come. */
#define PROMPT_PART 4

static bool is_prompt(const struct watch_question *q, int64_t now_ns, int64_t probe_timeout_ns)
{
        return q->asked_ns == 0 || now_ns - q->asked_ns < probe_timeout_ns / PROMPT_PART;
}

/* /1.0 needs no database, the list of instances does. It has to be answered still: a daemon that
 * stops while it lists may have answered /1.0 since that began. A loaded daemon is slow to list
 * too, but then units still get on. */
static bool database_stalls(const struct daemon_view *v, int64_t now_ns, struct finding *f)
{
        const struct watch_question *l = &v->list;
        int64_t since = l->failed_ns && is_database_text(l->text) ? l->failed_ns : l->asked_ns;

        if (since == 0 || now_ns - since < v->probe_timeout_ns || v->daemon.ok_ns < since ||
            v->progress_ns > since || !is_prompt(&v->daemon, now_ns, v->probe_timeout_ns))
                return false;
        return daemon_found(f, WEDGE_DATABASE_STALLED, SURE_SAID, since, v,
                            l->failed_ns ? l->text
                                         : "it answers /1.0, and not what needs its database");
}

static bool daemon_refuses(const struct daemon_view *v, int64_t now_ns, struct finding *f)
{
        if (!v->daemon.failed_ns || !v->daemon.refused || now_ns - v->daemon.failed_ns < REFUSED_NS)
                return false;
        return daemon_found(f, WEDGE_DAEMON_DOWN, SURE_PROOF, v->daemon.failed_ns, v,
                            v->daemon.text);
}

static bool has_ended(const struct finding *f, const struct daemon_view *v)
{
        const struct watch_question *q = f->class == WEDGE_DATABASE_STALLED ? &v->list : &v->daemon;

        return q->ok_ns > f->since_ns && q->failed_ns == 0;
}

enum daemon_news detector_watch_daemon(struct daemon_watch *w, const struct daemon_view *v,
                                       int64_t now_ns)
{
        int64_t before = w->pid, before_ok_ns = w->ok_ns;

        if (v->pid > 0)
                w->pid = v->pid;
        w->ok_ns = v->daemon.ok_ns;
        if (w->open) {
                if (!has_ended(&w->finding, v))
                        return DAEMON_SAME;
                w->open = false;
                return DAEMON_CLEARED;
        }
        if (before > 0 && v->pid > 0 && v->pid != before) {
                char detail[96];

                snprintf(detail, sizeof(detail), "it was restarted: pid %lld is now %lld",
                         (long long)before, (long long)v->pid);
                daemon_found(&w->finding, WEDGE_DAEMON_DOWN, SURE_PROOF,
                             before_ok_ns ? before_ok_ns : now_ns, v, detail);
                return DAEMON_RESTARTED;
        }
        w->open = daemon_refuses(v, now_ns, &w->finding) || daemon_hangs(v, now_ns, &w->finding) ||
                  database_stalls(v, now_ns, &w->finding);
        return w->open ? DAEMON_WEDGED : DAEMON_SAME;
}
