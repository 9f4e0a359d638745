/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The test double of fake-agent.h: one loop on zmq_poll(). */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/fake-agent-internal.h"

static void add_record(struct agent *a, struct record *r)
{
        r->seq = ++a->head;
        if (a->head >= UNITS_MAX_HERE)
                _exit(3);
        a->records[a->head] = record_encode(r);
}

static void end_unit(struct agent *a, const struct running *u, enum outcome outcome)
{
        struct record r = {.unit = u->unit, .attempt = u->attempt, .lease = u->lease};

        for (int phase = 0; phase < PHASE_MAX_; phase++) {
                bool last = outcome == OUTCOME_FAILED && phase == PHASE_STOP;

                r.kind = RECORD_SAMPLE;
                memset(&r.sample, 0, sizeof(r.sample));
                r.sample.phase = (enum phase)phase;
                r.sample.start_realtime_ns = now_realtime_ns();
                r.sample.start_monotonic_ns = now_monotonic_ns();
                r.sample.duration_ns = 1000000 * (phase + 1);
                r.sample.result = last ? RESULT_FAIL : RESULT_OK;
                if (last)
                        snprintf(r.sample.error, sizeof(r.sample.error), "it would not");
                add_record(a, &r);
        }
        r.kind = RECORD_OUTCOME;
        memset(&r.outcome, 0, sizeof(r.outcome));
        r.outcome.outcome = outcome;
        snprintf(r.outcome.name, sizeof(r.outcome.name), "soak-%.8s-%lld", a->run,
                 (long long)u->unit);
        r.outcome.start_realtime_ns = now_realtime_ns();
        r.outcome.duration_ns = now_monotonic_ns() - u->begun_ns;
        add_record(a, &r);
        a->outcomes++;
}

static void return_unstarted(struct agent *a)
{
        for (size_t i = 0; i < a->n_lent; i++) {
                struct record r = {.kind = RECORD_RETURNED,
                                   .attempt = a->lent[i].attempt,
                                   .lease = a->lent[i].lease,
                                   .unit = a->lent[i].next};

                if (a->lent[i].next == a->lent[i].end)
                        continue;
                r.returned.first = a->lent[i].next;
                r.returned.count = a->lent[i].end - a->lent[i].next;
                snprintf(r.returned.reason, sizeof(r.returned.reason), "drain");
                add_record(a, &r);
        }
        a->n_lent = 0;
}

static struct msg_pong make_pong(const struct agent *a)
{
        return (struct msg_pong){
                .agent_stamp_ns = now_monotonic_ns(),
                .head = (int64_t)a->head,
                .in_flight = (int64_t)a->n_running,
                .oldest_ns = a->n_running ? now_monotonic_ns() - a->running[0].begun_ns : 0,
                .api_instances = (int64_t)a->n_running,
                .api_ns = 12000000,
                .mounts = 30,
                .mem_available = 1 << 30,
                .disk_free = 1 << 30,
        };
}

static void send_stopped(struct agent *a)
{
        struct msg_stopped m = {.final_seq = (int64_t)a->head, .pong = make_pong(a)};

        m.leftovers = json_object_new_array();
        for (int64_t i = 0; i < a->config.leftovers; i++) {
                struct msg_item item = {.unit = i + 1};

                snprintf(item.kind, sizeof(item.kind), "mount");
                snprintf(item.name, sizeof(item.name), "/var/lib/lxd/left-%lld", (long long)i);
                json_object_array_add(m.leftovers, fields_encode(msg_item_fields, &item));
        }
        fake_send_struct(a, MESSAGE_STOPPED, msg_stopped_fields, &m);
        json_object_put(m.leftovers);
}

/* A turn of the units: ends those that are due, begins others. */
static void work(struct agent *a)
{
        int64_t now_ns = now_monotonic_ns();

        for (size_t i = 0; i < a->n_running;) {
                struct running u = a->running[i];
                bool fails = a->config.fail_every && u.unit % a->config.fail_every == 0;

                if (a->stop != STOP_MODE_ABORT && a->config.unit_ms &&
                    now_ns - u.begun_ns < a->config.unit_ms * NSEC_PER_MSEC) {
                        i++;
                        continue;
                }
                memmove(&a->running[i], &a->running[i + 1],
                        (a->n_running - i - 1) * sizeof(*a->running));
                a->n_running--;
                end_unit(a, &u,
                         a->stop == STOP_MODE_ABORT ? OUTCOME_INTERRUPTED
                         : fails                    ? OUTCOME_FAILED
                                                    : OUTCOME_PASSED);
        }
        if (a->stop == STOP_MODE_DRAIN || a->stop == STOP_MODE_ABORT)
                return_unstarted(a);
        while (a->n_lent && (int64_t)a->n_running < a->parallel) {
                struct lent *l = &a->lent[0];

                if (l->next == l->end) {
                        memmove(&a->lent[0], &a->lent[1], --a->n_lent * sizeof(*l));
                        continue;
                }
                a->running[a->n_running++] =
                        (struct running){l->next++, l->attempt, l->lease, now_ns};
        }
        if (!a->has_session)
                return;
        if (a->sent < a->head)
                fake_send_results(a, a->sent + 1, true);
        else if (a->acked < a->head && now_ns - a->sent_ns > NSEC_PER_SEC)
                fake_send_results(a, a->acked + 1, false);
}

