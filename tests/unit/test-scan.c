/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The scans on trees that look like what LXD 5.0.2 (Debian 12), a snap, and Incus
 * leave on a host; the shapes are copied from real ones.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/scan.h"
#include "fake-tree.h"

#define UNIFIED                                                                                    \
        "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "  \
        "rw,nsdelegate\n"

static char *root;

static int setup(void **state)
{
        root = fake_root_new();
        FAKE_PROCESS(root, 1, 0, 'S', "systemd", "/sbin/init");
        FAKE_PROCESS(root, 74, 1, 'S', "lxd", "/usr/bin/lxd\0--group\0lxd");
        fake_file(root, "/proc/74/cgroup", "0::/system.slice/lxd.service\n");
        fake_file(root, "/proc/self/mountinfo", UNIFIED);
        fake_file(root, "/proc/1/mountinfo", UNIFIED);
        fake_file(root, "/proc/74/mountinfo", UNIFIED);
        fake_dir(root, "/sys/fs/cgroup/system.slice/lxd.service");
        fake_dir(root, "/var/lib/lxd/containers");
        fake_dir(root, "/var/lib/lxd/storage-pools/default/containers");
        return 0;
}

static int teardown(void **state)
{
        fake_root_free(root);
        return 0;
}

/* "project/instance:veths" … NULL */
static struct scan *run_scan(const char *lxd_dir, const char *const *targets)
{
        struct error err = ERROR_INIT;
        struct scan *s;

        assert_int_equal(scan_new(root, lxd_dir, &s), 0);
        for (; *targets; targets++) {
                char text[256], *instance, *veths;

                snprintf(text, sizeof(text), "%s", *targets);
                instance = strchr(text, '/');
                *instance++ = '\0';
                veths = instance + strcspn(instance, ":");
                if (*veths)
                        *veths++ = '\0';
                assert_int_equal(scan_add_target(s, text, instance, veths, &err), 0);
        }
        assert_int_equal(scan_run(s), 0);
        return s;
}

#define SCAN(lxd_dir, ...) run_scan(lxd_dir, (const char *const[]){__VA_ARGS__, NULL})

static const struct scan_item *item(const struct scan *s, enum leftover_kind kind, const char *name)
{
        for (size_t i = 0; i < s->n_items; i++)
                if (s->items[i].kind == kind && streq(s->items[i].name, name))
                        return &s->items[i];
        fail_msg("no %s %s among %zu", leftover_kind_name((int)kind), name, s->n_items);
        return NULL;
}

static size_t count(const struct scan *s, enum leftover_kind kind)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n_items; i++)
                n += s->items[i].kind == kind;
        return n;
}

/* What "DELETE succeeded" with a stopped monitor really leaves (LXD 5.0.2). */
static void make_lie(const char *name)
{
        char text[256];
        int n;

        n = snprintf(text, sizeof(text), "[lxc monitor] /var/lib/lxd/containers %s", name);
        fake_process(root, 509, 1, 'T', "lxd", text, (size_t)n + 1);
        FAKE_PROCESS(root, 518, 509, 'S', "init", "/bin/sh\0/sbin/init");
        FAKE_PROCESS(root, 529, 518, 'S', "sleep",
                     "sleep\0"
                     "3600");
        snprintf(text, sizeof(text), "/sys/fs/cgroup/lxc.monitor.%s/cgroup.procs", name);
        fake_file(root, text, "509\n");
        snprintf(text, sizeof(text), "/sys/fs/cgroup/lxc.payload.%s/cgroup.procs", name);
        fake_file(root, text, "518\n");
        snprintf(text, sizeof(text), "/sys/fs/cgroup/lxc.payload.%s/.lxc/cgroup.procs", name);
        fake_file(root, text, "529\n");
        snprintf(text, sizeof(text), "/sys/fs/cgroup/lxc.payload.%s/init.scope/cgroup.procs", name);
        fake_file(root, text, "529\n0\n");
        snprintf(text, sizeof(text), "/var/lib/lxd/devices/%s", name);
        fake_dir(root, text);
        fake_dir(root, "/sys/class/net/veth0790882b");
}

