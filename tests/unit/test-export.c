/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exports of a made-up run; that the tools of the formats read them is a test of its own. */

#include "tests/unit/made-run.h"

#include "report/export.h"
#include "report/metrics-text.h"
#include "report/output-file.h"

static void make_run(struct made *m)
{
        int64_t at = T0;

        make(m, MODE_CHURN, 3, 0);
        for (int64_t unit = 1; unit <= 2; unit++) {
                int64_t took = good_unit(m, 0, unit, at);

                outcome(m, 0, unit, OUTCOME_PASSED, at, took, true);
                at += took;
        }
        sample(m, 1, 3, PHASE_START, T0, 5 * MS, RESULT_FAIL, "no \"cgroup\", <no> unit\nat all");
        outcome(m, 1, 3, OUTCOME_FAILED, T0, 6 * MS, true);
        end(m, 60 * NSEC_PER_SEC);
}

static char *printed(struct made *m, void (*print)(const struct summary *s, FILE *out))
{
        struct summary *s = NULL;
        struct error err = ERROR_INIT;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_ok(summary_new(m->store, &s, &err), err);
        print(s, f);
        fclose(f);
        summary_free(s);
        if (getenv("LXDSOAK_SHOW"))
                printf("\n%s\n", text);
        return text;
}

static void test_csv(void **state)
{
        struct made *m = *state;
        struct error err = ERROR_INIT;
        _cleanup_(freep)
        char *text = NULL;
        size_t size, lines = 0;
        FILE *f = open_memstream(&text, &size);

        make_run(m);
        assert_ok(export_csv(m->store, f, &err), err);
        fclose(f);
        assert_true(startswith(text, "t,run,host,unit,attempt,phase,step,start_realtime_ns,"
                                     "start_monotonic_ns,duration_ns,result,error_code,error\n"
                                     "0.000000,k3xw90ab,"));
        assert_non_null(strstr(text, ",fail,500,\"no \"\"cgroup\"\", <no> unit\nat all\"\n"));
        for (const char *p = text; (p = strchr(p, '\n')); p++)
                lines++;
        assert_int_equal(lines, 1 + 2 * 8 + 1 + 1); /* the header, two lives, one with two lines */
}

static void test_junit(void **state)
{
        struct made *m = *state;
        _cleanup_(freep)
        char *text = NULL;

        make_run(m);
        text = printed(m, export_junit);
        assert_non_null(strstr(text, "tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"0\""));
        assert_non_null(strstr(text, "<failure message=\"1 units failed\">1x start fail: no "
                                     "&quot;cgroup&quot;, &lt;no&gt; unit&#10;at all"));
        assert_non_null(strstr(text, "<property name=\"verdict\" value=\"threshold\"/>"));
}

static void test_metrics(void **state)
{
        struct made *m = *state;
        _cleanup_(freep)
        char *open = NULL;
        _cleanup_(freep)
        char *plain = NULL;

        make_run(m);
        open = printed(m, export_openmetrics);
        plain = printed(m, export_textfile);
        assert_non_null(strstr(open, "# TYPE lxdsoak_units counter\n"));
        assert_non_null(strstr(open, "lxdsoak_units_total{run=\"k3xw90ab\",host=\"a\","
                                     "outcome=\"passed\"} 2 1751371260.000\n"));
        assert_true(strlen(open) > 6 && streq(open + strlen(open) - 6, "# EOF\n"));
        assert_non_null(strstr(plain, "# TYPE lxdsoak_units_total counter\n"));
        assert_non_null(strstr(plain, "lxdsoak_units_total{run=\"k3xw90ab\",host=\"a\","
                                      "outcome=\"passed\"} 2\n"));
        assert_null(strstr(plain, "EOF"));
}

static void test_labels_are_quoted(void **state)
{
        _cleanup_(freep)
        char *text = NULL;
        size_t size;
        struct metrics_writer w = {.out = open_memstream(&text, &size)};

        metrics_family(&w, "x", "gauge", "Help.");
        METRICS(&w, 0.25);
        METRICS(&w, 1e15, "a", "say \"no\"\\\n");
        fclose(w.out);
        assert_string_equal(text, "# HELP x Help.\n# TYPE x gauge\nx 0.25\n"
                                  "x{a=\"say \\\"no\\\"\\\\\\n\"} 1e+15\n");
}

/* 1 to 10 in ms: the steps and columns of the reference, values to three digits. */
static void test_hgrm(void **state)
{
        static const char head[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                                   "       1.000 0.000000000000          1           1.00\n"
                                   "       1.000 0.100000000000          1           1.11\n"
                                   "       2.000 0.200000000000          2           1.25\n"
                                   "       3.001 0.300000000000          3           1.43\n"
                                   "       4.001 0.400000000000          4           1.67\n"
                                   "       5.003 0.500000000000          5           2.00\n"
                                   "       6.003 0.550000000000          6           2.22\n";
        static const char tail[] = "      10.000 1.000000000000         10\n"
                                   "#[Mean    =        5.502, StdDeviation   =        2.873]\n"
                                   "#[Max     =       10.000, Total count    =           10]\n";
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;
        _cleanup_(freep)
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(histogram_new_full(INT64_C(3600000000), 3, &h), 0);
        for (int i = 1; i <= 10; i++)
                histogram_record(h, i * 1000);
        hgrm_print(h, 1000, f);
        fclose(f);
        if (getenv("LXDSOAK_SHOW"))
                printf("\n%s\n", text);
        assert_memory_equal(text, head, sizeof(head) - 1);
        assert_non_null(strstr(text, tail));
}

static void test_output_file(void **state)
{
        struct made *m = *state;
        struct output_file o;
        struct error err = ERROR_INIT;
        char path[96], line[32];
        FILE *f;

        snprintf(path, sizeof(path), "%s/out", m->dir);
        assert_ok(output_file_open(path, &o, &err), err);
        fputs("half", o.out);
        assert_int_not_equal(access(path, F_OK), 0);
        output_file_deinit(&o); /* not committed: nothing is there, under no name */
        assert_int_not_equal(access(path, F_OK), 0);
        assert_ok(output_file_open(path, &o, &err), err);
        fputs("whole\n", o.out);
        assert_ok(output_file_commit(&o, &err), err);
        output_file_deinit(&o);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof(line), f));
        assert_string_equal(line, "whole\n");
        fclose(f);
        unlink(path);
        assert_error(output_file_open("/nowhere/at/all", &o, &err), -ENOENT, err,
                     "/nowhere/at/all cannot be written");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_csv),     TEST(test_junit),
                TEST(test_metrics), TEST(test_labels_are_quoted),
                TEST(test_hgrm),    TEST(test_output_file),
        };

        return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
