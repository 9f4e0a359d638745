/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leaks of made-up runs, from the records of their censuses to the first line and to JSON. */

#include "tests/unit/made-run.h"
#include "tests/unit/summary-text.h"

#include <sqlite3.h>

#include "report/summary.h"

static void census(struct made *m, size_t host, int64_t units, int64_t fds, int64_t threads)
{
        struct record r = {.kind = RECORD_CENSUS};

        r.census.units = units;
        r.census.realtime_ns = T0 + units * 500 * MS;
        r.census.daemon_pid = 72;
        for (int k = 0; k < CENSUS_MAX_; k++)
                r.census.count[k] = 0;
        r.census.count[CENSUS_GOROUTINES] = -1;
        r.census.count[CENSUS_FDS] = fds;
        r.census.count[CENSUS_THREADS] = threads;
        snprintf(r.census.detail, sizeof(r.census.detail),
                 "{\"fds\":{\"pipe\":6,\"/var/log/*/lxc.log\":%lld,\"socket\":%lld}}",
                 (long long)(fds * 3 / 4), (long long)(fds / 4));
        put(m, host, &r, false);
}

/* Host a leaks descriptors and threads, b does not. */
static struct summary *make_leaking(struct made *m, int64_t allow)
{
        struct summary *s = NULL;
        struct error err = ERROR_INIT;

        m->allow_leak = allow;
        make(m, MODE_CHURN, 2, 0);
        for (int64_t unit = 1; unit <= 2; unit++)
                outcome(m, (size_t)unit - 1, unit, OUTCOME_PASSED, T0,
                        good_unit(m, (size_t)unit - 1, unit, T0), true);
        for (int64_t units = 0; units <= 1000; units += 50) {
                census(m, 0, units, 40 + units, 15 + units / 20);
                census(m, 1, units, 40, 15);
        }
        end(m, 500 * NSEC_PER_SEC);
        assert_ok(summary_new(m->store, &s, &err), err);
        return s;
}

static void test_leaks(void **state)
{
        _cleanup_(summary_freep)
        struct summary *s = make_leaking(*state, 0);
        _cleanup_(freep)
        char *text = text_of(s);
        json_object *o = summary_to_json(s);

        assert_int_equal(s->verdict, VERDICT_LEAK);
        assert_true(startswith(
                text, "LEAK: fds +1.0 a unit on a (/var/log/*/lxc.log (75 %), socket (25 %)), and "
                      "more; 2 of 2 units\n"));
        assert_non_null(strstr(text, "  threads on a: +0.050 a unit (+0.050 to +0.050), +45 in "
                                     "all\n"));
        assert_non_null(strstr(text, "  b: told from 19 steady points over 900 units\n"));
        assert_null(strstr(text, "too few"));
        assert_non_null(strstr(text,
                               "    would show from 0.01 a unit of any kind; not judged: rss, "
                               "goroutines\n"));
        assert_int_equal(json_object_array_length(at(o, "/leaks")), 2);
        assert_string_equal(json_object_get_string(at(o, "/leaks/0/kind")), "fds");
        assert_string_equal(json_object_get_string(at(o, "/leaks/0/host")), "a");
        assert_true(json_object_get_double(at(o, "/leaks/0/per_unit")) == 1.0);
        assert_true(json_object_get_double(at(o, "/leaks/0/ci_low")) == 1.0);
        assert_true(json_object_get_double(at(o, "/leaks/0/ci_high")) == 1.0);
        assert_int_equal(json_object_get_int(at(o, "/leaks/0/total")), 900);
        assert_false(json_object_get_boolean(at(o, "/leaks/0/accepted")));
        assert_null(at(o, "/leaks/1/what"));
        assert_int_equal(json_object_array_length(at(o, "/hosts/b/leaks")), 0);
        assert_true(json_object_get_boolean(at(o, "/hosts/b/steady/enough")));
        assert_int_equal(json_object_get_int(at(o, "/hosts/b/steady/points")), 21);
        assert_null(at(o, "/hosts/b/steady/visible/goroutines"));
        assert_true(json_object_get_double(at(o, "/hosts/b/steady/visible/fds")) > 0);
        json_object_put(o);
}

/* Shown, and not held against the run: all of them, or all but one. */
static void test_accepted(void **state)
{
        _cleanup_(summary_freep)
        struct summary *s = make_leaking(*state, 1 << CENSUS_FDS | 1 << CENSUS_THREADS);
        _cleanup_(freep)
        char *text = text_of(s);

        assert_int_equal(s->verdict, VERDICT_PASS);
        assert_true(startswith(text, "PASS: 2 of 2 units passed, nothing left behind\n"));
        assert_int_equal(s->n_leaks, 2);
        assert_true(s->leaks[0].accepted && s->leaks[1].accepted);
        assert_non_null(strstr(text, "accepted (--allow-leak)"));
}

static void test_one_accepted(void **state)
{
        _cleanup_(summary_freep)
        struct summary *s = make_leaking(*state, 1 << CENSUS_FDS);

        assert_int_equal(s->verdict, VERDICT_LEAK);
        assert_true(startswith(s->reason, "threads +0.050 a unit on a; 2 of 2 units passed"));
}

static void test_too_few(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        struct error err = ERROR_INIT;

        make(m, MODE_CHURN, 1, 0);
        outcome(m, 0, 1, OUTCOME_PASSED, T0, good_unit(m, 0, 1, T0), true);
        census(m, 0, 0, 40, 15);
        census(m, 0, 400, 440, 15);
        end(m, 500 * NSEC_PER_SEC);
        assert_ok(summary_new(m->store, &s, &err), err);
        text = text_of(s);
        assert_int_equal(s->verdict, VERDICT_PASS);
        assert_non_null(strstr(text, "\nleaks\n  a: too few steady points to tell: has 1 over 0 "));
        assert_null(strstr(text, "none seen"));
        assert_null(strstr(text, "  b:"));
}

/* Others' containers were there before the first unit. */
static void test_strangers(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = make_leaking(m, 0);
        struct summary *again = NULL;
        struct error err = ERROR_INIT;
        char *text;

        assert_false(s->hosts[1].steady.strangers);
        assert_int_equal(sqlite3_exec(store_db(m->store),
                                      "UPDATE census SET count = 2 + units WHERE host = 'b'"
                                      " AND kind IN ('cgroups', 'veths', 'processes')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_ok(summary_new(m->store, &again, &err), err);
        assert_true(again->hosts[1].steady.strangers);
        /* their number grows, and that is not held against us */
        for (size_t i = 0; i < again->n_leaks; i++)
                assert_string_equal(again->leaks[i].host, "a");
        assert_true(again->hosts[1].steady.visible[CENSUS_VETHS] < 0);
        assert_true(again->hosts[1].steady.visible[CENSUS_FDS] > 0);
        text = text_of(again);
        assert_non_null(strstr(text, "other containers were there"));
        free(text);
        summary_free(again);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_leaks),   T(test_accepted),  T(test_one_accepted),
                T(test_too_few), T(test_strangers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