/* A daemon killed in the middle of a start: nobody was told the name of the pair. */
static void test_link_by_address(void **state)
{
        struct error err = ERROR_INIT;
        struct scan *s;

        fake_file(root, "/sys/class/net/veth87090d9f/address", "96:07:f2:a6:21:c6\n");
        fake_file(root, "/sys/class/net/veth472d9e04/address", "00:16:3e:6e:e8:b0\n");
        assert_int_equal(scan_new(root, "/var/lib/lxd", &s), 0);
        assert_int_equal(scan_add_target(s, "", "soak-x-1", "00:16:3e:6e:e8:b1", &err), 0);
        assert_int_equal(scan_add_target(s, "", "soak-x-2", "veth1,00:16:3e:6e:e8:b0", &err), 0);
        assert_int_equal(scan_add_target(s, "", "soak-x-3", "00:16:3e:6e:e8:B0", &err), -EINVAL);
        assert_int_equal(scan_run(s), 0);
        assert_int_equal(count(s, LEFTOVER_VETH), 1);
        assert_int_equal(item(s, LEFTOVER_VETH, "veth472d9e04")->target, 1);
        scan_free(s);
}

static void test_clean(void **state)
{
        struct scan *s = SCAN("/var/lib/lxd", "/soak-x-1:veth0790882b", "p/soak-x-2:");

        assert_int_equal(s->n_items, 0);
        assert_int_equal(s->blind, 0);
        assert_int_equal(s->n_daemons, 1);
        scan_free(s);
}

static void test_delete_lied(void **state)
{
        struct scan *s;

        make_lie("soak-x-1");
        s = SCAN("/var/lib/lxd", "/soak-x-2:veth1", "/soak-x-1:veth0790882b,veth2");
        assert_int_equal(count(s, LEFTOVER_PROCESS), 3);
        assert_string_equal(item(s, LEFTOVER_PROCESS, "pid 509 [lxc monitor]")->detail,
                            "state T, parent 1, /var/lib/lxd/containers soak-x-1");
        assert_string_equal(item(s, LEFTOVER_PROCESS, "pid 518 init")->detail,
                            "state S, parent 509, in lxc.payload.soak-x-1");
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 529 sleep")->target, 1);
        assert_int_equal(count(s, LEFTOVER_CGROUP), 2);
        assert_string_equal(item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/lxc.monitor.soak-x-1")->detail,
                            "1 task");
        assert_int_equal(count(s, LEFTOVER_VETH), 1);
        assert_int_equal(item(s, LEFTOVER_VETH, "veth0790882b")->target, 1);
        assert_int_equal(count(s, LEFTOVER_VOLUME), 1);
        item(s, LEFTOVER_VOLUME, "/var/lib/lxd/devices/soak-x-1");
        assert_int_equal(count(s, LEFTOVER_MOUNT), 0);
        scan_free(s);
}

/* soak-x-1 is not soak-x-10, nor soak-x-1 of a project, nor y-soak-x-1. */
static void test_names_are_whole(void **state)
{
        struct scan *s;

        make_lie("soak-x-10");
        FAKE_PROCESS(root, 600, 1, 'S', "lxd", "[lxc monitor] /var/lib/lxd/containers p_soak-x-1");
        FAKE_PROCESS(root, 601, 1, 'S', "lxd", "/usr/bin/lxd\0forkexec\0soak-x-12\0/x");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.p_soak-x-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.y-soak-x-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-x");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-x-1a");
        fake_dir(root, "/var/lib/lxd/storage-pools/default/containers/soak-x-100");
        fake_dir(root, "/var/lib/lxd/storage-pools/default/containers/p_soak-x-1");
        s = SCAN("/var/lib/lxd", "/soak-x-1:", "q/soak-x-10:", "default/soak-x-0:");
        assert_int_equal(s->n_items, 0);
        scan_free(s);

        s = SCAN("/var/lib/lxd", "default/soak-x-10:", "p/soak-x-1:");
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 600 [lxc monitor]")->target, 1);
        assert_string_equal(s->targets[1].instance, "soak-x-1");
        item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/lxc.payload.p_soak-x-1");
        item(s, LEFTOVER_VOLUME, "/var/lib/lxd/storage-pools/default/containers/p_soak-x-1");
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 518 init")->target, 0);
        scan_free(s);
}

