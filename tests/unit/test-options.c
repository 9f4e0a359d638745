/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "base/options.h"
#include "tests/unit/unit.h"

struct config {
        bool verbose, keep;
        char *hosts;
        int64_t total, limit, free, wait;
        struct string_list exec;
        int mode;
        int even;
};

static const char *const modes[] = {"churn", "density", NULL};

static int parse_even(const char *value, void *field, struct error *err)
{
        size_t n = strlen(value);

        if (streq(value, "mute"))
                return -EINVAL;
        if (n % 2)
                return error_set(err, -EINVAL, "\"%s\" is odd", value);
        *(int *)field = (int)n;
        return 0;
}

#define AT(m) .offset = offsetof(struct config, m)

static const struct option_spec specs[] = {
        {"verbose", 'v', OPTION_FLAG, NULL, "say more", NULL, AT(verbose), .file_ok = true,
         .group = "General"},
        {"keep", 0, OPTION_FLAG, NULL, "keep what is up", "yes", AT(keep), .file_ok = true},
        {"hosts", 'H', OPTION_STRING, "HOSTS", "where to run", NULL, AT(hosts),
         .group = "What to do"},
        {"total", 'n', OPTION_INT, "N", "how many units", "5", AT(total), .min = 1, .max = 1000,
         .file_ok = true},
        {"limit", 0, OPTION_INT, "N", "no limits of its own", NULL, AT(limit), .file_ok = true},
        {"min-free", 0, OPTION_SIZE, "SIZE", "memory to leave", "1G", AT(free), .max = INT64_MAX,
         .file_ok = true},
        {"wait", 0, OPTION_DURATION, "TIME", "how long", "1h30m", AT(wait), .min = NSEC_PER_SEC,
         .max = 86400 * NSEC_PER_SEC, .file_ok = true},
        {"exec", 0, OPTION_LIST, "CMD",
         "what to run in each, which is a text long enough to go "
         "on in another line",
         "cat /etc/issue\nuptime", AT(exec), .file_ok = true},
        {"mode", 0, OPTION_CHOICE, "MODE", "how", "churn", AT(mode), .choices = modes,
         .file_ok = true},
        {"even", 0, OPTION_FUNC, "TEXT", "of even length", NULL, AT(even), .parse = parse_even,
         .file_ok = true},
};

