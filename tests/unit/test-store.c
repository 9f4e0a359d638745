/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The run store, on real files: what is acknowledged is there, once, whatever happens. */

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "report/store-resume.h"
#include "report/store-schema.h"
#include "report/store.h"

struct place {
        char dir[64], run_dir[80], db[96];
};

static int setup(void **state)
{
        struct place *p = calloc(1, sizeof(*p));

        snprintf(p->dir, sizeof(p->dir), "/tmp/test-store-XXXXXX");
        if (!mkdtemp(p->dir))
                return -1;
        snprintf(p->run_dir, sizeof(p->run_dir), "%s/run", p->dir);
        snprintf(p->db, sizeof(p->db), "%s/" STORE_FILE, p->run_dir);
        *state = p;
        return 0;
}

static int teardown(void **state)
{
        static const char *const names[] = {"run.db", "run.db-wal", "run.db-shm"};
        struct place *p = *state;
        char path[160];

        chmod(p->run_dir, 0700);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", p->run_dir, names[i]);
                unlink(path);
        }
        rmdir(p->run_dir);
        rmdir(p->dir);
        free(p);
        return 0;
}

static int64_t number(struct store *s, const char *sql)
{
        sqlite3_stmt *st = NULL;
        int64_t n;

        assert_int_equal(sqlite3_prepare_v2(store_db(s), sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        n = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return n;
}

static void welcome(struct store *s, size_t host, const char *agent_id)
{
        struct msg_welcome w = {.hostname = "machine", .server = "lxd 5.0.2"};
        struct error err = ERROR_INIT;

        snprintf(w.agent_id, sizeof(w.agent_id), "%s", agent_id);
        assert_ok(store_set_agent(s, host, &w, &err), err);
}

static struct store *make(const struct place *p, size_t n_hosts)
{
        struct run_spec spec = {.run = "ab12cd34",
                                .prefix = "soak",
                                .mode = MODE_CHURN,
                                .image = "soak",
                                .phases = PHASES_ALL,
                                .total = 100,
                                .parallel = 25,
                                .seed = 42,
                                .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                .probe_timeout_ns = NSEC_PER_SEC,
                                .lease_ns = 60 * NSEC_PER_SEC};
        struct error err = ERROR_INIT;
        struct store *s = NULL;
        size_t host;

        assert_ok(store_create(p->run_dir, &s, &err), err);
        assert_ok(store_start_run(s, &spec, 0, 1700000000 * NSEC_PER_SEC, &err), err);
        for (size_t i = 0; i < n_hosts; i++) {
                char label[2] = {(char)('a' + i), 0};

                assert_ok(store_add_host(s, label, &host, &err), err);
                assert_int_equal(host, i);
        }
        assert_ok(store_commit(s, &err), err);
        return s;
}

static struct record outcome(uint64_t seq, int64_t unit, int64_t attempt, enum outcome o)
{
        return (struct record){.seq = seq,
                               .kind = RECORD_OUTCOME,
                               .unit = unit,
                               .attempt = attempt,
                               .lease = 1,
                               .outcome = {.outcome = o,
                                           .name = "soak-ab12cd34-001",
                                           .start_realtime_ns = 1,
                                           .duration_ns = 2}};
}

static int put(struct store *s, size_t host, const struct record *r, bool counted)
{
        struct error err = ERROR_INIT;
        int n = store_put_record(s, host, r, counted, NULL, &err);

        if (n < 0)
                print_error("%s\n", err.text);
        return n;
}

static void test_every_kind(void **state)
{
        _cleanup_(store_freep)
        struct store *s = make(*state, 2);
        struct error err = ERROR_INIT;
        struct record r;

        welcome(s, 0, "aaaa");
        r = (struct record){.seq = 1, .kind = RECORD_SAMPLE, .unit = 7, .attempt = 1};
        r.sample.phase = PHASE_START;
        r.sample.start_realtime_ns = 11;
        r.sample.start_monotonic_ns = 12;
        r.sample.duration_ns = 13;
        r.sample.result = RESULT_FAIL;
        r.sample.error_code = 500;
        strcpy(r.sample.error, "Failed to run: \"lxc-start\" — it's broken");
        assert_int_equal(put(s, 0, &r, false), 1);
        r = (struct record){.seq = 2, .kind = RECORD_EXEC, .unit = 7, .attempt = 1};
        strcpy(r.exec.command, "uptime");
        r.exec.exit_status = -1;
        assert_int_equal(put(s, 0, &r, false), 1);
        r = (struct record){.seq = 3, .kind = RECORD_LEFTOVER, .unit = 7, .attempt = 1};
        r.leftover.kind = LEFTOVER_MOUNT;
        strcpy(r.leftover.name, "/x");
        assert_int_equal(put(s, 0, &r, false), 1);
        r = (struct record){.seq = 4, .kind = RECORD_HELD, .unit = 8, .attempt = 2};
        r.held.live = 3;
        r.held.mem_available = -1;
        assert_int_equal(put(s, 0, &r, false), 1);
        r = (struct record){.seq = 5, .kind = RECORD_RETURNED, .lease = 3};
        r.returned.first = 9;
        r.returned.count = 4;
        strcpy(r.returned.reason, "drain");
        assert_int_equal(put(s, 0, &r, false), 1);
        r = outcome(6, 7, 1, OUTCOME_FAILED);
        assert_int_equal(put(s, 0, &r, true), 1);
        r = (struct record){.seq = 7, .kind = RECORD_METRIC};
        r.metric.realtime_ns = 21;
        for (int k = 0; k < METRIC_MAX_; k++)
                r.metric.figure[k] = k == METRIC_INSTANCE_NS ? -1 : 100 + k;
        assert_int_equal(put(s, 0, &r, false), 1);
        assert_int_equal(store_acked(s, 0), 0); /* not before the commit */
        assert_int_equal(store_pending(s), 7);
        assert_ok(store_commit(s, &err), err);
        assert_int_equal(store_acked(s, 0), 7);
        assert_int_equal(store_pending(s), 0);

        /* what the issue promises to anybody's SQL */
        assert_int_equal(number(s, "SELECT count(*) FROM sample WHERE run = 'ab12cd34' AND unit = 7"
                                   " AND attempt = 1 AND host = 'a' AND phase = 'start'"
                                   " AND start_realtime_ns = 11 AND start_monotonic_ns = 12"
                                   " AND duration_ns = 13 AND result = 'fail' AND error_code = 500"
                                   " AND error LIKE '%it''s broken'"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM unit WHERE run = 'ab12cd34' AND unit = 7"
                                   " AND host = 'a' AND attempt = 1 AND outcome = 'failed'"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM exec_output WHERE exit_status IS NULL"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM held WHERE live = 3"
                                   " AND mem_available IS NULL AND attempt = 2"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM returned WHERE first = 9 AND count = 4"),
                         1);
        assert_int_equal(
                number(s, "SELECT in_flight + 1000 * loop_late_ns FROM metric WHERE host = 'a'"
                          " AND realtime_ns = 21 AND instance_ns IS NULL"),
                100 + METRIC_IN_FLIGHT + 1000 * (100 + METRIC_LOOP_LATE_NS));
        assert_int_equal(number(s, "SELECT count(*) FROM leftover WHERE at_end = 0 AND unit = 7"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM run WHERE planned = 100 AND seed = 42"
                                   " AND json_extract(spec, '$.image') = 'soak'"),
                         1);
}

static void test_duplicates(void **state)
{
        _cleanup_(store_freep)
        struct store *s = make(*state, 2);
        struct error err = ERROR_INIT;
        struct record r = outcome(1, 1, 1, OUTCOME_PASSED);

        assert_int_equal(put(s, 0, &r, true), -EINVAL); /* who is that? */
        welcome(s, 0, "aaaa");
        welcome(s, 1, "bbbb");
        assert_int_equal(put(s, 0, &r, true), 1);
        assert_int_equal(put(s, 0, &r, true), 0);
        assert_ok(store_commit(s, &err), err);
        assert_int_equal(put(s, 0, &r, true), 0);

        /* a gap: refused, and the batch stays good */
        r = outcome(2, 2, 1, OUTCOME_PASSED);
        assert_int_equal(put(s, 0, &r, true), 1);
        r = outcome(4, 4, 1, OUTCOME_PASSED);
        assert_error(store_put_record(s, 0, &r, true, NULL, &err), -EILSEQ, err, "4 came after 2");
        assert_int_equal(store_pending(s), 1);
        err = ERROR_INIT;

        /* another agent's record 1, of a unit that is counted: never two rows */
        r = outcome(1, 1, 2, OUTCOME_FAILED);
        assert_int_equal(put(s, 1, &r, false), 1);
        r = outcome(2, 2, 2, OUTCOME_FAILED);
        assert_int_equal(put(s, 1, &r, true), 1);
        r = outcome(3, 3, 1, OUTCOME_INTERRUPTED);
        assert_int_equal(store_put_record(s, 1, &r, false, "interrupted", &err), 1);
        assert_ok(store_commit(s, &err), err);
        assert_int_equal(number(s, "SELECT count(*) FROM unit"), 2);
        assert_int_equal(number(s, "SELECT count(*) FROM unit WHERE outcome = 'passed'"), 2);
        assert_int_equal(number(s, "SELECT count(*) FROM late WHERE host = 'b' AND why = 'late'"),
                         2);
        assert_int_equal(number(s, "SELECT count(*) FROM late WHERE why = 'interrupted'"), 1);
        assert_int_equal(store_acked(s, 1), 3);
}

static void test_agents(void **state)
{
        _cleanup_(store_freep)
        struct store *s = make(*state, 2);
        struct msg_welcome w = {.agent_id = "aaaa"};
        struct error err = ERROR_INIT;
        struct record r = outcome(1, 1, 1, OUTCOME_PASSED);

        welcome(s, 0, "aaaa");
        assert_error(store_set_agent(s, 1, &w, &err), -EEXIST, err, "a and b are one machine");
        assert_int_equal(put(s, 0, &r, true), 1);
        welcome(s, 0, "aaaa"); /* reconnected: the batch goes on */
        assert_int_equal(put(s, 0, &r, true), 0);
        welcome(s, 0, "cccc"); /* reinstalled: numbers begin anew */
        assert_int_equal(store_acked(s, 0), 0);
        r = outcome(1, 2, 1, OUTCOME_PASSED);
        assert_int_equal(put(s, 0, &r, true), 1);
        welcome(s, 0, "aaaa"); /* the old spool is back */
        assert_int_equal(store_acked(s, 0), 1);
        r = outcome(2, 3, 1, OUTCOME_PASSED);
        assert_int_equal(put(s, 0, &r, true), 1);
        err = ERROR_INIT;
        assert_ok(store_commit(s, &err), err);
        assert_int_equal(number(s, "SELECT count(*) FROM unit WHERE host = 'a'"), 3);
        assert_int_equal(number(s, "SELECT sum(acked) FROM agent"), 3);
        assert_int_equal(number(s, "SELECT count(*) FROM host WHERE state = 'active'"), 1);
}

static void test_hosts_and_end(void **state)
{
        struct place *p = *state;
        struct store *s = make(p, 1);
        struct msg_pong pong = {.rss = 12345678, .mounts = 40};
        struct error err = ERROR_INIT;
        json_object *left = json_tokener_parse(
                "[{\"kind\":\"mount\",\"name\":\"/x\",\"unit\":7,\"detail\":\"overlay\"},"
                " {\"kind\":\"veth\",\"name\":\"veth0\"}]");
        struct record r = {.seq = 1, .kind = RECORD_LEFTOVER, .unit = 7, .attempt = 1};

        welcome(s, 0, "aaaa");
        r.leftover.kind = LEFTOVER_MOUNT;
        strcpy(r.leftover.name, "/x");
        assert_int_equal(put(s, 0, &r, false), 1);
        assert_ok(store_put_leftovers(s, 0, left, &err), err);
        assert_ok(store_put_leftovers(s, 0, left, &err), err); /* STOPPED came twice */
        assert_ok(store_set_pong(s, 0, &pong, 900, &err), err);
        assert_ok(store_set_pong(s, 0, &pong, 800, &err), err);
        assert_ok(store_set_host_state(s, 0, STORE_HOST_LOST, "no sign of life", &err), err);
        assert_ok(store_set_host_state(s, 0, STORE_HOST_FINISHED, NULL, &err), err);
        assert_ok(store_set_stopped(s, &err), err);
        assert_ok(store_end_run(s, 1700000100 * NSEC_PER_SEC, 100 * NSEC_PER_SEC, &err), err);
        assert_ok(store_set_verdict(s, VERDICT_LEAK, &err), err);
        json_object_put(left);
        store_free(s);
        assert_int_not_equal(access(p->db, F_OK), -1);

        assert_ok(store_open(p->run_dir, true, &s, &err), err);
        assert_int_equal(number(s, "SELECT count(*) FROM leftover WHERE at_end = 1"), 2);
        assert_int_equal(number(s, "SELECT count(*) FROM leftover WHERE unit IS NULL"), 1);
        assert_int_equal(number(s, "SELECT count(*) FROM host WHERE state = 'finished' AND text ="
                                   " 'no sign of life' AND oldest_max_ns = 900"
                                   " AND json_extract(pong, '$.rss') = 12345678"),
                         1);
        assert_int_equal(number(s, "SELECT count(*) FROM run WHERE verdict = 'leak' AND exit_code ="
                                   " 98 AND stopped = 1 AND wall_ns = 100000000000"),
                         1);
        assert_error(store_set_stopped(s, &err), -EACCES, err, "reading only");
        store_free(s);
        for (int i = 0; i < STORE_HOST_MAX_; i++)
                assert_int_equal(store_host_state_from_name(store_host_state_name(i)), i);
}

static void test_open_errors(void **state)
{
        struct place *p = *state;
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        char text[] = "This is not a database at all, but long enough to look like one: "
                      "................................................................";
        int fd;

        assert_error(store_open(p->run_dir, true, &s, &err), -ENOENT, err, "run");
        err = ERROR_INIT;
        assert_error(store_open(p->dir, true, &s, &err), -ENOENT, err, "there is no run.db");
        err = ERROR_INIT;
        assert_int_equal(mkdir(p->run_dir, 0777), 0);
        fd = open(p->db, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
        close(fd);
        assert_error(store_open(p->db, true, &s, &err), -EUCLEAN, err, "not the store of a run");
        err = ERROR_INIT;
        assert_error(store_create(p->run_dir, &s, &err), -EEXIST, err, "--run-dir");
        err = ERROR_INIT;
        assert_int_equal(truncate(p->db, 0), 0); /* a valid, empty database */
        assert_error(store_open(p->db, true, &s, &err), -EUCLEAN, err, "not the store of a run");
        unlink(p->db);

        s = make(p, 1);
        sqlite3_exec(store_db(s), "PRAGMA user_version = 99", NULL, NULL, NULL);
        s = store_free(s);
        err = ERROR_INIT;
        assert_error(store_open(p->db, true, &s, &err), -EPROTONOSUPPORT, err,
                     "written by a newer lxdsoak (format 99, this one knows " STR(
                             STORE_VERSION) "); install that version");
        err = ERROR_INIT;
        unlink(p->db);
        s = make(p, 1);
        sqlite3_exec(store_db(s), "PRAGMA user_version = 1", NULL, NULL, NULL);
        s = store_free(s);
        for (int read_only = 0; read_only <= 1; read_only++) {
                err = ERROR_INIT;
                assert_error(store_open(p->db, read_only, &s, &err), -EPROTONOSUPPORT, err,
                             "written by an older lxdsoak (format 1, this one knows " STR(
                                     STORE_VERSION) "); only that version reads it");
        }
        assert_null(s);
        err = ERROR_INIT;
        assert_error(store_create("/proc/no/such", &s, &err), -ENOENT, err, "/proc/no/such");
}

/* Who follows a run has to know whether anybody goes on with it, and does not come between. */
static void test_driven(void **state)
{
        struct place *p = *state;
        struct store *s = make(p, 1);
        struct error err = ERROR_INIT;
        int fd;

        assert_int_equal(store_driven(p->db), 1);
        s = store_free(s);
        assert_int_equal(store_driven(p->db), 0);
        assert_ok(store_open(p->db, true, &s, &err), err); /* one that only reads */
        assert_int_equal(store_driven(p->db), 0);
        s = store_free(s);
        assert_int_equal(store_driven("/proc/no/such"), -ENOENT);
        fd = open(p->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_SH), 0);
        assert_error(store_open(p->db, false, &s, &err), -EBUSY, err, "another lxdsoak-coord");
        close(fd);
        err = ERROR_INIT;
        assert_ok(store_open(p->db, false, &s, &err), err);
        store_free(s);
}

/* While somebody else writes. */
static void test_busy(void **state)
{
        struct place *p = *state;
        _cleanup_(store_freep)
        struct store *s = make(p, 1), *other = NULL;
        struct record r = outcome(1, 1, 1, OUTCOME_PASSED);
        struct error err = ERROR_INIT;
        sqlite3 *db;

        welcome(s, 0, "aaaa");
        assert_ok(store_commit(s, &err), err);
        assert_error(store_open(p->db, false, &other, &err), -EBUSY, err, "another lxdsoak-coord");
        assert_null(other);
        err = ERROR_INIT;
        /* somebody's sqlite3 */
        assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_error(store_put_record(s, 0, &r, true, NULL, &err), -EBUSY, err, "another process");
        err = ERROR_INIT;
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(put(s, 0, &r, true), 1);
        assert_ok(store_commit(s, &err), err);
        /* a reader beside the writer */
        assert_int_equal(put(s, 0, &(struct record){.seq = 2, .kind = RECORD_HELD}, true), 1);
        assert_ok(store_open(p->db, true, &other, &err), err);
        assert_int_equal(number(other, "SELECT count(*) FROM unit"), 1);
}

/* ---- somebody's sqlite3, in a process of its own: locks are a process's ---- */

#define OUTSIDE_FAILED 255

static const char *program; /* this one */

/* The program that is begun for it: a small number as its exit status. */
static int outside(const char *path, const char *sql)
{
        int n = OUTSIDE_FAILED;
        sqlite3_stmt *st = NULL;
        sqlite3 *db = NULL;

        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
            sqlite3_step(st) == SQLITE_ROW)
                n = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        sqlite3_close(db);
        return n;
}

static int ask_outside(const struct place *p, const char *sql)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                execl(program, program, p->db, sql, NULL);
                _exit(OUTSIDE_FAILED);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

/* It comes and goes while the run is driven, and takes nothing with it. */
static void test_read_from_outside(void **state)
{
        struct place *p = *state;
        _cleanup_(store_freep)
        struct store *s = make(p, 1);
        struct error err = ERROR_INIT;

        for (int round = 0; round < 2; round++) {
                welcome(s, 0, "aaaa");
                for (int64_t unit = 1; unit <= 5; unit++) {
                        struct record r = outcome((uint64_t)unit, unit, 1, OUTCOME_PASSED);

                        put(s, 0, &r, true);
                        assert_ok(store_commit(s, &err), err);
                        assert_int_equal(ask_outside(p, "SELECT count(*) FROM unit"),
                                         round ? 5 : unit);
                }
                /* the same of one that goes on with it */
                s = store_free(s);
                assert_ok(store_open(p->db, false, &s, &err), err);
        }
}

/* ---- going on with a run ---- */

static int see_unit(size_t host, int64_t unit, enum outcome outcome, void *userdata)
{
        char *seen = userdata;

        snprintf(seen + strlen(seen), 200 - strlen(seen), "%zu:%d=%s ", host, (int)unit,
                 outcome_name((int)outcome));
        return 0;
}

static int see_lease(const struct store_lease *l, const struct store_part *parts, size_t n,
                     void *userdata)
{
        char *seen = userdata;

        snprintf(seen + strlen(seen), 200 - strlen(seen), "%zu:%d=%d+%d/%d.%d%s", l->host,
                 (int)l->lease, (int)l->first, (int)l->count, (int)l->attempt, (int)l->tries,
                 l->over ? "!" : "");
        for (size_t i = 0; i < n; i++)
                snprintf(seen + strlen(seen), 200 - strlen(seen), "(%d %d+%d)", parts[i].kind,
                         (int)parts[i].first, (int)parts[i].count);
        strcat(seen, " ");
        return 0;
}

static void put_past(struct store *s)
{
        const struct store_lease leases[] = {
                {0, 1, 1, 10, 1, 0, false}, {1, 2, 11, 5, 1, 0, false}, {0, 3, 11, 5, 2, 1, false}};
        struct record r = outcome(1, 1, 1, OUTCOME_INTERRUPTED);
        struct error err = ERROR_INIT;

        for (size_t i = 0; i < ELEMENTSOF(leases); i++)
                assert_ok(store_put_lease(s, leases + i, &err), err);
        assert_ok(store_end_leases(s, 1, &err), err);
        assert_int_equal(put(s, 0, &r, false), 1);
        r = outcome(2, 2, 1, OUTCOME_PASSED);
        assert_int_equal(put(s, 0, &r, true), 1);
        r = (struct record){.seq = 3, .kind = RECORD_RETURNED, .unit = 5, .lease = 1};
        r.returned.first = 5;
        r.returned.count = 6;
        assert_int_equal(put(s, 0, &r, false), 1);
        r = (struct record){.seq = 4, .kind = RECORD_HELD, .unit = 12, .lease = 3};
        assert_int_equal(put(s, 0, &r, false), 1);
        assert_ok(store_set_seen(s, 5, 6, &err), err);
        assert_ok(store_commit(s, &err), err);
}

static void test_past(void **state)
{
        struct place *p = *state;
        _cleanup_(store_freep)
        struct store *s = make(p, 2);
        struct store_past past = {0};
        struct error err = ERROR_INIT;
        char seen[200] = "", id[33];

        welcome(s, 0, "aaaa");
        put_past(s);
        s = store_free(s);
        assert_ok(store_open(p->run_dir, false, &s, &err), err);
        assert_ok(store_read_past(s, &past, &err), err);
        assert_string_equal(past.spec.run, "ab12cd34");
        assert_int_equal(past.spec.total, 100);
        assert_int_equal(past.epoch, 1);
        assert_int_equal(past.wall_ns, 5);
        assert_int_equal(past.seen_realtime_ns, 6);
        assert_int_equal(past.counted, 1);
        assert_int_equal(past.exit_code, -1);
        assert_false(past.ended || past.stopped);
        store_past_release(&past);

        assert_int_equal(store_n_hosts(s), 2);
        assert_string_equal(store_host_label(s, 1), "b");
        assert_ok(store_agent_id(s, 0, id, &err), err);
        assert_string_equal(id, "aaaa");
        assert_ok(store_agent_id(s, 1, id, &err), err);
        assert_string_equal(id, "");
        assert_int_equal(store_acked(s, 0), 4);
        assert_ok(store_each_unit(s, see_unit, seen, &err), err);
        assert_string_equal(seen, "0:2=passed ");
        seen[0] = '\0';
        assert_ok(store_each_lease(s, see_lease, seen, &err), err);
        assert_string_equal(seen, "0:3=11+5/2.1(3 12+1) 1:2=11+5/1.0! 0:1=1+10/1.0(2 1+1)(1 5+6) ");
}

/* Ended, and yet it goes on: each start has an epoch of its own. */
static void test_epochs(void **state)
{
        struct place *p = *state;
        _cleanup_(store_freep)
        struct store *s = make(p, 1);
        struct store_past past = {0};
        struct error err = ERROR_INIT;

        assert_ok(store_end_run(s, 8, 7, &err), err);
        assert_ok(store_set_verdict(s, VERDICT_INCONCLUSIVE, &err), err);
        for (unsigned i = 2; i < 4; i++) {
                s = store_free(s);
                assert_ok(store_open(p->run_dir, false, &s, &err), err);
                assert_ok(store_read_past(s, &past, &err), err);
                assert_int_equal(past.epoch, i - 1);
                assert_int_equal(past.ended, i == 2);
                assert_int_equal(past.exit_code, i == 2 ? 96 : -1);
                store_past_release(&past);
                assert_ok(store_resume(s, 9, 10, &err), err);
        }
}

static void fill(struct store *s, uint64_t *seq, int *ret, struct error *err)
{
        struct record r = outcome(0, 0, 1, OUTCOME_PASSED);

        for (int i = 0; i < 100000; i++) {
                r.seq = *seq + 1;
                r.unit = (int64_t)r.seq;
                *ret = store_put_record(s, 0, &r, true, NULL, err);
                if (*ret == 1 && r.seq % 50 == 0)
                        *ret = store_commit(s, err);
                if (*ret < 0)
                        return;
                *seq = r.seq;
        }
}

/* What was acknowledged is there, no more is said to be, and it goes on once there is room. */
static void test_disk_full(void **state)
{
        struct place *p = *state;
        struct store *s = make(p, 1);
        struct error err = ERROR_INIT;
        uint64_t seq = 0, acked;
        int r = 0;

        welcome(s, 0, "aaaa");
        assert_ok(store_commit(s, &err), err);
        sqlite3_exec(store_db(s), "PRAGMA max_page_count = 60", NULL, NULL, NULL);
        fill(s, &seq, &r, &err);
        assert_error(r, -ENOSPC, err, "no space left");
        acked = store_acked(s, 0);
        assert_true(acked > 0 && acked % 50 == 0);
        assert_int_equal(number(s, "SELECT count(*) FROM unit"), acked);
        sqlite3_exec(store_db(s), "PRAGMA max_page_count = 100000", NULL, NULL, NULL);
        err = ERROR_INIT;
        assert_int_equal(put(s, 0,
                             &(struct record){.seq = acked + 1,
                                              .kind = RECORD_OUTCOME,
                                              .unit = (int64_t)acked + 1},
                             true),
                         1);
        assert_ok(store_commit(s, &err), err);
        store_free(s);
}

/* The same with the kernel saying no. */
static void test_file_limit(void **state)
{
        struct place *p = *state;
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        int status, fds[2];
        uint64_t acked = 0;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_int_not_equal(pid, -1);
        if (pid == 0) {
                uint64_t seq = 0;
                int r = 0;

                signal(SIGXFSZ, SIG_IGN);
                s = make(p, 1);
                welcome(s, 0, "aaaa");
                setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, 300000});
                fill(s, &seq, &r, &err);
                acked = store_acked(s, 0);
                if (write(fds[1], &acked, sizeof(acked)) < 0)
                        _exit(3);
                _exit(r == -ENOSPC && strstr(err.text, "no space left") ? 0 : 1);
        }
        assert_int_equal(read(fds[0], &acked, sizeof(acked)), sizeof(acked));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(fds[0]);
        close(fds[1]);
        assert_true(acked > 0);
        assert_ok(store_open(p->run_dir, false, &s, &err), err);
        assert_int_equal(number(s, "SELECT count(*) FROM unit"), acked);
        assert_int_equal(store_acked(s, 0), acked);
        store_free(s);
}

