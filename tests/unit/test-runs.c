/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which run is meant, and which there are. */

#include <libgen.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "report/runs.h"
#include "tests/unit/unit.h"

#define T0 (INT64_C(1751371200) * NSEC_PER_SEC)

static char root[64];

static void make_run(const char *name, const char *run, int64_t started_ns, bool over)
{
        struct run_spec spec = {.run = "",
                                .prefix = "soak",
                                .image = "soak",
                                .phases = PHASES_ALL,
                                .total = 3,
                                .parallel = 1,
                                .seed = 1,
                                .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                .probe_timeout_ns = 1};
        _cleanup_(store_freep)
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        char dir[128];
        size_t host;

        snprintf(spec.run, sizeof(spec.run), "%s", run);
        snprintf(dir, sizeof(dir), "%s/%s", root, name);
        assert_ok(store_create(dir, &s, &err), err);
        assert_ok(store_start_run(s, &spec, 0, started_ns, &err), err);
        assert_ok(store_add_host(s, "a", &host, &err), err);
        assert_ok(store_commit(s, &err), err);
        if (!over)
                return;
        assert_ok(store_end_run(s, started_ns + 5, 5, &err), err);
        assert_ok(store_set_verdict(s, VERDICT_INCONCLUSIVE, &err), err);
}

static int setup(void **state)
{
        char path[128];

        snprintf(root, sizeof(root), "/tmp/test-runs-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        make_run("lxdsoak-aaaaaaaa", "aaaaaaaa", T0 + 2, true);
        make_run("nightly", "bbbbbbbb", T0 + 3, false);
        make_run("first", "cccccccc", T0 + 1, true);
        snprintf(path, sizeof(path), "%s/empty", root);
        mkdir(path, 0777);
        snprintf(path, sizeof(path), "%s/broken", root);
        mkdir(path, 0777);
        snprintf(path, sizeof(path), "%s/broken/" STORE_FILE, root);
        FILE *f = fopen(path, "we");
        if (!f)
                return -1;
        fputs("no database at all, but long enough to be looked at", f);
        return fclose(f);
}

static int teardown(void **state)
{
        static const char *const names[] = {"lxdsoak-aaaaaaaa", "nightly", "first", "broken",
                                            "empty"};
        char path[128];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s/" STORE_FILE, root, names[i]);
                unlink(path);
                *strrchr(path, '/') = '\0';
                rmdir(path);
        }
        return rmdir(root);
}

static struct string_list dirs(void)
{
        static char *items[] = {root};

        return (struct string_list){items, 1};
}

static void test_list(void **state)
{
        struct string_list d = dirs();
        struct run_places p = {0};
        struct error err = ERROR_INIT;

        assert_ok(runs_list(&d, &p, &err), err);
        assert_int_equal(p.n, 3);
        assert_int_equal(p.n_unreadable, 1);
        assert_string_equal(p.items[0].run, "cccccccc");
        assert_string_equal(p.items[1].run, "aaaaaaaa");
        assert_string_equal(p.items[2].run, "bbbbbbbb");
        assert_string_equal(p.items[0].verdict, "inconclusive");
        assert_string_equal(p.items[2].verdict, "");
        assert_int_equal(p.items[0].planned, 3);
        assert_int_equal(p.items[0].hosts, 1);
        runs_release(&p);
}

/* A store that only another version can read is said to be one. */
static void test_older(void **state)
{
        struct string_list d = dirs();
        struct run_places p = {0};
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        char path[128];
        sqlite3 *db;

        make_run("old", "dddddddd", T0 + 9, true);
        snprintf(path, sizeof(path), "%s/old/" STORE_FILE, root);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_error(runs_open(path, &d, &s, &err), -EPROTONOSUPPORT, err,
                     "written by an older lxdsoak (format 2");
        d.items = (char *[]){dirname(path)};
        err = ERROR_INIT;
        assert_error(runs_open("dddddddd", &d, &s, &err), -ENOENT, err, "cannot be read: ");
        assert_non_null(strstr(err.text, "written by an older lxdsoak (format 2"));
        assert_ok(runs_list(&d, &p, &err), err);
        assert_int_equal(p.n, 0);
        assert_int_equal(p.n_unreadable, 1);
        assert_int_equal(p.unreadable.code, -EPROTONOSUPPORT);
        runs_release(&p);
        snprintf(path, sizeof(path), "%s/old/" STORE_FILE, root);
        unlink(path);
        rmdir(dirname(path));
}

static void opens(const char *what, const char *path)
{
        struct string_list d = dirs();
        _cleanup_(store_freep)
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        char wanted[128];

        assert_ok(runs_open(what, &d, &s, &err), err);
        snprintf(wanted, sizeof(wanted), "%s/%s/" STORE_FILE, root, path);
        assert_string_equal(store_path(s), wanted);
}

static void test_open(void **state)
{
        char path[160];

        opens("last", "nightly");
        opens("aaaaaaaa", "lxdsoak-aaaaaaaa");
        opens("cccccccc", "first");
        snprintf(path, sizeof(path), "%s/first", root);
        opens(path, "first");
        snprintf(path, sizeof(path), "%s/first/" STORE_FILE, root);
        opens(path, "first");
}

static void test_refused(void **state)
{
        static const struct {
                const char *what, *says;
                int code;
        } cases[] = {
                {"dddddddd", "run dddddddd is not in", -ENOENT},
                {"no-run", "neither the id of a run nor its directory", -ENOENT},
                {"/nowhere/at/all", "/nowhere/at/all", -ENOENT},
        };
        struct string_list d = dirs();
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        char path[128];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                err = ERROR_INIT;
                assert_error(runs_open(cases[i].what, &d, &s, &err), cases[i].code, err,
                             cases[i].says);
        }
        err = ERROR_INIT;
        snprintf(path, sizeof(path), "%s/broken", root);
        assert_error(runs_open(path, &d, &s, &err), -EUCLEAN, err, "not the store of a run");
        err = ERROR_INIT;
        snprintf(path, sizeof(path), "%s/empty", root);
        d.items = (char *[]){path};
        assert_error(runs_open("last", &d, &s, &err), -ENOENT, err, "there is no run in");
        assert_null(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_open),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_older),
        };

        return cmocka_run_group_tests_name("runs", tests, setup, teardown);
}
