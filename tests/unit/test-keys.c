/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <zmq.h>

#include "base/text.h"
#include "proto/keys.h"
#include "tests/unit/unit.h"

/* the keys of the examples of zmq_curve(7) */
#define SERVER_PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SERVER_SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define CLIENT_PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static char dir[] = "/tmp/test-keys-XXXXXX";

static int set_up(void **state)
{
        return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
        return rmdir(dir);
}

static const char *in_dir(const char *name)
{
        static char paths[4][128];
        static unsigned i;

        i = (i + 1) % ELEMENTSOF(paths);
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);
        return paths[i];
}

static const char *make(const char *name, const char *text, mode_t mode)
{
        const char *path = in_dir(name);
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
        return path;
}

static mode_t mode_of(const char *path)
{
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void test_generate_write_read(void **state)
{
        struct error err = ERROR_INIT;
        struct key_pair a, b;
        mode_t old = umask(0077);
        char *text;

        assert_int_equal(key_generate(&a), 0);
        assert_int_equal(strlen(a.secret), 40);
        assert_int_equal(strlen(a.public), 40);
        assert_ok(key_write(in_dir("agent.key"), &a, &err), err);
        umask(old);
        assert_int_equal(mode_of(in_dir("agent.key")), 0600);
        assert_int_equal(mode_of(in_dir("agent.pub")), 0644);
        assert_ok(key_read(in_dir("agent.key"), &b, &err), err);
        assert_string_equal(a.secret, b.secret);
        assert_string_equal(a.public, b.public);
        assert_int_equal(text_read_file(in_dir("agent.pub"), 100, &text), 0);
        assert_int_equal(strncmp(text, a.public, 40), 0);
        assert_string_equal(text + 40, "\n");
        free(text);

        /* both or none, and never over what is there */
        assert_error(key_write(in_dir("agent.key"), &a, &err), -EEXIST, err, "agent.key is there");
        unlink(in_dir("agent.key"));
        err = ERROR_INIT;
        assert_error(key_write(in_dir("agent.key"), &a, &err), -EEXIST, err, "agent.pub is there");
        assert_int_equal(access(in_dir("agent.key"), F_OK), -1);
        unlink(in_dir("agent.pub"));

        err = ERROR_INIT;
        assert_ok(key_write(in_dir("other"), &a, &err), err);
        assert_int_equal(unlink(in_dir("other")), 0);
        assert_int_equal(unlink(in_dir("other.pub")), 0);
        assert_error(key_write("/nonexistent/x.key", &a, &err), -ENOENT, err, "/nonexistent/x.key");
}

static void test_known_pair(void **state)
{
        const char *path = make("k.key", "  " SERVER_SECRET " \r\n", 0600);
        struct error err = ERROR_INIT;
        struct key_pair pair;

        assert_ok(key_read(path, &pair, &err), err);
        assert_string_equal(pair.public, SERVER_PUBLIC);
        assert_int_equal(chmod(path, 0400), 0);
        assert_ok(key_read(path, &pair, &err), err);
        unlink(path);
}

static void test_unsafe_files(void **state)
{
        static const mode_t modes[] = {0604, 0640, 0660, 0602, 0610, 0601, 0777, 0644};
        const char *path = make("k.key", SERVER_SECRET "\n", 0600);
        struct key_pair pair = {.secret = "untouched"};
        struct error err = ERROR_INIT;

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                assert_int_equal(chmod(path, modes[i]), 0);
                err = ERROR_INIT;
                assert_error(key_read(path, &pair, &err), -EPERM, err, "chmod 600");
                assert_null(strstr(err.text, SERVER_SECRET));
        }
        assert_int_equal(chmod(path, 0600), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(path, 12345, 12345), 0);
                err = ERROR_INIT;
                assert_error(key_read(path, &pair, &err), -EPERM, err, "belongs to user 12345");
        }
        unlink(path);
        err = ERROR_INIT;
        assert_error(key_read(path, &pair, &err), -ENOENT, err, "There is no key");
        err = ERROR_INIT;
        assert_error(key_read("/tmp", &pair, &err), -EINVAL, err, "is not a file");
        assert_int_equal(mkfifo(path, 0600), 0);
        err = ERROR_INIT;
        assert_error(key_read(path, &pair, &err), -EINVAL, err, "is not a file");
        unlink(path);
        assert_string_equal(pair.secret, "untouched");
}