/* kill -9 at any moment: exactly what was acknowledged, or what was just about to be. */
static void test_kill(void **state)
{
        struct place *p = *state;
        struct store *s = make(p, 1);
        struct error err = ERROR_INIT;
        uint64_t stored = 0;

        welcome(s, 0, "aaaa");
        assert_ok(store_commit(s, &err), err);
        store_free(s);
        for (int round = 0; round < 8; round++) {
                uint64_t acked = stored, n;
                int fds[2];
                pid_t pid;

                assert_int_equal(pipe(fds), 0);
                pid = fork();
                assert_int_not_equal(pid, -1);
                if (pid == 0) {
                        if (store_open(p->db, false, &s, &err) < 0 || store_acked(s, 0) != stored)
                                _exit(1);
                        for (uint64_t seq = stored + 1;; seq++) {
                                struct record r = outcome(seq, (int64_t)seq, 1, OUTCOME_PASSED);

                                if (store_put_record(s, 0, &r, true, NULL, &err) != 1)
                                        _exit(2);
                                if (seq % 7 || store_commit(s, &err) < 0)
                                        continue;
                                n = store_acked(s, 0);
                                if (write(fds[1], &n, sizeof(n)) != sizeof(n))
                                        _exit(3);
                        }
                }
                close(fds[1]);
                assert_int_equal(read(fds[0], &acked, sizeof(acked)), sizeof(acked));
                usleep(1000 * (unsigned)(round * 3));
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
                while (read(fds[0], &n, sizeof(n)) == sizeof(n))
                        acked = n;
                close(fds[0]);

                assert_ok(store_open(p->db, false, &s, &err), err);
                stored = store_acked(s, 0);
                assert_true(stored >= acked && stored <= acked + 7);
                assert_int_equal(number(s, "SELECT count(*) FROM unit"), stored);
                assert_int_equal(number(s, "SELECT max(seq) FROM unit"), stored);
                store_free(s);
        }
        assert_true(stored > 8);
}

