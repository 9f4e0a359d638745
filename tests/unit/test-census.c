/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The census: what the real helper counts in a made-up tree, and how answers are read. */

#include "tests/unit/unit.h"

#include <sys/wait.h>

#include "agent/census.h"
#include "agent/groups.h"
#include "agent/helper-ask.h"
#include "base/clock.h"
#include "tests/unit/fake-tree.h"

static char *root;
static sd_event *event;

static int setup(void **state)
{
        root = fake_root_new();
        assert_int_equal(sd_event_new(&event), 0);
        return 0;
}

static int teardown(void **state)
{
        sd_event_unref(event);
        while (waitpid(-1, NULL, 0) > 0)
                ;
        fake_root_free(root);
        return 0;
}

/* ---- names ---- */

static void test_paths(void **state)
{
        static const char *const cases[][2] = {
                {"/var/log/lxd/soak-ab12cd34-0017/lxc.log", "/var/log/lxd/*/lxc.log"},
                {"/var/log/lxd/soaks_soak-ab12cd34-17/lxc.log", "/var/log/lxd/*/lxc.log"},
                {"/var/lib/lxd/logs/web/lxc.log", "/var/lib/lxd/logs/web/lxc.log"},
                {"anon_inode:[eventpoll]", "anon_inode:[eventpoll]"},
                {"/proc/4711/ns/net", "/proc/*/ns/net"},
                {"/images/0a1b2c3d4e5f60718293a4b5.rootfs (deleted)", "/images/*.rootfs (deleted)"},
                {"/tmp/lxd_build_1234_5678", "/tmp/lxd_build_*_*"},
                {"/dev/null", "/dev/null"},
                {"@/var/lib/lxd/containers/soak-ab12cd34-template/command",
                 "@/var/lib/lxd/containers/*/command"},
                {"", ""},
        };
        char buf[80], small[8];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                groups_path(cases[i][0], buf, sizeof(buf));
                assert_string_equal(buf, cases[i][1]);
        }
        groups_path("/a/long/path", small, sizeof(small));
        assert_string_equal(small, "/a/long");
}

static void test_groups(void **state)
{
        struct groups g = {0};
        json_object *o;
        char name[300];

        for (int i = 0; i < 1000; i++) {
                snprintf(name, sizeof(name), "thing %d", i % 300);
                groups_add(&g, i % 2 ? "socket" : name);
        }
        groups_add(&g, "a \"quoted\\\x1b\" \xc3\xa9");
        o = groups_to_json(&g, 3);
        assert_int_equal(json_object_object_length(o), 4);
        assert_int_equal(json_object_get_int(json_object_object_get(o, "socket")), 500);
        assert_int_equal(json_object_get_int(json_object_object_get(o, "other")), 1001 - 500 - 8);
        json_object_put(o);
        memset(&g, 0, sizeof(g));
        memset(name, 'x', sizeof(name));
        name[299] = '\0';
        groups_add(&g, name);
        groups_add(&g, "a \"b\\");
        assert_true(strlen(g.items[0].name) < GROUP_NAME_SIZE);
        assert_string_equal(g.items[1].name, "a ?b?");
}

/* ---- the helper ---- */

static void fake_fd(int fd, const char *target)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/72/fd/%d", fd);
        fake_link(root, path, target);
}

