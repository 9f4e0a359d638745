/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lxdsoak-coord when a host cannot be had, or keys are wrong: the words, the
 * exit code, and that nothing is left. And `cleanup` and `keygen`.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/coord-harness.h"

static bool is_there(const struct harness *h, const char *name)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", h->dir, name);
        return access(path, F_OK) == 0;
}

static void write_file(const struct harness *h, const char *name, const char *text, mode_t mode)
{
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", h->dir, name);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
}

/* A TCP port nobody has just now; *fd is bound to it (and listens, if so asked). */
static unsigned a_port(int *fd, bool listens)
{
        struct sockaddr_in a = {.sin_family = AF_INET};
        socklen_t size = sizeof(a);

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &size), 0);
        if (listens)
                assert_int_equal(listen(*fd, 16), 0);
        return ntohs(a.sin_port);
}

static void test_no_socket(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){0});
        strcat(h.hosts, ",ipc:///tmp/lxdsoak-test-nothing.sock,ipc:///etc/passwd");
        harness_run(&h, "--hosts HOSTS --total 5 --json --run-dir run", 60);
        assert_code(&h, 96);
        assert_says(&h, "nothing.sock does not exist; is lxdsoak-agent running?");
        assert_says(&h, "/etc/passwd");
        assert_int_equal(harness_number(&h, "exit_code"), 96);
        assert_true(h.took_ms < 60000); /* only guards against hanging */
        assert_false(is_there(&h, "run"));
        harness_end(&h);
}

static void test_refused_by_agent(void **state)
{
        static const struct {
                enum refuse_code code;
                const char *text, *says;
        } cases[] = {
                {REFUSE_BUSY, "busy with run 0a1b2c3d", "busy with run 0a1b2c3d"},
                {REFUSE_IMAGE, "no image called soak", "no image called soak"},
                {REFUSE_LXD, "LXD does not answer", "LXD does not answer"},
                {REFUSE_VERSION, "speaks 2 to 3", "speaks 2 to 3"},
                {REFUSE_ROLE, "", "role"},
                {REFUSE_STALE_EPOCH, "", "stale_epoch"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct harness h;

                harness_begin(&h);
                harness_agent(&h, (struct fake_agent){0});
                harness_agent(&h, (struct fake_agent){.refuse = 1 + (int)cases[i].code,
                                                      .refuse_text = cases[i].text});
                harness_run(&h, "--hosts HOSTS --total 5", 60);
                assert_code(&h, 96);
                assert_says(&h, "/b.sock: ");
                assert_says(&h, cases[i].says);
                assert_null(strstr(h.err, "/a.sock"));
                assert_string_equal(h.out, "");
                assert_true(h.took_ms < 60000); /* only guards against hanging */
                harness_end(&h);
        }
}

static void test_one_agent_twice(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.agent_id = "same"});
        harness_agent(&h, (struct fake_agent){.agent_id = "same"});
        harness_run(&h, "--hosts HOSTS --total 5", 60);
        assert_code(&h, 96);
        assert_says(&h, "a.sock");
        assert_says(&h, "b.sock");
        harness_end(&h);
}

static void test_bad_record(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.bad_record = true});
        harness_agent(&h, (struct fake_agent){.unit_ms = 20});
        harness_run(&h, "--hosts HOSTS --total 50 --json --run-dir run", 60);
        assert_code(&h, 96);
        assert_int_equal(harness_number(&h, "units/passed"), 50);
        assert_says(&h, "record 1 cannot be read");
        harness_end(&h);
}

/* One host dies; what it had goes to the other only after its lease expired. */
static void test_all_hosts_die(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.bad_record = true});
        harness_run(&h, "--hosts HOSTS --total 50 --json --run-dir run", 60);
        assert_code(&h, 96);
        assert_says(&h, "no host is left");
        assert_int_equal(harness_number(&h, "units/passed"), 0);
        assert_true(is_there(&h, "run/run.db"));
        harness_end(&h);
}

static void test_name_not_found(void **state)
{
        struct harness h;

        harness_begin(&h);
        write_file(&h, "known_agents",
                   "no-such-host.invalid rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n", 0644);
        harness_run(&h, "keygen k.key", 60);
        assert_code(&h, 0);
        harness_run(&h,
                    "--hosts no-such-host.invalid --total 5 --key k.key --known-agents "
                    "known_agents --run-dir run",
                    30);
        assert_code(&h, 96);
        assert_says(&h, "host no-such-host.invalid: its address cannot be found");
        assert_false(is_there(&h, "run"));
        harness_end(&h);
}

