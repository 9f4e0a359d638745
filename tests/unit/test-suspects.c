/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is remembered of instances that left something, over restarts and bounded. */

#include "tests/unit/unit.h"

#include "agent/suspects.h"

static char dir[64];
static sd_event *event;
static struct spool *spool;
static struct suspects *suspects;

static void reopen(void)
{
        struct error err = ERROR_INIT;

        suspects = suspects_free(suspects);
        spool = spool_close(spool);
        assert_ok(spool_open(event, dir, &spool, &err), err);
        assert_int_equal(suspects_new(spool, &suspects), 0);
}

static int setup(void **state)
{
        strcpy(dir, "/tmp/lxdsoak-suspects-XXXXXX");
        assert_non_null(mkdtemp(dir));
        assert_int_equal(sd_event_new(&event), 0);
        reopen();
        return 0;
}

static int teardown(void **state)
{
        char command[128];

        suspects = suspects_free(suspects);
        spool = spool_close(spool);
        event = sd_event_unref(event);
        snprintf(command, sizeof(command), "rm -rf %s", dir);
        return system(command);
}

static void add(const char *instance, const char *veths)
{
        struct suspect s = {.run = "ab12cd34", .unit = "1"};

        snprintf(s.instance, sizeof(s.instance), "%s", instance);
        snprintf(s.veths, sizeof(s.veths), "%s", veths);
        suspects_add(suspects, &s);
}

static void test_kept(void **state)
{
        add("soak-ab12cd34-1", "veth1");
        add("soak-ab12cd34-2", "");
        add("soak-ab12cd34-1", "veth2,veth1");
        add("soak-ab12cd34-1", "");
        suspects_forget(suspects, "", "soak-ab12cd34-9");
        for (int i = 0; i < 2; i++) {
                assert_int_equal(suspects_n(suspects), 2);
                reopen();
        }
        for (size_t i = 0; i < 2; i++)
                if (streq(suspects_get(suspects, i)->instance, "soak-ab12cd34-1"))
                        assert_string_equal(suspects_get(suspects, i)->veths, "veth1,veth2");
        suspects_forget(suspects, "p", "soak-ab12cd34-1"); /* another project's */
        assert_int_equal(suspects_n(suspects), 2);
        suspects_forget(suspects, "", "soak-ab12cd34-1");
        reopen();
        assert_int_equal(suspects_n(suspects), 1);
        assert_string_equal(suspects_get(suspects, 0)->instance, "soak-ab12cd34-2");
        assert_string_equal(suspects_get(suspects, 0)->run, "ab12cd34");
}

static void test_bounded(void **state)
{
        char name[32];

        for (int i = 0; i < SUSPECTS_MAX + 3; i++) {
                snprintf(name, sizeof(name), "soak-ab12cd34-%d", i);
                add(name, "");
        }
        assert_int_equal(suspects_n(suspects), SUSPECTS_MAX);
        assert_string_equal(suspects_get(suspects, 0)->instance, "soak-ab12cd34-3");
        reopen();
        assert_int_equal(suspects_n(suspects), SUSPECTS_MAX);
        assert_string_equal(suspects_get(suspects, 0)->instance, "soak-ab12cd34-3");
}

static void test_a_bad_row(void **state)
{
        assert_int_equal(spool_put_suspect(spool, "x", "{\"instance\":7}"), 0);
        assert_int_equal(spool_put_suspect(spool, "y", "nonsense"), 0);
        add("soak-ab12cd34-1", "");
        reopen();
        assert_int_equal(suspects_n(suspects), 1);
}

static void test_runs(void **state)
{
        char run[RUN_ID_SIZE];

        for (int i = 0; i < RUNS_KEPT + 2; i++) {
                snprintf(run, sizeof(run), "run%05d", i);
                suspects_add_run(suspects, run);
                suspects_add_run(suspects, run);
        }
        suspects_add_run(suspects, "short");
        for (int i = 0; i < 2; i++) {
                assert_false(suspects_has_run(suspects, "run00001"));
                assert_true(suspects_has_run(suspects, "run00002"));
                assert_true(suspects_has_run(suspects, "run00101"));
                assert_false(suspects_has_run(suspects, ""));
                assert_false(suspects_has_run(suspects, "short"));
                reopen();
        }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_kept),
                T(test_bounded),
                T(test_a_bad_row),
                T(test_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