static void make_tree(void)
{
        FAKE_PROCESS(root, 1, 0, 'S', "systemd", "/sbin/init");
        FAKE_PROCESS(root, 72, 1, 'S', "lxd", "/usr/bin/lxd");
        FAKE_PROCESS(root, 80, 1, 'S', "lxd", "[lxc monitor] /var/lib/lxd/containers web");
        FAKE_PROCESS(root, 81, 1, 'S', "lxd",
                     "/usr/bin/lxd\0forkproxy\0--\0"
                     "80");
        fake_file(root, "/proc/1/mountinfo", "");
        fake_file(root, "/proc/self/mountinfo",
                  "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        fake_file(root, "/proc/72/mountinfo",
                  "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                  "40 24 0:40 / /var/lib/lxd/storage-pools/p/containers/soak-ab12cd34-1 rw - tmpfs "
                  "x rw\n"
                  "41 24 0:41 / /var/lib/lxd/storage-pools/p/containers/soak-ab12cd34-2 rw - tmpfs "
                  "x rw\n");
        fake_file(root, "/proc/72/status", "Name:\tlxd\nVmRSS:\t   90112 kB\nThreads:\t14\n");
        fake_file(root, "/proc/72/cgroup", "0::/system.slice/lxd.service\n");
        fake_file(root, "/proc/72/net/unix",
                  "Num       RefCount Protocol Flags    Type St Inode Path\n"
                  "0000: 00000002 00000000 00010000 0001 01 500 /var/lib/lxd/unix.socket\n"
                  "0000: 00000003 00000000 00000000 0001 03 501 /var/lib/lxd/unix.socket\n"
                  "0000: 00000003 00000000 00000000 0001 03 502\n");
        fake_fd(0, "/dev/null");
        fake_fd(3, "socket:[500]");
        fake_fd(4, "socket:[501]");
        fake_fd(5, "socket:[502]");
        fake_fd(6, "socket:[900]");
        fake_fd(7, "pipe:[77]");
        fake_fd(8, "/var/log/lxd/soak-ab12cd34-1/lxc.log");
        fake_fd(9, "/var/log/lxd/soak-ab12cd34-2/lxc.log");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.web");
        fake_dir(root, "/sys/fs/cgroup/lxc.monitor.web");
        fake_dir(root, "/sys/fs/cgroup/user.slice");
        fake_file(root, "/sys/block/loop0/loop/backing_file", "/var/lib/lxd/disks/default.img\n");
        fake_dir(root, "/sys/block/loop1");
        fake_dir(root, "/var/lib/lxd/containers/web");
        fake_dir(root, "/var/lib/lxd/storage-pools/p/containers/web");
        fake_dir(root, "/var/lib/lxd/storage-pools/p/containers/left");
}

struct heard {
        int called, error;
        struct record record;
};

static void on_answer(int error, const char *text, json_object *messages, void *userdata)
{
        struct heard *h = userdata;

        h->called++;
        h->error = error;
        for (int k = 0; k < CENSUS_MAX_; k++)
                h->record.census.count[k] = -1;
        census_read_helper(messages, &h->record);
}

static struct heard ask_helper(int64_t pid)
{
        char path[PATH_MAX], script[2 * PATH_MAX];
        json_object *o = json_object_new_object();
        struct heard h = {0};
        struct helper_call *call;

        snprintf(script, sizeof(script),
                 "#!/bin/sh\nexec '%s/agent/lxdsoak-helper' --root '%s' \"$@\"\n",
                 getenv("LXDSOAK_BUILD"), root);
        fake_file(root, "/helper", script);
        fake_path(path, root, "/helper");
        assert_int_equal(chmod(path, 0755), 0);
        json_object_object_add(o, "verb", json_object_new_string("census"));
        json_object_object_add(o, "lxd_dir", json_object_new_string("/var/lib/lxd"));
        json_object_object_add(o, "daemon_pid", json_object_new_int64(pid));
        assert_int_equal(helper_ask_with(event, path, o, 20 * NSEC_PER_SEC, on_answer, &h, &call),
                         0);
        while (!h.called)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        return h;
}

static void test_helper(void **state)
{
        struct heard h;
        const int64_t *n = h.record.census.count;

        make_tree();
        h = ask_helper(72);
        assert_int_equal(h.error, 0);
        assert_int_equal(n[CENSUS_FDS], 8);
        assert_int_equal(n[CENSUS_THREADS], 14);
        assert_int_equal(n[CENSUS_RSS], 88 * 1024 * 1024);
        assert_int_equal(n[CENSUS_GOROUTINES], -1);
        assert_int_equal(n[CENSUS_MOUNTS], 3);
        assert_int_equal(n[CENSUS_CGROUPS], 2);
        assert_int_equal(n[CENSUS_LOOPS], 1);
        assert_int_equal(n[CENSUS_PROCESSES], 2);
        assert_int_equal(n[CENSUS_VOLUMES], 3);
        assert_string_equal(
                h.record.census.detail,
                "{\"fds\":{\"/var/log/lxd/*/lxc.log\":2,\"socket /var/lib/lxd/unix.socket\":2,"
                "\"/dev/null\":1,\"pipe\":1,\"socket\":1,\"socket unix\":1},"
                "\"mounts\":{\"tmpfs /var/lib/lxd/storage-pools/p/containers/*\":2,\"ext4 /\":1},"
                "\"processes\":{\"[lxc monitor]\":1,\"forkproxy\":1}}");
}