/* LXC puts -1, -2 … behind the name of a cgroup when an old one is in the way. */
static void test_numbered_cgroups(void **state)
{
        struct scan *s;

        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-x-7-1");
        fake_dir(root, "/sys/fs/cgroup/lxc.monitor.soak-x-7-12");
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-x-8-1");
        fake_dir(root, "/var/lib/lxd/containers/soak-x-8-1"); /* an instance of its own */
        s = SCAN("/var/lib/lxd", "/soak-x-7:", "/soak-x-8:");
        assert_int_equal(s->n_items, 2);
        assert_string_equal(
                item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/lxc.payload.soak-x-7-1")->detail,
                "0 tasks");
        item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/lxc.monitor.soak-x-7-12");
        scan_free(s);
}

/* Several hierarchies, and a daemon that may not write to their roots. */
static void test_old_hierarchies(void **state)
{
        static const char mounts[] =
                "25 24 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
                "26 25 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                "27 25 0:24 / /sys/fs/cgroup/freezer rw shared:3 - cgroup cgroup rw,freezer\n"
                "28 25 0:25 / /sys/fs/cgroup/memory rw shared:4 - cgroup cgroup rw,memory\n";
        struct scan *s;

        fake_file(root, "/proc/self/mountinfo", mounts);
        fake_file(root, "/proc/74/cgroup",
                  "3:freezer:/\n2:memory:/system.slice/lxd.service\n0::/outer/lxd\n");
        fake_file(root, "/sys/fs/cgroup/freezer/lxc.payload.soak-x-1/cgroup.procs", "518\n");
        fake_file(root, "/sys/fs/cgroup/freezer/lxc.payload.soak-x-1/freezer.state", "FROZEN\n");
        FAKE_PROCESS(root, 518, 509, 'S', "a) b (\x1b", "x");
        fake_dir(root, "/sys/fs/cgroup/memory/system.slice/lxd.service/lxc.payload.soak-x-1");
        fake_dir(root, "/sys/fs/cgroup/unified/outer/lxc.monitor.soak-x-1");
        s = SCAN("/var/lib/lxd", "/soak-x-1:");
        assert_string_equal(
                item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/freezer/lxc.payload.soak-x-1")->detail,
                "1 task, frozen");
        item(s, LEFTOVER_CGROUP,
             "/sys/fs/cgroup/memory/system.slice/lxd.service/lxc.payload.soak-x-1");
        item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/unified/outer/lxc.monitor.soak-x-1");
        item(s, LEFTOVER_PROCESS, "pid 518 a) b (?");
        assert_int_equal(s->n_items, 4);
        scan_free(s);
}

static void test_helpers_of_the_daemon(void **state)
{
        struct scan *s;

        FAKE_PROCESS(root, 652, 74, 'S', "lxd",
                     "/usr/bin/lxd\0forkexec\0soak-x-1\0/var/lib/lxd/containers\0"
                     "/var/log/lxd/soak-x-1/lxc.conf\0\0"
                     "0\0--\0env\0--\0cmd\0soak-x-2");
        FAKE_PROCESS(root, 653, 74, 'S', "lxd",
                     "/usr/bin/lxd\0forkstart\0soak-x-3\0/var/lib/lxd/containers");
        FAKE_PROCESS(root, 625, 1, 'S', "lxd",
                     "/usr/bin/lxd\0forkproxy\0--\0"
                     "74\0"
                     "4\0tcp:127.0.0.1:8123\0"
                     "518");
        fake_link(root, "/proc/625/fd/1", "/var/log/lxd/soak-x-4/proxy.px.log");
        /* somebody's client is not the daemon's */
        FAKE_PROCESS(root, 644, 642, 'S', "lxc",
                     "lxc\0exec\0soak-x-5\0--\0sleep\0"
                     "8");
        FAKE_PROCESS(root, 645, 642, 'S', "bash", "/usr/bin/lxd\0forkexec\0soak-x-5");
        FAKE_PROCESS(root, 646, 1, 'Z', "lxd", "");
        s = SCAN("/var/lib/lxd",
                 "/soak-x-1:", "/soak-x-2:", "/soak-x-3:", "/soak-x-4:", "/soak-x-5:");
        assert_int_equal(s->n_items, 3);
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 652 lxd forkexec")->target, 0);
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 653 lxd forkstart")->target, 2);
        assert_int_equal(item(s, LEFTOVER_PROCESS, "pid 625 lxd forkproxy")->target, 3);
        scan_free(s);
}