/* What it printed is a line for authorized_keys, with the key of that file. */
static void check_line(struct harness *h, const char *public)
{
        char path[160], list[160], key[KEY_Z85_SIZE + 1];
        struct allow_list allow = {0};
        struct error err = ERROR_INIT;
        FILE *f;

        write_file(h, "allow", h->out, 0644);
        snprintf(list, sizeof(list), "%s/allow", h->dir);
        assert_ok(allow_list_read(list, &allow, &err), err);
        assert_int_equal(allow.n, 1);
        assert_int_equal(allow.entries[0].role, ROLE_DRIVE);
        assert_non_null(strchr(allow.entries[0].name, '@'));
        snprintf(path, sizeof(path), "%s/%s", h->dir, public);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(fgets(key, sizeof(key), f));
        fclose(f);
        key[strcspn(key, "\n")] = '\0';
        assert_string_equal(allow.entries[0].key, key);
        allow_list_clear(&allow);
}

static void test_keygen(void **state)
{
        struct harness h;
        struct stat st;
        char path[128];

        harness_begin(&h);
        harness_run(&h, "keygen my.key", 60);
        assert_code(&h, 0);
        check_line(&h, "my.pub");
        snprintf(path, sizeof(path), "%s/my.key", h.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_true(is_there(&h, "my.pub"));
        harness_run(&h, "keygen my.key", 60);
        assert_code(&h, 64);
        assert_says(&h, "my.key");
        harness_run(&h, "keygen --show my.key", 60);
        assert_code(&h, 0);
        check_line(&h, "my.pub");
        harness_run(&h, "keygen --show no.key", 60);
        assert_code(&h, 64);
        assert_says(&h, "There is no key no.key; make one with `lxdsoak-coord keygen no.key`");
        assert_false(is_there(&h, "no.key"));
        harness_end(&h);
}

/* Without a file name: the directory is made too, and nothing is made that was not asked for. */
static void test_keygen_usual_place(void **state)
{
        struct harness h;
        struct stat st;
        char path[128];

        harness_begin(&h);
        harness_run(&h, "keygen", 60);
        assert_code(&h, 0);
        check_line(&h, ".config/lxdsoak/coord.pub");
        assert_says(&h, "/.config/lxdsoak/coord.key; on each host, this line goes into");
        snprintf(path, sizeof(path), "%s/.config/lxdsoak", h.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        harness_run(&h, "keygen --show", 60);
        assert_code(&h, 0);
        check_line(&h, ".config/lxdsoak/coord.pub");
        harness_run(&h, "keygen", 60);
        assert_code(&h, 64);
        assert_says(&h, "There is a key already");
        assert_says(&h, "keygen --show");
        harness_end(&h);
}

static void test_no_keys(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_run(&h, "--hosts 127.0.0.1 --total 5 --key nothing.key", 60);
        assert_code(&h, 64);
        assert_says(&h, "nothing.key");
        harness_run(&h, "keygen my.key", 60);
        harness_run(&h, "--hosts 127.0.0.1 --total 5 --key my.key --known-agents known_agents", 60);
        assert_code(&h, 64);
        assert_says(&h, "known_agents");
        write_file(&h, "known_agents", "other rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n", 0644);
        harness_run(&h, "--hosts 127.0.0.1 --total 5 --key my.key --known-agents known_agents", 60);
        assert_code(&h, 64);
        assert_says(&h, "127.0.0.1");
        write_file(&h, "open.key", "whatever", 0644);
        harness_run(&h, "--hosts 127.0.0.1 --total 5 --key open.key", 60);
        assert_code(&h, 64);
        assert_says(&h, "open.key");
        harness_end(&h);
}

struct curve_setup {
        struct key_pair agent, ours, other;
        unsigned port;
        char endpoint[64];
};

/* Keys of both sides in the directory, an agent's port. */
static void curve_begin(struct harness *h, struct curve_setup *c)
{
        char line[256], path[256];
        struct error err = ERROR_INIT;
        int fd;

        harness_begin(h);
        assert_int_equal(key_generate(&c->agent), 0);
        assert_int_equal(key_generate(&c->ours), 0);
        assert_int_equal(key_generate(&c->other), 0);
        snprintf(path, sizeof(path), "%s/my.key", h->dir);
        assert_ok(key_write(path, &c->ours, &err), err);
        snprintf(line, sizeof(line), "127.0.0.1 %s\n", c->agent.public);
        write_file(h, "known_agents", line, 0644);
        c->port = a_port(&fd, false);
        close(fd);
        snprintf(c->endpoint, sizeof(c->endpoint), "tcp://127.0.0.1:%u", c->port);
}

#define CURVE_ARGS                                                                                 \
        "--hosts HOSTS --total 20 --json --run-dir run --key my.key --known-agents known_agents "  \
        "--connect-timeout 5s"

static void test_curve(void **state)
{
        struct curve_setup c;
        struct harness h;

        curve_begin(&h, &c);
        harness_agent(&h, (struct fake_agent){.endpoint = c.endpoint,
                                              .secret = c.agent.secret,
                                              .allowed = c.ours.public});
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 0);
        assert_int_equal(harness_number(&h, "units/passed"), 20);
        harness_end(&h);
}

static void test_curve_our_key_refused(void **state)
{
        struct curve_setup c;
        struct harness h;

        curve_begin(&h, &c);
        harness_agent(&h, (struct fake_agent){.endpoint = c.endpoint,
                                              .secret = c.agent.secret,
                                              .allowed = c.other.public});
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 96);
        assert_says(&h, "host 127.0.0.1: it refused our key, ");
        assert_says(&h, "/etc/lxdsoak/authorized_keys; add this line there: drive NAME ");
        assert_says(&h, c.ours.public);
        assert_true(h.took_ms < 60000); /* only guards against hanging */
        harness_end(&h);
}

