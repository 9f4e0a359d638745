/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make-run DIR HOSTS HOURS UNITS [hostile|density]: the store of a run that never was, as a week of
 * soaking might leave it: days and nights, an hour in which a disk was slow on the second host, a
 * daemon that leaks file descriptors on the first, wedges, failures, things left behind. UNITS are
 * of each host. The same words make the same run. hostile: names and texts that try to get out of
 * theirs.
 */

#include <inttypes.h>
#include <math.h>

#include "base/parse.h"
#include "report/store.h"
#include "report/summary.h"

#define T0    (INT64_C(1782734400) * NSEC_PER_SEC) /* 2026-06-29 12:00:00 UTC */
#define MIB   (INT64_C(1) << 20)
#define BATCH 20000

/* A host's label cannot be other than text, so it is only markup. */
#define HOSTILE_LABEL                                                                              \
        "</script><script>document.title='owned'</script><img src=x "                              \
        "onerror=document.title='owned'>"                                                          \
        "\"'&lt;--></td></table></style>"
#define HOSTILE HOSTILE_LABEL "\xe2\x80\xae\x1b[31m\xff"

struct maker {
        struct store *store;
        struct error err;
        uint64_t random;
        int64_t hosts, units, wall_ns, period_ns;
        bool hostile, density;
        uint64_t seq[64];
        int64_t wedges[64];
};

static double uniform(struct maker *m)
{
        m->random ^= m->random << 13;
        m->random ^= m->random >> 7;
        m->random ^= m->random << 17;
        return (double)(m->random >> 11) / 9007199254740992.0;
}

static double normal(struct maker *m)
{
        return sqrt(-2 * log(uniform(m) + 1e-12)) * cos(2 * M_PI * uniform(m));
}

static void check(struct maker *m, int r)
{
        if (r >= 0)
                return;
        fprintf(stderr, "make-run: %s\n", m->err.text);
        exit(EXIT_FAILURE);
}

static void put(struct maker *m, int64_t host, struct record *r, bool counted)
{
        r->seq = ++m->seq[host];
        check(m, store_put_record(m->store, (size_t)host, r, counted, NULL, &m->err));
        if (store_pending(m->store) >= BATCH)
                check(m, store_commit(m->store, &m->err));
}

/* How hard it is for a host at a time: days are harder than nights, and one disk was slow. */
static bool disk_is_slow(const struct maker *m, int64_t host, int64_t at_ns)
{
        double part = (double)at_ns / (double)m->wall_ns;

        return host == MIN(m->hosts - 1, INT64_C(1)) && part > 0.6 && part < 0.64;
}

static double strain(const struct maker *m, int64_t host, int64_t at_ns)
{
        double day = 2 * M_PI * (double)at_ns / (86400.0 * NSEC_PER_SEC);

        return (1 + 0.25 * sin(day)) * (1 + 0.06 * (double)host) *
               (disk_is_slow(m, host, at_ns) ? 4 : 1);
}

static int64_t sample(struct maker *m, int64_t host, int64_t unit, enum phase phase, int64_t step,
                      int64_t at_ns, enum result result)
{
        static const double usual_ms[] = {2900, 1400, 260, 35, 1900, 800, 90};
        struct record r = {.kind = RECORD_SAMPLE, .unit = unit, .attempt = 1};
        double ms = usual_ms[phase] * exp(0.3 * normal(m)) * strain(m, host, at_ns);

        if (uniform(m) < 0.002)
                ms *= 5 + 10 * uniform(m);
        r.sample.phase = phase;
        r.sample.step = step;
        r.sample.start_realtime_ns = T0 + at_ns;
        r.sample.start_monotonic_ns = at_ns;
        r.sample.duration_ns = (int64_t)(ms * 1e6);
        r.sample.result = result;
        if (result != RESULT_OK) {
                r.sample.error_code = result == RESULT_FAIL ? 500 : 0;
                snprintf(r.sample.error, sizeof(r.sample.error), "%s",
                         m->hostile              ? HOSTILE
                         : result == RESULT_FAIL ? "Failed to run: /usr/bin/lxd forkstart "
                                                   "soak-k3xw90ab-17 /var/lib/lxd/containers: "
                                                   "exit status 1"
                                                 : "its deadline passed");
        }
        put(m, host, &r, false);
        return r.sample.duration_ns;
}

