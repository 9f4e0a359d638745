/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removals through the real helper, on a made-up tree: what is the instance's goes,
 * what only looks like it stays, and what names real processes and links is refused
 * there. The rest is for the system tests.
 */

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "agent/inventory.h"
#include "base/clock.h"
#include "tests/unit/fake-tree.h"

#define POOL "/var/lib/lxd/storage-pools/default/containers"

static char *root;
static sd_event *event;
static struct inventory *inventory;

struct heard {
        int called, error;
        char text[256];
        size_t n;
        struct removed_item items[8];
};

static int setup(void **state)
{
        char path[PATH_MAX], script[2 * PATH_MAX];

        root = fake_root_new();
        FAKE_PROCESS(root, 1, 0, 'S', "systemd", "/sbin/init");
        fake_file(root, "/proc/1/mountinfo", "");
        fake_file(root, "/proc/self/mountinfo",
                  "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        fake_dir(root, "/sys/fs/cgroup");
        fake_dir(root, "/var/lib/lxd/containers");
        fake_dir(root, POOL);
        snprintf(script, sizeof(script),
                 "#!/bin/sh\nexec '%s/agent/lxdsoak-helper' --root '%s' \"$@\"\n",
                 getenv("LXDSOAK_BUILD"), root);
        fake_file(root, "/helper", script);
        fake_path(path, root, "/helper");
        assert_int_equal(chmod(path, 0755), 0);
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(inventory_new(event, path, "/var/lib/lxd", &inventory), 0);
        return 0;
}

static int teardown(void **state)
{
        inventory_free(inventory);
        sd_event_unref(event);
        while (waitpid(-1, NULL, 0) > 0)
                ;
        fake_root_free(root);
        return 0;
}

static void on_answer(const struct removed_answer *a, void *userdata)
{
        struct heard *h = userdata;

        h->called++;
        h->error = a->error;
        snprintf(h->text, sizeof(h->text), "%s", a->error_text);
        h->n = a->n;
        for (size_t i = 0; i < MIN(a->n, ELEMENTSOF(h->items)); i++)
                h->items[i] = a->items[i];
}

static void wait_for(struct heard *h)
{
        int64_t end_ns = now_monotonic_ns() + 20 * NSEC_PER_SEC;

        while (h->called == 0) {
                assert_true(now_monotonic_ns() < end_ns);
                assert_true(sd_event_run(event, 100000) >= 0);
        }
        assert_int_equal(h->called, 1);
}

static struct heard ask(enum leftover_kind kind, const char *instance, const char *run)
{
        struct removal_target target = {run, "", instance, ""};
        struct inventory_removal *m;
        struct heard h = {0};

        assert_int_equal(inventory_remove(inventory, &target, kind, on_answer, &h, &m), 0);
        wait_for(&h);
        return h;
}

static bool exists(const char *path)
{
        char full[PATH_MAX];
        struct stat st;

        fake_path(full, root, path);
        return lstat(full, &st) == 0;
}

static void test_cgroups(void **state)
{
        struct heard h;

        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1/init.scope/deep");
        fake_dir(root, "/sys/fs/cgroup/lxc.monitor.soak-ab12cd34-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1-2");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-10");
        /* There is an instance of that very name, so this is not ours with a number. */
        fake_link(root, "/var/lib/lxd/containers/soak-ab12cd34-1-2", "x");
        h = ask(LEFTOVER_CGROUP, "soak-ab12cd34-1", "ab12cd34");
        assert_int_equal(h.error, 0);
        assert_int_equal(h.n, 3);
        for (size_t i = 0; i < h.n; i++)
                assert_string_equal(h.items[i].error, "");
        assert_false(exists("/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1"));
        assert_false(exists("/sys/fs/cgroup/lxc.monitor.soak-ab12cd34-1"));
        assert_false(exists("/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1-1"));
        assert_true(exists("/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1-2"));
        assert_true(exists("/sys/fs/cgroup/lxc.payload.soak-ab12cd34-10"));
}

static void test_volumes(void **state)
{
        struct heard h;

        fake_file(root, POOL "/soak-ab12cd34-1/rootfs/etc/issue", "x");
        fake_link(root, POOL "/soak-ab12cd34-1/rootfs/out", "../../../soak-ab12cd34-2");
        fake_file(root, POOL "/soak-ab12cd34-2/rootfs/etc/issue", "x");
        fake_link(root, "/var/lib/lxd/containers/soak-ab12cd34-1", POOL "/soak-ab12cd34-1");
        fake_dir(root, "/var/lib/lxd/devices/soak-ab12cd34-1");
        fake_file(root, "/var/lib/lxd/security/apparmor/profiles/lxd-soak-ab12cd34-1", "x");
        fake_file(root, "/var/lib/lxd/security/apparmor/profiles/lxd-soak-ab12cd34-11", "x");
        h = ask(LEFTOVER_VOLUME, "soak-ab12cd34-1", "ab12cd34");
        assert_int_equal(h.error, 0);
        assert_int_equal(h.n, 4);
        assert_false(exists(POOL "/soak-ab12cd34-1"));
        assert_false(exists("/var/lib/lxd/containers/soak-ab12cd34-1"));
        assert_false(exists("/var/lib/lxd/devices/soak-ab12cd34-1"));
        assert_false(exists("/var/lib/lxd/security/apparmor/profiles/lxd-soak-ab12cd34-1"));
        assert_true(exists(POOL "/soak-ab12cd34-2/rootfs/etc/issue"));
        assert_true(exists("/var/lib/lxd/security/apparmor/profiles/lxd-soak-ab12cd34-11"));
        /* A directory anybody may write to is not the daemon's. */
        fake_dir(root, "/var/lib/lxd/devices/soak-ab12cd34-1");
        {
                char path[PATH_MAX];

                fake_path(path, root, "/var/lib/lxd");
                assert_int_equal(chmod(path, 0777), 0);
        }
        h = ask(LEFTOVER_VOLUME, "soak-ab12cd34-1", "ab12cd34");
        assert_int_equal(h.error, -EPERM);
        assert_true(exists("/var/lib/lxd/devices/soak-ab12cd34-1"));
}

static void test_refusals(void **state)
{
        static const struct {
                enum leftover_kind kind;
                const char *instance, *run;
                int error;
        } cases[] = {
                {LEFTOVER_CGROUP, "mine", "ab12cd34", -EPERM},
                {LEFTOVER_CGROUP, "soak-ab12cd34-1", "ab12cd35", -EPERM},
                {LEFTOVER_CGROUP, "soak-ab12cd34-1", "", -EPERM},
                {LEFTOVER_VOLUME, "soak-ab12cd34-1x", "ab12cd34", -EPERM},
                {LEFTOVER_CGROUP, "../soak-ab12cd34-1", "ab12cd34", -EINVAL},
                {LEFTOVER_INSTANCE, "soak-ab12cd34-1", "ab12cd34", -EINVAL},
                /* their numbers and names would be those of real ones */
                {LEFTOVER_PROCESS, "soak-ab12cd34-1", "ab12cd34", -EOPNOTSUPP},
                {LEFTOVER_MOUNT, "soak-ab12cd34-1", "ab12cd34", -EOPNOTSUPP},
                {LEFTOVER_VETH, "soak-ab12cd34-1", "ab12cd34", -EOPNOTSUPP},
        };

        fake_dir(root, "/sys/fs/cgroup/lxc.payload.mine");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct heard h = ask(cases[i].kind, cases[i].instance, cases[i].run);

                if (h.error != cases[i].error || h.n > 0)
                        fail_msg("%zu: %d, %zu items, %s", i, h.error, h.n, h.text);
        }
        assert_true(exists("/sys/fs/cgroup/lxc.payload.mine"));
        assert_true(exists("/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1"));
}

static void test_names(void **state)
{
        struct inventory_removal *m;
        struct heard h = {0};

        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-ab12cd34-1-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.monitor.soak-ab12cd34-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.monitor.mine");
        fake_dir(root, POOL "/p_soak-ab12cd34-02");
        assert_int_equal(inventory_names(inventory, on_answer, &h, &m), 0);
        wait_for(&h);
        assert_int_equal(h.error, 0);
        assert_int_equal(h.n, 2);
        assert_string_equal(h.items[0].name, "soak-ab12cd34-1");
        assert_string_equal(h.items[1].name, "p_soak-ab12cd34-02");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_cgroups),
                T(test_volumes),
                T(test_refusals),
                T(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
