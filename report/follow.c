/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See follow.h. */

#include "report/follow.h"

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "report/follow-source.h"
#include "report/follow-view.h"

#define EVERY_NS (2 * NSEC_PER_SEC)
#define BUSY_MAX 5
#define SHARE    10 /* so many times as long as it takes to sum it up, it is not summed up again */

struct follow {
        sd_event *event;
        sd_event_source *timer;
        struct follow_source *source;
        struct follow_view view;
        struct store *store;
        struct summary *summary; /* the last one */
        struct error *err;
        int64_t due_ns; /* when it is to be summed up again */
        bool over;
        int n_busy; /* looks in a row that found the store locked */
};

static int sum_up(struct follow *f, struct store *store, enum follow_state state, int64_t now_ns)
{
        struct summary *s = NULL;
        bool shown = state == FOLLOW_GOES_ON;
        int r = summary_new(store, &s, f->err);

        /* what came at the very end has its line, too */
        if (f->summary && !f->view.screen.terminal)
                shown = true;
        store_free(f->store);
        f->store = store;
        if (r < 0)
                return r;
        summary_free(f->summary);
        f->summary = s;
        return shown ? follow_view_show(&f->view, s, now_ns) : 0;
}

/* 1: it is over. */
static int look(struct follow *f, int64_t now_ns, enum follow_state *ret_state)
{
        struct store *store = NULL;
        char why[256] = "";
        int r = f->source->look(f->source, now_ns, now_ns >= f->due_ns, &store, ret_state, why,
                                f->err);

        if (r == 0 && store) {
                r = sum_up(f, store, *ret_state, now_ns);
                f->due_ns = now_monotonic_ns() + SHARE * (now_monotonic_ns() - now_ns);
        }
        f->n_busy = r == -EBUSY ? f->n_busy + 1 : 0;
        if (f->n_busy > 0 && f->n_busy <= BUSY_MAX) {
                *f->err = ERROR_INIT;
                *ret_state = FOLLOW_GOES_ON;
                return 0;
        }
        if (r < 0 || *ret_state == FOLLOW_GOES_ON || *ret_state == FOLLOW_MORE)
                return r;
        follow_view_clear(&f->view);
        if (*ret_state == FOLLOW_GONE)
                log_warning("run %s has not ended: %s", f->summary->run, why);
        return 1;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct follow *f = userdata;
        enum follow_state state = FOLLOW_GOES_ON;
        int r = look(f, now_monotonic_ns(), &state);

        if (r != 0) {
                f->over = r > 0;
                return sd_event_exit(f->event, MIN(r, 0));
        }
        r = sd_event_source_set_time_relative(
                s, state == FOLLOW_MORE ? 0 : (uint64_t)(EVERY_NS / NSEC_PER_USEC));
        if (r >= 0)
                r = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return r < 0 ? sd_event_exit(f->event, r) : 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct follow *f = userdata;

        return sd_event_exit(f->event, 0);
}

static int prepare(struct follow *f, const struct run_options *o, const char *what)
{
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        r = sd_event_default(&f->event);
        if (r >= 0)
                r = sd_event_add_signal(f->event, NULL, SIGINT, on_signal, f);
        if (r >= 0)
                r = sd_event_add_signal(f->event, NULL, SIGTERM, on_signal, f);
        if (r >= 0)
                r = sd_event_add_time_relative(f->event, &f->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
                                               f);
        if (r < 0)
                return error_set_errno(f->err, r, "cannot wait");
        return run_options_journal(o)
                       ? follow_journal_new(&o->journal, what, f->event, &f->source, f->err)
                       : follow_store_new(what, &o->dirs, &f->source, f->err);
}

static void release(struct follow *f)
{
        if (f->source)
                f->source->free(f->source);
        sd_event_source_unref(f->timer);
        sd_event_unref(f->event);
        follow_view_deinit(&f->view);
        store_free(f->store);
        summary_free(f->summary);
}

int follow(const struct run_options *o, const char *what, bool verbose, struct store **ret_store,
           struct summary **ret_summary, struct error *err)
{
        struct follow f = {.err = err};
        int r;

        follow_view_init(&f.view, verbose);
        r = prepare(&f, o, what);
        if (r == 0)
                r = sd_event_loop(f.event);
        if (r == 0 && f.over) {
                *ret_store = TAKE(f.store);
                *ret_summary = TAKE(f.summary);
        } else if (r == 0) {
                log_notice("run %s goes on", f.summary ? f.summary->run : what);
                r = 1;
        }
        release(&f);
        return r;
}
