/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Evidence on disk: whole or not there, bounded, and never outside its directory. */

#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/stat.h>

#include "agent/evidence.h"
#include "tests/unit/fake-tree.h"

static char *root;
static sd_event *event;

static int setup(void **state)
{
        root = fake_root_new();
        assert_true(sd_event_new(&event) >= 0);
        return 0;
}

static int teardown(void **state)
{
        fake_root_free(root);
        sd_event_unref(event);
        return 0;
}

static void write_one(const char *directory, const char *files, int64_t limit, int expected)
{
        struct evidence *e;

        assert_int_equal(evidence_new(event, root, &e), 0);
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

        assert_int_equal(evidence_new(event, root, &e), 0);
        for (int i = 0; i < EVIDENCE_DIRECTORY_MAX + 5; i++) {
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
        assert_int_equal(n, EVIDENCE_DIRECTORY_MAX);
        has("s-0104-unknown/a", "x");
        has("r-0001-unknown/README.txt", NULL);
}

struct answer {
        int *r;
        int64_t *size;
        json_object **items;
};

static void on_answer(int r, int64_t size, json_object *items, void *userdata)
{
        struct answer *a = userdata;

        *a->r = r;
        *a->size = size;
        *a->items = json_object_get(items);
}

static int ask(struct evidence *e, const char *directory, const char *file, int64_t offset,
               int64_t *ret_size, json_object **ret_items)
{
        struct msg_evidence m = {.run = "0a1b2c3d", .offset = offset};
        struct answer *a = malloc(sizeof(*a));
        int r = 1;

        snprintf(m.directory, sizeof(m.directory), "%s", directory);
        snprintf(m.file, sizeof(m.file), "%s", file);
        *a = (struct answer){&r, ret_size, ret_items};
        *ret_items = NULL;
        assert_int_equal(evidence_ask(e, &m, on_answer, a), 0);
        while (r > 0)
                assert_true(sd_event_run(event, 5000000) > 0);
        return r;
}

static void test_read(void **state)
{
        json_object *items, *big = json_object_new_array(), *file = json_object_new_object();
        char *text = malloc(100001), *all = calloc(1, 100100);
        struct evidence *e;
        int64_t size, offset = 0;

        for (size_t i = 0; i < 100000; i += 2)
                memcpy(text + i, "\xc3\xa9", 3);
        text[0] = 'a'; /* so that a chunk ends amid a character */
        text[1] = 'b';
        memmove(text + 1, text + 2, 99999);
        json_object_object_add(file, "name", json_object_new_string("host/big"));
        json_object_object_add(file, "text", json_object_new_string(text));
        json_object_array_add(big, file);
        write_one("0a1b2c3e-0001-unknown", "[{\"name\":\"a\",\"text\":\"x\"}]", 100, 0);

        assert_int_equal(evidence_new(event, root, &e), 0);
        assert_int_equal(evidence_write(e, "0a1b2c3d-0002-unknown", big, 1000000), 0);
        assert_int_equal(ask(e, "", "", 0, &size, &items), 0);
        assert_string_equal(json_object_to_json_string_ext(items, JSON_C_TO_STRING_PLAIN),
                            "[\"0a1b2c3d-0002-unknown\"]");
        json_object_put(items);
        assert_int_equal(ask(e, "0a1b2c3d-0002-unknown", "", 0, &size, &items), 0);
        assert_string_equal(json_object_to_json_string_ext(
                                    items, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                            "[\"host/big\"]");
        json_object_put(items);
        do {
                int n;

                assert_int_equal(ask(e, "0a1b2c3d-0002-unknown", "host/big", offset, &size, &items),
                                 0);
                n = json_object_get_string_len(json_object_array_get_idx(items, 0));
                assert_in_range(n, 1, EVIDENCE_CHUNK_MAX);
                strcat(all, json_object_get_string(json_object_array_get_idx(items, 0)));
                json_object_put(items);
                offset += n;
        } while (offset < size);
        assert_string_equal(all, text);

        /* another run's, none, and nothing */
        assert_int_equal(ask(e, "0a1b2c3e-0001-unknown", "a", 0, &size, &items), -ENOENT);
        assert_int_equal(ask(e, "0a1b2c3d-0009-unknown", "", 0, &size, &items), -ENOENT);
        assert_int_equal(ask(e, "0a1b2c3d-0002-unknown", "host", 0, &size, &items), -ENOENT);
        assert_null(items);
        evidence_free(e);
        free(text);
        free(all);
}

/* Asked, and nobody waits for the answer any more. */
static void test_not_waited_for(void **state)
{
        struct msg_evidence m = {.run = "0a1b2c3d"};
        struct evidence *e;

        assert_int_equal(evidence_new(event, root, &e), 0);
        for (int i = 0; i < 64; i++)
                assert_int_equal(evidence_ask(e, &m, on_answer, malloc(8)), 0);
        assert_int_equal(evidence_ask(e, &m, on_answer, NULL), -EBUSY);
        evidence_free(e);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kept),  cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_names), cmocka_unit_test(test_oldest_goes),
                cmocka_unit_test(test_read),  cmocka_unit_test(test_not_waited_for),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