static void be_silent(struct agent *a)
{
        a->config.silent_after = 0;
        usleep((useconds_t)(a->config.silent_ms * 1000));
        if (a->config.forget)
                a->has_session = false;
}

static json_object *list_leases(const struct agent *a)
{
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < a->n_lent; i++)
                json_object_array_add(list, json_object_new_int64(a->lent[i].lease));
        for (size_t i = 0; i < a->n_running; i++)
                json_object_array_add(list, json_object_new_int64(a->running[i].lease));
        return list;
}

static void on_hello(struct agent *a, const struct wire_header *h, json_object *object)
{
        struct msg_hello m = {0};
        struct error err = ERROR_INIT;
        json_object *body;
        struct msg_welcome w = {.agent_stamp_ns = now_monotonic_ns(),
                                .proto = 1,
                                .head = (int64_t)a->head,
                                .parallel_max = PARALLEL_MAX};

        if (fields_decode(msg_hello_fields, object, &m, &err) < 0) {
                fprintf(stderr, "fake agent: HELLO: %s\n", err.text);
                _exit(2);
        }
        a->parallel = m.has_spec ? m.spec.parallel : 0;
        fields_release(msg_hello_fields, &m);
        snprintf(a->run, sizeof(a->run), "%s", h->run);
        a->epoch = h->epoch;
        if (a->config.refuse) {
                struct msg_refuse refuse = {.code = a->config.refuse - 1};

                snprintf(refuse.text, sizeof(refuse.text), "%s", a->config.refuse_text ?: "");
                fake_send_struct(a, MESSAGE_REFUSE, msg_refuse_fields, &refuse);
                return;
        }
        snprintf(w.agent_id, sizeof(w.agent_id), "%s", a->config.agent_id);
        snprintf(w.incarnation, sizeof(w.incarnation), "0123456789abcdef0123456789abcdef");
        snprintf(w.hostname, sizeof(w.hostname), "fake");
        snprintf(w.server, sizeof(w.server), "lxd 5.0.2");
        a->has_session = true;
        a->acked = h->ack;
        a->sent = h->ack;
        fake_send_nonsense(a);
        w.leases = list_leases(a);
        body = fields_encode(msg_welcome_fields, &w);
        fake_send_body(a, MESSAGE_WELCOME, h->seq, body);
        json_object_put(body);
        json_object_put(w.leases);
}

static void on_lease(struct agent *a, json_object *object)
{
        struct msg_lease m = {0};
        struct error err = ERROR_INIT;
        struct msg_lease_ok ok;

        if (fields_decode(msg_lease_fields, object, &m, &err) < 0)
                _exit(2);
        ok.lease = m.lease;
        fake_send_struct(a, MESSAGE_LEASE_OK, msg_lease_ok_fields, &ok);
        for (size_t i = 0; i < a->n_seen; i++)
                if (a->leases_seen[i] == m.lease)
                        return;
        if (a->n_lent == ELEMENTSOF(a->lent) || a->n_seen == ELEMENTSOF(a->leases_seen))
                _exit(3);
        a->leases_seen[a->n_seen++] = m.lease;
        a->lent[a->n_lent++] =
                (struct lent){m.lease, m.first, m.first, m.first + m.count, m.attempt};
}

static void on_cleanup(struct agent *a, json_object *object)
{
        struct msg_cleanup m = {0};
        struct error err = ERROR_INIT;
        struct msg_item item = {.unit = 7};
        struct msg_cleaned cleaned = {.done = true};

        if (fields_decode(msg_cleanup_fields, object, &m, &err) < 0)
                _exit(2);
        cleaned.items = json_object_new_array();
        snprintf(item.kind, sizeof(item.kind), "instance");
        snprintf(item.name, sizeof(item.name), "soak-12345678-007");
        snprintf(item.run, sizeof(item.run), "12345678");
        snprintf(item.action, sizeof(item.action), m.dry_run ? "would remove" : "removed");
        json_object_array_add(cleaned.items, fields_encode(msg_item_fields, &item));
        if (a->config.stubborn) {
                snprintf(item.action, sizeof(item.action), "failed");
                snprintf(item.error, sizeof(item.error), "device busy");
                json_object_array_add(cleaned.items, fields_encode(msg_item_fields, &item));
        }
        fake_send_struct(a, MESSAGE_CLEANED, msg_cleaned_fields, &cleaned);
        json_object_put(cleaned.items);
}

