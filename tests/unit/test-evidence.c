/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Evidence on disk: whole or not there, bounded, and never outside its directory. */

#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/stat.h>

#include "agent/evidence.h"
#include "tests/unit/fake-tree.h"

static char *root;

static int setup(void **state)
{
        root = fake_root_new();
        return 0;
}

static int teardown(void **state)
{
        fake_root_free(root);
        return 0;
}

static void write_one(const char *directory, const char *files, int64_t limit, int expected)
{
        struct evidence *e;

        assert_int_equal(evidence_new(root, &e), 0);
        assert_int_equal(evidence_write(e, directory, json_tokener_parse(files), limit), expected);
        evidence_free(e); /* waits for it */
}

static void has(const char *path, const char *text)
{
        char full[PATH_MAX], buf[256] = "";
        FILE *f;

        snprintf(full, sizeof(full), "%s/evidence/%s", root, path);
        f = fopen(full, "re");
        if (!text) {
                assert_null(f);
                return;
        }
        assert_non_null(f);
        buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
        fclose(f);
        assert_string_equal(buf, text);
}

static void test_kept(void **state)
{
        write_one("r-0001-unknown",
                  "[{\"name\":\"README.txt\",\"text\":\"a\"},{\"name\":\"host/x\",\"text\":\"b\"},"
                  "{\"name\":\"host/x\",\"text\":\"c\"}]",
                  100, 0);
        has("r-0001-unknown/README.txt", "a");
        has("r-0001-unknown/host/x", "bc"); /* parts of one file */
        has("r-0001-unknown.part/README.txt", NULL);
}

static void test_bounded(void **state)
{
        write_one("r-0002-unknown",
                  "[{\"name\":\"a\",\"text\":\"12345\"},{\"name\":\"b\",\"text\":\"67890\"}]", 7,
                  0);
        has("r-0002-unknown/a", "12345");
        has("r-0002-unknown/b", "67");
        has("r-0002-unknown/omitted.txt", "3 bytes are left out: --evidence-limit was reached\n");
}

static void test_names(void **state)
{
        write_one(
                "r-0003-unknown",
                "[{\"name\":\"../out\",\"text\":\"x\"},{\"name\":\"/out\",\"text\":\"x\"},"
                "{\"name\":\"a/../../out\",\"text\":\"x\"},{\"name\":\"\",\"text\":\"x\"},"
                "{\"name\":\"ok\",\"text\":\"x\"},{\"name\":7,\"text\":\"x\"},{\"text\":\"x\"},3]",
                100, 0);
        has("r-0003-unknown/ok", "x");
        has("out", NULL);
        has("../out", NULL);
        write_one("../r", "[]", 100, -EINVAL);
        write_one("a/b", "[]", 100, -EINVAL);
        write_one("", "[]", 100, -EINVAL);
}

static void test_oldest_goes(void **state)
{
        struct evidence *e;
        char name[32], path[PATH_MAX];
        size_t n = 0;
        DIR *dir;

        assert_int_equal(evidence_new(root, &e), 0);
        for (int i = 0; i < EVIDENCE_DIRECTORIES_MAX + 5; i++) {
                snprintf(name, sizeof(name), "s-%04d-unknown", i);
                assert_int_equal(
                        evidence_write(e, name,
                                       json_tokener_parse("[{\"name\":\"a\",\"text\":\"x\"}]"), 10),
                        0);
        }
        evidence_free(e);
        snprintf(path, sizeof(path), "%s/evidence", root);
        dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *d = readdir(dir); d; d = readdir(dir))
                n += d->d_name[0] != '.';
        closedir(dir);
        assert_int_equal(n, EVIDENCE_DIRECTORIES_MAX);
        has("s-0104-unknown/a", "x");
        has("r-0001-unknown/README.txt", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_oldest_goes),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
