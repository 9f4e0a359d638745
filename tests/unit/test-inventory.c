/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The agent's end of the helper and the real helper program, on fake trees; and
 * helpers that die, hang, talk nonsense or do not exist.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/inventory.h"
#include "base/clock.h"
#include "fake-tree.h"

static char *root;
static sd_event *event;

struct heard {
        int called, error;
        unsigned blind;
        size_t n;
        char text[256];
        struct inventory_item items[8];
        struct inventory *ask_again; /* from the handler */
};

static int setup(void **state)
{
        root = fake_root_new();
        FAKE_PROCESS(root, 1, 0, 'S', "systemd", "/sbin/init");
        fake_file(root, "/proc/1/mountinfo", "");
        fake_file(root, "/proc/self/mountinfo",
                  "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        fake_dir(root, "/sys/fs/cgroup");
        assert_int_equal(sd_event_new(&event), 0);
        return 0;
}

static int teardown(void **state)
{
        sd_event_unref(event);
        /* helpers whose end the loop did not see any more */
        while (waitpid(-1, NULL, 0) > 0)
                ;
        fake_root_free(root);
        return 0;
}

/* A program of the given shell text; $HELPER is the real one. */
static const char *make_helper(const char *text)
{
        static char path[PATH_MAX];
        char script[2 * PATH_MAX];
        const char *build = getenv("LXDSOAK_BUILD");

        assert_non_null(build);
        snprintf(script, sizeof(script),
                 "#!/bin/sh\nHELPER='%s/agent/lxdsoak-helper --root %s'\ncd %s\n%s\n", build, root,
                 root, text);
        fake_file(root, "/helper", script);
        fake_path(path, root, "/helper");
        assert_int_equal(chmod(path, 0755), 0);
        return path;
}

static const char real[] = "exec $HELPER \"$@\"";

static void on_answer(const struct inventory_answer *answer, void *userdata)
{
        struct heard *r = userdata;

        r->called++;
        r->error = answer->error;
        r->blind = answer->blind;
        r->n = answer->n;
        snprintf(r->text, sizeof(r->text), "%s", answer->error_text);
        for (size_t i = 0; i < MIN(answer->n, ELEMENTSOF(r->items)); i++)
                r->items[i] = answer->items[i];
        if (r->ask_again) {
                struct inventory *inv = TAKE(r->ask_again);

                assert_int_equal(inventory_ask(inv, "", "soak-x-1", "", on_answer, r, NULL), 0);
        }
}

/* Runs the loop until `n` answers came; it must not take 20 s. */
static void wait_for(const struct heard *results, size_t n, int answers)
{
        int64_t end_ns = now_monotonic_ns() + 20 * NSEC_PER_SEC;

        for (;;) {
                int called = 0;

                for (size_t i = 0; i < n; i++)
                        called += results[i].called;
                if (called >= answers) {
                        assert_int_equal(called, answers);
                        return;
                }
                assert_true(now_monotonic_ns() < end_ns);
                assert_true(sd_event_run(event, 100000) >= 0);
        }
}

static void ask(struct inventory *inv, const char *project, const char *instance, const char *veths,
                struct heard *result)
{
        struct inventory_query *q;

        assert_int_equal(inventory_ask(inv, project, instance, veths, on_answer, result, &q), 0);
}

static struct inventory *new_inventory(const char *helper)
{
        struct inventory *inv;

        assert_int_equal(inventory_new(event, helper, "/var/lib/lxd", &inv), 0);
        return inv;
}

static void test_answers(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        struct heard r[4] = {0};

        fake_dir(root, "/var/lib/lxd/devices/soak-x-1");
        fake_dir(root, "/var/lib/lxd/devices/p_soak-x-1");
        fake_dir(root, "/var/lib/lxd/shmounts/p_soak-x-1");
        fake_dir(root, "/sys/class/net/veth1");
        ask(inv, NULL, "soak-x-1", NULL, &r[0]);
        ask(inv, "p", "soak-x-1", "veth1,veth2", &r[1]);
        ask(inv, "default", "soak-x-2", "", &r[2]);
        ask(inv, "", "soak-x-1", "veth1", &r[3]); /* in the next batch */
        assert_int_equal(r[0].called, 0);
        wait_for(r, 4, 4);
        for (int i = 0; i < 4; i++)
                assert_int_equal(r[i].error, 0);
        assert_int_equal(r[0].n, 1);
        assert_int_equal(r[0].items[0].kind, LEFTOVER_VOLUME);
        assert_string_equal(r[0].items[0].name, "/var/lib/lxd/devices/soak-x-1");
        assert_string_equal(r[0].items[0].detail, "a directory");
        assert_string_equal(r[0].items[0].instance, "soak-x-1");
        assert_int_equal(r[1].n, 3);
        assert_int_equal(r[2].n, 0);
        assert_int_equal(r[3].n, 2);
        inventory_free(inv);
}

/* More than fit into one question, each answered for itself. */
static void test_many(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        static struct heard r[600];

        for (size_t i = 0; i < ELEMENTSOF(r); i++) {
                char name[64], path[128];

                snprintf(name, sizeof(name), "soak-abcdefgh-%04zu", i);
                for (size_t j = 0; j < i % 3; j++) {
                        snprintf(path, sizeof(path), "/var/lib/lxd/%s/%s",
                                 j ? "devices" : "shmounts", name);
                        fake_dir(root, path);
                }
                ask(inv, "", name, "veth11111111,veth22222222", &r[i]);
        }
        wait_for(r, ELEMENTSOF(r), ELEMENTSOF(r));
        for (size_t i = 0; i < ELEMENTSOF(r); i++) {
                assert_int_equal(r[i].error, 0);
                assert_int_equal(r[i].n, i % 3);
        }
        inventory_free(inv);
}

/* The longest answer: every target with as many items as it may have. */
static void test_long_answer(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        static struct heard r[100];
        char path[256], procs[4096];
        size_t n = 0;

        for (int pid = 1000; pid < 1100; pid++) {
                FAKE_PROCESS(root, pid, 1, 'S', "\"\\\"\\\"\\\"\\\"\\\"\\\"", "x");
                n += (size_t)snprintf(procs + n, sizeof(procs) - n, "%d\n", pid);
        }
        for (size_t i = 0; i < ELEMENTSOF(r); i++) {
                char name[64];

                snprintf(name, sizeof(name), "soak-%058zu", i);
                snprintf(path, sizeof(path), "/sys/fs/cgroup/lxc.payload.%s/cgroup.procs", name);
                fake_file(root, path, procs);
                ask(inv, "", name, "", &r[i]);
        }
        wait_for(r, ELEMENTSOF(r), ELEMENTSOF(r));
        for (size_t i = 0; i < ELEMENTSOF(r); i++) {
                assert_int_equal(r[i].error, 0);
                assert_int_equal(r[i].n, 64);
                assert_int_equal(strlen(r[i].items[0].instance), 63);
        }
        inventory_free(inv);
}

static void test_ask_from_handler_and_cancel(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        struct inventory_query *q[3];
        struct heard r[3] = {0};

        r[0].ask_again = inv;
        for (int i = 0; i < 3; i++) {
                char name[16];

                snprintf(name, sizeof(name), "soak-%d", i);
                assert_int_equal(inventory_ask(inv, "", name, "", on_answer, &r[i], &q[i]), 0);
        }
        inventory_cancel(q[1]);
        wait_for(r, 3, 3);
        assert_int_equal(r[0].called, 2);
        assert_int_equal(r[1].called, 0);
        assert_int_equal(r[2].called, 1);

        /* cancelled under way */
        assert_int_equal(inventory_ask(inv, "", "soak-9", "", on_answer, &r[1], &q[1]), 0);
        assert_true(sd_event_run(event, 0) >= 0);
        inventory_cancel(q[1]);
        ask(inv, "", "soak-8", "", &r[2]);
        wait_for(r, 3, 4);
        assert_int_equal(r[1].called, 0);
        inventory_free(inv);
}

static void test_refused_request(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        struct heard r = {0};

        ask(inv, "", "no name", "", &r);
        wait_for(&r, 1, 1);
        assert_int_equal(r.error, -EINVAL);
        assert_non_null(strstr(r.text, "no name of an instance"));
        ask(inv, "", "soak-1", "", &r);
        wait_for(&r, 1, 2);
        assert_int_equal(r.error, 0);
        inventory_free(inv);
}

/* Dies at the first question; the second helper answers it. */
static void test_helper_dies_once(void **state)
{
        struct inventory *inv =
                new_inventory(make_helper("[ -e died ] && exec $HELPER \"$@\"; >died; exit 1"));
        struct heard r = {0};

        ask(inv, "", "soak-1", "", &r);
        wait_for(&r, 1, 1);
        assert_int_equal(r.error, 0);
        inventory_free(inv);
}

static void test_helper_always_dies(void **state)
{
        struct inventory *inv = new_inventory(make_helper("echo >>died; exit 1"));
        struct heard r = {0};

        ask(inv, "", "soak-1", "", &r);
        wait_for(&r, 1, 1);
        assert_true(r.error < 0);
        assert_true(strlen(r.text) > 0);
        inventory_free(inv);
}

/* How a child of posix_spawn() ended cannot be seen there: valgrind (3.19) has no pidfd_open(), and
 * makes a fork of a vfork. */
static void skip_under_valgrind(void)
{
        int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

        if (fd < 0 && errno == ENOSYS) {
                print_message("SKIPPED: there is no pidfd_open() here\n");
                skip();
        }
        close(fd);
}

static void test_no_helper(void **state)
{
        struct inventory *inv;
        struct heard r = {0};

        skip_under_valgrind();
        inv = new_inventory("/nowhere/lxdsoak-helper");
        ask(inv, "", "soak-1", "", &r);
        assert_int_equal(r.called, 0);
        wait_for(&r, 1, 1);
        assert_int_equal(r.error, -ENOENT);
        inventory_free(inv);
}

static void test_helper_hangs(void **state)
{
        struct inventory *inv;
        struct heard r[2] = {0};
        int64_t begin_ns = now_monotonic_ns();

        skip_under_valgrind();
        inv = new_inventory(
                make_helper("[ -e hung ] && exec $HELPER \"$@\"; >hung; exec sleep 60"));
        inventory_set_time_limit(inv, NSEC_PER_SEC);
        ask(inv, "", "soak-1", "", &r[0]);
        assert_true(sd_event_run(event, 0) >= 0);
        ask(inv, "", "soak-2", "", &r[1]);
        wait_for(r, 2, 2);
        assert_true(now_monotonic_ns() - begin_ns < 3 * NSEC_PER_SEC);
        assert_int_equal(r[0].error, -ETIMEDOUT);
        assert_int_equal(r[1].error, 0);
        /* nothing is left of the one that hung */
        assert_true(sd_event_run(event, 100000) >= 0);
        inventory_free(inv);
        while (sd_event_run(event, 200000) > 0)
                ;
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

/* The helper itself is well, but what it reads is not: it gives its child up, says
 * what that was reading, and goes on. */
static void test_host_hangs(void **state)
{
        struct inventory *inv = new_inventory(make_helper(real));
        struct heard r = {0};
        char path[PATH_MAX];

        fake_path(path, root, "/proc/1/mountinfo");
        unlink(path);
        assert_int_equal(mkfifo(path, 0600), 0); /* opening it waits for a writer */
        ask(inv, "", "soak-1", "", &r);
        wait_for(&r, 1, 1);
        assert_int_equal(r.error, -ETIMEDOUT);
        assert_non_null(strstr(r.text, "reading /proc/1/mountinfo"));
        unlink(path);
        fake_file(root, "/proc/1/mountinfo", "");
        ask(inv, "", "soak-1", "", &r);
        wait_for(&r, 1, 2);
        assert_int_equal(r.error, 0);
        inventory_free(inv);
}

/* ---- a socket with somebody else behind it ---- */

static int listen_at(char *path, const char *name)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        fake_path(path, root, name);
        assert_true(strlen(path) < sizeof(address.sun_path));
        memcpy(address.sun_path, path, strlen(path));
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 5), 0);
        return fd;
}