/* A reader who may not write there; root may, so there is nothing to see for it. */
static void test_read_only_place(void **state)
{
        struct place *p = *state;
        struct store *s = make(p, 1);
        struct error err = ERROR_INIT;
        int status;
        pid_t pid;

        store_free(s);
        assert_int_equal(chmod(p->dir, 0755), 0);
        assert_int_equal(chmod(p->run_dir, 0555), 0);
        assert_int_equal(chmod(p->db, 0444), 0);
        pid = fork();
        assert_int_not_equal(pid, -1);
        if (pid == 0) {
                if (geteuid() == 0 && setuid(65534) < 0)
                        _exit(2);
                if (store_open(p->run_dir, true, &s, &err) < 0) {
                        print_error("%s\n", err.text);
                        _exit(1);
                }
                _exit(number(s, "SELECT count(*) FROM run") == 1 ? 0 : 3);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_every_kind),      T(test_duplicates),
                T(test_agents),          T(test_hosts_and_end),
                T(test_open_errors),     T(test_busy),
                T(test_driven),          T(test_past),
                T(test_epochs),          T(test_disk_full),
                T(test_file_limit),      T(test_kill),
                T(test_read_only_place), T(test_read_from_outside),
        };

        program = argv[0]; /* and not /proc/self/exe, which may be valgrind */
        if (argc == 3)
                return outside(argv[1], argv[2]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
