/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The spool and the outbox on real files: what was acknowledged to us is there
 * after a kill, order holds, a second agent is kept out, a full disk is said and
 * survived.
 */

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent/outbox.h"
#include "agent/spool.h"

struct place {
        char dir[64];
        sd_event *event;
        struct spool *spool;
};

static int place_new(void **state)
{
        struct place *p = calloc(1, sizeof(*p));

        strcpy(p->dir, "/tmp/lxdsoak-spool-XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        assert_int_equal(sd_event_new(&p->event), 0);
        *state = p;
        return 0;
}

static int place_free(void **state)
{
        static const char *const files[] = {"spool.db", "spool.db-wal", "spool.db-shm", "lock"};
        struct place *p = *state;
        char path[128];

        spool_close(p->spool);
        sd_event_unref(p->event);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                snprintf(path, sizeof(path), "%s/%s", p->dir, files[i]);
                unlink(path);
        }
        assert_int_equal(rmdir(p->dir), 0);
        free(p);
        return 0;
}

static void place_open(struct place *p)
{
        struct error err = ERROR_INIT;

        p->spool = spool_close(p->spool);
        assert_ok(spool_open(p->event, p->dir, &p->spool, &err), err);
}

struct waited {
        int calls, last;
};

static void on_durable(int r, void *userdata)
{
        struct waited *w = userdata;

        w->calls++;
        w->last = r;
}

static void wait_for(struct place *p, struct waited *w, int calls)
{
        for (int i = 0; w->calls < calls; i++) {
                assert_true(i < 1000);
                assert_true(sd_event_run(p->event, 1000000) >= 0);
        }
}

static int count_row(const struct spool_row *row, void *userdata)
{
        struct spool_row *sum = userdata;

        sum->seq++;
        sum->unit += row->unit;
        sum->count += row->count;
        sum->lease = row->lease;
        return 0;
}

static void test_run_comes_back(void **state)
{
        struct place *p = *state;
        struct waited w = {0};
        struct spool_run run = {0};
        struct spool_row sum;
        struct error err = ERROR_INIT;
        char *id;

        place_open(p);
        assert_int_equal(spool_get_run(p->spool, &run, &err), 0);
        assert_null(spool_get_meta(p->spool, "agent_id"));
        assert_int_equal(spool_put_meta(p->spool, "agent_id", "me", NULL, NULL), 0);
        assert_int_equal(spool_put_run(p->spool, "r1", "{\"x\":1}", 3, 0, NULL, NULL), 0);
        assert_int_equal(spool_put_lease(p->spool, 5, 10, 4, 1, NULL, NULL), 0);
        assert_int_equal(spool_put_lease(p->spool, 6, 20, 1, 1, NULL, NULL), 0);
        assert_int_equal(spool_put_intent(p->spool, 5, 10, 1, "n-10", NULL, NULL), 0);
        assert_int_equal(spool_put_intent(p->spool, 5, 11, 1, "n-11", NULL, NULL), 0);
        assert_int_equal(spool_put_intent(p->spool, 6, 20, 1, "n-20", NULL, NULL), 0);
        assert_int_equal(spool_put_record(p->spool, "r1", 1, "[1]", -1, 0, NULL, NULL), 0);
        assert_int_equal(spool_put_record(p->spool, "r1", 2, "[2]", 10, 0, on_durable, &w), 0);
        wait_for(p, &w, 1);
        assert_int_equal(w.last, 0);

        place_open(p); /* a restart */
        id = spool_get_meta(p->spool, "agent_id");
        assert_string_equal(id, "me");
        free(id);
        assert_int_equal(spool_get_run(p->spool, &run, &err), 1);
        assert_string_equal(run.run, "r1");
        assert_string_equal(run.spec, "{\"x\":1}");
        assert_int_equal(run.epoch, 3);
        assert_int_equal(run.head, 2);
        assert_int_equal(run.acked, 0);
        free(run.spec);
        /* of lease 5 units 12 and 13 are not begun; lease 6 is used up */
        sum = (struct spool_row){0};
        assert_int_equal(spool_each_lease(p->spool, count_row, &sum), 0);
        assert_int_equal(sum.seq, 1);
        assert_int_equal(sum.unit, 12);
        assert_int_equal(sum.count, 2);
        /* unit 10 has ended, 11 and 20 have not */
        sum = (struct spool_row){0};
        assert_int_equal(spool_each_intent(p->spool, count_row, &sum), 0);
        assert_int_equal(sum.seq, 2);
        assert_int_equal(sum.unit, 31);

        assert_int_equal(spool_ack(p->spool, "r1", 1), 0);
        place_open(p);
        sum = (struct spool_row){0};
        assert_int_equal(spool_each_record(p->spool, "r1", count_row, &sum), 0);
        assert_int_equal(sum.seq, 1);
        assert_int_equal(spool_end_run(p->spool, NULL, NULL), 0);
        place_open(p);
        assert_int_equal(spool_get_run(p->spool, &run, &err), 0);
        /* what nobody has committed outlives the run */
        sum = (struct spool_row){0};
        assert_int_equal(spool_each_record(p->spool, "r1", count_row, &sum), 0);
        assert_int_equal(sum.seq, 1);
}

static void test_second_agent(void **state)
{
        struct place *p = *state;
        struct error err = ERROR_INIT;
        struct spool *second;

        place_open(p);
        assert_error(spool_open(p->event, p->dir, &second, &err), -EWOULDBLOCK, err,
                     "another lxdsoak-agent");
}