static int serve(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        const char *answer = userdata;
        char buf[4096];
        int c = accept(fd, NULL, NULL);

        assert_true(c >= 0);
        assert_true(recv(c, buf, sizeof(buf), 0) > 0);
        assert_true(send(c, answer, strlen(answer), MSG_NOSIGNAL) > 0);
        close(c);
        return 0;
}

static void test_nonsense(void **state)
{
        static const char *const answers[] = {
                "nonsense",
                "[]",
                "{\"id\":1,\"more\":true,\"items\":7}",
                "{\"id\":1,\"more\":true,\"items\":[{\"kind\":\"elephant\"}]}",
                "{\"id\":1,\"more\":true,\"items\":[7]}",
                "{\"id\":1,\"more\":true}",
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                char path[PATH_MAX], name[16];
                sd_event_source *source;
                struct inventory *inv;
                struct heard r = {0};
                int fd;

                snprintf(name, sizeof(name), "/s%zu", i);
                fd = listen_at(path, name);
                assert_true(sd_event_add_io(event, &source, fd, EPOLLIN, serve,
                                            (void *)answers[i]) >= 0);
                inv = new_inventory(path);
                ask(inv, "", "soak-1", "", &r);
                wait_for(&r, 1, 1);
                assert_true(r.error < 0);
                inventory_free(inv);
                sd_event_source_disable_unref(source);
                close(fd);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ask_from_handler_and_cancel, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused_request, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helper_dies_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helper_always_dies, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_helper, setup, teardown),
                cmocka_unit_test_setup_teardown(test_helper_hangs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_host_hangs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        };

        return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