static const struct option_table table = {
        .program = "prog",
        .usage = "prog [OPTION]... [FILE]",
        .description = "Does this and that.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

#define ARGS_MAX 32

/* Parses words separated by '|'. */
static int parse(const char *line, struct config *c, char **rest, size_t *n, struct error *err)
{
        static char copy[1024];
        char *argv[ARGS_MAX + 1] = {copy}, *p = copy;
        int argc = 1, r;

        *err = ERROR_INIT;
        snprintf(copy, sizeof(copy), "%s", line);
        while (*line && argc < ARGS_MAX && (argv[argc] = strsep(&p, "|")))
                argc++;
        r = options_parse_argv(&table, argc, argv, c, rest, n, err);
        return r;
}

static void test_defaults(void **state)
{
        struct error err = ERROR_INIT;
        struct config c = {0};

        assert_ok(options_defaults(&table, &c, &err), err);
        assert_true(c.keep);
        assert_int_equal(c.total, 5);
        assert_int_equal(c.free, 1 << 30);
        assert_int_equal(c.wait, 5400 * NSEC_PER_SEC);
        assert_int_equal(c.exec.n, 2);
        assert_string_equal(c.exec.items[1], "uptime");
        assert_null(c.hosts);
        options_release(&table, &c);
        options_release(&table, &c);
        assert_null(c.exec.items);
}

static void test_argv(void **state)
{
        struct config c = {0};
        char *rest[ARGS_MAX];
        struct error err;
        size_t n = 99;

        assert_int_equal(options_defaults(&table, &c, NULL), 0);
        assert_ok(parse("cleanup|--hosts|a,b|-n|7|-v|--no-keep|--min-free=512M|--wait|90|x|--exec="
                        "a=b c|-|--|--total|-v",
                        &c, rest, &n, &err),
                  err);
        assert_int_equal(n, 5);
        assert_string_equal(rest[0], "cleanup");
        assert_string_equal(rest[1], "x");
        assert_string_equal(rest[2], "-");
        assert_string_equal(rest[3], "--total");
        assert_string_equal(rest[4], "-v");
        assert_string_equal(c.hosts, "a,b");
        assert_int_equal(c.total, 7);
        assert_true(c.verbose);
        assert_false(c.keep);
        assert_int_equal(c.free, 512 << 20);
        assert_int_equal(c.wait, 90 * NSEC_PER_SEC);
        /* the first replaced the defaults */
        assert_int_equal(c.exec.n, 1);
        assert_string_equal(c.exec.items[0], "a=b c");
        assert_ok(parse("--exec|a|--exec|b|--mode|density|--even|abcd|--hosts|x|--hosts|y|"
                        "--keep|--no-keep|--keep",
                        &c, NULL, NULL, &err),
                  err);
        assert_int_equal(c.exec.n, 2);
        assert_string_equal(c.exec.items[1], "b");
        assert_int_equal(c.mode, 1);
        assert_int_equal(c.even, 4);
        assert_string_equal(c.hosts, "y");
        assert_true(c.keep);
        assert_ok(parse("", &c, NULL, NULL, &err), err);
        options_release(&table, &c);
}

static void test_bad_argv(void **state)
{
        static const struct {
                const char *line, *says;
        } bad[] = {
                {"--tota|5", "Unknown option --tota; did you mean --total?"},
                {"--totla=5", "did you mean --total?"},
                {"--frobnicate", "Unknown option --frobnicate; `prog --help`"},
                {"-z", "Unknown option -z; `prog --help`"},
                {"-vn", "Unknown option -vn"},
                {"--no-total", "Unknown option --no-total"},
                {"--no-", "Unknown option --no-"},
                {"--=x", "Unknown option --=x"},
                {"--\033[2J", "Unknown option --?[2J"},
                {"--total", "--total needs a value: --total N"},
                {"-n", "--total needs a value"},
                {"--hosts|--total|5", "but --total follows, which is an option itself"},
                {"--total|0", "--total: \"0\" is outside the limits, must be 1 to 1000"},
                {"--total|1001", "must be 1 to 1000"},
                {"--total|x", "--total: \"x\" is not a whole number"},
                {"--limit|-1", "must be at least 0"},
                {"--min-free|1KB", "\"1KB\" is not a size: a whole number, with K, M, G or T"},
                {"--min-free|9999999T", "must be at least 0 B"},
                {"--wait|1ms", "must be 1.0 s to 1d00h"},
                {"--wait|soon", "\"soon\" is not a duration"},
                {"--mode|chrun", "--mode: \"chrun\" is none of churn, density"},
                {"--even|abc", "--even: \"abc\" is odd"},
                {"--even|mute", "--even: \"mute\" cannot be used"},
                {"--verbose=yes", "--verbose takes no value; --verbose turns it on, --no-verbose"},
                {"--hosts=", "--hosts: the value is empty, must be HOSTS"},
                {"--exec=", "--exec: the value is empty"},
                {"--hosts|\xff", "--hosts: \"?\" is not UTF-8"},
                {"word", "\"word\" is not an option, and nothing else is taken"},
        };
        struct error err;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct config c = {.total = 4711};

                assert_error(parse(bad[i].line, &c, NULL, NULL, &err), -EINVAL, err, bad[i].says);
                assert_int_equal(c.total, 4711);
                options_release(&table, &c);
        }
}