static void outcome(struct maker *m, int64_t host, int64_t unit, enum outcome outcome,
                    int64_t at_ns, int64_t duration_ns)
{
        struct record r = {.kind = RECORD_OUTCOME, .unit = unit, .attempt = 1};

        r.outcome.outcome = outcome;
        snprintf(r.outcome.name, sizeof(r.outcome.name), "soak-k3xw90ab-%" PRId64, unit);
        r.outcome.start_realtime_ns = T0 + at_ns;
        r.outcome.duration_ns = duration_ns;
        put(m, host, &r, true);
}

static void wedge(struct maker *m, int64_t host, int64_t unit, int64_t at_ns)
{
        static const enum wedge_class classes[] = {
                WEDGE_MONITOR_STUCK, WEDGE_DELETE_BUSY,  WEDGE_OPERATION_STUCK,
                WEDGE_DAEMON_HUNG,   WEDGE_STOP_IGNORED,
        };
        struct record r = {.kind = RECORD_WEDGE, .unit = unit, .attempt = 1},
                      rung = {.kind = RECORD_RECOVERY, .unit = unit, .attempt = 1};
        enum wedge_class class = classes[(size_t)(uniform(m) * ELEMENTSOF(classes))];
        bool cleared = uniform(m) < 0.85;

        r.wedge.number = ++m->wedges[host];
        r.wedge.class = class;
        r.wedge.since_realtime_ns = T0 + at_ns;
        r.wedge.detected_realtime_ns = T0 + at_ns + 32 * NSEC_PER_SEC;
        r.wedge.sure = class == WEDGE_OPERATION_STUCK ? 60 : 100;
        snprintf(r.wedge.instance, sizeof(r.wedge.instance), "soak-k3xw90ab-%" PRId64, unit);
        snprintf(r.wedge.suspect, sizeof(r.wedge.suspect), "%s",
                 m->hostile ? HOSTILE : "pid 3300 [lxc monitor]");
        snprintf(r.wedge.detail, sizeof(r.wedge.detail), "%s",
                 m->hostile ? HOSTILE : "it is stopped (state T), and the stop waits for it");
        snprintf(r.wedge.evidence, sizeof(r.wedge.evidence), "k3xw90ab-%04" PRId64 "-%s",
                 r.wedge.number, wedge_class_name((int)class));
        r.wedge.cleared_by = cleared ? RUNG_MONITOR : -1;
        r.wedge.cleared_realtime_ns = cleared ? r.wedge.detected_realtime_ns + m->wall_ns / 200 : 0;
        put(m, host, &r, false);
        rung.recovery.wedge = r.wedge.number;
        rung.recovery.rung = RUNG_STOP;
        rung.recovery.start_realtime_ns = r.wedge.detected_realtime_ns;
        rung.recovery.duration_ns = 5 * NSEC_PER_SEC;
        rung.recovery.result = RESULT_FAIL;
        put(m, host, &rung, false);
}

static void leftover(struct maker *m, int64_t host, int64_t unit)
{
        struct record r = {.kind = RECORD_LEFTOVER, .unit = unit, .attempt = 1};

        r.leftover.kind = uniform(m) < 0.5 ? LEFTOVER_MOUNT : LEFTOVER_CGROUP;
        snprintf(r.leftover.name, sizeof(r.leftover.name), "%s%" PRId64,
                 m->hostile ? HOSTILE : "/var/lib/lxd/containers/soak-k3xw90ab-", unit);
        put(m, host, &r, false);
}

static void life(struct maker *m, int64_t host, int64_t unit, int64_t at_ns)
{
        int64_t began_ns = at_ns;
        double dice = uniform(m) * (double)m->units;
        enum outcome how = OUTCOME_PASSED;

        if (unit > m->hosts && dice < 3)
                how = dice < 1.5 ? OUTCOME_WEDGED : OUTCOME_FAILED;
        for (int p = 0; p < (m->density ? PHASE_EXEC : PHASE_MAX_); p++)
                for (int step = 0; step < (p == PHASE_EXEC ? 2 : 1); step++) {
                        enum result result = RESULT_OK;

                        if (p == PHASE_START && how == OUTCOME_FAILED)
                                result = RESULT_FAIL;
                        if (p == PHASE_STOP && how == OUTCOME_WEDGED)
                                result = RESULT_TIMEOUT;
                        at_ns += sample(m, host, unit, (enum phase)p, step, at_ns, result);
                }
        if (how == OUTCOME_WEDGED)
                wedge(m, host, unit, at_ns - 40 * NSEC_PER_SEC);
        if (how != OUTCOME_PASSED)
                leftover(m, host, unit);
        outcome(m, host, unit, how, began_ns, at_ns - began_ns);
}

