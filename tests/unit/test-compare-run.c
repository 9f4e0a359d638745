/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A comparison from stores, and how it is shown. LXDSOAK_SHOW=1 prints it. */

#include "tests/unit/made-run.h"

#include "report/compare-show.h"

static void fill(struct made *m, int units, int failed)
{
        make(m, MODE_CHURN, units, 0);
        for (int u = 1; u <= units; u++) {
                size_t host = (size_t)u % 2;
                int64_t at = T0 + u * 900 * MS, took = good_unit(m, host, u, at);
                char error[64];

                if (u <= failed) {
                        snprintf(error, sizeof(error), "Failed to run: exit status %d", u);
                        sample(m, host, u, PHASE_DELETE, at + took, 3 * MS, RESULT_FAIL, error);
                }
                outcome(m, host, u, u <= failed ? OUTCOME_FAILED : OUTCOME_PASSED, at, took, true);
        }
        end(m, (units + 3) * 900 * MS);
}

static void read_made(struct made *m, struct compare_run *ret)
{
        struct error err = ERROR_INIT;

        assert_ok(compare_run_read(m->store, ret, &err), err);
}

static void test_read(void **state)
{
        struct made *m = *state;
        struct compare_run run;
        const struct stats_thin *t;

        fill(m, 40, 3);
        read_made(m, &run);
        assert_int_equal(run.samples.units, 40);
        assert_int_equal(run.samples.failed, 3);
        assert_int_equal(run.samples.wedged, 0);
        for (int p = 0; p < PHASE_MAX_; p++)
                assert_int_equal(run.samples.phases[p].seen, p == PHASE_EXEC ? 80 : 40);
        /* host by host, and each as they ended */
        t = run.samples.phases + PHASE_START;
        for (size_t i = 1; i < t->n; i++)
                assert_true(t->x[i - 1] <= t->x[i]);
        assert_true(t->x[0] < t->x[t->n - 1]);
        compare_run_deinit(&run);
}

static void test_show(void **state)
{
        struct made *m = *state;
        struct compare_run a, b;
        struct compare result;
        struct compare_shown shown = {.a = &a, .b = &b, .result = &result, .floor = COMPARE_FLOOR};
        json_object *json, *phases, *start, *errors, *v;
        _cleanup_(freep)
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        fill(m, 40, 3);
        read_made(m, &a);
        read_made(m, &b);
        for (size_t i = 0; i < b.samples.phases[PHASE_START].n; i++)
                b.samples.phases[PHASE_START].y[i] *= 2;
        snprintf(b.summary->errors[0].text, sizeof(b.summary->errors[0].text),
                 "Failed to run: exit status 4711");
        assert_int_equal(compare_compute(&a.samples, &b.samples, COMPARE_FLOOR, &result), 0);
        assert_int_equal(compare_explain(&shown), 0);
        assert_int_equal(compare_exit_code(result.verdict), 98);
        assert_true(startswith(shown.reason, "start takes "));
        compare_print(&shown, out);
        fclose(out);
        if (getenv("LXDSOAK_SHOW"))
                print_message("%s\n", text);
        assert_true(startswith(text, "WORSE: start takes "));
        assert_non_null(strstr(text, "SLOWER"));
        assert_non_null(strstr(text, "3 of 40"));
        json = compare_to_json(&shown);
        assert_true(json_object_object_get_ex(json, "phases", &phases));
        assert_true(json_object_object_get_ex(phases, "start", &start));
        assert_true(json_object_object_get_ex(start, "verdict", &v));
        assert_string_equal(json_object_get_string(v), "worse");
        /* alike but for a number: one */
        assert_true(json_object_object_get_ex(json, "errors", &errors));
        assert_int_equal(json_object_array_length(errors), 1);
        v = json_object_array_get_idx(errors, 0);
        assert_true(json_object_object_get_ex(v, "a", &start));
        assert_int_equal(json_object_get_int(start), 3);
        assert_true(json_object_object_get_ex(v, "b", &start));
        assert_int_equal(json_object_get_int(start), 3);
        json_object_put(json);
        compare_shown_deinit(&shown);
        compare_run_deinit(&a);
        compare_run_deinit(&b);
}

static void test_exit_codes(void **state)
{
        assert_int_equal(compare_exit_code(COMPARE_SAME), 0);
        assert_int_equal(compare_exit_code(COMPARE_BETTER), 0);
        assert_int_equal(compare_exit_code(COMPARE_WORSE), 98);
        assert_int_equal(compare_exit_code(COMPARE_INCONCLUSIVE), 96);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_show, setup, teardown),
                cmocka_unit_test(test_exit_codes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