static void test_help(void **state)
{
        _cleanup_(freep)
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        char *line, *p;

        options_print_help(&table, f);
        fclose(f);
        assert_non_null(strstr(text, "Usage: prog [OPTION]... [FILE]\n\nDoes this and that.\n"));
        assert_non_null(strstr(text, "\nGeneral:\n  -v, --verbose               say more\n"));
        assert_non_null(strstr(text, "(default: yes; off with --no-keep)"));
        assert_non_null(strstr(text, "\nWhat to do:\n  -H, --hosts HOSTS"));
        assert_non_null(strstr(text, "how: churn, density (default: churn)"));
        assert_non_null(strstr(text, "repeatable"));
        assert_non_null(strstr(text, "  -h, --help"));
        for (p = text; (line = strsep(&p, "\n"));) {
                assert_true(strlen(line) <= 80);
                assert_true(*line == '\0' || line[strlen(line) - 1] != ' ');
        }
}

static void test_builtins(void **state)
{
        struct config c = {0};
        struct error err;

        assert_int_equal(parse("-v|--version|--nonsense", &c, NULL, NULL, &err), 1);
        assert_int_equal(parse("--help", &c, NULL, NULL, &err), 1);
        assert_int_equal(parse("-h", &c, NULL, NULL, &err), 1);
}

static void test_names_and_texts(void **state)
{
        static const char all[] = "*-v*, *--verbose*\n*--keep*, *--no-keep*, *--hosts* a--b ---\n"
                                  "--total=5 --limit --min-free --wait --exec --mode --even --help";
        static const char *const others[] = {"user", NULL};
        _cleanup_(freep)
        char *names = NULL, *longer = NULL;
        struct error err = ERROR_INIT;
        size_t size;
        FILE *f = open_memstream(&names, &size);

        options_print_names(&table, f);
        fclose(f);
        assert_ok(options_check_text(&table, names, NULL, &err), err);
        assert_ok(options_check_text(&table, all, NULL, &err), err);
        assert_true(asprintf(&longer, "%s systemctl --user", all) > 0);
        assert_ok(options_check_text(&table, longer, others, &err), err);
        assert_error(options_check_text(&table, longer, NULL, &err), -EINVAL, err,
                     "--user, which is no option of prog");
        *strstr(longer, " --even") = '\0';
        err = ERROR_INIT;
        assert_error(options_check_text(&table, longer, NULL, &err), -EINVAL, err,
                     "does not say what --even is");
        err = ERROR_INIT;
        assert_error(options_check_text(&table, "--no-total", NULL, &err), -EINVAL, err,
                     "--no-total");
}

/* -- files --------------------------------------------------------------------------------- */

static char dir[] = "/tmp/test-options-XXXXXX";

static const char *in_dir(const char *name)
{
        static char paths[4][128];
        static unsigned i;

        i = (i + 1) % ELEMENTSOF(paths);
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, name);
        return paths[i];
}

static const char *make(const char *name, const char *text)
{
        const char *path = in_dir(name);
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        return path;
}

static void test_file(void **state)
{
        const char *path = make("a.conf", "# a comment\r\n\n  total=9 \n\tmin-free =  2G\r\n"
                                          "exec = sh -c 'a # b = c'\nexec=b\nmode = density\n"
                                          "keep = off\nverbose = yes\n#last");
        struct error err = ERROR_INIT;
        struct config c = {0};

        assert_ok(options_defaults(&table, &c, &err), err);
        assert_ok(options_parse_file(&table, path, &c, &err), err);
        assert_int_equal(c.total, 9);
        assert_int_equal(c.free, INT64_C(2) << 30);
        assert_int_equal(c.exec.n, 2);
        assert_string_equal(c.exec.items[0], "sh -c 'a # b = c'");
        assert_int_equal(c.mode, 1);
        assert_false(c.keep);
        assert_true(c.verbose);
        unlink(path);
        assert_int_equal(options_parse_file(&table, path, &c, &err), -ENOENT);
        assert_int_equal(err.code, 0);
        options_release(&table, &c);
}

