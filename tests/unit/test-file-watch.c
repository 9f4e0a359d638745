/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent/file-watch.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

#define LIMIT_NS (20 * NSEC_PER_SEC) /* only guards against hanging */

static char dir[] = "/tmp/test-file-watch-XXXXXX";

static const char *in_dir(const char *name)
{
        static char paths[2][128];
        static unsigned i;

        i = !i;
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);
        return paths[i];
}

static void on_change(void *userdata)
{
        ++*(int *)userdata;
}

static void put(const char *name, const char *text)
{
        FILE *f = fopen(in_dir(name), "ae");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

/* Turns until something was told, and until there is nothing more. */
static bool told(sd_event *event, int *n, bool wanted)
{
        int64_t end_ns = now_monotonic_ns() + (wanted ? LIMIT_NS : 0);
        int before = *n;

        do
                while (sd_event_run(event, wanted && *n == before ? 20000 : 0) > 0)
                        ;
        while (*n == before && now_monotonic_ns() < end_ns);
        return *n > before;
}

static void test_changes(void **state)
{
        struct file_watch *w = NULL;
        sd_event *event = NULL;
        int n = 0;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(file_watch_new(event, in_dir("list"), on_change, &n, &w), 0);
        assert_false(told(event, &n, false));
        put("list", "a"); /* it was not there */
        assert_true(told(event, &n, true));
        put("list", "b");
        assert_true(told(event, &n, true));
        put("other", "c");
        assert_false(told(event, &n, false));
        assert_int_equal(rename(in_dir("other"), in_dir("list")), 0); /* as editors do */
        assert_true(told(event, &n, true));
        assert_int_equal(chmod(in_dir("list"), 0600), 0);
        assert_true(told(event, &n, true));
        assert_int_equal(unlink(in_dir("list")), 0);
        assert_true(told(event, &n, true));
        assert_null(file_watch_free(w));
        put("list", "d");
        assert_false(told(event, &n, false));
        unlink(in_dir("list"));
        assert_null(file_watch_free(NULL));
        sd_event_unref(event);
}

static void test_no_directory(void **state)
{
        struct file_watch *w = NULL;
        sd_event *event = NULL;
        int n = 0;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(file_watch_new(event, in_dir("no/list"), on_change, &n, &w), -ENOENT);
        assert_null(w);
        sd_event_unref(event);
}

static int set_up(void **state)
{
        return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
        return rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_no_directory),
        };

        return cmocka_run_group_tests_name("file-watch", tests, set_up, tear_down);
}