static void held(struct maker *m, int64_t host, int64_t unit, int64_t live)
{
        struct record r = {.kind = RECORD_HELD, .unit = unit, .attempt = 1};

        r.held.live = live;
        r.held.mem_available = 14000 * MIB - live * 24 * MIB;
        put(m, host, &r, false);
}

static void metric(struct maker *m, int64_t host, int64_t at_ns, int64_t *pressure)
{
        double s = strain(m, host, at_ns), us = (double)m->period_ns / 1e3;
        bool slow = disk_is_slow(m, host, at_ns);
        struct record r = {.kind = RECORD_METRIC};
        int64_t *f = r.metric.figure;

        r.metric.realtime_ns = T0 + at_ns;
        for (int i = 0; i < METRIC_MAX_; i++)
                f[i] = -1;
        f[METRIC_IN_FLIGHT] = 25 - (uniform(m) < 0.1);
        f[METRIC_LIVE] = 21 + (int64_t)(3 * uniform(m));
        f[METRIC_API_NS] = (int64_t)(8e6 * s * exp(0.4 * normal(m)));
        f[METRIC_DAEMON_NS] = (int64_t)(1.2e6 * s * exp(0.3 * normal(m)));
        f[METRIC_INSTANCE_NS] = (int64_t)(14e6 * s * exp(0.4 * normal(m)));
        f[METRIC_OLDEST_NS] = (int64_t)(14e9 * s * exp(0.2 * normal(m)));
        f[METRIC_MOUNTS] = 90 + (int64_t)(8 * uniform(m)) + host;
        f[METRIC_MEM_AVAILABLE] = 11800 * MIB - (int64_t)(400 * uniform(m)) * MIB;
        if (host == 0) /* something grows */
                f[METRIC_MEM_AVAILABLE] -= at_ns / (m->wall_ns / 3000) * MIB;
        pressure[0] += (int64_t)(0.15 * us * s * uniform(m));
        pressure[1] += (int64_t)(0.002 * us * s * uniform(m));
        pressure[2] += (int64_t)(us * (slow ? 0.9 : 0.08 * s * uniform(m)));
        f[METRIC_PSI_CPU_US] = pressure[0];
        f[METRIC_PSI_MEMORY_US] = pressure[1];
        f[METRIC_PSI_IO_US] = pressure[2];
        f[METRIC_LOAD_MILLI] = (int64_t)(4200 * s + 300 * normal(m));
        f[METRIC_AGENT_RSS] = 14 * MIB + (int64_t)(MIB * uniform(m));
        f[METRIC_AGENT_CPU_NS] = at_ns / 90;
        f[METRIC_LOOP_LATE_NS] = (int64_t)(2e5 * exp(normal(m)));
        put(m, host, &r, false);
}

static void census(struct maker *m, int64_t host, int64_t at_ns)
{
        struct record r = {.kind = RECORD_CENSUS};
        double part = (double)at_ns / (double)m->wall_ns;

        r.census.realtime_ns = T0 + at_ns;
        r.census.units = (int64_t)(part * (double)m->units);
        r.census.daemon_pid = 812;
        for (int i = 0; i < CENSUS_MAX_; i++)
                r.census.count[i] = 0;
        r.census.count[CENSUS_FDS] =
                41 + (int64_t)(2 * uniform(m)) + (host == 0 ? (int64_t)(900 * part) : 0);
        r.census.count[CENSUS_THREADS] = 19;
        r.census.count[CENSUS_RSS] = 120 * MIB + (int64_t)(6 * uniform(m)) * MIB;
        r.census.count[CENSUS_GOROUTINES] = 61 + (host == 0 ? (int64_t)(450 * part) : 0);
        r.census.count[CENSUS_MOUNTS] = 38;
        put(m, host, &r, false);
}

