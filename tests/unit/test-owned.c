/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be taken for a run's own: mostly what may not. */

#include "tests/unit/unit.h"

#include "agent/owned.h"

static void test_own_names(void **state)
{
        assert_true(owned_name("soak-ab12cd34-1", "ab12cd34"));
        assert_true(owned_name("soak-ab12cd34-000123456", "ab12cd34"));
        assert_true(owned_name("my-soak-ab12cd34-07", "ab12cd34"));
        assert_true(owned_name("soak-ab12cd34-template", "ab12cd34"));
        assert_string_equal(owned_unit("soak-ab12cd34-0042", "ab12cd34"), "0042");
}

static void test_others_names(void **state)
{
        static const char *const names[] = {
                "",
                "-",
                "mine",
                "soak",
                "ab12cd34-1",        /* no prefix */
                "-ab12cd34-1",       /* an empty one */
                "1-ab12cd34-1",      /* no name LXD would take */
                "soak_x-ab12cd34-1", /* nor this */
                "soak-ab12cd35-1",   /* another run's */
                "soak-xab12cd34-1",  /* whole */
                "soakab12cd34-1",    /* whole */
                "soak-ab12cd34-",    /* no unit */
                "soak-ab12cd34-1x",  /* no number */
                "soak-ab12cd34-x1",  /* no number */
                "soak-ab12cd34-1-1", /* LXC's, or somebody's */
                "soak-ab12cd34-templates",
                "soak-ab12cd34-1234567890", /* more than there are units */
                "soak-ab12cd34-1/..",
                "../soak-ab12cd34-1",
                "soak-ab12cd34-1 ",
                "aprefixthatismuchtoolong-ab12cd34-1",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (owned_name(names[i], "ab12cd34"))
                        fail_msg("%s was taken for ours", names[i]);
}

static void test_no_run(void **state)
{
        assert_false(owned_name("soak--1", ""));
        assert_false(owned_name("soak-a-1", "a"));
        assert_false(owned_name("soak-AB12CD34-1", "AB12CD34"));
        assert_false(owned_name("soak-ab12-d34-1", "ab12-d34"));
        assert_false(owned_name("soak-ab12cd345-1", "ab12cd345"));
        assert_false(owned_name("soak-*-1", "*"));
}

static void test_paths(void **state)
{
        const char *dir = "/var/lib/lxd", *name = "soak-ab12cd34-1";

        assert_true(owned_path("/var/lib/lxd/containers/soak-ab12cd34-1", dir, name));
        assert_true(owned_path("/var/lib/lxd/storage-pools/p/containers/soak-ab12cd34-1/rootfs/mnt",
                               dir, name));
        assert_false(owned_path("/var/lib/lxd/containers/soak-ab12cd34-11", dir, name));
        assert_false(owned_path("/var/lib/lxd/containers/x-soak-ab12cd34-1", dir, name));
        assert_false(owned_path("/var/lib/lxd/containers", dir, name));
        assert_false(owned_path("/var/lib/lxd2/containers/soak-ab12cd34-1", dir, name));
        assert_false(owned_path("/home/me/soak-ab12cd34-1/mnt", dir, name));
        assert_false(owned_path("/var/lib/lxd/soak-ab12cd34-1/../../../etc", dir, name));
        assert_false(owned_path("/var/lib/lxd//soak-ab12cd34-1", dir, name));
        assert_false(owned_path("soak-ab12cd34-1", dir, name));
        assert_false(owned_path("/soak-ab12cd34-1", "/", name));
        assert_false(owned_path("/soak-ab12cd34-1", "", name));
}

static void check_shape(const char *full, const char *wanted)
{
        char name[128] = "";
        bool r = owned_shape(full, name, sizeof(name));

        if (r != (wanted != NULL))
                fail_msg("%s: %s", full, r ? name : "no");
        if (wanted)
                assert_string_equal(name, wanted);
}

static void test_shapes(void **state)
{
        check_shape("soak-ab12cd34-1", "soak-ab12cd34-1");
        check_shape("soak-ab12cd34-1-2", "soak-ab12cd34-1"); /* a cgroup of LXC's */
        check_shape("p_soak-ab12cd34-1", "p_soak-ab12cd34-1");
        check_shape("p_soak-ab12cd34-template-1", "p_soak-ab12cd34-template");
        check_shape("soak-ab12cd34-1-x", NULL);
        check_shape("p_soak-ab12cd34", NULL);
        check_shape("mine", NULL);
        check_shape("", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_own_names), cmocka_unit_test(test_others_names),
                cmocka_unit_test(test_no_run),    cmocka_unit_test(test_paths),
                cmocka_unit_test(test_shapes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
