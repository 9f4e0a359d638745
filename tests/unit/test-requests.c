/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names, keys and command lines: what decides which instance is ours. */

#include "tests/unit/unit.h"

#include "agent/requests.h"

static struct run_spec spec = {
        .run = "ab12cd34", .prefix = "soak", .total = 200, .seed = 7, .source = SOURCE_IMAGE};

static void test_names(void **state)
{
        struct run_spec s = spec;
        char a[NAME_SIZE], b[NAME_SIZE];

        instance_name(&s, 99, a);
        instance_name(&s, 100, b);
        assert_string_equal(a, "soak-ab12cd34-099");
        assert_string_equal(b, "soak-ab12cd34-100");
        assert_true(strcmp(a, b) < 0);
        s.total = 0;
        instance_name(&s, 7, a);
        assert_string_equal(a, "soak-ab12cd34-000000007");
        /* the longest there is still fits LXD's 63 characters */
        memset(s.prefix, 'p', PREFIX_MAX);
        instance_name(&s, UNITS_MAX, a);
        assert_true(strlen(a) <= 63);
        template_instance_name(&s, a);
        assert_true(strlen(a) <= 63);
}

static void test_name_fits(void **state)
{
        assert_true(instance_name_fits("soak-ab12cd34-007", "ab12cd34", "7"));
        assert_true(instance_name_fits("my-soak-ab12cd34-7", "ab12cd34", "7"));
        assert_true(instance_name_fits("soak-ab12cd34-template", "ab12cd34", "template"));
        /* copies and renames of ours */
        assert_false(instance_name_fits("mine", "ab12cd34", "7"));
        assert_false(instance_name_fits("soak-ab12cd34-008", "ab12cd34", "7"));
        assert_false(instance_name_fits("soak-ab12cd34-7x", "ab12cd34", "7"));
        assert_false(instance_name_fits("soak-ab12cd35-7", "ab12cd34", "7"));
        assert_false(instance_name_fits("soak-ab12cd34-", "ab12cd34", "0"));
        assert_false(instance_name_fits("ab12cd34-7", "ab12cd34", "7"));
        assert_false(instance_name_fits("-7", "ab12cd34", "7"));
        assert_false(instance_name_fits("", "ab12cd34", "7"));
        assert_false(instance_name_fits("soak-ab12cd34-template", "ab12cd34", "7"));
}

static void test_create_body(void **state)
{
        struct source_info source = {.fingerprint = "f00d", .template_name = "tmpl"};
        json_object *body, *want;

        body = create_body(&spec, &source, "n", "7", "agent", true);
        want = json_tokener_parse("{'name':'n','type':'container','source':{'type':'image',"
                                  "'fingerprint':'f00d'},'config':{'user.lxdsoak.run':'ab12cd34',"
                                  "'user.lxdsoak.unit':'7','user.lxdsoak.agent':'agent'}}");
        assert_true(json_object_equal(body, want));
        json_object_put(body);
        json_object_put(want);

        source.profiles = json_tokener_parse("['p1','p2']");
        body = create_body(&spec, &source, "n", "7", "agent", false);
        want = json_tokener_parse("{'name':'n','type':'container','profiles':['p1','p2'],"
                                  "'source':{'type':'copy','source':'tmpl','instance_only':true,"
                                  "'allow_inconsistent':true},'config':{'user.lxdsoak.run':"
                                  "'ab12cd34','user.lxdsoak.unit':'7','user.lxdsoak.agent':"
                                  "'agent'}}");
        assert_true(json_object_equal(body, want));
        json_object_put(body);
        json_object_put(want);
        json_object_put(source.profiles);
}

static void test_seen(void **state)
{
        static const struct {
                const char *instance;
                enum unit_seen seen;
        } cases[] = {
                {"{'status':'Running','config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'7'}}",
                 UNIT_SEEN_RUNNING},
                {"{'status':'Stopped','config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'7'}}",
                 UNIT_SEEN_STOPPED},
                {"{'status':'Error','config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'7'}}",
                 UNIT_SEEN_OTHER},
                {"{'config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'7'}}", UNIT_SEEN_OTHER},
                {"{'status':'Running','config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'8'}}",
                 UNIT_SEEN_FOREIGN},
                {"{'status':'Running','config':{'user.lxdsoak.run':'q','user.lxdsoak.unit':'7'}}",
                 UNIT_SEEN_FOREIGN},
                {"{'status':'Running','config':{}}", UNIT_SEEN_FOREIGN},
                {"{'status':'Running'}", UNIT_SEEN_FOREIGN},
                {"{'status':'Running','config':'x'}", UNIT_SEEN_FOREIGN},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_object *o = json_tokener_parse(cases[i].instance);

                assert_int_equal(instance_seen(o, "r", "7", NULL, 0), cases[i].seen);
                json_object_put(o);
        }
}

static void test_veths(void **state)
{
        json_object *o = json_tokener_parse(
                "{'status':'Running','config':{'user.lxdsoak.run':'r','user.lxdsoak.unit':'7',"
                "'volatile.eth0.host_name':'veth1234','volatile.eth0.hwaddr':'00:16:3e:65:b7:bc',"
                "'volatile.eth0.last_state.hwaddr':'00:16:3e:65:b7:bd',"
                "'volatile.eth1.host_name':'veth5678','user.x.host_name':'no'}}");
        char veths[64], little[12];

        instance_seen(o, "r", "7", veths, sizeof(veths));
        assert_string_equal(veths, "veth1234,00:16:3e:65:b7:bc,veth5678");
        instance_seen(o, "r", "7", little, sizeof(little)); /* whole names only */
        assert_string_equal(little, "veth1234");
        json_object_put(o);
}

static void check_split(const char *line, const char *joined, int want)
{
        struct string_list list = {0};
        char got[256] = "";
        int r = split_command(line, &list);

        assert_int_equal(r, want);
        for (size_t i = 0; r == 0 && i < list.n; i++) {
                strcat(got, i ? "|" : "");
                strcat(got, list.items[i]);
        }
        if (r == 0)
                assert_string_equal(got, joined);
        string_list_clear(&list);
}

static void test_split(void **state)
{
        check_split("cat /etc/issue", "cat|/etc/issue", 0);
        check_split("  uptime\t", "uptime", 0);
        check_split("sh -c 'echo a b; exit 3'", "sh|-c|echo a b; exit 3", 0);
        check_split("a\"b c\"d '' \\'x\\ y", "ab cd||'x y", 0);
        check_split("echo $HOME *", "echo|$HOME|*", 0);
        check_split("'open", "", -EINVAL);
        check_split("", "", -EINVAL);
        check_split("   ", "", -EINVAL);
}

static void test_exec_body(void **state)
{
        char *argv[] = {(char[]){"uptime"}};
        json_object *a = exec_body(argv, 1, true, &spec, 5),
                    *b = exec_body(argv, 1, true, &spec, 5),
                    *c = exec_body(argv, 1, true, &spec, 6);

        /* the same unit of the same seed gets the same seed, another one another */
        assert_true(json_object_equal(a, b));
        assert_false(json_object_equal(a, c));
        json_object_put(a);
        json_object_put(b);
        json_object_put(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),       cmocka_unit_test(test_name_fits),
                cmocka_unit_test(test_create_body), cmocka_unit_test(test_seen),
                cmocka_unit_test(test_veths),       cmocka_unit_test(test_split),
                cmocka_unit_test(test_exec_body),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
