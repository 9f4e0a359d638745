/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the helper and LXD say, read for the detector: right, wrong and missing. */

#include "tests/unit/unit.h"

#include "agent/facts.h"

static struct facts read_facts(const char *text)
{
        json_object *messages = json_tokener_parse(text);
        struct facts f;

        facts_read(messages, &f);
        json_object_put(messages);
        return f;
}

static void test_examine(void **state)
{
        struct facts f = read_facts(
                "[{\"id\":1,\"facts\":{\"daemon\":{\"pid\":72,\"state\":\"S\"},"
                "\"monitor\":{\"pid\":10,\"state\":\"T\",\"frozen\":true,\"comm\":\"lxd\"},"
                "\"init\":{\"pid\":11,\"state\":\"S\"},\"payload_frozen\":true,"
                "\"unkillable\":{\"pid\":12,\"state\":\"D\",\"comm\":\"cat\",\"dying\":true},"
                "\"exec\":[{\"pid\":13,\"state\":\"S\"}],"
                "\"unpack\":[{\"pid\":14,\"state\":\"S\"},{\"pid\":15,\"state\":\"T\"}],"
                "\"holder\":{\"pid\":16,\"comm\":\"sleep\",\"mount\":\"/x/y\"}}}]");

        assert_true(f.known);
        assert_int_equal(f.daemon.pid, 72);
        assert_int_equal(f.monitor.state, 'T');
        assert_true(f.monitor_frozen && f.payload_frozen);
        assert_true(f.unkillable.dying);
        assert_int_equal(f.n_exec, 1);
        assert_int_equal(f.n_unpack, 2);
        assert_int_equal(f.unpack.pid, 15); /* the one that is stopped */
        assert_string_equal(f.holder.comm, "sleep");
        assert_string_equal(f.mount, "/x/y");
}

static void test_nonsense(void **state)
{
        static const char *const texts[] = {
                "[]", "[1]", "[{\"facts\":7}]",
                "[{\"facts\":{\"monitor\":7,\"exec\":{},\"init\":{\"pid\":\"x\"}}}]"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct facts f = read_facts(texts[i]);

                assert_int_equal(f.monitor.pid + f.init.pid, 0);
                assert_int_equal(f.n_exec, -1);
        }
        assert_int_equal(read_facts("[{\"facts\":{\"init\":{\"pid\":-5}}}]").init.pid, 0);
}

static void test_operations(void **state)
{
        json_object *list = json_tokener_parse(
                "{\"running\":[{\"id\":\"aa\",\"resources\":{\"containers\":"
                "[\"/1.0/containers/soak-x-1\"],\"instances\":[\"/1.0/instances/soak-x-1\"]}},"
                "{\"id\":\"bb\",\"resources\":{\"instances\":[\"/1.0/instances/soak-x-10\"]}},"
                "{\"id\":\"cc\",\"resources\":{\"instances\":"
                "[\"/1.0/instances/soak-x-1?project=p\"]}},{\"id\":\"dd\",\"resources\":null},7],"
                "\"success\":[{\"id\":\"ee\",\"resources\":{\"instances\":"
                "[\"/1.0/instances/soak-x-1\"]}}]}");
        char id[16];

        assert_int_equal(facts_count_operations(list, "soak-x-1", id, sizeof(id)), 2);
        assert_string_equal(id, "aa");
        assert_int_equal(facts_count_operations(list, "soak-x-2", id, sizeof(id)), 0);
        assert_string_equal(id, "");
        assert_int_equal(facts_count_operations(NULL, "soak-x-1", id, sizeof(id)), -1);
        json_object_put(list);
}

static void test_secrets(void **state)
{
        json_object *instance = json_tokener_parse(
                "{\"name\":\"soak-x-1\",\"config\":{\"user.lxdsoak.run\":\"x\","
                "\"user.token\":\"hidden1\",\"environment.PASS\":\"hidden2\","
                "\"limits.memory\":\"1GB\"},\"expanded_config\":{\"cloud-init.user-data\":"
                "\"hidden3\",\"volatile.eth0.apikey\":\"hidden4\"}}");
        json_object *masked = facts_mask_instance(instance);
        const char *text = json_object_to_json_string(masked);

        assert_null(strstr(text, "hidden"));
        assert_non_null(strstr(text, "1GB"));
        assert_non_null(strstr(text, "\"user.lxdsoak.run\": \"x\""));
        /* the original is as it was */
        assert_non_null(strstr(json_object_to_json_string(instance), "hidden1"));
        json_object_put(masked);
        json_object_put(instance);
        assert_null(facts_mask_instance(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_examine),
                cmocka_unit_test(test_nonsense),
                cmocka_unit_test(test_operations),
                cmocka_unit_test(test_secrets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
