/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One has it, the others are told so, and who waits gets it as soon as it is free. */

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/lock-file.h"
#include "tests/unit/unit.h"

#define LONG_MS 60000

static int open_tmp(void)
{
        int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        return fd;
}

/* The same file as another process would have it open. */
static int open_again(int fd)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void test_one_has_it(void **state)
{
        int mine = open_tmp(), other = open_again(mine);
        int64_t begun_ns = now_monotonic_ns();

        assert_int_equal(lock_file_is_taken(other), 0);
        assert_int_equal(lock_file_take(mine, 0), 0);
        assert_int_equal(lock_file_take(mine, 0), 0);
        assert_int_equal(lock_file_is_taken(other), 1);
        assert_int_equal(lock_file_take(other, 50), -EWOULDBLOCK);
        assert_true(now_monotonic_ns() - begun_ns >= 50 * NSEC_PER_MSEC);
        close(mine);
        assert_int_equal(lock_file_is_taken(other), 0);
        assert_int_equal(lock_file_take(other, 0), 0);
        close(other);
}

/* Who only asks is not in the way of others who do. */
static void test_asking(void **state)
{
        int one = open_tmp(), two = open_again(one);

        assert_int_equal(flock(one, LOCK_SH), 0);
        assert_int_equal(lock_file_is_taken(two), 0);
        assert_int_equal(lock_file_take(two, 0), -EWOULDBLOCK);
        assert_int_equal(lock_file_is_taken(one), 0);
        assert_int_equal(lock_file_take(two, 0), 0);
        close(one);
        close(two);
}

static void *let_go(void *userdata)
{
        usleep(100000);
        close(*(int *)userdata);
        return NULL;
}

static void test_patience(void **state)
{
        int mine = open_tmp(), other = open_again(mine);
        pthread_t thread;

        assert_int_equal(lock_file_take(mine, 0), 0);
        assert_int_equal(pthread_create(&thread, NULL, let_go, &mine), 0);
        assert_int_equal(lock_file_take(other, LONG_MS), 0);
        pthread_join(thread, NULL);
        close(other);
}

static void test_no_lock(void **state)
{
        int fd = open("/tmp", O_PATH | O_CLOEXEC);

        assert_int_equal(lock_file_take(-1, LONG_MS), -EBADF);
        assert_int_equal(lock_file_take(fd, LONG_MS), -EBADF);
        assert_int_equal(lock_file_is_taken(fd), -EBADF);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_has_it),
                cmocka_unit_test(test_asking),
                cmocka_unit_test(test_patience),
                cmocka_unit_test(test_no_lock),
        };

        return cmocka_run_group_tests_name("lock-file", tests, NULL, NULL);
}
