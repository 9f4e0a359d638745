/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See rests.h. */

#include "agent/rests.h"

#include "agent/census.h"
#include "agent/steady.h"
#include "base/log.h"

struct rests {
        struct rests_deps deps;
        struct steady steady;
        struct census_env env;
        char lxd_dir[256];
        struct census *census;
        bool stopped;
        void (*done)(void *userdata);
};

static int take(struct rests *r, int64_t settle_ns, census_handler handler)
{
        int e = census_take(&r->env, settle_ns, handler, r, &r->census);

        if (e < 0) {
                r->census = NULL;
                log_error("No census can be taken: %s", strerror(-e));
        }
        return e;
}

static void tell(struct rests *r, struct record *record)
{
        r->census = NULL;
        if (!record)
                return;
        record->census.units = r->steady.units;
        r->deps.on_record(record, r->deps.userdata);
}

/* ---- before ---- */

static void on_before(struct record *record, void *userdata)
{
        struct rests *r = userdata;

        tell(r, record);
        r->deps.on_resume(r->deps.userdata);
}

void rests_before(struct rests *r)
{
        if (!r->census && !r->stopped && r->steady.begun_ns == 0)
                (void)!take(r, 0, on_before);
}

/* ---- in its midst ---- */

void rests_unit_begins(struct rests *r)
{
        steady_unit_begins(&r->steady, now_monotonic_ns());
}

void rests_unit_ended(struct rests *r, int64_t took_ns)
{
        steady_unit_ended(&r->steady, took_ns);
}

static void resume(struct rests *r)
{
        steady_resume(&r->steady, now_monotonic_ns());
        r->deps.on_resume(r->deps.userdata);
}

static void on_census(struct record *record, void *userdata)
{
        struct rests *r = userdata;

        tell(r, record);
        resume(r);
}

bool rests_hold(struct rests *r, int64_t leased, int64_t in_flight)
{
        int64_t now = now_monotonic_ns();

        if (r->census)
                return true;
        if (!steady_is_draining(&r->steady)) {
                if (!steady_is_due(&r->steady, leased, now))
                        return false;
                steady_drain(&r->steady, now);
        }
        if (in_flight == 0 && take(r, steady_settle_ns(&r->steady), on_census) >= 0)
                return true;
        if (in_flight == 0 || steady_is_late(&r->steady, now)) {
                steady_resume(&r->steady, now);
                return false;
        }
        return true;
}

/* ---- the end ---- */

void rests_stop(struct rests *r)
{
        r->stopped = true;
        r->steady.share = 0;
        census_cancel(r->census);
        r->census = NULL;
        if (steady_is_draining(&r->steady))
                steady_resume(&r->steady, now_monotonic_ns());
}

static void on_after(struct record *record, void *userdata)
{
        struct rests *r = userdata;

        tell(r, record);
        r->done(r->deps.userdata);
}

bool rests_after(struct rests *r, void (*done)(void *userdata))
{
        /* One that stands by itself is compared with nothing, and need not settle. */
        int64_t settle_ns = r->steady.n > 0 ? steady_settle_ns(&r->steady) : 0;

        r->done = done;
        return take(r, settle_ns, on_after) >= 0;
}

/* ---- the object ---- */

int rests_new(const struct rests_deps *deps, struct rests **ret)
{
        struct rests *r = calloc(1, sizeof(*r));
        char *slash;

        if (!r)
                return -ENOMEM;
        r->deps = *deps;
        snprintf(r->lxd_dir, sizeof(r->lxd_dir), "%s", lxd_socket_path(deps->lxd));
        slash = strrchr(r->lxd_dir, '/');
        if (slash)
                *slash = '\0';
        r->env = (struct census_env){deps->event, deps->lxd, deps->inventory, r->lxd_dir};
        /* What is held is in flight for ever: density has no steady points. */
        steady_init(&r->steady, deps->spec->mode == MODE_DENSITY ? 0 : deps->spec->steady_share,
                    deps->spec->parallel);
        *ret = r;
        return 0;
}

struct rests *rests_free(struct rests *r)
{
        if (!r)
                return NULL;
        census_cancel(r->census);
        free(r);
        return NULL;
}
