/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent/crowd.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

static void test_rule(void **state)
{
        assert_false(crowd_judge(false, 20, 1024));
        assert_false(crowd_judge(false, 767, 1024));
        assert_true(crowd_judge(false, 768, 1024));
        assert_true(crowd_judge(false, -1, 1024));
        /* closed, until it is half of that */
        assert_true(crowd_judge(true, 384, 1024));
        assert_false(crowd_judge(true, 383, 1024));
        /* however much there may be */
        assert_false(crowd_judge(false, CROWD_MOST - 1, CROWD_LIMIT));
        assert_true(crowd_judge(false, CROWD_MOST, CROWD_LIMIT));
}

struct door {
        bool closed, stuck;
        int n;
};

static bool on_changed(bool close, void *userdata)
{
        struct door *d = userdata;

        d->n++;
        if (d->stuck)
                return false;
        d->closed = close;
        return true;
}

static void turn(sd_event *event, const struct door *d, int n)
{
        int64_t end_ns = now_monotonic_ns() + 20 * NSEC_PER_SEC;

        while (d->n < n && now_monotonic_ns() < end_ns)
                assert_true(sd_event_run(event, 50000) >= 0);
        assert_true(d->n >= n);
}

static void test_door(void **state)
{
        struct rlimit before, small;
        struct crowd *c = NULL;
        sd_event *event = NULL;
        struct door d = {.stuck = true};
        int fds[64], n = 0;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        small = before;
        small.rlim_cur = 64;
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(crowd_new(event, on_changed, &d, &c), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
        while (n < 64 && (fds[n] = open("/", O_PATH | O_CLOEXEC)) >= 0)
                n++;
        assert_true(n < 64); /* all are used up */
        turn(event, &d, 2);  /* it is asked again */
        d.stuck = false;
        turn(event, &d, d.n + 1);
        assert_true(d.closed);
        while (n > 0)
                close(fds[--n]);
        turn(event, &d, d.n + 1);
        assert_false(d.closed);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        crowd_free(c);
        sd_event_unref(event);
}

static void test_limit_is_raised(void **state)
{
        struct rlimit limit, small;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        small = limit;
        small.rlim_cur = 64;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
        assert_int_equal(crowd_raise_limit(), (int)MIN(limit.rlim_max, (rlim_t)CROWD_LIMIT));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule),
                cmocka_unit_test(test_door),
                cmocka_unit_test(test_limit_is_raised),
        };

        return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
