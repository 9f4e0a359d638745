/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of the wedge detector: each class from what is seen of it, what only looks
 * like it, and what is slow and not stopped.
 */

#include "tests/unit/unit.h"

#include "agent/detector.h"

#define SEC NSEC_PER_SEC

/* An instance in good health, in a phase that is beyond its deadline. */
static struct symptoms beyond(enum phase phase)
{
        return (struct symptoms){
                .phase = phase,
                .text = "",
                .instance = "soak-x-1",
                .image = "soak",
                .pool = "",
                .left = "",
                .operation = "0a1b",
                .n_operations = 1,
                .since_ns = 5 * SEC,
                .facts = {.known = true,
                          .monitor = {.pid = 10, .state = 'S', .comm = "lxd"},
                          .init = {.pid = 11, .state = 'S', .comm = "init"}},
        };
}

static struct symptoms failed(enum phase phase, const char *text)
{
        struct symptoms s = beyond(phase);

        s.result = RESULT_FAIL;
        s.text = text;
        s.n_operations = 0;
        return s;
}

static void wedge_is(const struct symptoms *s, enum wedge_class class, const char *suspect)
{
        struct finding f = {0};

        assert_int_equal(detector_classify(s, &f), DIAGNOSIS_WEDGE);
        assert_string_equal(wedge_class_name((int)f.class), wedge_class_name((int)class));
        assert_non_null(strstr(f.suspect, suspect));
        assert_true(f.detail[0]);
        assert_int_equal(f.since_ns, 5 * SEC);
}

static void is(const struct symptoms *s, enum diagnosis d)
{
        struct finding f = {0};

        assert_int_equal(detector_classify(s, &f), d);
}

static void test_proof(void **state)
{
        struct symptoms s = beyond(PHASE_EXEC);

        s.facts.monitor.state = 'T';
        wedge_is(&s, WEDGE_MONITOR_STUCK, "pid 10");
        /* whatever LXD says about it */
        s = failed(PHASE_STOP, "The instance is already stopped");
        s.facts.monitor.state = 'T';
        wedge_is(&s, WEDGE_MONITOR_STUCK, "pid 10");
        s = failed(PHASE_VERIFY, "LXD says it is deleted, but the host still has parts of it");
        s.left = "mount /x";
        s.facts.monitor_frozen = true;
        wedge_is(&s, WEDGE_MONITOR_STUCK, "[lxc monitor]");

        s = beyond(PHASE_EXEC);
        s.facts.payload_frozen = true;
        wedge_is(&s, WEDGE_INSTANCE_FROZEN, "lxc.payload.soak-x-1");

        s = beyond(PHASE_STOP);
        s.facts.unkillable = (struct task_fact){.pid = 12, .state = 'D', .comm = "cat"};
        wedge_is(&s, WEDGE_TASK_UNKILLABLE, "pid 12 cat");
        /* it hides the others: nothing gets on before it does */
        s.facts.monitor.state = 'T';
        wedge_is(&s, WEDGE_TASK_UNKILLABLE, "pid 12");
        /* a task that reads from a disk while something else failed */
        s = failed(PHASE_EXEC, "no");
        s.facts.unkillable = (struct task_fact){.pid = 12, .state = 'D'};
        is(&s, DIAGNOSIS_NONE);

        s = beyond(PHASE_CREATE);
        s.facts.unpack = (struct task_fact){.pid = 13, .state = 'T', .comm = "unsquashfs"};
        wedge_is(&s, WEDGE_IMAGE_LOCKED, "unsquashfs");
}

static void test_words(void **state)
{
        struct symptoms s = failed(PHASE_CREATE, "Unable to unpack image, run out of disk space");

        wedge_is(&s, WEDGE_POOL_FULL, "storage pool");
        s = failed(PHASE_DELETE, "unlinkat /x: device or resource busy");
        s.facts.holder = (struct task_fact){.pid = 99, .state = 'S', .comm = "sleep"};
        snprintf(s.facts.mount, sizeof(s.facts.mount), "/x/soak-x-1/rootfs/mnt");
        wedge_is(&s, WEDGE_DELETE_BUSY, "pid 99 sleep holds /x/soak-x-1/rootfs/mnt");
        s = failed(PHASE_DELETE, "Instance is busy running a \"stop\" operation");
        wedge_is(&s, WEDGE_INSTANCE_BUSY_LOCK, "lock of soak-x-1");
        s.n_operations = 1; /* it really is */
        is(&s, DIAGNOSIS_NONE);
        s = failed(PHASE_START, "the server does not know the operation any more");
        s.result = RESULT_LOST;
        s.operation_lost = true;
        wedge_is(&s, WEDGE_OPERATION_LOST, "start soak-x-1");
}