static void on_stop(struct agent *a, json_object *object)
{
        struct msg_stop m = {0};
        struct error err = ERROR_INIT;

        if (fields_decode(msg_stop_fields, object, &m, &err) < 0)
                _exit(2);
        a->stop = MAX(a->stop, m.mode);
}

static void on_ping(struct agent *a, json_object *object)
{
        struct msg_ping m = {0};
        struct msg_pong pong = make_pong(a);
        struct error err = ERROR_INIT;

        if (fields_decode(msg_ping_fields, object, &m, &err) < 0)
                _exit(2);
        pong.stamp_ns = m.stamp_ns;
        fake_send_struct(a, MESSAGE_PONG, msg_pong_fields, &pong);
        fake_send_nonsense(a);
}

static void on_message(struct agent *a, const struct wire_header *h, json_object *object)
{
        struct msg_err no_session = {.code = "no_session"};

        if (h->type == MESSAGE_HELLO) {
                on_hello(a, h, object);
                return;
        }
        if (!a->has_session) {
                fake_send_struct(a, MESSAGE_ERR, msg_err_fields, &no_session);
                return;
        }
        switch (h->type) {
        case MESSAGE_LEASE: on_lease(a, object); break;
        case MESSAGE_PING: on_ping(a, object); break;
        case MESSAGE_ACK: a->acked = MAX(a->acked, h->ack); break;
        case MESSAGE_STOP: on_stop(a, object); break;
        case MESSAGE_CLEANUP: on_cleanup(a, object); break;
        case MESSAGE_BYE: a->has_session = false; break;
        default: break;
        }
}

static bool receive(struct agent *a)
{
        struct wire_header h;
        struct error err = ERROR_INIT;
        json_object *object = NULL;
        zmq_msg_t id, head, body;

        zmq_msg_init(&id);
        if (zmq_msg_recv(&id, a->router, ZMQ_DONTWAIT) < 0) {
                zmq_msg_close(&id);
                return false;
        }
        zmq_msg_init(&head);
        zmq_msg_init(&body);
        zmq_msg_recv(&head, a->router, 0);
        zmq_msg_recv(&body, a->router, 0);
        zmq_msg_move(&a->peer, &id);
        a->has_peer = true;
        if (wire_header_decode(zmq_msg_data(&head), zmq_msg_size(&head), &h, &err) < 0 ||
            wire_body_parse(zmq_msg_data(&body), zmq_msg_size(&body), &object, &err) < 0) {
                fprintf(stderr, "fake agent: %s\n", err.text);
                _exit(2);
        }
        on_message(a, &h, object);
        json_object_put(object);
        zmq_msg_close(&id);
        zmq_msg_close(&head);
        zmq_msg_close(&body);
        return true;
}

static void run(struct agent *a)
{
        bool said_stopped = false;
        int64_t stopped_ns = 0;

        for (;;) {
                zmq_pollitem_t items[] = {{.socket = a->router, .events = ZMQ_POLLIN},
                                          {.socket = a->zap, .events = ZMQ_POLLIN}};

                zmq_poll(items, 2, a->n_running || a->acked < a->head ? 5 : 100);
                if (items[1].revents)
                        fake_answer_zap(a);
                while (receive(a))
                        ;
                work(a);
                if (a->config.die_after && a->outcomes >= a->config.die_after)
                        _exit(0);
                if (a->config.silent_after && a->outcomes >= a->config.silent_after)
                        be_silent(a);
                if (a->stop >= 0 && !a->n_running && !a->n_lent && !a->config.never_stops &&
                    (!said_stopped || now_monotonic_ns() - stopped_ns > NSEC_PER_SEC)) {
                        send_stopped(a);
                        said_stopped = true;
                        stopped_ns = now_monotonic_ns();
                }
        }
}

pid_t fake_agent_start(const struct fake_agent *config)
{
        pid_t pid = fork();

        if (pid == 0) {
                struct agent *a = calloc(1, sizeof(*a));

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                a->config = *config;
                a->stop = -1;
                fake_open_sockets(a);
                run(a);
        }
        return pid;
}

void fake_agent_end(pid_t pid)
{
        if (pid <= 0)
                return;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}