static void test_mounts(void **state)
{
        static const char host[] = UNIFIED
                "40 24 0:40 / /var/lib/lxd/shmounts rw shared:40 - tmpfs tmpfs rw\n"
                "41 24 0:41 / /var/lib/lxd/storage-pools/z/containers/soak-x-1 rw - zfs "
                "tank/containers/soak-x-1 rw\n"
                "42 24 8:1 /containers/soak-x-2/rootfs /mnt/else\\040where rw - btrfs /dev/loop0 "
                "rw\n"
                "43 24 0:43 / /mnt/other rw - zfs tank/containers/soak-x-3 rw\n"
                "44 24 0:44 / /mnt/soak-x-10 rw - tmpfs tmpfs rw\n"
                "this is no line of it\n";
        struct scan *s;

        fake_file(root, "/proc/1/mountinfo", host);
        fake_file(root, "/proc/74/mountinfo",
                  "50 24 0:41 / /var/lib/lxd/storage-pools/z/containers/soak-x-1 rw - zfs "
                  "tank/containers/soak-x-1 rw\n"
                  "51 24 0:51 / /var/lib/lxd/devices/soak-x-4/disk.d rw - tmpfs tmpfs rw\n");
        fake_link(root, "/proc/1/ns/mnt", "mnt:[1]");
        fake_link(root, "/proc/self/ns/mnt", "mnt:[1]");
        fake_link(root, "/proc/74/ns/mnt", "mnt:[2]");
        s = SCAN("/var/lib/lxd", "/soak-x-1:", "/soak-x-2:", "/soak-x-3:", "/soak-x-4:");
        assert_int_equal(count(s, LEFTOVER_MOUNT), 4);
        assert_string_equal(
                item(s, LEFTOVER_MOUNT, "/var/lib/lxd/storage-pools/z/containers/soak-x-1")->detail,
                "zfs of tank/containers/soak-x-1, in the mounts of the host");
        assert_int_equal(item(s, LEFTOVER_MOUNT, "/mnt/else\\040where")->target, 1);
        assert_int_equal(item(s, LEFTOVER_MOUNT, "/mnt/other")->target, 2);
        assert_string_equal(item(s, LEFTOVER_MOUNT, "/var/lib/lxd/devices/soak-x-4/disk.d")->detail,
                            "tmpfs of tmpfs, in the mounts of lxd (pid 74)");
        scan_free(s);
}