static void test_stop(void **state)
{
        struct symptoms s =
                failed(PHASE_STOP, "Failed shutting down instance, status is \"Running\"");

        /* LXD gave up at once: that says nothing of init */
        is(&s, DIAGNOSIS_NONE);
        s.clean_stop = true;
        wedge_is(&s, WEDGE_STOP_IGNORED, "pid 11");
        s.facts.init.pid = 0;
        is(&s, DIAGNOSIS_NONE);
}

static void test_verify(void **state)
{
        struct symptoms s = failed(PHASE_VERIFY, "the host still has parts of it");

        s.left = "volume /v";
        wedge_is(&s, WEDGE_DELETE_LIED, "pid 10");
        s.facts.monitor.pid = s.facts.init.pid = 0;
        wedge_is(&s, WEDGE_LEFTOVER, "volume /v");
        s.left = ""; /* the host could not be looked at */
        is(&s, DIAGNOSIS_NONE);
}

static void test_plain_failures(void **state)
{
        static const char *const words[] = {
                "Failed to begin transaction: context deadline exceeded", "not found",
                "Failed to run: forkstart: exit status 1", ""};

        for (int p = 0; p < PHASE_MAX_; p++)
                for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                        struct symptoms s = failed((enum phase)p, words[i]);

                        is(&s, DIAGNOSIS_NONE);
                }
}

/* A create that takes two minutes can be healthy: what counts is whether anything moves. */
static void test_slow_is_not_stopped(void **state)
{
        struct symptoms s = beyond(PHASE_CREATE);

        s.progress = s.progress_elsewhere = true;
        is(&s, DIAGNOSIS_LATE);
        s.progress = false;
        s.overloaded = true;
        is(&s, DIAGNOSIS_LATE);
        s.extensions = EXTENSIONS_MAX;
        s.facts.n_unpack = 1;
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
        /* nothing of the kind ends, all else does, and nobody unpacks */
        s = beyond(PHASE_CREATE);
        s.progress_elsewhere = true;
        wedge_is(&s, WEDGE_IMAGE_LOCKED, "image soak");
        /* all that is in flight waits for it */
        s.progress_elsewhere = false;
        s.company = true;
        wedge_is(&s, WEDGE_IMAGE_LOCKED, "image soak");
        s.company = false;
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
}

/* However often it was put off: others of the kind have taken as long, and did end. */
static void test_all_are_slow(void **state)
{
        struct symptoms s = beyond(PHASE_START);

        s.progress = s.progress_elsewhere = true;
        s.extensions = EXTENSIONS_MAX;
        s.for_ns = 39 * SEC;
        s.slowest_ns = 10 * SEC;
        is(&s, DIAGNOSIS_LATE);
        s.for_ns = 40 * SEC;
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
        s.for_ns = 39 * SEC;
        s.progress = s.progress_elsewhere = false; /* and now nothing moves any more */
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
}

static void test_clock(void **state)
{
        struct symptoms s = beyond(PHASE_EXEC);

        s.facts.n_exec = 1;
        s.progress = true; /* others' commands end: this one does not */
        wedge_is(&s, WEDGE_EXEC_STUCK, "soak-x-1");
        s.overloaded = true;
        wedge_is(&s, WEDGE_EXEC_STUCK, "soak-x-1"); /* and nothing at all moves */
        s.progress_elsewhere = true;
        is(&s, DIAGNOSIS_LATE);
        /* nobody could look, or there is none: then it is LXD that does not get on */
        s.overloaded = false;
        s.facts.n_exec = -1;
        wedge_is(&s, WEDGE_EXEC_STUCK, "soak-x-1");
        s.facts.n_exec = 0;
        s.progress = s.progress_elsewhere = false;
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
        s = beyond(PHASE_START);
        wedge_is(&s, WEDGE_OPERATION_STUCK, "0a1b");
        s.n_operations = 0;
        wedge_is(&s, WEDGE_OPERATION_LOST, "start soak-x-1");
        s.n_operations = -1;
        wedge_is(&s, WEDGE_UNKNOWN, "start of soak-x-1");
}

/* ---- the daemon ---- */

static struct daemon_view healthy(int64_t now_ns)
{
        return (struct daemon_view){
                .daemon = {.ok_ns = now_ns - SEC},
                .list = {.ok_ns = now_ns - SEC},
                .pid = 72,
                .state = 'S',
                .progress_ns = now_ns - SEC,
                .probe_timeout_ns = 10 * SEC,
        };
}

static enum daemon_news look(struct daemon_watch *w, const struct daemon_view *v, int64_t now_ns)
{
        return detector_watch_daemon(w, v, now_ns);
}