struct acl {
        uint32_t version;
        struct {
                uint16_t tag, permissions;
                uint32_t id;
        } entries[5];
};

/* The access control list systemd puts on a credential, and ones that let others in. */
static void test_acl(void **state)
{
        const char *path = make("k.key", SERVER_SECRET "\n", 0600);
        struct acl acl = {2,
                          {{1, 4, UINT32_MAX},
                           {2, 4, geteuid()},
                           {4, 0, UINT32_MAX},
                           {16, 4, UINT32_MAX},
                           {32, 0, UINT32_MAX}}};
        struct error err = ERROR_INIT;
        struct key_pair pair;

        if (setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) < 0) {
                print_message("no access control lists here: %s\n", strerror(errno));
                unlink(path);
                skip();
        }
        assert_int_equal(mode_of(path), 0440);
        assert_ok(key_read(path, &pair, &err), err);

        acl.entries[1].id = 12345; /* another user */
        assert_int_equal(setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0), 0);
        assert_error(key_read(path, &pair, &err), -EPERM, err, "open to others");
        acl.entries[1].id = geteuid();
        acl.entries[2].permissions = 4; /* the group */
        assert_int_equal(setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0), 0);
        err = ERROR_INIT;
        assert_error(key_read(path, &pair, &err), -EPERM, err, "open to others");
        unlink(path);
}

static void test_not_a_key(void **state)
{
        static const char *const texts[] = {
                "",
                "\n",
                "abc\n",
                SERVER_SECRET "x\n",
                SERVER_SECRET "\n" SERVER_SECRET "\n",
                "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\"\n", /* '"' is not of Z85 */
                "########################################\n",  /* above 32 bits a group */
        };
        struct key_pair pair;
        char big[5000];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const char *path = make("k.key", texts[i], 0600);
                struct error err = ERROR_INIT;

                assert_error(key_read(path, &pair, &err), -EINVAL, err, "does not hold a key");
                unlink(path);
        }
        memset(big, ' ', sizeof(big));
        memcpy(big, SERVER_SECRET, 40);
        big[sizeof(big) - 1] = '\0';
        {
                const char *path = make("k.key", big, 0600);
                struct error err = ERROR_INIT;

                assert_error(key_read(path, &pair, &err), -EINVAL, err, "does not hold a key");
                unlink(path);
        }
}

/* A key that holds '#'. */
static void hash_key(char ret[static KEY_Z85_SIZE])
{
        memcpy(ret, SERVER_PUBLIC, KEY_Z85_SIZE);
        memcpy(ret, "0#0#0", 5);
        memcpy(ret + 35, "00#0#", 5);
}

static int read_list(const char *text, struct allow_list *list, struct error *err)
{
        const char *path = make("authorized_keys", text, 0644);
        int r;

        *err = ERROR_INIT;
        r = allow_list_read(path, list, err);
        unlink(path);
        return r;
}