static void test_volumes(void **state)
{
        struct scan *s;

        fake_dir(root, "/var/lib/lxd/storage-pools/default/containers/soak-x-1");
        fake_dir(root, "/var/lib/lxd/storage-pools/second/containers-snapshots/soak-x-1");
        fake_link(root, "/var/lib/lxd/containers/soak-x-1",
                  "/var/lib/lxd/storage-pools/default/containers/soak-x-1");
        fake_dir(root, "/var/lib/lxd/shmounts/soak-x-1");
        fake_file(root, "/var/lib/lxd/security/seccomp/soak-x-1", "x");
        fake_file(root, "/var/lib/lxd/security/apparmor/profiles/lxd-soak-x-1", "x");
        fake_dir(root, "/var/log/lxd/soak-x-1"); /* stays for two days, by design */
        fake_dir(root, "/var/lib/lxd/logs/soak-x-1");
        s = SCAN("/var/lib/lxd", "/soak-x-1:");
        assert_int_equal(s->n_items, 6);
        assert_int_equal(count(s, LEFTOVER_VOLUME), 6);
        assert_string_equal(item(s, LEFTOVER_VOLUME, "/var/lib/lxd/containers/soak-x-1")->detail,
                            "a link");
        item(s, LEFTOVER_VOLUME, "/var/lib/lxd/security/apparmor/profiles/lxd-soak-x-1");
        item(s, LEFTOVER_VOLUME, "/var/lib/lxd/storage-pools/second/containers-snapshots/soak-x-1");
        scan_free(s);
}

/* A snap's files and mounts are in its own mount name space. */
static void test_snap(void **state)
{
        static const char dir[] = "/var/snap/lxd/common/lxd";
        struct scan *s;

        FAKE_PROCESS(root, 80, 1, 'S', "lxd",
                     "lxd\0--logfile\0/var/snap/lxd/common/lxd/logs/lxd.log");
        fake_link(root, "/proc/self/ns/mnt", "mnt:[1]");
        fake_link(root, "/proc/74/ns/mnt", "mnt:[1]");
        fake_link(root, "/proc/80/ns/mnt", "mnt:[2]");
        fake_dir(root, "/proc/80/root/var/snap/lxd/common/lxd/storage-pools/default/containers/"
                       "soak-x-1");
        s = SCAN(dir, "/soak-x-1:");
        assert_int_equal(s->n_items, 1);
        item(s, LEFTOVER_VOLUME,
             "/var/snap/lxd/common/lxd/storage-pools/default/containers/soak-x-1");
        scan_free(s);
}

static void test_incus(void **state)
{
        struct scan *s;

        FAKE_PROCESS(root, 90, 1, 'S', "incusd", "/usr/libexec/incus/incusd\0--group\0incus-admin");
        FAKE_PROCESS(root, 91, 1, 'S', "incusd",
                     "[lxc monitor] /var/lib/incus/containers soak-x-1");
        FAKE_PROCESS(root, 92, 90, 'S', "incusd", "incusd\0forkexec\0soak-x-1\0/x");
        fake_file(root, "/var/lib/incus/security/apparmor/profiles/incus-soak-x-1", "x");
        s = SCAN("/var/lib/incus", "/soak-x-1:");
        item(s, LEFTOVER_PROCESS, "pid 91 [lxc monitor]");
        item(s, LEFTOVER_PROCESS, "pid 92 incusd forkexec");
        item(s, LEFTOVER_VOLUME, "/var/lib/incus/security/apparmor/profiles/incus-soak-x-1");
        assert_int_equal(s->n_items, 3);
        assert_int_equal(s->n_daemons, 2);
        scan_free(s);
}

static void test_blind(void **state)
{
        char path[PATH_MAX], hidden[PATH_MAX];
        struct scan *s;

        /* hidepid, no cgroups, no right to the daemon's directories */
        fake_path(path, root, "/proc/1");
        fake_path(hidden, root, "/proc/hidden");
        assert_int_equal(rename(path, hidden), 0);
        fake_file(root, "/proc/self/mountinfo", "");
        s = SCAN("", "/soak-x-1:");
        assert_int_equal(s->blind, 1U << LEFTOVER_PROCESS | 1U << LEFTOVER_CGROUP |
                                           1U << LEFTOVER_MOUNT | 1U << LEFTOVER_VOLUME);
        scan_free(s);
}