static void test_daemon_hung(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(100 * SEC);

        assert_int_equal(look(&w, &v, 100 * SEC), DAEMON_SAME);
        v.daemon.asked_ns = 100 * SEC;
        v.state = 'T';
        assert_int_equal(look(&w, &v, 109 * SEC), DAEMON_SAME);
        assert_int_equal(look(&w, &v, 110 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DAEMON_HUNG);
        assert_int_equal(w.finding.sure, SURE_PROOF);
        assert_int_equal(w.finding.since_ns, 100 * SEC);
        assert_int_equal(look(&w, &v, 111 * SEC), DAEMON_SAME); /* said once */
        v.daemon = (struct watch_question){.ok_ns = 120 * SEC};
        assert_int_equal(look(&w, &v, 120 * SEC), DAEMON_CLEARED);
        assert_false(w.open);
}

/* Without proof it takes twice the time, and nothing else may move. */
static void test_daemon_slow(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(100 * SEC);

        v.daemon.asked_ns = 100 * SEC;
        assert_int_equal(look(&w, &v, 115 * SEC), DAEMON_SAME);
        v.progress_ns = 118 * SEC;
        assert_int_equal(look(&w, &v, 160 * SEC), DAEMON_SAME);
        v.progress_ns = 99 * SEC;
        assert_int_equal(look(&w, &v, 120 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.sure, SURE_CLOCK);
}

static void test_daemon_down(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(100 * SEC);

        v.daemon.failed_ns = 100 * SEC;
        v.daemon.refused = true;
        snprintf(v.daemon.text, sizeof(v.daemon.text), "connection refused");
        assert_int_equal(look(&w, &v, 102 * SEC), DAEMON_SAME);
        assert_int_equal(look(&w, &v, 103 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DAEMON_DOWN);
        /* systemd listens for it, and its process is gone */
        w = (struct daemon_watch){0};
        v = healthy(100 * SEC);
        v.daemon.asked_ns = 100 * SEC;
        v.state = 'X';
        assert_int_equal(look(&w, &v, 110 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DAEMON_DOWN);
}

static void test_daemon_restarted(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(100 * SEC);

        assert_int_equal(look(&w, &v, 100 * SEC), DAEMON_SAME);
        v = healthy(104 * SEC);
        v.pid = 80;
        assert_int_equal(look(&w, &v, 104 * SEC), DAEMON_RESTARTED);
        assert_int_equal(w.finding.class, WEDGE_DAEMON_DOWN);
        assert_int_equal(w.finding.since_ns, 99 * SEC); /* its last answer */
        assert_non_null(strstr(w.finding.detail, "pid 72 is now 80"));
        assert_false(w.open);
        assert_int_equal(look(&w, &v, 105 * SEC), DAEMON_SAME);
}

static void test_database(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(120 * SEC);

        v.list.asked_ns = 100 * SEC;
        v.progress_ns = 110 * SEC; /* units get on: it is only slow */
        assert_int_equal(look(&w, &v, 120 * SEC), DAEMON_SAME);
        v.progress_ns = 99 * SEC;
        assert_int_equal(look(&w, &v, 120 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DATABASE_STALLED);
        v.list = (struct watch_question){.ok_ns = 121 * SEC};
        assert_int_equal(look(&w, &v, 121 * SEC), DAEMON_CLEARED);
        /* the same by its words */
        v = healthy(160 * SEC);
        v.progress_ns = 130 * SEC;
        v.list = (struct watch_question){.failed_ns = 140 * SEC};
        snprintf(v.list.text, sizeof(v.list.text), "Failed to begin transaction: context ...");
        assert_int_equal(look(&w, &v, 160 * SEC), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DATABASE_STALLED);
}

/* It stopped while it was asked for the list, and had answered /1.0 since. */
static void test_daemon_stops_while_it_lists(void **state)
{
        struct daemon_watch w = {0};
        struct daemon_view v = healthy(100 * SEC);

        v.progress_ns = 99 * SEC;
        v.list.asked_ns = 100 * SEC;
        v.daemon.ok_ns = 100 * SEC + SEC / 2;
        v.daemon.asked_ns = 101 * SEC;
        v.state = 'T';
        assert_int_equal(look(&w, &v, 100 * SEC + v.probe_timeout_ns), DAEMON_SAME);
        assert_int_equal(look(&w, &v, 101 * SEC + v.probe_timeout_ns), DAEMON_WEDGED);
        assert_int_equal(w.finding.class, WEDGE_DAEMON_HUNG);
        assert_int_equal(w.finding.since_ns, 101 * SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proof),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_stop),
                cmocka_unit_test(test_verify),
                cmocka_unit_test(test_plain_failures),
                cmocka_unit_test(test_slow_is_not_stopped),
                cmocka_unit_test(test_all_are_slow),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_daemon_hung),
                cmocka_unit_test(test_daemon_slow),
                cmocka_unit_test(test_daemon_down),
                cmocka_unit_test(test_daemon_restarted),
                cmocka_unit_test(test_database),
                cmocka_unit_test(test_daemon_stops_while_it_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
