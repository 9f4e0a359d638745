/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which errors are of the same kind. */

#include "report/error-pattern.h"
#include "tests/unit/unit.h"

static void test_patterns(void **state)
{
        static const struct {
                const char *pattern;
                const char *texts[4];
        } kinds[] = {
                {"", {""}},
                {"no such cgroup", {"no such cgroup"}},
                {"Failed to run: /usr/bin/lxd forkstart soak-#-# /var/lib/lxd/containers: exit "
                 "status #",
                 {"Failed to run: /usr/bin/lxd forkstart soak-k3xw90ab-17 /var/lib/lxd/containers: "
                  "exit status 1",
                  "Failed to run: /usr/bin/lxd forkstart soak-a1b2c3d4-0004 "
                  "/var/lib/lxd/containers: exit status 125"}},
                {"pid # [lxc monitor]", {"pid 4711 [lxc monitor]", "pid 9 [lxc monitor]"}},
                {"timed out after #",
                 {"timed out after 1m30.5s", "timed out after 800µs", "timed out after 30s",
                  "timed out after 9.99s"}},
                {"operation # was not found",
                 {"operation f47ac10b-58cc-4372-a567-0e02b2c3d479 was not found",
                  "operation abcdefab-cafe-b8f1-beef-fadedfacade0 was not found"}},
                {"image # in use", {"image 2ae5b0b7a3c1 in use", "image deadbeefcafe in use"}},
                {"Failed deleting veth device \"#\"",
                 {"Failed deleting veth device \"veth1a2b3c4d\"",
                  "Failed deleting veth device \"vethabcdef12\"",
                  "Failed deleting veth device \"veth12345678\""}},
                {"hwaddr # taken",
                 {"hwaddr 00:16:3e:ab:cd:ef taken", "hwaddr 00:16:3e:12:4d:9f taken"}},
                {"address # is not free",
                 {"address 10.0.3.7 is not free", "address 10.120.3.254 is not free"}},
                {"not enough space: # left",
                 {"not enough space: 1.21GiB left", "not enough space: 800MiB left",
                  "not enough space: 0B left"}},
                {"mount /dev/loop# as ext#: bad superblock",
                 {"mount /dev/loop3 as ext4: bad superblock",
                  "mount /dev/loop17 as ext4: bad superblock"}},
                {"eth#: up; facade: added", {"eth0: up; facade: added"}},
                {"#: added", {"17: added"}},
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                for (size_t k = 0; k < ELEMENTSOF(kinds[i].texts) && kinds[i].texts[k]; k++) {
                        char buf[512];

                        assert_string_equal(error_pattern(kinds[i].texts[k], buf, sizeof(buf)),
                                            kinds[i].pattern);
                        assert_true(strlen(buf) <= strlen(kinds[i].texts[k]));
                }
}

/* Whatever does not fit is cut, and nothing is written behind it. */
static void test_size(void **state)
{
        static const char text[] =
                "a 12 veth1a2b3c4d exit 4:5.6 f47ac10b-58cc-4372-a567-0e02b2c3d479 é";

        for (size_t size = 1; size < sizeof(text); size++) {
                char buf[sizeof(text) + 1], whole[sizeof(text)];

                memset(buf, 'x', sizeof(buf));
                error_pattern(text, buf, size);
                error_pattern(text, whole, sizeof(whole));
                assert_true(strlen(buf) < size);
                /* the last may be what divides two numbers */
                assert_int_equal(strncmp(buf, whole, strlen(buf) ? strlen(buf) - 1 : 0), 0);
                assert_int_equal(buf[size], 'x');
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns),
                                           cmocka_unit_test(test_size)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