/* A directory that may be passed but not listed: 0711, as LXD's are. */
static void test_unlistable(void **state)
{
        char path[PATH_MAX];
        struct scan *s;

        if (geteuid() == 0)
                skip();
        fake_dir(root, "/var/lib/lxd/devices/soak-x-1");
        fake_path(path, root, "/var/lib/lxd/devices");
        chmod(path, 0311);
        s = SCAN("/var/lib/lxd", "/soak-x-1:", "/soak-x-2:");
        assert_int_equal(s->n_items, 1);
        item(s, LEFTOVER_VOLUME, "/var/lib/lxd/devices/soak-x-1");
        assert_int_equal(s->blind, 0);
        scan_free(s);
        chmod(path, 0000);
        s = SCAN("/var/lib/lxd", "/soak-x-1:");
        assert_int_equal(s->n_items, 0);
        assert_int_equal(s->blind, 1U << LEFTOVER_VOLUME);
        scan_free(s);
        chmod(path, 0755);
}

static void test_limits(void **state)
{
        struct error err = ERROR_INIT;
        struct scan *s;

        assert_int_equal(scan_new(root, "/var/lib/lxd", &s), 0);
        assert_int_equal(scan_add_target(s, "", "../x", "", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "", "", "", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "", "..", "", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "a/b", "x", "", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "", "x", "veth0/../..", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "", "x", "sixteencharacter", NULL), -EINVAL);
        assert_int_equal(scan_add_target(s, "", "x", "0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6", NULL),
                         -E2BIG);
        assert_int_equal(s->n_targets, 0);
        for (int i = 0; i < SCAN_TARGETS_MAX; i++) {
                char name[16];

                snprintf(name, sizeof(name), "x-%d", i);
                assert_int_equal(scan_add_target(s, "", name, ",,a,", &err), 0);
        }
        assert_int_equal(scan_add_target(s, "", "one-too-many", "", &err), -E2BIG);
        assert_int_equal(scan_index(s), 0);
        for (int i = 0; i < SCAN_TARGETS_MAX; i++) {
                char name[16];

                snprintf(name, sizeof(name), "x-%d", i);
                assert_int_equal(scan_find(s, name, strlen(name)), i);
                assert_int_equal(scan_find(s, name, strlen(name) - 1), i < 10 ? -ENOENT : i / 10);
        }
        assert_int_equal(scan_find_in_path(s, "/a//x-11/x-12/"), 11);
        assert_int_equal(scan_find_in_path(s, "/a/x-1/"), 1);
        assert_int_equal(scan_find_in_path(s, "/a/x-1b/"), -ENOENT);
        scan_free(s);
}

/* A container full of processes does not fill the answer. */
static void test_many_processes(void **state)
{
        static char procs[8192];
        struct scan *s;
        size_t n = 0;

        for (int pid = 1000; pid < 1500; pid++) {
                FAKE_PROCESS(root, pid, 1, 'S', "busy", "busy");
                n += (size_t)snprintf(procs + n, sizeof(procs) - n, "%d\n", pid);
        }
        fake_file(root, "/sys/fs/cgroup/lxc.payload.soak-x-1/cgroup.procs", procs);
        fake_dir(root, "/sys/fs/cgroup/lxc.payload.soak-x-2");
        s = SCAN("/var/lib/lxd", "/soak-x-1:", "/soak-x-2:");
        assert_int_equal(s->n_items, SCAN_ITEMS_PER_TARGET + 1);
        assert_true(s->omitted > 0);
        assert_string_equal(item(s, LEFTOVER_CGROUP, "/sys/fs/cgroup/lxc.payload.soak-x-1")->detail,
                            "256 or more tasks");
        scan_free(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
                cmocka_unit_test_setup_teardown(test_link_by_address, setup, teardown),
                cmocka_unit_test_setup_teardown(test_delete_lied, setup, teardown),
                cmocka_unit_test_setup_teardown(test_names_are_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(test_numbered_cgroups, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_hierarchies, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helpers_of_the_daemon, setup, teardown),
                cmocka_unit_test_setup_teardown(test_mounts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_volumes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_snap, setup, teardown),
                cmocka_unit_test_setup_teardown(test_incus, setup, teardown),
                cmocka_unit_test_setup_teardown(test_blind, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unlistable, setup, teardown),
                cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many_processes, setup, teardown),
        };

        return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
