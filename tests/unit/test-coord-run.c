/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whole runs of lxdsoak-coord against agents that are made up: that every unit
 * is counted exactly once, whatever happens on the wire, and how a run ends.
 */

#include <signal.h>
#include <sys/stat.h>

#include "tests/unit/coord-harness.h"

/* Each unit once, all passed, the store holding the same. */
static void assert_all_passed(const struct harness *h, int64_t total)
{
        assert_code(h, 0);
        assert_int_equal(harness_number(h, "units/planned"), total);
        assert_int_equal(harness_number(h, "units/passed"), total);
        assert_int_equal(harness_number(h, "units/failed"), 0);
        assert_int_equal(harness_number(h, "leftovers"), 0);
        assert_int_equal(harness_number(h, "phases/create/count"), total);
        assert_int_equal(harness_query(h, "SELECT count(*) FROM unit WHERE outcome = 'passed'"),
                         total);
        assert_int_equal(harness_query(h, "SELECT count(DISTINCT unit) FROM sample"), total);
}

static void test_two_hosts(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_run(&h, "--hosts HOSTS --total 200 --json --run-dir run", 60);
        assert_all_passed(&h, 200);
        assert_int_equal(harness_query(&h, "SELECT count(DISTINCT host) FROM sample"), 2);
        assert_int_equal(harness_query(&h, "SELECT count(*) FROM sample"), 200 * PHASE_MAX_);
        harness_end(&h);
}

static void test_summary_in_words(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){0});
        harness_run(&h, "--hosts HOSTS --total 10 --quiet", 60);
        assert_code(&h, 0);
        assert_non_null(strstr(h.out, "pass"));
        assert_string_equal(h.err, "");
        harness_end(&h);
}

static void test_failed_units(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.fail_every = 10});
        harness_run(&h, "--hosts HOSTS --total 50 --json --run-dir run", 60);
        assert_code(&h, 99);
        assert_int_equal(harness_number(&h, "exit_code"), 99);
        assert_int_equal(harness_number(&h, "units/passed"), 45);
        assert_int_equal(harness_number(&h, "units/failed"), 5);
        assert_int_equal(harness_number(&h, "phases/stop/failed"), 5);
        harness_end(&h);
}

static void test_leftovers(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.leftovers = 2});
        harness_run(&h, "--hosts HOSTS --total 10 --json --run-dir run", 60);
        assert_code(&h, 98);
        assert_int_equal(harness_number(&h, "leftovers"), 2);
        assert_says(&h, "lxdsoak-coord cleanup --hosts ipc:///tmp/lxdsoak-test-");
        assert_says(&h, " --run ");
        harness_end(&h);
}

static void test_everything_twice(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.twice = true, .unit_ms = 10});
        harness_run(&h, "--hosts HOSTS --total 100 --json --run-dir run", 60);
        assert_all_passed(&h, 100);
        assert_int_equal(harness_query(&h, "SELECT count(*) FROM sample"), 100 * PHASE_MAX_);
        harness_end(&h);
}

static void test_lost_messages(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.lose = 5, .unit_ms = 10});
        harness_run(&h, "--hosts HOSTS --total 100 --json --run-dir run", 60);
        assert_all_passed(&h, 100);
        harness_end(&h);
}

static void test_garbage(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.garbage = true, .unit_ms = 20});
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_run(&h, "--hosts HOSTS --total 100 --json --run-dir run", 60);
        assert_all_passed(&h, 100);
        harness_end(&h);
}

/* libzmq closes the connection of who sends too much; the other host goes on. */
static void test_oversize(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.oversize = true, .unit_ms = 20});
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_run(&h, "--hosts HOSTS --total 20 --json --run-dir run --connect-timeout 3s", 60);
        assert_code(&h, 96);
        assert_int_equal(harness_number(&h, "exit_code"), 96);
        harness_end(&h);
}

static void test_agent_that_forgets(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h,
                      (struct fake_agent){
                              .silent_after = 10, .silent_ms = 200, .forget = true, .unit_ms = 10});
        harness_run(&h, "--hosts HOSTS --total 100 --json --run-dir run", 60);
        assert_all_passed(&h, 100);
        harness_end(&h);
}