/* A process that is not the daemon of that directory is nobody's business. */
static void test_helper_looks_who_it_is(void **state)
{
        struct heard h;

        make_tree();
        h = ask_helper(80);
        assert_int_equal(h.error, 0);
        assert_int_equal(h.record.census.count[CENSUS_FDS], -1);
        assert_int_equal(h.record.census.count[CENSUS_MOUNTS], -1);
        assert_int_equal(h.record.census.count[CENSUS_PROCESSES], 2);
}

/* ---- answers ---- */

static json_object *parse(const char *text)
{
        json_object *o = json_tokener_parse(text);

        assert_non_null(o);
        return o;
}

static void test_goroutines(void **state)
{
        assert_int_equal(census_read_goroutines("# HELP lxd_go_goroutines Number\n"
                                                "# TYPE lxd_go_goroutines gauge\n"
                                                "lxd_go_goroutines 47\nlxd_go_info 1\n"),
                         47);
        assert_int_equal(census_read_goroutines("incus_go_goroutines 1.2e+03\n"), 1200);
        assert_int_equal(census_read_goroutines("lxd_go_goroutines_total 3\n"), -1);
        assert_int_equal(census_read_goroutines("lxd_go_goroutines NaN\n"), -1);
        assert_int_equal(census_read_goroutines("lxd_go_goroutines -3\n"), -1);
        assert_int_equal(census_read_goroutines(""), -1);
}

static void test_operations(void **state)
{
        static const struct {
                const char *list;
                int64_t n;
        } cases[] = {
                {"{\"running\":[\"/1.0/operations/a\",\"/1.0/operations/b\"],\"success\":[\"c\"]}",
                 2},
                {"{\"failure\":[\"a\"],\"cancelled\":[\"b\"],\"pending\":[\"c\"]}", 1},
                {"{\"running\":null}", 0},
                {"{}", 0},
                {"[]", -1},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                json_object *list = parse(cases[i].list);

                assert_int_equal(census_count_operations(list), cases[i].n);
                json_object_put(list);
        }
        assert_int_equal(census_count_operations(NULL), -1);
}

/* Nonsense counts for nothing, and what it is does fit or is left out. */
static void test_nonsense(void **state)
{
        json_object *messages = parse("[1,{\"counts\":{\"fds\":\"many\",\"threads\":-7,\"x\":1}},"
                                      "{\"counts\":[],\"groups\":7}]");
        json_object *large = parse("[{\"counts\":{\"fds\":3},\"groups\":{\"fds\":{\"pipe\":3}}}]");
        json_object *mounts = json_object_new_object();
        struct record r = {0};

        for (int k = 0; k < CENSUS_MAX_; k++)
                r.census.count[k] = -1;
        census_read_helper(messages, &r);
        assert_int_equal(r.census.count[CENSUS_FDS], -1);
        assert_int_equal(r.census.count[CENSUS_THREADS], -1);
        assert_string_equal(r.census.detail, "{}");
        json_object_put(messages);

        for (int i = 0; i < 1000; i++) {
                char name[16];

                snprintf(name, sizeof(name), "mount %d", i);
                json_object_object_add(mounts, name, json_object_new_int(1));
        }
        json_object_object_add(
                json_object_object_get(json_object_array_get_idx(large, 0), "groups"), "mounts",
                mounts);
        census_read_helper(large, &r);
        assert_int_equal(r.census.count[CENSUS_FDS], 3);
        assert_string_equal(r.census.detail, "{\"fds\":{\"pipe\":3}}");
        json_object_put(large);
        census_read_helper(NULL, &r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_groups),
                cmocka_unit_test_setup_teardown(test_helper, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helper_looks_who_it_is, setup, teardown),
                cmocka_unit_test(test_goroutines),
                cmocka_unit_test(test_operations),
                cmocka_unit_test(test_nonsense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