/* One host from beginning to end, in the order of time. */
static void soak(struct maker *m, int64_t host)
{
        int64_t pressure[3] = {0}, metric_ns = 0, census_ns = m->period_ns,
                census_step_ns = MAX(m->wall_ns / 300, m->period_ns);

        for (int64_t i = 0; i < m->units; i++) {
                int64_t at_ns =
                        (int64_t)((double)i / (double)m->units * 0.995 * (double)m->wall_ns);

                for (; metric_ns <= at_ns; metric_ns += m->period_ns)
                        metric(m, host, metric_ns, pressure);
                for (; census_ns <= at_ns; census_ns += census_step_ns)
                        census(m, host, census_ns);
                if (disk_is_slow(m, host, at_ns) && i % 4 != 0)
                        at_ns += m->wall_ns / 40;
                life(m, host, 1 + i * m->hosts + host, at_ns);
                if (m->density)
                        held(m, host, 1 + i * m->hosts + host, i + 1);
        }
}

static void begin(struct maker *m, const char *dir)
{
        struct run_spec spec = {.run = "k3xw90ab",
                                .prefix = "soak",
                                .mode = m->density ? MODE_DENSITY : MODE_CHURN,
                                .image = "soak",
                                .phases = PHASES_ALL,
                                .total = m->density ? 0 : m->hosts * m->units,
                                .parallel = 25,
                                .seed = 42,
                                .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                .probe_timeout_ns = NSEC_PER_SEC,
                                .lease_ns = 60 * NSEC_PER_SEC};

        check(m, store_create(dir, &m->store, &m->err));
        check(m, store_start_run(m->store, &spec, 0, T0, &m->err));
        for (int64_t i = 0; i < m->hosts; i++) {
                struct msg_welcome w = {.server = "lxd 5.0.2"};
                char label[256];
                size_t host;

                snprintf(w.agent_id, sizeof(w.agent_id), "%032" PRId64, i);
                if (m->hostile)
                        snprintf(w.server, sizeof(w.server), "%.60s", HOSTILE);
                snprintf(label, sizeof(label), m->hostile ? "%s%c" : "%.0snode-%c", HOSTILE_LABEL,
                         (char)('a' + i % 26));
                if (m->hosts > 26)
                        snprintf(label, sizeof(label), "node-%" PRId64, i);
                check(m, store_add_host(m->store, label, &host, &m->err));
                check(m, store_set_agent(m->store, host, &w, &m->err));
        }
}

static void finish(struct maker *m)
{
        struct msg_pong pong = {.mounts = 41,
                                .loop_cpu_max_ns = 3100000,
                                .loop_late_p99_ns = 410000,
                                .loop_late_max_ns = 12 * NSEC_PER_MSEC,
                                .connections = 27,
                                .requests = 1402,
                                .cpu_ns = m->wall_ns / 90,
                                .rss = 14 * MIB};

        for (int64_t i = 0; i < m->hosts; i++) {
                check(m, store_set_pong(m->store, (size_t)i, &pong, 74 * NSEC_PER_SEC, &m->err));
                check(m, store_set_host_state(m->store, (size_t)i, STORE_HOST_FINISHED,
                                              m->hostile ? HOSTILE : NULL, &m->err));
        }
        check(m, store_end_run(m->store, T0 + m->wall_ns, m->wall_ns, &m->err));
}

int main(int argc, char **argv)
{
        struct maker m = {.random = 0x9e3779b97f4a7c15, .err = ERROR_INIT};
        int64_t hours = 0;

        if (argc < 5 || parse_i64(argv[2], 1, 64, &m.hosts) < 0 ||
            parse_i64(argv[3], 1, 10000, &hours) < 0 ||
            parse_i64(argv[4], 1, 100000000, &m.units) < 0) {
                fprintf(stderr, "usage: make-run DIR HOSTS HOURS UNITS [hostile|density]\n");
                return EXIT_FAILURE;
        }
        m.hostile = argc > 5 && streq(argv[5], "hostile");
        m.density = argc > 5 && streq(argv[5], "density");
        m.wall_ns = hours * 3600 * NSEC_PER_SEC;
        m.period_ns = MAX(METRIC_PERIOD_NS, m.wall_ns / 3000);
        begin(&m, argv[1]);
        for (int64_t i = 0; i < m.hosts; i++)
                soak(&m, i);
        finish(&m);
        store_free(m.store);
        return EXIT_SUCCESS;
}