static void test_not_a_spool(void **state)
{
        struct place *p = *state;
        struct error err = ERROR_INIT;
        char path[128];
        FILE *f;

        snprintf(path, sizeof(path), "%s/spool.db", p->dir);
        f = fopen(path, "w");
        for (int i = 0; i < 1000; i++)
                fputs("this is no database\n", f);
        fclose(f);
        assert_true(spool_open(p->event, p->dir, &p->spool, &err) < 0);
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, "move it away"));
        p->spool = NULL;
}

/* Killed at any point: what was said to be durable is there. */
static void test_kill(void **state)
{
        struct place *p = *state;

        for (int round = 0; round < 10; round++) {
                struct spool_row sum = {0};
                struct waited w = {0};
                int fds[2], status, said = 0;
                char name[8];
                pid_t pid;

                snprintf(name, sizeof(name), "k%d", round);
                assert_int_equal(pipe(fds), 0);
                pid = fork();
                if (pid == 0) {
                        sd_event *event;
                        struct spool *spool;
                        struct error err = ERROR_INIT;

                        sd_event_new(&event);
                        if (spool_open(event, p->dir, &spool, &err) < 0)
                                _exit(1);
                        for (uint64_t seq = 1;; seq++) {
                                if (spool_put_record(spool, name, seq, "[]", -1, 0, on_durable,
                                                     &w) < 0)
                                        _exit(1);
                                while (w.calls < (int)seq)
                                        sd_event_run(event, UINT64_MAX);
                                if (w.last < 0 || write(fds[1], "x", 1) != 1)
                                        _exit(1);
                        }
                }
                close(fds[1]);
                usleep(20000 + (useconds_t)round * 7000);
                kill(pid, SIGKILL);
                waitpid(pid, &status, 0);
                assert_true(WIFSIGNALED(status));
                for (char c; read(fds[0], &c, 1) == 1;)
                        said++;
                close(fds[0]);
                place_open(p);
                assert_int_equal(spool_each_record(p->spool, name, count_row, &sum), 0);
                assert_true((int)sum.seq >= said);
                assert_true((int)sum.seq <= said + 1);
                p->spool = spool_close(p->spool);
        }
}

/* ---- the outbox ---- */

static void on_ready(void *userdata)
{
        ++*(int *)userdata;
}

static void add_sample(struct outbox *o, int64_t unit)
{
        struct record r = {.kind = RECORD_SAMPLE, .unit = unit, .attempt = 1, .lease = 1};

        assert_int_equal(outbox_add(o, &r, -1, 0), 0);
}

static void wait_durable(struct place *p, struct outbox *o, uint64_t want)
{
        uint64_t first, last = 0;

        for (int i = 0; last < want; i++) {
                json_object *rows = outbox_read(o, want - 1, 1, 1000000, &first, &last);

                json_object_put(rows);
                assert_true(i < 1000);
                if (last < want)
                        assert_true(sd_event_run(p->event, 1000000) >= 0);
        }
}

static void test_outbox(void **state)
{
        struct place *p = *state;
        struct outbox *o;
        uint64_t first, last;
        json_object *rows;
        int ready = 0;

        place_open(p);
        assert_int_equal(outbox_new(p->event, p->spool, on_ready, &ready, &o), 0);
        assert_int_equal(spool_put_run(p->spool, "r", "{}", 1, 0, NULL, NULL), 0);
        outbox_begin_run(o, "r", 0, 0);
        for (int i = 1; i <= 3000; i++) /* more than the ring begins with */
                add_sample(o, i);
        /* nothing is offered before it is on the disk */
        assert_null(outbox_read(o, 0, 100, 1000000, &first, &last));
        wait_durable(p, o, 3000);
        assert_true(ready > 0);
        rows = outbox_read(o, 0, 100, 1000000, &first, &last);
        assert_int_equal(first, 1);
        assert_int_equal(last, 100);
        assert_int_equal(json_object_array_length(rows), 100);
        json_object_put(rows);
        /* by size: at least one, never more than fit */
        rows = outbox_read(o, 100, 100, 1, &first, &last);
        assert_int_equal(first, 101);
        assert_int_equal(last, 101);
        json_object_put(rows);
        outbox_ack(o, 2990);
        assert_int_equal(outbox_pending(o), 10);
        rows = outbox_read(o, 0, 100, 1000000, &first, &last);
        assert_int_equal(first, 2991);
        assert_int_equal(last, 3000);
        json_object_put(rows);
        outbox_ack(o, 99999); /* a peer that makes numbers up */
        assert_int_equal(outbox_acked(o), 3000);
        add_sample(o, 3001); /* whose answer nobody waits for */
        outbox_free(o);
}

/* No room on the disk (files may not grow): said, kept, and written once there is. */
static void test_full_disk(void **state)
{
        struct place *p = *state;
        struct rlimit limit, tight;
        struct outbox *o;
        int ready = 0;

        place_open(p);
        assert_int_equal(outbox_new(p->event, p->spool, on_ready, &ready, &o), 0);
        assert_int_equal(spool_put_run(p->spool, "r", "{}", 1, 0, NULL, NULL), 0);
        outbox_begin_run(o, "r", 0, 0);
        add_sample(o, 1);
        wait_durable(p, o, 1);
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        tight = limit;
        tight.rlim_cur = 4096;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        add_sample(o, 2);
        for (int i = 0; !outbox_disk_trouble(o); i++) {
                assert_true(i < 1000);
                assert_true(sd_event_run(p->event, 1000000) >= 0);
        }
        assert_int_equal(outbox_pending(o), 2);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        wait_durable(p, o, 2);
        assert_false(outbox_disk_trouble(o));
        outbox_free(o);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_new, place_free)
        const struct CMUnitTest tests[] = {
                TEST(test_run_comes_back), TEST(test_second_agent), TEST(test_not_a_spool),
                TEST(test_kill),           TEST(test_outbox),       TEST(test_full_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
