/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proto/endpoint.h"
#include "tests/unit/unit.h"

#define A50  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define A253 A50 A50 A50 A50 A50 "fff"

static const struct {
        const char *s;
        bool local;
        const char *label, *where; /* path or node */
        unsigned port;
} good[] = {
        {"a", false, "a", "a", 7463},
        {"soak-1.example.org", false, "soak-1.example.org", "soak-1.example.org", 7463},
        {"a:1", false, "a", "a", 1},
        {"A_b:65535", false, "A_b", "A_b", 65535},
        {"10.0.0.1", false, "10.0.0.1", "10.0.0.1", 7463},
        {"10.0.0.1:80", false, "10.0.0.1", "10.0.0.1", 80},
        {"::1", false, "::1", "::1", 7463},
        {"[::1]", false, "::1", "::1", 7463},
        {"[fd00::1]:99", false, "fd00::1", "fd00::1", 99},
        {"fe80::1%eth0", false, "fe80::1%eth0", "fe80::1%eth0", 7463},
        {"::ffff:10.0.0.1", false, "::ffff:10.0.0.1", "::ffff:10.0.0.1", 7463},
        {"tcp://a:5", false, "a", "a", 5},
        {"tcp://[::1]:5", false, "::1", "::1", 5},
        {"tcp://a", false, "a", "a", 7463},
        {A253, false, A253, A253, 7463},
        {"localhost", true, "localhost", "/run/lxdsoak/agent.sock", 0},
        {"localhost:7463", false, "localhost", "localhost", 7463},
        {"ipc:///run/x.sock", true, "ipc:///run/x.sock", "/run/x.sock", 0},
};

static void test_good(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                struct error err = ERROR_INIT;
                struct endpoint e;

                assert_ok(endpoint_parse(good[i].s, &e, &err), err);
                assert_int_equal(e.local, good[i].local);
                assert_string_equal(e.label, good[i].label);
                assert_string_equal(e.local ? e.path : e.node, good[i].where);
                if (!e.local)
                        assert_int_equal(e.port, good[i].port);
        }
}

static const struct {
        const char *s, *says;
} bad[] = {
        {"", "no name of a host"},
        {" a", "no name of a host"},
        {"a b", "no name of a host"},
        {"-a", "no name of a host"},
        {".a", "no name of a host"},
        {"a..b", "no name of a host"},
        {"10.0.0.256", "\"10.0.0.256\" is no name of a host and no address"},
        {"10.0.1", "no address"},
        {"123", "no address"},
        {A253 "f", "no name of a host"},
        {A253 A253, "too long"},
        {"a:", "\"\" is not a port"},
        {"a:0", "\"0\" is not a port"},
        {"a:65536", "not a port, give one of 1 to 65535"},
        {"a:-1", "not a port"},
        {"a:http", "\"http\" is not a port"},
        {"a:b:c", "no address"},
        {"[::1", "[ADDRESS]:PORT"},
        {"[::1]x", "[ADDRESS]:PORT"},
        {"[::1]:", "not a port"},
        {"[a]:1", "\"a\" is not an IPv6 address"},
        {"[]:1", "not an IPv6 address"},
        {"fe80::1%", "no address"},
        {"fe80::1%a\033", "no address"},
        {"fe80::1%a\x9b", "no address"},
        {"fe80::1%0123456789abcdef", "no address"},
        {"http://a", "tcp://HOST:PORT or ipc:///PATH"},
        {"ipc://x", "begins with '/'"},
        {"ipc://", "begins with '/'"},
        {"ipc:///a\nb", "control characters"},
        {"ipc:///\xff", "is not UTF-8"},
        {"ipc:///" A50 A50 "12345678", "at most 107"},
        {"a\033[2J", "\"a?[2J\""},
};

static void test_bad(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct endpoint e = {.port = 4711};
                struct error err = ERROR_INIT;

                assert_error(endpoint_parse(bad[i].s, &e, &err), -EINVAL, err, bad[i].says);
                assert_int_equal(e.port, 4711);
        }
}

static void test_list(void **state)
{
        struct error err = ERROR_INIT;
        struct endpoint *list = NULL;
        size_t n = 0;

        assert_ok(endpoint_parse_list("localhost,b:9,[::1]:4", &list, &n, &err), err);
        assert_int_equal(n, 3);
        assert_true(list[0].local);
        assert_string_equal(list[1].label, "b");
        assert_int_equal(list[2].port, 4);
        free(list);
        list = NULL;

        assert_error(endpoint_parse_list("", &list, &n, &err), -EINVAL, err, "is empty");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list("a,,b", &list, &n, &err), -EINVAL, err, "Entry 2");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list("a,", &list, &n, &err), -EINVAL, err, "Entry 2");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list(",", &list, &n, &err), -EINVAL, err, "Entry 1");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list("a,b,A", &list, &n, &err), -EINVAL, err, "named twice");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list("a:1,a:2", &list, &n, &err), -EINVAL, err,
                     "\"a\" is named twice");
        err = ERROR_INIT;
        assert_error(endpoint_parse_list("a," A253 A253 A253, &list, &n, &err), -EINVAL, err,
                     "Entry 2 of the list of hosts is too long");
        assert_null(list);
}

static void test_long_list(void **state)
{
        char *s = malloc(16 * (HOSTS_MAX + 1)), *p = s;
        struct error err = ERROR_INIT;
        struct endpoint *list = NULL;
        size_t n = 0;

        for (int i = 0; i < HOSTS_MAX; i++)
                p += sprintf(p, "%shost%d", i ? "," : "", i);
        assert_ok(endpoint_parse_list(s, &list, &n, &err), err);
        assert_int_equal(n, HOSTS_MAX);
        free(list);
        strcpy(p, ",x");
        assert_error(endpoint_parse_list(s, &list, &n, &err), -EINVAL, err, "10001 hosts");
        free(s);
}

static void test_listen(void **state)
{
        static const char *const yes[] = {"tcp://*:7463", "tcp://0.0.0.0:1", "tcp://[::]:5",
                                          "ipc:///run/lxdsoak/agent.sock"};
        static const struct {
                const char *s, *says;
        } no[] = {
                {"*:7463", "give ipc:///PATH or tcp://ADDRESS:PORT"},
                {"", "give ipc"},
                {"tcp://*", "the port is missing"},
                {"tcp://eth0:7463", "not an address of this host"},
                {"tcp://::1", "bracketed IPv6"},
                {"tcp://:1", "bracketed IPv6"},
                {"tcp://*:x", "not a port"},
                {"ipc://agent.sock", "begins with '/'"},
        };
        struct error err = ERROR_INIT;
        struct endpoint e;

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                assert_ok(endpoint_parse_listen(yes[i], &e, &err), err);
        assert_true(e.local);
        assert_ok(endpoint_parse_listen("tcp://*:7463", &e, &err), err);
        assert_string_equal(e.node, "*");
        assert_int_equal(e.port, 7463);
        for (size_t i = 0; i < ELEMENTSOF(no); i++) {
                err = ERROR_INIT;
                assert_error(endpoint_parse_listen(no[i].s, &e, &err), -EINVAL, err, no[i].says);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
                cmocka_unit_test(test_list),   cmocka_unit_test(test_long_list),
                cmocka_unit_test(test_listen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
