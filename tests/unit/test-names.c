/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proto/names.h"
#include "tests/unit/unit.h"

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define A63 A20 A20 A20 "aaa"

static const struct {
        const char *(*check)(const char *);
        const char *s;
        bool fine;
} cases[] = {
        {check_run_id, "0a1b2c3d", true},
        {check_run_id, "0a1b2c3", false},
        {check_run_id, "0a1b2c3d4", false},
        {check_run_id, "0A1B2C3D", false},
        {check_run_id, "0a1b2c3/", false},
        {check_run_id, "", false},
        {check_run_id_or_empty, "", true},
        {check_run_id_or_empty, "x", false},
        {check_instance_name, "soak-0a1b2c3d-0001", true},
        {check_instance_name, "a", true},
        {check_instance_name, A63, true},
        {check_instance_name, A63 "a", false},
        {check_instance_name, "", false},
        {check_instance_name, "1a", false},
        {check_instance_name, "-a", false},
        {check_instance_name, "a-", false},
        {check_instance_name, "a_b", false},
        {check_instance_name, "../../1.0", false},
        {check_instance_name, "a b", false},
        {check_instance_name_or_empty, "", true},
        {check_prefix, "soak", true},
        {check_prefix, A20, true},
        {check_prefix, A20 "a", false},
        {check_prefix, "", false},
        {check_prefix, "soak-", false},
        {check_project, "", true},
        {check_project, "my.project_1", true},
        {check_project, "a/b", false},
        {check_project, "a b", false},
        {check_project, "..", false},
        {check_project, "a\n", false},
        {check_project, "a&project=b", false},
        {check_image, "debian/12", true},
        {check_image, "soak", true},
        {check_image, "", false},
        {check_image, "a b", false},
        {check_image, "a?b", false},
        {check_image, "\033", false},
        {check_image_or_empty, "", true},
        {check_one_line, "", true},
        {check_one_line, "lxd 5.0.2", true},
        {check_one_line, "a\nb", false},
        {check_one_line, "\x7f", false},
};

static void test_names(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bool fine = !cases[i].check(cases[i].s);

                if (fine != cases[i].fine)
                        print_error("«%s» (case %zu)\n", cases[i].s, i);
                assert_int_equal(fine, cases[i].fine);
        }
}

static void test_directories_of_hosts(void **state)
{
        static const struct {
                const char *label, *wanted;
        } hosts[] = {
                {"a", "a"},         {"node-1.example.org", "node-1.example.org"},
                {"a b", "a_b-4"},   {"..", "_.-4"},
                {"../x", "_._x-4"}, {"tcp://[::1]:7463", "tcp______1__7463-4"},
        };
        char name[EVIDENCE_HOST_SIZE], label[300], twice[EVIDENCE_HOST_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                evidence_host_name(hosts[i].label, 3, name, sizeof(name));
                assert_string_equal(name, hosts[i].wanted);
        }
        memset(label, 'x', sizeof(label) - 1);
        label[sizeof(label) - 1] = '\0';
        evidence_host_name(label, 3, name, sizeof(name));
        evidence_host_name(label, 4, twice, sizeof(twice));
        assert_string_not_equal(name, twice);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_directories_of_hosts),
                                           cmocka_unit_test(test_names)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