static void test_bad_files(void **state)
{
        static const struct {
                const char *text, *says;
        } bad[] = {
                {"total\n", "a.conf:1: \"total\" is not of the form key = value"},
                {"\n\ntotl = 5\n", "a.conf:3: unknown key \"totl\"; did you mean total?"},
                {"frobnicate = 5\n", "a.conf:1: unknown key \"frobnicate\"; the keys are"},
                {"= 5\n", "unknown key \"\""},
                {"Total = 5\n", "did you mean total?"},
                {"--total = 5\n", "unknown key \"--total\"; did you mean total?"},
                {"hosts = a\n", "a.conf:1: hosts cannot be set in a file, give it as --hosts"},
                {"host = a\n", "unknown key \"host\"; the keys are"},
                {"total = 0\n", "a.conf:1: total: \"0\" is outside the limits"},
                {"total =\n", "a.conf:1: total: the value is empty, must be N"},
                {"verbose = maybe\n", "a.conf:1: verbose: \"maybe\" is not yes or no"},
                {"verbose =\n", "must be yes or no"},
                {"exec = a\033b\n", "a.conf:1: exec: the value holds control characters"},
                {"exec = \xff\n", "is not UTF-8"},
                {"even = abc\n", "a.conf:1: even: \"abc\" is odd"},
        };
        struct error err;
        const char *path;
        char *big;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct config c = {0};

                path = make("a.conf", bad[i].text);
                err = ERROR_INIT;
                assert_error(options_parse_file(&table, path, &c, &err), -EINVAL, err, bad[i].says);
                unlink(path);
                options_release(&table, &c);
        }
        err = ERROR_INIT;
        assert_error(options_parse_file(&table, dir, NULL, &err), -EISDIR, err, "Is a directory");
        big = malloc(300000);
        memset(big, '#', 299999);
        big[299999] = '\0';
        path = make("a.conf", big);
        free(big);
        err = ERROR_INIT;
        assert_error(options_parse_file(&table, path, NULL, &err), -EINVAL, err, "longer than");
        unlink(path);
}

static void test_drop_ins(void **state)
{
        struct error err = ERROR_INIT;
        struct config c = {0};

        assert_ok(options_parse_config(&table, in_dir("c.conf"), &c, &err), err);
        make("c.conf", "total = 1\nexec = first\nmode = density\n");
        assert_ok(options_parse_config(&table, in_dir("c.conf"), &c, &err), err);
        assert_int_equal(c.total, 1);
        assert_int_equal(mkdir(in_dir("c.conf.d"), 0700), 0);
        make("c.conf.d/20-b.conf", "total = 3\n");
        make("c.conf.d/10-a.conf", "total = 2\nexec = second\nexec = third\n");
        make("c.conf.d/30.conf~", "nonsense\n");
        make("c.conf.d/.conf", "nonsense\n");
        assert_ok(options_parse_config(&table, in_dir("c.conf"), &c, &err), err);
        assert_int_equal(c.total, 3);
        assert_int_equal(c.mode, 1);
        assert_int_equal(c.exec.n, 2); /* replaced, then added to */
        assert_string_equal(c.exec.items[0], "second");
        make("c.conf.d/40.conf", "nonsense\n");
        assert_error(options_parse_config(&table, in_dir("c.conf"), &c, &err), -EINVAL, err,
                     "c.conf.d/40.conf:1:");
        options_release(&table, &c);
        unlink(in_dir("c.conf.d/10-a.conf"));
        unlink(in_dir("c.conf.d/20-b.conf"));
        unlink(in_dir("c.conf.d/30.conf~"));
        unlink(in_dir("c.conf.d/.conf"));
        unlink(in_dir("c.conf.d/40.conf"));
        rmdir(in_dir("c.conf.d"));
        unlink(in_dir("c.conf"));
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
                cmocka_unit_test(test_defaults), cmocka_unit_test(test_argv),
                cmocka_unit_test(test_bad_argv), cmocka_unit_test(test_help),
                cmocka_unit_test(test_builtins), cmocka_unit_test(test_names_and_texts),
                cmocka_unit_test(test_file),     cmocka_unit_test(test_bad_files),
                cmocka_unit_test(test_drop_ins),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
