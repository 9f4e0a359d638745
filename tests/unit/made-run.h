/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run that is made up, in a store in /tmp: what tests of the summary and the reports look at.
 * setup() and teardown() are cmocka's; between them make(), records, end().
 */

#include "tests/unit/unit.h"

#include "report/store.h"

#define MS NSEC_PER_MSEC
#define T0 (INT64_C(1751371200) * NSEC_PER_SEC) /* 2025-07-01 12:00:00 UTC */

struct made {
        char dir[64];
        struct store *store;
        uint64_t seq[2];
        unsigned seed;
        int64_t allow_leak; /* of the spec */
};

static inline int setup(void **state)
{
        struct made *m = calloc(1, sizeof(*m));

        snprintf(m->dir, sizeof(m->dir), "/tmp/test-summary-XXXXXX");
        m->seed = 1;
        *state = m;
        return mkdtemp(m->dir) ? 0 : -1;
}

static inline int teardown(void **state)
{
        struct made *m = *state;
        char path[96];

        store_free(m->store);
        snprintf(path, sizeof(path), "%s/" STORE_FILE, m->dir);
        unlink(path);
        rmdir(m->dir);
        free(m);
        return 0;
}

static inline void make(struct made *m, enum mode mode, int64_t total, int64_t duration_ns)
{
        struct run_spec spec = {.run = "k3xw90ab",
                                .prefix = "soak",
                                .mode = (int)mode,
                                .image = "soak",
                                .phases = PHASES_ALL,
                                .total = total,
                                .parallel = 25,
                                .seed = 42,
                                .allow_leak = m->allow_leak,
                                .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                .probe_timeout_ns = NSEC_PER_SEC,
                                .lease_ns = 60 * NSEC_PER_SEC};
        struct error err = ERROR_INIT;
        size_t host;

        assert_ok(store_create(m->dir, &m->store, &err), err);
        assert_ok(store_start_run(m->store, &spec, duration_ns, T0, &err), err);
        for (int i = 0; i < 2; i++) {
                struct msg_welcome w = {.server = "lxd 5.0.2"};

                w.agent_id[0] = (char)('1' + i);
                assert_ok(store_add_host(m->store, i ? "b" : "a", &host, &err), err);
                assert_ok(store_set_agent(m->store, host, &w, &err), err);
        }
}

static inline void put(struct made *m, size_t host, struct record *r, bool counted)
{
        struct error err = ERROR_INIT;

        r->seq = ++m->seq[host];
        assert_int_equal(store_put_record(m->store, host, r, counted, NULL, &err), 1);
}

static inline void sample(struct made *m, size_t host, int64_t unit, enum phase phase,
                          int64_t start_ns, int64_t duration_ns, enum result result,
                          const char *error)
{
        struct record r = {.kind = RECORD_SAMPLE, .unit = unit, .attempt = 1};

        r.sample.phase = phase;
        r.sample.start_realtime_ns = start_ns;
        r.sample.start_monotonic_ns = start_ns - T0;
        r.sample.duration_ns = duration_ns;
        r.sample.result = result;
        r.sample.error_code = error ? 500 : 0;
        snprintf(r.sample.error, sizeof(r.sample.error), "%s", error ? error : "");
        put(m, host, &r, false);
}

static inline void outcome(struct made *m, size_t host, int64_t unit, enum outcome o,
                           int64_t start_ns, int64_t duration_ns, bool counted)
{
        struct record r = {.kind = RECORD_OUTCOME, .unit = unit, .attempt = 1};

        r.outcome.outcome = o;
        r.outcome.start_realtime_ns = start_ns;
        r.outcome.duration_ns = duration_ns;
        put(m, host, &r, counted);
}

static inline int64_t about(struct made *m, int64_t ms)
{
        return ms * MS * (80 + rand_r(&m->seed) % 50) / 100;
}

/* A whole, good life; returns how long it took. */
static inline int64_t good_unit(struct made *m, size_t host, int64_t unit, int64_t start_ns)
{
        static const int64_t usual_ms[] = {2900, 1400, 260, 0, 1900, 800, 90};
        int64_t at = start_ns;

        for (int p = 0; p < PHASE_MAX_; p++)
                for (int k = 0; k < (p == PHASE_EXEC ? 2 : 1); k++) {
                        int64_t d = about(m, p == PHASE_EXEC ? 35 : usual_ms[p]) * (host + 4) / 4;

                        sample(m, host, unit, (enum phase)p, at, d, RESULT_OK, NULL);
                        at += d;
                }
        return at - start_ns;
}

static inline void end(struct made *m, int64_t wall_ns)
{
        struct msg_pong pong = {
                .in_flight = 0,
                .api_instances = 0,
                .mounts = 41,
                .loop_cpu_max_ns = 3100000,
                .loop_late_p99_ns = 410000,
                .loop_late_max_ns = 12 * MS,
                .connections = 27,
                .requests = 1402,
                .cpu_ns = 2100 * MS,
                .rss = 14 * 1024 * 1024,
        };
        struct error err = ERROR_INIT;

        for (size_t i = 0; i < 2; i++) {
                assert_ok(store_set_pong(m->store, i, &pong, 12400 * MS, &err), err);
                assert_ok(store_set_host_state(m->store, i, STORE_HOST_FINISHED, NULL, &err), err);
        }
        assert_ok(store_end_run(m->store, T0 + wall_ns, wall_ns, &err), err);
}
