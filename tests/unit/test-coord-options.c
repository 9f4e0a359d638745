/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command line of lxdsoak-coord: what is refused and with which words, what
 * the defaults are, and that the manual page tells the same as the table.
 */

#include <sys/stat.h>

#include "coordinator/options.h"
#include "base/exit-code.h"
#include "tests/unit/completion.h"
#include "tests/unit/unit.h"

#define ARGS_MAX 32

/* Parses a command line written as one string, split at blanks; '~' stands for
 * a blank inside an argument. */
static int parse(const char *line, struct coord_options *o, struct error *err)
{
        static char buf[8192];
        char *argv[ARGS_MAX + 1] = {(char *)"lxdsoak-coord"}, *rest = buf, *word;
        int argc = 1;

        snprintf(buf, sizeof(buf), "%s", line);
        while ((word = strsep(&rest, " ")) && argc < ARGS_MAX) {
                for (char *c = word; *c; c++)
                        if (*c == '~')
                                *c = ' ';
                argv[argc++] = word;
        }
        *err = ERROR_INIT;
        return coord_options_parse(argc, argv, o, err);
}

static void test_refused(void **state)
{
        static const struct {
                const char *line, *says;
        } cases[] = {
                {"--total 5", "--hosts is missing"},
                {"--hosts= --total 5", "--hosts"},
                {"--hosts a,a --total 5", "a"},
                {"--hosts a,,b --total 5", "--hosts"},
                {"--hosts a", "--total N units, or --duration"},
                {"--hosts a --total 0", "--total"},
                {"--hosts a --total -1", "--total"},
                {"--hosts a --total=-1", "--total"},
                {"--hosts a --total 1000000000000", "--total"},
                {"--hosts a --total 1000000000", "999999999"},
                {"--hosts a --total 99999999999999999999999", "--total"},
                {"--hosts a --total 5x", "--total"},
                {"--hosts a --total 5 --parallel 0", "--parallel"},
                {"--hosts a --total 5 --parallel 1025", "--parallel"},
                {"--hosts a --duration 0s", "--duration"},
                {"--hosts a --duration forever", "--duration"},
                {"--hosts a --total 5 --mode both", "--mode"},
                {"--hosts a --total 5 --keep", "--mode density"},
                {"--hosts a --total 5 --source disk", "image, copy, copy:INSTANCE"},
                {"--hosts a --total 5 --source copy:", "instance name"},
                {"--hosts a --total 5 --source copy:../x", "instance name"},
                {"--hosts a --total 5 --stop kill", "--stop"},
                {"--hosts a --total 5 --prefix -x", "--prefix"},
                {"--hosts a --total 5 --prefix 9x", "--prefix"},
                {"--hosts a --total 5 --prefix x-", "--prefix"},
                {"--hosts a --total 5 --prefix x_y", "--prefix"},
                {"--hosts a --total 5 --prefix abcdefghijklmnopqrstu", "20 letters"},
                {"--hosts a --total 5 --prefix=", "--prefix"},
                {"--hosts a --total 5 --exec=", "--exec"},
                {"--hosts a --total 5 --exec ~~", "empty command"},
                {"--hosts a --total 5 --phases create,start,stop,delete --exec x", "--phases"},
                {"--hosts a --total 5 --phases create,begin", "'begin' is not a phase"},
                {"--hosts a --total 5 --phases create,create", "twice"},
                {"--hosts a --total 5 --phases=", "--phases"},
                {"--hosts a --total 5 --phases start,stop,delete", "add create"},
                {"--hosts a --total 5 --phases create,exec,delete", "exec needs start"},
                {"--hosts a --total 5 --phases create,stop,delete", "stop needs start"},
                {"--hosts a --total 5 --phases create,start,delete", "needs stop"},
                {"--hosts a --total 5 --phases create,start", "add delete"},
                {"--hosts a --total 5 --phases create,verify", "verify needs delete"},
                {"--hosts a --total 5 --run-dir /proc/self", "not empty"},
                {"--hosts a --total 5 --run-dir /etc/passwd", "/etc/passwd"},
                {"--hosts a --total 5 --seed 0", "--seed"},
                {"--hosts a --total 5 --connect-timeout 0", "--connect-timeout"},
                {"--hosts a --total 5 --dry-run", "dry-run"},
                {"--hosts a --total 5 --bogus", "bogus"},
                {"--hosts a --total", "--total"},
                {"--hosts a --total 5 more", "'more'"},
                {"--hosts a --total 1 --deadline boot=5s", "\"boot\" is no phase"},
                {"--hosts a --total 1 --deadline stop", "PHASE=TIME"},
                {"--hosts a --total 1 --deadline stop=0", "a time of 1s to 24h"},
                {"--hosts a --total 1 --deadline stop=soon", "a time of 1s to 24h"},
                {"--hosts a --total 1 --probe-timeout 0s", "probe-timeout"},
                {"--hosts a --total 1 --on-wedge ask", "on-wedge"},
                {"--hosts a --total 1 --evidence-limit 9G", "evidence-limit"},
                {"--hosts a --total 1 --allow-leak fds,socks", "\"socks\" is no kind of leak"},
                {"--hosts a --total 1 --allow-leak=", "is no kind of leak"},
                {"--hosts a --total 1 --steady-share 91", "steady-share"},
                {"--hosts a --total 1 --threshold start.p99=2s", "compares nothing"},
                {"--hosts a --total 1 --threshold begin.p99<2s", "'begin' is no phase"},
                {"cleanup", "--hosts is missing"},
                {"cleanup --hosts a --total 5", "total"},
                {"cleanup --hosts a --run XYZ", "id of a run"},
                {"cleanup --hosts a --run ../../xx", "id of a run"},
                {"evidence", "give one run"},
                {"evidence a b", "give one run"},
                {"evidence nothing/there", "neither the id of a run nor its directory"},
                {"evidence 0a1b2c3d", "--hosts is missing"},
                {"evidence 0a1b2c3d --hosts a --total 5", "total"},
                {"keygen a b", "one file"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct coord_options o;
                struct error err;
                int r = parse(cases[i].line, &o, &err);

                if (r >= 0 || !strstr(err.text, cases[i].says) || strchr(err.text, '\n'))
                        fail_msg("%s: returned %d, «%s» does not say «%s»", cases[i].line, r,
                                 err.text, cases[i].says);
                coord_options_release(&o);
        }
}

static void test_defaults(void **state)
{
        struct coord_options o;
        struct error err;

        assert_ok(parse("--hosts a,b:99,[::1]:7463 --total 200", &o, &err), err);
        assert_int_equal(o.command, COORD_RUN);
        assert_int_equal(o.n_hosts, 3);
        assert_string_equal(o.hosts[1].label, "b");
        assert_int_equal(o.total, 200);
        assert_int_equal(o.parallel, 25);
        assert_int_equal(o.mode, MODE_CHURN);
        assert_int_equal(o.min_free, 512 << 20);
        assert_string_equal(o.image, "soak");
        assert_int_equal(o.source.source, SOURCE_IMAGE);
        assert_int_equal(o.exec.n, 2);
        assert_string_equal(o.exec.items[0], "cat /etc/issue");
        assert_string_equal(o.exec.items[1], "uptime");
        assert_int_equal(o.stop, STOP_CLEAN);
        assert_int_equal(o.phases, PHASES_ALL);
        assert_string_equal(o.prefix, "soak");
        assert_int_not_equal(o.seed, 0);
        assert_int_equal(o.connect_timeout_ns, 15 * NSEC_PER_SEC);
        coord_options_release(&o);
}

static void test_thresholds(void **state)
{
        struct coord_options o;
        struct error err;

        assert_ok(parse("--hosts a --total 2 --threshold start.p99<2s --threshold failed<1%,abort",
                        &o, &err),
                  err);
        assert_int_equal(o.thresholds.n, 2);
        assert_string_equal(o.thresholds.items[1], "failed<1%,abort");
        coord_options_release(&o);
}

static void test_wedge_options(void **state)
{
        struct coord_options o;
        struct run_spec spec;
        struct error err;

        assert_ok(parse("--hosts a --total 2 --stop-timeout 2m", &o, &err), err);
        assert_int_equal(o.deadline_ns[PHASE_CREATE], 300 * NSEC_PER_SEC);
        assert_int_equal(o.deadline_ns[PHASE_STOP], 150 * NSEC_PER_SEC);
        assert_int_equal(o.probe_timeout_ns, 10 * NSEC_PER_SEC);
        assert_int_equal(o.evidence_limit, 8 << 20);
        assert_int_equal(o.on_wedge, ON_WEDGE_RECOVER);
        assert_false(o.allow_daemon_restart);
        assert_int_equal(o.allow_leak, 0);
        assert_int_equal(o.steady_share, 4);
        coord_options_release(&o);

        assert_ok(parse("--hosts a --total 2 --deadline all=90 --deadline stop=5s,exec=2m "
                        "--allow-leak fds --allow-leak rss,warnings --allow-daemon-restart "
                        "--steady-share 20 "
                        "--on-wedge stop --evidence-limit 0 --probe-timeout 3s",
                        &o, &err),
                  err);
        assert_ok(coord_options_to_spec(&o, "0a1b2c3d", &spec, &err), err);
        assert_int_equal(spec.deadline_ns[PHASE_CREATE], 90 * NSEC_PER_SEC);
        assert_int_equal(spec.deadline_ns[PHASE_STOP], 5 * NSEC_PER_SEC);
        assert_int_equal(spec.deadline_ns[PHASE_EXEC], 120 * NSEC_PER_SEC);
        assert_int_equal(spec.allow_leak, 1 << CENSUS_FDS | 1 << CENSUS_RSS | 1 << CENSUS_WARNINGS);
        assert_int_equal(spec.steady_share, 20);
        assert_true(spec.allow_daemon_restart);
        assert_int_equal(spec.on_wedge, ON_WEDGE_STOP);
        assert_int_equal(spec.evidence_limit, 0);
        assert_int_equal(spec.probe_timeout_ns, 3 * NSEC_PER_SEC);
        fields_release(run_spec_fields, &spec);
        coord_options_release(&o);
}

static void test_accepted(void **state)
{
        static const char *const lines[] = {
                "run --hosts a --total 5",
                "--hosts a --total 999999999 --parallel 1024",
                "--hosts a --duration 24h",
                "--hosts a --duration 1h30m --total 7",
                "--hosts a --mode density",
                "--hosts a --mode density --keep --phases create,start",
                "--hosts a --total 5 --phases delete,create",
                "--hosts a --total 5 --phases stop,start,delete,create --stop force",
                "--hosts a --total 5 --source copy:template-1",
                "--hosts a --total 5 --run-dir /nonexistent/yet",
                "cleanup --hosts a --run 0a1b2c3d --dry-run",
                "cleanup --hosts localhost -n",
                "keygen",
                "keygen x.key",
                "keygen --show",
                "keygen --show x.key",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                struct coord_options o;
                struct error err;
                int r = parse(lines[i], &o, &err);

                if (r != 0)
                        fail_msg("%s: returned %d, «%s»", lines[i], r, err.text);
                coord_options_release(&o);
        }
}

static void test_spec(void **state)
{
        struct run_spec spec;
        struct coord_options o;
        struct error err;

        assert_ok(parse("--hosts a --total 5 --exec true --exec echo~hi --phases "
                        "exec,create,start,stop,delete --source copy:tmpl --project p --seed 42",
                        &o, &err),
                  err);
        assert_ok(coord_options_to_spec(&o, "0a1b2c3d", &spec, &err), err);
        assert_string_equal(spec.run, "0a1b2c3d");
        assert_string_equal(spec.template_name, "tmpl");
        assert_string_equal(spec.project, "p");
        assert_int_equal(spec.seed, 42);
        assert_int_equal(spec.exec.n, 2);
        assert_string_equal(spec.exec.items[1], "echo hi");
        assert_int_equal(spec.phases, PHASE_BIT(PHASE_CREATE) | PHASE_BIT(PHASE_START) |
                                              PHASE_BIT(PHASE_EXEC) | PHASE_BIT(PHASE_STOP) |
                                              PHASE_BIT(PHASE_DELETE));
        fields_release(run_spec_fields, &spec);
        coord_options_release(&o);
}

static void test_too_many_commands(void **state)
{
        char line[1024] = "--hosts a --total 5";
        struct coord_options o;
        struct error err;

        for (int i = 0; i < EXEC_COMMANDS_MAX; i++)
                strcat(line, " --exec=x");
        assert_int_equal(parse(line, &o, &err), 0);
        coord_options_release(&o);
        strcat(line, " --exec=x");
        assert_error(parse(line, &o, &err), -EINVAL, err, "at most 16");
        coord_options_release(&o);
}

static char *read_text(const char *path)
{
        FILE *f = fopen(path, "r");
        char *text = calloc(1, 1 << 16);

        assert_non_null(f);
        assert_non_null(text);
        assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
        fclose(f);
        return text;
}

/* The paragraph of one option, from its heading to the next one. */
static char *man_entry(const char *man, const char *name)
{
        char heading[64], *from, *to;

        snprintf(heading, sizeof(heading), "*--%s*", name);
        for (from = strstr(man, heading); from; from = strstr(from + 1, heading)) {
                char *line = from;

                while (line > man && line[-1] != '\n')
                        line--;
                if (*line == '*') /* at the beginning of a line: a heading */
                        break;
        }
        if (!from)
                return NULL;
        to = strstr(from, "\n\n");
        return strndup(from, to ? (size_t)(to - from) : strlen(from));
}

static void test_man_page_has_every_option(void **state)
{
        _cleanup_(freep)
        char *man = read_text(MAN_PAGE);
        const struct option_spec *specs;
        size_t n;

        specs = coord_option_specs(&n);
        for (size_t i = 0; i < n; i++) {
                _cleanup_(freep)
                char *entry = man_entry(man, specs[i].name);
                char wanted[256];

                if (!entry)
                        fail_msg("the manual page does not tell of --%s", specs[i].name);
                if (specs[i].arg) {
                        char word[32];

                        /* HOST,… is set as _HOST_,… */
                        snprintf(word, sizeof(word), "_%.*s_", (int)strcspn(specs[i].arg, ","),
                                 specs[i].arg);
                        if (!strstr(entry, word))
                                fail_msg("--%s: its argument is %s", specs[i].name, word);
                }
                if (!specs[i].default_text)
                        continue;
                snprintf(wanted, sizeof(wanted), "Default: %s.", specs[i].default_text);
                if (!strstr(entry, wanted))
                        fail_msg("--%s: the manual page does not say «%s»", specs[i].name, wanted);
        }
}

static void test_man_page_has_no_other_option(void **state)
{
        _cleanup_(freep)
        char *man = read_text(MAN_PAGE);
        const struct option_spec *specs;
        size_t n;

        specs = coord_option_specs(&n);
        for (const char *p = man; (p = strstr(p, "--")); p += 2) {
                size_t size = strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-"), i;

                for (i = 0; i < n; i++)
                        if (strlen(specs[i].name) == size && !strncmp(specs[i].name, p + 2, size))
                                break;
                if (size && i == n)
                        fail_msg("the manual page tells of --%.*s", (int)size, p + 2);
        }
}

static void test_man_page_has_every_exit_code(void **state)
{
        static const struct {
                const char *word;
                int code;
        } codes[] = {
#define X(name, word, code, text) {word, code},
                VERDICTS(X)
#undef X
        };
        _cleanup_(freep)
        char *man = read_text(MAN_PAGE);

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                char wanted[64];

                if (streq(codes[i].word, "drift")) /* no run has this verdict yet */
                        continue;
                snprintf(wanted, sizeof(wanted), "*%d*\n\t%s:", codes[i].code, codes[i].word);
                if (!strstr(man, wanted))
                        fail_msg("the manual page does not tell of «%s»", wanted);
        }
        assert_non_null(strstr(man, "*" STR(EXIT_USAGE) "*"));
        assert_non_null(strstr(man, "*" STR(EXIT_INTERNAL) "*"));
}