static void test_allow_list(void **state)
{
        char text[512], key[KEY_Z85_SIZE];
        const struct allow_entry *e;
        struct allow_list list;
        struct error err;

        hash_key(key);
        snprintf(text, sizeof(text), "%s%s",
                 "# who may\n\n  \t# indented\nadmin alice@laptop " SERVER_PUBLIC "\n"
                 "observe\t bob.x_1-2  " CLIENT_PUBLIC "   # on his phone\r\n"
                 "drive ci ",
                 key);
        assert_ok(read_list(text, &list, &err), err);
        assert_int_equal(list.n, 3);
        e = allow_list_find(&list, SERVER_PUBLIC);
        assert_non_null(e);
        assert_int_equal(e->role, ROLE_ADMIN);
        assert_string_equal(e->name, "alice@laptop");
        e = allow_list_find(&list, CLIENT_PUBLIC);
        assert_int_equal(e->role, ROLE_OBSERVE);
        e = allow_list_find(&list, key);
        assert_int_equal(e->role, ROLE_DRIVE);
        assert_null(allow_list_find(&list, "x"));
        allow_list_clear(&list);
        assert_null(allow_list_find(&list, SERVER_PUBLIC));
        allow_list_clear(&list);

        err = ERROR_INIT;
        assert_ok(allow_list_read("/nonexistent", &list, &err), err);
        assert_int_equal(list.n, 0);
        assert_ok(read_list("", &list, &err), err);
        assert_int_equal(list.n, 0);
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_bad_allow_lists(void **state)
{
        static const struct {
                const char *text, *says;
        } bad[] = {
                {"admin x\n", "authorized_keys:1: a line must be ROLE NAME PUBLICKEY"},
                {"\n#\nadmin\n", "authorized_keys:3: a line must be"},
                {"admin x " CLIENT_PUBLIC " more\n", ":1: a line must be"},
                {"root x " CLIENT_PUBLIC "\n", "\"root\" is not a role; the roles are"},
                {"Admin x " CLIENT_PUBLIC "\n", "\"Admin\" is not a role"},
                {"admin x:y " CLIENT_PUBLIC "\n", "name \"x:y\" must be"},
                {"admin x\033 " CLIENT_PUBLIC "\n", "name \"x?\" must be"},
                {"admin " A63 "a " CLIENT_PUBLIC "\n", "at most 63"},
                {"admin x abc\n", ":1: \"abc\" is not a public key"},
                {"admin x # " CLIENT_PUBLIC "\n", "a line must be"},
                {"admin x ########################################\n", "is not a public key"},
                {"admin x " CLIENT_PUBLIC "\nobserve y " CLIENT_PUBLIC "\n",
                 ":2: this key stands there already as admin x"},
        };
        struct allow_list list = {.n = 77};
        struct error err;
        const char *path;
        char *big;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_error(read_list(bad[i].text, &list, &err), -EINVAL, err, bad[i].says);
        big = malloc((1 << 20) + 2);
        memset(big, '#', (1 << 20) + 1);
        big[(1 << 20) + 1] = '\0';
        assert_error(read_list(big, &list, &err), -EFBIG, err, "longer than");
        free(big);
        err = ERROR_INIT;
        assert_error(allow_list_read("/tmp", &list, &err), -EPERM, err, "/tmp");
        path = make("w", "", 0666);
        err = ERROR_INIT;
        assert_error(allow_list_read(path, &list, &err), -EPERM, err, "chmod o-w");
        assert_int_equal(chmod(path, 0664), 0);
        err = ERROR_INIT;
        assert_error(allow_list_read(path, &list, &err), -EPERM, err, "chmod g-w");
        if (geteuid() == 0) {
                assert_int_equal(chmod(path, 0644), 0);
                assert_int_equal(chown(path, 12345, 12345), 0);
                err = ERROR_INIT;
                assert_error(allow_list_read(path, &list, &err), -EPERM, err, "chown root");
        }
        unlink(path);
        assert_int_equal(list.n, 77);
}

/* As many keys as fit, and one more; and the same line twice, as from adding it twice. */
static void test_allow_list_bounds(void **state)
{
        _cleanup_(freep)
        char *text = malloc((ALLOW_MAX + 2) * 80);
        struct allow_list list;
        struct key_pair pair;
        struct error err;
        size_t n = 0;

        assert_non_null(text);
        for (int i = 0; i <= ALLOW_MAX; i++) {
                assert_int_equal(key_generate(&pair), 0);
                n += (size_t)sprintf(text + n, "drive n%d %s\n", i, pair.public);
                if (i == ALLOW_MAX - 1) {
                        assert_ok(read_list(text, &list, &err), err);
                        assert_int_equal(list.n, ALLOW_MAX);
                        allow_list_clear(&list);
                }
        }
        assert_error(read_list(text, &list, &err), -EINVAL, err, ":1001: more than 1000 keys");
        assert_ok(read_list("admin x " CLIENT_PUBLIC "\nadmin x " CLIENT_PUBLIC "\n", &list, &err),
                  err);
        assert_int_equal(list.n, 1);
        allow_list_clear(&list);
        assert_error(
                read_list("admin x " CLIENT_PUBLIC "\nadmin y " CLIENT_PUBLIC "\n", &list, &err),
                -EINVAL, err, ":2: this key stands there already as admin x");
}

static void test_read_public(void **state)
{
        char key[KEY_Z85_SIZE] = "untouched";
        struct error err = ERROR_INIT;
        const char *path = in_dir("x.key");

        assert_error(key_read_public(path, key, &err), -ENOENT, err, "x.key");
        make("x.pub", "short\n", 0644);
        err = ERROR_INIT;
        assert_error(key_read_public(path, key, &err), -EINVAL, err, "x.pub does not hold");
        assert_string_equal(key, "untouched");
        make("x.pub", SERVER_PUBLIC "\n", 0644);
        err = ERROR_INIT;
        assert_ok(key_read_public(path, key, &err), err);
        assert_string_equal(key, SERVER_PUBLIC);
        unlink(in_dir("x.pub"));
}

static void test_known_agents(void **state)
{
        const char *path = make("known_agents",
                                "# mine\na " SERVER_PUBLIC "\n::1 " CLIENT_PUBLIC " # v6\n"
                                "a " SERVER_PUBLIC "\n",
                                0644);
        struct error err = ERROR_INIT;
        char key[KEY_Z85_SIZE] = "untouched";

        assert_error(known_agent_find(path, "b", key, &err), -ENOENT, err,
                     "ssh b lxdsoak-agent --show-key >> ");
        assert_string_equal(key, "untouched");
        err = ERROR_INIT;
        assert_ok(known_agent_find(path, "A", key, &err), err);
        assert_string_equal(key, SERVER_PUBLIC);
        assert_ok(known_agent_find(path, "::1", key, &err), err);
        assert_string_equal(key, CLIENT_PUBLIC);
        /* several names of one host, as --show-key prints them */
        unlink(path);
        path = make("known_agents", "c.example.com,c " SERVER_PUBLIC "\ncc,,d " CLIENT_PUBLIC "\n",
                    0664);
        assert_ok(known_agent_find(path, "c", key, &err), err);
        assert_string_equal(key, SERVER_PUBLIC);
        assert_ok(known_agent_find(path, "C.Example.COM", key, &err), err);
        assert_string_equal(key, SERVER_PUBLIC);
        assert_ok(known_agent_find(path, "d", key, &err), err);
        assert_string_equal(key, CLIENT_PUBLIC);
        assert_error(known_agent_find(path, "c.example", key, &err), -ENOENT, err, "c.example");
        err = ERROR_INIT;
        assert_error(known_agent_find(path, "c,", key, &err), -ENOENT, err, "not in");
        err = ERROR_INIT;
        unlink(path);
        assert_error(known_agent_find(path, "a", key, &err), -ENOENT, err, path);

        path = make("known_agents", "a " SERVER_PUBLIC "\na " CLIENT_PUBLIC "\n", 0644);
        err = ERROR_INIT;
        assert_error(known_agent_find(path, "a", key, &err), -EINVAL, err,
                     ":2: host a stands there");
        unlink(path);
        path = make("known_agents", "a\n", 0644);
        err = ERROR_INIT;
        assert_error(known_agent_find(path, "a", key, &err), -EINVAL, err,
                     ":1: a line must be HOST PUBLICKEY");
        unlink(path);
        path = make("known_agents", "b abc\n", 0644);
        err = ERROR_INIT;
        assert_error(known_agent_find(path, "a", key, &err), -EINVAL, err, "not a public key");
        unlink(path);
}

/* Without a path: one's own file first. */
static void test_known_agents_at_home(void **state)
{
        struct error err = ERROR_INIT;
        char key[KEY_Z85_SIZE];

        assert_int_equal(mkdir(in_dir(".config"), 0700), 0);
        assert_int_equal(mkdir(in_dir(".config/lxdsoak"), 0700), 0);
        make(".config/lxdsoak/known_agents", "home-of-test " SERVER_PUBLIC "\n", 0644);
        assert_int_equal(setenv("HOME", dir, 1), 0);
        assert_ok(known_agent_find(NULL, "home-of-test", key, &err), err);
        assert_string_equal(key, SERVER_PUBLIC);
        assert_error(known_agent_find(NULL, "no-such-host", key, &err), -ENOENT, err,
                     ".config/lxdsoak/known_agents");
        unlink(in_dir(".config/lxdsoak/known_agents"));
        rmdir(in_dir(".config/lxdsoak"));
        rmdir(in_dir(".config"));
}

static void test_roles(void **state)
{
        for (int i = 0; i < ROLE_MAX_; i++)
                assert_int_equal(role_from_name(role_name(i)), i);
        assert_string_equal(role_name(-1), "?");
        assert_int_equal(role_from_name("boss"), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_generate_write_read),
                cmocka_unit_test(test_known_pair),
                cmocka_unit_test(test_unsafe_files),
                cmocka_unit_test(test_acl),
                cmocka_unit_test(test_not_a_key),
                cmocka_unit_test(test_allow_list),
                cmocka_unit_test(test_bad_allow_lists),
                cmocka_unit_test(test_allow_list_bounds),
                cmocka_unit_test(test_read_public),
                cmocka_unit_test(test_known_agents),
                cmocka_unit_test(test_known_agents_at_home),
                cmocka_unit_test(test_roles),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
