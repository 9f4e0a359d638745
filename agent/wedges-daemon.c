/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The watch over the daemon: what the probes say of it, put to the detector twice a second;
 * its evidence, and the last rung of the ladder. See wedges.h. */

#include "agent/wedges-internal.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "base/log.h"

#define RESTART_NS (90 * NSEC_PER_SEC)
#define LOOK_NS    (4 * NSEC_PER_SEC)

bool wedges_daemon_is_away(const struct wedges *w)
{
        return w->watch.open;
}

int64_t wedges_daemon_away_ns(const struct wedges *w)
{
        return w->watch.open ? now_monotonic_ns() - w->open_ns : 0;
}

int64_t wedges_daemon_back_ns(const struct wedges *w)
{
        return w->back_ns;
}

int64_t wedges_daemon_pid(const struct wedges *w)
{
        return w->watch.pid;
}

static void on_restarted(int error, const char *text, json_object *messages, void *userdata)
{
        struct wedges *w = userdata;
        char why[ERROR_TEXT_MAX] = "";
        bool done = helper_did_something(messages, why, sizeof(why)) && error == 0;

        w->restart = NULL;
        w->restarted_by_us = done;
        wedges_tried(w, w->daemon_number, RUNG_RESTART, w->restart_realtime_ns,
                     now_monotonic_ns() - w->restart_ns, done ? RESULT_OK : RESULT_FAIL,
                     error ? text : why);
}

static void restart_daemon(struct wedges *w)
{
        json_object *o = json_object_new_object();

        json_object_object_add(o, "verb", json_object_new_string("restart-daemon"));
        json_object_object_add(o, "lxd_dir", json_object_new_string(w->lxd_dir));
        json_object_object_add(o, "daemon_pid", json_object_new_int64(w->watch.pid));
        w->restart_ns = now_monotonic_ns();
        w->restart_realtime_ns = now_realtime_ns();
        log_warning("Run %s: restarting the daemon, pid %lld", w->deps.spec->run,
                    (long long)w->watch.pid);
        if (helper_ask(w->deps.inventory, o, RESTART_NS, on_restarted, w, &w->restart) < 0) {
                w->restart = NULL;
                log_error("lxdsoak-helper could not be asked to restart the daemon");
        }
}

static void name_daemon_evidence(const struct finding *f, char *ret, size_t size, void *userdata)
{
        const struct wedges *w = userdata;

        wedges_name_directory(w, w->daemon_number, f->class, ret, size);
}

static void on_daemon_captured(enum diagnosis d, const struct finding *f, void *userdata)
{
        struct wedges *w = userdata;

        w->daemon_inquiry = NULL;
        if (w->watch.open && w->deps.spec->allow_daemon_restart &&
            w->deps.spec->on_wedge == ON_WEDGE_RECOVER)
                restart_daemon(w);
}

static void daemon_wedged(struct wedges *w)
{
        w->open_ns = now_monotonic_ns();
        w->restarted_by_us = false;
        w->daemon_number = wedges_note(w, &w->watch.finding, NULL, 0, -1, !w->daemon_inquiry);
        if (w->daemon_inquiry || w->daemon_number == 0)
                return;
        if (inquiry_capture(&w->env, "", w->watch.pid, &w->watch.finding, name_daemon_evidence,
                            on_daemon_captured, w, &w->daemon_inquiry) < 0)
                w->daemon_inquiry = NULL;
}

static void on_daemon_looked(int error, const char *text, json_object *messages, void *userdata)
{
        struct wedges *w = userdata;
        struct facts facts;

        w->look = NULL;
        facts_read(messages, &facts);
        if (error == 0 && facts.known)
                w->looked_state = facts.daemon.pid > 0 ? facts.daemon.state : 'X';
}

/* An agent in a sandbox does not see the daemon's process; the helper does. Once for each
 * question that waits. */
static void look_at_daemon(struct wedges *w, struct daemon_view *view, int64_t now_ns)
{
        json_object *o;

        if (view->state || !view->daemon.asked_ns || view->pid <= 0 ||
            now_ns - view->daemon.asked_ns < view->probe_timeout_ns / 2)
                return;
        if (w->looked_ns == view->daemon.asked_ns) {
                view->state = w->looked_state;
                return;
        }
        if (w->look)
                return;
        w->looked_ns = view->daemon.asked_ns;
        w->looked_state = 0;
        o = json_object_new_object();
        json_object_object_add(o, "verb", json_object_new_string("examine"));
        json_object_object_add(o, "lxd_dir", json_object_new_string(w->lxd_dir));
        json_object_object_add(o, "daemon_pid", json_object_new_int64(view->pid));
        if (helper_ask(w->deps.inventory, o, LOOK_NS, on_daemon_looked, w, &w->look) < 0)
                w->look = NULL;
}

void wedges_watch_daemon(struct wedges *w)
{
        struct daemon_view view = {.probe_timeout_ns = w->deps.spec->probe_timeout_ns,
                                   .progress_ns = pace_newest_ns(&w->pace)};
        int64_t before = w->watch.pid, now = now_monotonic_ns();
        enum daemon_news news;

        probe_view(w->deps.probe, &view);
        look_at_daemon(w, &view, now);
        news = detector_watch_daemon(&w->watch, &view, now);
        if (before > 0 && w->watch.pid != before)
                w->restarted_ns = w->back_ns = now;
        switch (news) {
        case DAEMON_SAME: return;
        case DAEMON_WEDGED: daemon_wedged(w); break;
        case DAEMON_CLEARED:
                w->back_ns = now;
                wedges_cleared(w, w->daemon_number,
                               w->restarted_by_us ? RUNG_RESTART : RUNG_ITSELF);
                break;
        case DAEMON_RESTARTED:
                wedges_note(w, &w->watch.finding, NULL, 0, RUNG_ITSELF, false);
                break;
        }
        w->deps.on_daemon(w->deps.userdata);
}