static void check_completion(const char *text, enum coord_command command, const char *name)
{
        _cleanup_(freep)
        char *list = completion_list(text, name);
        const struct option_spec *specs;
        size_t n, known = 0;

        assert_non_null(list);
        specs = coord_option_specs(&n);
        for (size_t i = 0; i < n; i++) {
                if (!coord_option_of(i, command))
                        continue;
                known++;
                if (!has_word(list, specs[i].name))
                        fail_msg("the completion of %s lacks --%s", name, specs[i].name);
        }
        assert_int_equal(count_words(list), known + 2); /* --help, --version */
}

static void test_completion(void **state)
{
        _cleanup_(freep)
        char *text = read_text(COMPLETION);

        check_completion(text, COORD_RUN, "run");
        check_completion(text, COORD_CLEANUP, "cleanup");
        check_completion(text, COORD_EVIDENCE, "evidence");
        check_completion(text, COORD_RESUME, "resume");
        check_completion(text, COORD_STATUS, "status");
        check_completion(text, COORD_STOP, "stop");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_wedge_options),
                cmocka_unit_test(test_thresholds),
                cmocka_unit_test(test_spec),
                cmocka_unit_test(test_too_many_commands),
                cmocka_unit_test(test_man_page_has_every_option),
                cmocka_unit_test(test_man_page_has_no_other_option),
                cmocka_unit_test(test_man_page_has_every_exit_code),
                cmocka_unit_test(test_completion),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
