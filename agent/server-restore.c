/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a restart finds in the spool: the run, its leases, its units half done. */

#include "agent/server-internal.h"

#include "base/clock.h"
#include "base/log.h"

/* ---- after a restart ---- */

static int restore_record(const struct spool_row *row, void *userdata)
{
        struct server *s = userdata;

        run_tell_again(s->run, row->text);
        return outbox_restore(s->outbox, row->seq, row->text);
}

int server_restore_records(struct server *s, const char *run)
{
        int r = spool_each_record(s->deps.spool, run, restore_record, s);

        s->sent = outbox_acked(s->outbox);
        return r;
}

static int restore_lease(const struct spool_row *row, void *userdata)
{
        struct server *s = userdata;

        run_return_lease(s->run, row->lease, row->unit, row->count, "restart");
        return 0;
}

static int restore_intent(const struct spool_row *row, void *userdata)
{
        struct server *s = userdata;

        return run_recover(s->run, row->unit, row->attempt, row->lease);
}

static int decode_spec(const char *text, struct run_spec *ret, struct error *err)
{
        json_object *json;
        int r = wire_body_parse(text, strlen(text), &json, err);

        if (r < 0)
                return r;
        r = fields_decode(run_spec_fields, json, ret, err);
        json_object_put(json);
        if (r < 0)
                fields_release(run_spec_fields, ret);
        return r;
}

int server_restore(struct server *s, struct error *err)
{
        struct run_deps deps = server_run_deps(s);
        struct spool_run saved = {0};
        struct run_spec spec = {0};
        _cleanup_(freep)
        char *text = NULL;
        int r = spool_get_run(s->deps.spool, &saved, err);

        if (r <= 0)
                return r;
        text = saved.spec;
        r = decode_spec(text, &spec, err);
        if (r < 0)
                return error_prefix(err, "spool: the spec of run %s", saved.run);
        r = lxd_set_project(s->deps.lxd, spec.project);
        if (r < 0)
                return r;
        s->epoch = saved.epoch;
        s->heard_ns = now_monotonic_ns();
        outbox_begin_run(s->outbox, saved.run, saved.head, saved.acked);
        r = run_new(&deps, &spec, &s->run, err);
        if (r >= 0)
                run_set_newest_lease(s->run, saved.newest_lease);
        if (r >= 0)
                r = server_restore_records(s, saved.run);
        if (r >= 0)
                r = spool_each_lease(s->deps.spool, restore_lease, s);
        if (r >= 0)
                r = spool_each_intent(s->deps.spool, restore_intent, s);
        if (r < 0)
                return error_set_errno(err, r, "spool: run %s could not be taken up again",
                                       saved.run);
        log_notice("Takes up run %s again, where an earlier agent left it", saved.run);
        return 0;
}
