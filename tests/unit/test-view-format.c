/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The live view as text: what it shows, and that it never shows too much. */

#include "tests/unit/unit.h"

#include "coordinator/view.h"

static struct view_host host(const char *label)
{
        return (struct view_host){
                .label = label,
                .done = 64,
                .in_flight = 25,
                .rate = 1.62,
                .oldest_ns = 4200 * NSEC_PER_MSEC,
                .api_instances = 31,
                .api_ns = 12 * NSEC_PER_MSEC,
                .mounts = 118,
                .instance_ns = 3 * NSEC_PER_MSEC,
        };
}

static struct view_data data(const struct view_host *hosts, size_t n)
{
        return (struct view_data){
                .run = "4k2m9x1a",
                .total = 200,
                .elapsed_ns = 42 * NSEC_PER_SEC,
                .hosts = hosts,
                .n_hosts = n,
        };
}

static size_t count_lines(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += *s == '\n';
        return n;
}

/* The widest line in characters. */
static size_t widest(const char *s)
{
        size_t n = 0, most = 0;

        for (; *s; s++) {
                n = *s == '\n' ? 0 : n + ((*s & 0xc0) != 0x80);
                most = MAX(most, n);
        }
        return most;
}

static void test_all_figures(void **state)
{
        struct view_host hosts[] = {host("a"), host("b")};
        struct view_data d = data(hosts, 2);
        _cleanup_(freep)
        char *text = NULL;

        hosts[1].failed = 2;
        hosts[1].trouble = "silent";
        text = view_format(&d, 120, 24, false);
        assert_non_null(text);
        assert_non_null(strstr(text, "run 4k2m9x1a"));
        assert_non_null(strstr(text, "128/200 units, 2 failed, 50 in flight, 3.2/s"));
        assert_non_null(strstr(text, "31 in 12 ms"));
        assert_non_null(strstr(text, "118  silent\n"));
        assert_null(strstr(text, "…"));
        assert_int_equal(count_lines(text), 4);
        assert_null(strchr(text, '\033'));
}

static void test_watches(void **state)
{
        struct view_host hosts[] = {host("a"), host("b")};
        struct view_data d = data(hosts, 2);
        _cleanup_(freep)
        char *text = NULL;
        char *line;

        hosts[1].instance_ns = 7 * NSEC_PER_SEC;
        hosts[1].instance_waiting = true;
        hosts[1].wedges = 2;
        hosts[1].late = 3;
        text = view_format(&d, 120, 24, false);
        assert_non_null(strstr(text, "AN INSTANCE"));
        assert_non_null(strstr(text, "3.0 ms    118\n"));
        assert_non_null(strstr(text, "wait 7.0 s    118  2 wedges\n"));
        line = view_format_line(&d);
        assert_non_null(strstr(line, "an instance is not told of for 7.0 s"));
        assert_non_null(strstr(line, "; 2 wedges, 3 late"));
        free(line);
}

static void test_not_known(void **state)
{
        struct view_host hosts[] = {{.label = "a",
                                     .in_flight = VIEW_NOT_KNOWN,
                                     .oldest_ns = VIEW_NOT_KNOWN,
                                     .api_instances = VIEW_NOT_KNOWN,
                                     .api_ns = VIEW_NOT_KNOWN,
                                     .mounts = VIEW_NOT_KNOWN,
                                     .instance_ns = VIEW_NOT_KNOWN}};
        struct view_data d = data(hosts, 1);
        _cleanup_(freep)
        char *text = view_format(&d, 120, 24, false);
        _cleanup_(freep)
        char *line = view_format_line(&d);

        assert_null(strstr(text, "-1"));
        assert_null(strstr(line, "-1"));
        assert_null(strstr(line, "mounts"));
}

static void test_api_that_does_not_answer(void **state)
{
        struct view_host hosts[] = {host("a")};
        struct view_data d = data(hosts, 1);
        _cleanup_(freep)
        char *text = NULL, *line = NULL;

        hosts[0].api_waiting = true;
        hosts[0].api_ns = 9 * NSEC_PER_SEC;
        text = view_format(&d, 120, 24, false);
        line = view_format_line(&d);
        assert_non_null(strstr(text, "waiting 9.0 s"));
        assert_non_null(strstr(line, "API has not answered for 9.0 s"));
}

static void test_api_that_went_away(void **state)
{
        struct view_host hosts[] = {host("a"), host("b")};
        struct view_data d = data(hosts, 2);
        _cleanup_(freep)
        char *text = NULL, *line = NULL;

        hosts[1].api_down = true;
        hosts[1].api_instances = hosts[1].api_ns = VIEW_NOT_KNOWN;
        text = view_format(&d, 120, 24, false);
        line = view_format_line(&d);
        assert_non_null(strstr(text, "no answer"));
        assert_non_null(strstr(line, "API of 1 host does not answer"));
}

static void test_a_thousand_hosts(void **state)
{
        static struct view_host hosts[1000];
        static char labels[1000][16];
        struct view_data d = data(hosts, 1000);

        for (size_t i = 0; i < 1000; i++) {
                snprintf(labels[i], sizeof(labels[i]), "host%04zu", i);
                hosts[i] = host(labels[i]);
        }
        hosts[777].trouble = "silent";
        hosts[500].failed = 3;
        for (size_t lines = 0; lines < 60; lines++)
                for (size_t columns = 1; columns < 130; columns += 16) {
                        _cleanup_(freep)
                        char *text = view_format(&d, columns, lines, false);

                        assert_true(count_lines(text) <= MAX(lines, (size_t)5) - 1);
                        assert_true(widest(text) <= columns);
                }
        {
                _cleanup_(freep)
                char *text = view_format(&d, 120, 15, false);
                char *worst = strstr(text, "host0777"), *next = strstr(text, "host0500");

                assert_non_null(worst);
                assert_non_null(next);
                assert_true(worst < next);
                assert_non_null(strstr(text, "… and 989 more\n"));
        }
        {
                _cleanup_(freep)
                char *line = view_format_line(&d);

                assert_non_null(strstr(line, "1 of 1000 hosts in trouble: host0777 (silent)"));
        }
}

static void test_colour(void **state)
{
        struct view_host hosts[] = {host("a")};
        struct view_data d = data(hosts, 1);
        _cleanup_(freep)
        char *text = view_format(&d, 120, 24, true);

        assert_non_null(strstr(text, "\033[1mrun 4k2m9x1a"));
        assert_null(strstr(text, "\033[31m"));
}

static void test_density(void **state)
{
        struct view_host hosts[] = {host("a")};
        struct view_data d = data(hosts, 1);
        _cleanup_(freep)
        char *text = NULL;

        hosts[0].held = 17;
        d.density = true;
        d.total = 0;
        text = view_format(&d, 120, 24, false);
        assert_non_null(strstr(text, "64 units, 17 up, 0 failed"));
        assert_non_null(strstr(text, "    UP"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_figures),
                cmocka_unit_test(test_not_known),
                cmocka_unit_test(test_watches),
                cmocka_unit_test(test_api_that_does_not_answer),
                cmocka_unit_test(test_api_that_went_away),
                cmocka_unit_test(test_a_thousand_hosts),
                cmocka_unit_test(test_colour),
                cmocka_unit_test(test_density),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