static void test_silent_agent(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h,
                      (struct fake_agent){.silent_after = 5, .silent_ms = 13000, .unit_ms = 10});
        harness_agent(&h, (struct fake_agent){.unit_ms = 50});
        harness_run(&h, "--hosts HOSTS --total 60 --parallel 2 --json --run-dir run", 60);
        assert_all_passed(&h, 60);
        assert_says(&h, "silent");
        assert_says(&h, "connected again");
        harness_end(&h);
}

/* Who was stopped itself does not say the hosts were silent. */
static void test_coordinator_that_stood_still(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_start(&h, "--hosts HOSTS --total 2000 --json --run-dir run");
        harness_await(&h, "SELECT count(*) FROM unit", 25);
        kill(h.coord, SIGSTOP);
        sleep(13);
        kill(h.coord, SIGCONT);
        harness_wait(&h, 30);
        assert_all_passed(&h, 2000);
        assert_null(strstr(h.err, "silent"));
        harness_end(&h);
}

#define LEASES     "SELECT count(*) FROM lease" /* the run has begun */
#define DRAINS     "units in flight run to their end"
#define CUTS_SHORT "stopping at once"

static void test_drained(void **state)
{
        struct harness h;
        int64_t passed;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.unit_ms = 300});
        harness_start(&h, "--hosts HOSTS --total 100000 --json --run-dir run");
        harness_await(&h, "SELECT count(*) FROM unit", 25);
        kill(h.coord, SIGINT);
        harness_wait(&h, 60);
        assert_code(&h, 105);
        assert_int_equal(harness_number(&h, "exit_code"), 105);
        passed = harness_number(&h, "units/passed");
        assert_true(passed >= 25 && passed < 1000);
        assert_int_equal(harness_number(&h, "units/interrupted"), 0);
        assert_says(&h, DRAINS);
        assert_null(strstr(h.err, "cleanup"));
        harness_end(&h);
}

/* Two signals into a run whose units take a minute; the coordinator is left to end it. */
static void begin_and_cut_short(struct harness *h, int first_signal, bool never_stops)
{
        harness_begin(h);
        harness_agent(h, (struct fake_agent){.unit_ms = 60000, .never_stops = never_stops});
        harness_start(h, "--hosts HOSTS --total 100 --json --run-dir run");
        harness_await(h, LEASES, 1);
        kill(h->coord, first_signal);
        harness_await_said(h, DRAINS);
        kill(h->coord, SIGINT);
}

static void test_aborted(void **state)
{
        struct harness h;

        begin_and_cut_short(&h, SIGTERM, false);
        harness_wait(&h, 60);
        assert_code(&h, 105);
        assert_int_equal(harness_number(&h, "units/passed"), 0);
        assert_true(h.took_ms < 60000); /* only guards against hanging */
        harness_end(&h);
}

static void test_third_interrupt(void **state)
{
        struct harness h;

        begin_and_cut_short(&h, SIGINT, true);
        harness_await_said(&h, CUTS_SHORT);
        kill(h.coord, SIGINT);
        harness_wait(&h, 60);
        assert_code(&h, 105);
        assert_says(&h, "lxdsoak-coord cleanup --hosts ");
        harness_end(&h);
}

static void test_abort_is_bounded(void **state)
{
        struct harness h;

        begin_and_cut_short(&h, SIGINT, true);
        harness_wait(&h, 60);
        assert_code(&h, 105);
        assert_says(&h, "lxdsoak-coord cleanup --hosts ");
        harness_end(&h);
}

static void test_duration(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.unit_ms = 50});
        harness_run(&h, "--hosts HOSTS --duration 2s --json --run-dir run", 60);
        assert_code(&h, 0);
        assert_true(harness_number(&h, "units/passed") > 10);
        assert_true(h.took_ms < 60000); /* only guards against hanging */
        harness_end(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_two_hosts),
                cmocka_unit_test(test_summary_in_words),
                cmocka_unit_test(test_failed_units),
                cmocka_unit_test(test_leftovers),
                cmocka_unit_test(test_everything_twice),
                cmocka_unit_test(test_lost_messages),
                cmocka_unit_test(test_garbage),
                cmocka_unit_test(test_oversize),
                cmocka_unit_test(test_agent_that_forgets),
                cmocka_unit_test(test_silent_agent),
                cmocka_unit_test(test_coordinator_that_stood_still),
                cmocka_unit_test(test_drained),
                cmocka_unit_test(test_aborted),
                cmocka_unit_test(test_third_interrupt),
                cmocka_unit_test(test_abort_is_bounded),
                cmocka_unit_test(test_duration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