static void test_curve_wrong_agent_key(void **state)
{
        struct curve_setup c;
        struct harness h;

        curve_begin(&h, &c);
        harness_agent(&h, (struct fake_agent){.endpoint = c.endpoint,
                                              .secret = c.other.secret,
                                              .allowed = c.ours.public});
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 96);
        assert_says(&h, "we refused it: what answers at tcp://127.0.0.1:");
        assert_says(&h, "does not have the key that known_agents says, ");
        assert_says(&h, c.agent.public);
        harness_end(&h);
}

/* An agent without CURVE is never talked to over TCP. */
static void test_tcp_without_curve(void **state)
{
        struct curve_setup c;
        struct harness h;

        curve_begin(&h, &c);
        harness_agent(&h, (struct fake_agent){.endpoint = c.endpoint});
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 96);
        assert_says(&h, "host 127.0.0.1: we refused it: what answers at");
        harness_end(&h);
}

static void test_connection_refused(void **state)
{
        struct curve_setup c;
        struct harness h;

        curve_begin(&h, &c);
        snprintf(h.hosts, sizeof(h.hosts), "127.0.0.1:%u", c.port);
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 96);
        assert_says(&h, "host 127.0.0.1: connection refused at tcp://127.0.0.1:");
        assert_true(h.took_ms < 60000); /* only guards against hanging */
        harness_end(&h);
}

/* A port that takes connections and says nothing. */
static void test_mute_port(void **state)
{
        struct curve_setup c;
        struct harness h;
        int fd;

        curve_begin(&h, &c);
        snprintf(h.hosts, sizeof(h.hosts), "127.0.0.1:%u", a_port(&fd, true));
        harness_run(&h, CURVE_ARGS, 60);
        assert_code(&h, 96);
        assert_says(&h, "host 127.0.0.1: it takes the connection, but says nothing");
        assert_true(h.took_ms >= 5000 && h.took_ms < 60000);
        close(fd);
        harness_end(&h);
}

static void test_cleanup(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){0});
        harness_agent(&h, (struct fake_agent){0});
        harness_run(&h, "cleanup --hosts HOSTS", 60);
        assert_code(&h, 0);
        assert_non_null(strstr(h.out, "b.sock: removed instance soak-12345678-007 (run 12345678)"));
        harness_run(&h, "cleanup --hosts HOSTS --run 12345678 --dry-run", 60);
        assert_code(&h, 0);
        assert_non_null(strstr(h.out, "would remove instance soak-12345678-007"));
        harness_run(&h, "cleanup --hosts HOSTS --json", 60);
        assert_code(&h, 0);
        assert_int_equal(harness_number(&h, "items"), 2);
        harness_end(&h);
}

static void test_cleanup_that_does_not_go(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){.stubborn = true});
        harness_run(&h, "cleanup --hosts HOSTS", 60);
        assert_code(&h, 98);
        assert_non_null(strstr(h.out, "would not go: device busy"));
        harness_end(&h);
}

static void test_cleanup_host_missing(void **state)
{
        struct harness h;

        harness_begin(&h);
        harness_agent(&h, (struct fake_agent){0});
        strcat(h.hosts, ",ipc:///tmp/lxdsoak-test-nothing.sock");
        harness_run(&h, "cleanup --hosts HOSTS", 60);
        assert_code(&h, 96);
        assert_non_null(strstr(h.out, "removed instance"));
        assert_says(&h, "nothing.sock does not exist");
        harness_end(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_socket),
                cmocka_unit_test(test_refused_by_agent),
                cmocka_unit_test(test_one_agent_twice),
                cmocka_unit_test(test_bad_record),
                cmocka_unit_test(test_all_hosts_die),
                cmocka_unit_test(test_name_not_found),
                cmocka_unit_test(test_keygen),
                cmocka_unit_test(test_keygen_usual_place),
                cmocka_unit_test(test_no_keys),
                cmocka_unit_test(test_curve),
                cmocka_unit_test(test_curve_our_key_refused),
                cmocka_unit_test(test_curve_wrong_agent_key),
                cmocka_unit_test(test_tcp_without_curve),
                cmocka_unit_test(test_connection_refused),
                cmocka_unit_test(test_mute_port),
                cmocka_unit_test(test_cleanup),
                cmocka_unit_test(test_cleanup_that_does_not_go),
                cmocka_unit_test(test_cleanup_host_missing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
