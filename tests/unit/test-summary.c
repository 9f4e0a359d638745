/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Summaries of made-up runs: what is counted, and how it reads. LXDSOAK_SHOW=1 prints them. */

#include "tests/unit/made-run.h"
#include "tests/unit/summary-text.h"

#include <sqlite3.h>

#include "report/summary.h"
#include "report/table.h"

static struct summary *summary_of(struct made *m)
{
        struct summary *s = NULL;
        struct error err = ERROR_INIT;

        assert_ok(summary_new(m->store, &s, &err), err);
        return s;
}

/* The text; every line is at most 100 wide. */
static char *narrow_text_of(const struct summary *s)
{
        char *text = text_of(s);
        size_t width = 0;

        for (const char *p = text; *p; p++) {
                width = *p == '\n' ? 0 : width + (((unsigned char)*p & 0xc0) != 0x80);
                assert_true(width <= 100);
                if (*p == '\n' && p > text)
                        assert_true(p[-1] != ' ');
        }
        return text;
}

static void test_pass(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        json_object *o;

        make(m, MODE_CHURN, 200, 0);
        for (int64_t unit = 1; unit <= 200; unit++) {
                size_t host = unit % 2;
                int64_t start = T0 + (unit - 1) / 50 * 9000 * MS + unit * 17 * MS;

                outcome(m, host, unit, OUTCOME_PASSED, start, good_unit(m, host, unit, start),
                        true);
        }
        end(m, 42 * NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->verdict, VERDICT_PASS);
        assert_int_equal(s->total.units.passed, 200);
        assert_int_equal(s->hosts[0].units.passed, 100);
        assert_int_equal(s->total.phases[PHASE_CREATE].count, 200);
        assert_int_equal(s->hosts[1].phases[PHASE_EXEC].count, 200);
        assert_in_range(s->total.phases[PHASE_CREATE].p50_ns, 2300 * MS, 4600 * MS);
        assert_true(s->total.phases[PHASE_CREATE].max_ns ==
                    MAX(s->hosts[0].phases[PHASE_CREATE].max_ns,
                        s->hosts[1].phases[PHASE_CREATE].max_ns));
        assert_true(s->total.units_per_sec > 4.7 && s->total.units_per_sec < 4.8);
        assert_int_equal(s->total.oldest_ns, 12400 * MS);
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "\nhow many instances a host had hardly varied (by "));
        assert_true(startswith(text, "PASS: 200 of 200 units passed, nothing left behind\n"
                                     "2 hosts · 25 at a time on each · 42.0 s · 4.76 units/s · "));

        o = summary_to_json(s);
        assert_string_equal(json_object_get_string(at(o, "/run")), "k3xw90ab");
        assert_string_equal(json_object_get_string(at(o, "/verdict")), "pass");
        assert_int_equal(json_object_get_int(at(o, "/exit_code")), 0);
        assert_int_equal(json_object_get_int(at(o, "/units/planned")), 200);
        assert_int_equal(json_object_get_int(at(o, "/units/passed")), 200);
        assert_int_equal(json_object_get_int(at(o, "/units/failed")), 0);
        assert_int_equal(json_object_get_int(at(o, "/units/wedged")), 0);
        assert_int_equal(json_object_get_int(at(o, "/units/interrupted")), 0);
        assert_int_equal(json_object_get_int(at(o, "/phases/create/count")), 200);
        assert_int_equal(json_object_get_int(at(o, "/phases/create/failed")), 0);
        assert_true(json_object_get_int64(at(o, "/phases/create/p50_ns")) > 0);
        assert_true(json_object_get_int64(at(o, "/phases/create/p999_ns")) > 0);
        assert_int_equal(json_object_get_int(at(o, "/hosts/a/units/passed")), 100);
        assert_int_equal(json_object_get_int(at(o, "/hosts/b/phases/verify/count")), 100);
        assert_int_equal(json_object_get_int64(at(o, "/wall_ns")), 42 * NSEC_PER_SEC);
        assert_int_equal(json_object_array_length(at(o, "/leftovers")), 0);
        assert_int_equal(json_object_array_length(at(o, "/outlived")), 0);
        assert_int_equal(json_object_array_length(at(o, "/wedges")), 0);
        json_object_put(o);
}

static void test_trouble(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        struct error err = ERROR_INIT;
        struct record r;
        json_object *left, *o;

        make(m, MODE_CHURN, 50, 0);
        for (int64_t unit = 1; unit <= 48; unit++) {
                size_t host = unit % 2;
                int64_t start = T0 + unit * 100 * MS;
                char error[200];

                if (unit % 12 != 0) {
                        outcome(m, host, unit, OUTCOME_PASSED, start,
                                good_unit(m, host, unit, start), true);
                        continue;
                }
                sample(m, host, unit, PHASE_CREATE, start, 900 * MS, RESULT_OK, NULL);
                snprintf(error, sizeof(error),
                         "Failed to run: /usr/bin/lxd forkstart soak-k3xw90ab-%02d "
                         "/var/lib/lxd/containers /var/log/lxd/soak-k3xw90ab-%02d/lxc.conf: exit "
                         "status 1",
                         (int)unit, (int)unit);
                sample(m, host, unit, PHASE_START, start, 30 * MS, RESULT_FAIL, error);
                outcome(m, host, unit, OUTCOME_FAILED, start, 2000 * MS, true);
        }
        sample(m, 0, 49, PHASE_DELETE, T0, 30 * NSEC_PER_SEC, RESULT_TIMEOUT, NULL);
        sample(m, 0, 49, PHASE_STOP, T0, 1, RESULT_INTERRUPTED, NULL);
        outcome(m, 0, 49, OUTCOME_INTERRUPTED, T0, NSEC_PER_SEC, true);
        outcome(m, 1, 49, OUTCOME_PASSED, T0, NSEC_PER_SEC, false);
        r = (struct record){.kind = RECORD_LEFTOVER, .unit = 12, .attempt = 1};
        r.leftover.kind = LEFTOVER_MOUNT;
        strcpy(r.leftover.name, "/var/lib/lxd/storage-pools/default/containers/soak-k3xw90ab-12");
        put(m, 0, &r, false);
        r.leftover.kind = LEFTOVER_PROCESS;
        strcpy(r.leftover.name, "pid 4711 [lxc monitor]");
        put(m, 0, &r, false);
        left = json_tokener_parse("[{\"kind\":\"mount\",\"unit\":12,\"name\":\"/var/lib/lxd/"
                                  "storage-pools/default/containers/soak-k3xw90ab-12\"}]");
        assert_ok(store_put_leftovers(m->store, 0, left, &err), err);
        json_object_put(left);
        end(m, 42 * NSEC_PER_SEC);
        assert_ok(store_set_host_state(m->store, 1, STORE_HOST_LOST, "no sign of life for 70 s",
                                       &err),
                  err);

        s = summary_of(m);
        assert_int_equal(s->verdict, VERDICT_LEAK);
        assert_string_equal(s->reason,
                            "44 of 50 units passed, 4 failed, 1 interrupted, 1 not done, 1 thing "
                            "left behind; host b lost: no sign of life for 70 s");
        assert_true(s->total.units.late == 1 && s->outlived_total == 2 && s->leftovers_total == 1);
        assert_int_equal(s->total.phases[PHASE_START].count, 48);
        assert_int_equal(s->total.phases[PHASE_START].failed, 4);
        assert_true(s->total.phases[PHASE_START].p50_ns >
                    1000 * MS); /* not of the quick refusals */
        assert_int_equal(s->total.phases[PHASE_DELETE].count, 45);
        assert_int_equal(s->total.phases[PHASE_STOP].count, 44);
        assert_int_equal(s->n_errors, 2);
        assert_int_equal(s->errors[0].count, 4); /* one, although each names another container */
        assert_true(startswith(s->errors[0].text, "Failed to run: /usr/bin/lxd forkstart"));
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "LEAK: 44 of 50"));
        assert_non_null(strstr(text, "left behind: 1 (and 1 that outlived"));
        assert_non_null(strstr(text, "4×"));
        o = summary_to_json(s);
        assert_int_equal(json_object_get_int(at(o, "/exit_code")), 98);
        assert_int_equal(json_object_array_length(at(o, "/leftovers")), 1);
        assert_int_equal(json_object_array_length(at(o, "/outlived")), 2);
        assert_string_equal(json_object_get_string(at(o, "/outlived/0/kind")), "mount");
        assert_string_equal(json_object_get_string(at(o, "/hosts/b/state")), "lost");
        assert_int_equal(json_object_array_length(at(o, "/hosts/b/leftovers")), 0);
        assert_int_equal(json_object_get_int(at(o, "/hosts/a/units/failed")), 4);
        json_object_put(o);
}

static void test_density(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;

        make(m, MODE_DENSITY, 1000, 0);
        for (int64_t live = 1; live <= 180; live++) {
                struct record r = {.kind = RECORD_HELD, .unit = live, .attempt = 1};
                int64_t start = T0 + live * 200 * MS;

                sample(m, 0, live, PHASE_CREATE, start, about(m, 900 + live * 8), RESULT_OK, NULL);
                sample(m, 0, live, PHASE_START, start, about(m, 400 + live * 4), RESULT_OK, NULL);
                r.held.live = live;
                r.held.mem_available = INT64_C(6) << 30;
                r.held.mem_available -= live * (30 << 20);
                put(m, 0, &r, false);
        }
        for (int64_t unit = 1; unit <= 180; unit++)
                outcome(m, 0, unit, OUTCOME_PASSED, T0, 60 * NSEC_PER_SEC, true);
        end(m, 61 * NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->verdict, VERDICT_PASS);
        assert_string_equal(s->reason, "180 units came up, nothing left behind");
        assert_int_equal(s->n_buckets, 9);
        assert_true(s->buckets[0].from == 1 && s->buckets[0].to == 20 && s->buckets[0].held == 20);
        assert_int_equal(s->buckets[0].mem_each, 30 << 20);
        assert_int_equal(s->buckets[8].mem_each, 30 << 20);
        assert_true(s->buckets[8].time_p50_ns > s->buckets[0].time_p50_ns);
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "161–180"));
        assert_non_null(strstr(text, "\n0–31              1.1 s  "));
        assert_non_null(strstr(text, "\na hundred more  +"));
        json_object *o = summary_to_json(s);
        assert_int_equal(json_object_get_int(at(o, "/density/0/mem_each")), 30 << 20);
        /* 800 ms of what about() makes of it, and a tenth more for those that are under way */
        assert_in_range(json_object_get_int64(at(o, "/live/create/per_hundred_ns")), 780 * MS,
                        1000 * MS);
        assert_in_range(json_object_get_int64(at(o, "/live/create/low_ns")), 700 * MS, 900 * MS);
        assert_int_equal(json_object_array_length(at(o, "/live/create/buckets")), 6);
        assert_int_equal(json_object_get_int(at(o, "/live/create/buckets/5/from")), 160);
        assert_in_range(json_object_get_int(at(o, "/live/create/buckets/5/count")), 8, 20);
        assert_int_equal(json_object_array_length(at(o, "/live/stop/buckets")), 0);
        assert_null(at(o, "/live/stop/per_hundred_ns"));
        json_object_put(o);
}

/* What was unwound is not there any more, and yields no delete that could be counted. */
static void test_unwound(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;

        make(m, MODE_CHURN, 100, 0);
        for (int64_t unit = 1; unit <= 40; unit++) {
                int64_t start = T0 + unit * 100 * MS;

                sample(m, 0, unit, PHASE_CREATE, start, 50 * MS, RESULT_OK, NULL);
                if (unit % 4 == 0)
                        sample(m, 0, unit, PHASE_DELETE, start + 50 * MS, 9 * MS, RESULT_OK, NULL);
                else
                        sample(m, 0, unit, PHASE_START, start + 50 * MS, 9 * MS, RESULT_FAIL, "no");
                if (unit % 4 != 2) /* counted, or lent again; of the others nothing is known */
                        outcome(m, 0, unit, unit % 4 ? OUTCOME_FAILED : OUTCOME_PASSED, start,
                                60 * MS, unit % 4 != 1);
        }
        end(m, NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->live[PHASE_CREATE].n_buckets, 6);
        assert_int_equal(s->live[PHASE_CREATE].buckets[4].from, 8);
        assert_int_equal(s->live[PHASE_CREATE].buckets[4].to, 9);
        assert_int_equal(s->live[PHASE_CREATE].buckets[4].count, 8);
        assert_int_equal(s->live[PHASE_CREATE].buckets[5].count, 2); /* 39, 40: ten forgotten */
}

/* Nothing at all happened: no division by it, and no pass. */
static void test_nothing(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        struct error err = ERROR_INIT;
        json_object *o;

        make(m, MODE_CHURN, 0, 60 * NSEC_PER_SEC);
        for (size_t i = 0; i < 2; i++)
                assert_ok(store_set_host_state(m->store, i, STORE_HOST_REFUSED,
                                               "image: no image with alias or fingerprint soak; "
                                               "see lxc image list",
                                               &err),
                          err);
        assert_ok(store_commit(m->store, &err), err);
        s = summary_of(m);
        assert_int_equal(s->verdict, VERDICT_INCONCLUSIVE);
        assert_false(s->ended);
        assert_int_equal(s->total.units.planned, -1);
        text = narrow_text_of(s);
        assert_true(
                startswith(text, "INCONCLUSIVE: 0 units passed; 2 of 2 hosts not finished (a "));
        o = summary_to_json(s);
        assert_null(at(o, "/units/planned"));
        assert_int_equal(json_object_get_int(at(o, "/phases/create/count")), 0);
        json_object_put(o);
}

static void test_stopped(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        struct error err = ERROR_INIT;

        make(m, MODE_CHURN, 100, 0);
        sample(m, 0, 1, PHASE_CREATE, T0, MS, RESULT_OK, NULL);
        outcome(m, 0, 1, OUTCOME_PASSED, T0, 2 * NSEC_PER_SEC, true);
        outcome(m, 1, 2, OUTCOME_PASSED, T0, 7 * NSEC_PER_SEC, true);
        assert_ok(store_set_stopped(m->store, &err), err);
        end(m, 10 * NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->verdict, VERDICT_STOPPED);
        assert_int_equal(s->total.gap_max_ns, 5 * NSEC_PER_SEC);
        assert_int_equal(s->hosts[1].gap_max_ns, 7 * NSEC_PER_SEC);
}

/* All together is not the mean of the hosts: 99 quick ones on a, one slow one on b. */
static void test_merged(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;

        make(m, MODE_CHURN, 100, 0);
        for (int64_t unit = 1; unit <= 100; unit++)
                sample(m, unit == 100, unit, PHASE_CREATE, T0, unit == 100 ? 1000 * MS : 10 * MS,
                       RESULT_OK, NULL);
        end(m, NSEC_PER_SEC);
        s = summary_of(m);
        assert_in_range(s->total.phases[PHASE_CREATE].p99_ns, 10 * MS, 10 * MS + 10 * MS / 1000);
        assert_int_equal(s->total.phases[PHASE_CREATE].p999_ns, 1000 * MS);
        assert_int_equal(s->hosts[1].phases[PHASE_CREATE].p50_ns, 1000 * MS);
}

static void test_table(void **state)
{
        struct table t;
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        table_init(&t, "lrl");
        table_row(&t, (const char *const[]){"a", "µs", "x"});
        table_row(&t, (const char *const[]){"long", "1000", NULL});
        table_row(&t, (const char *const[]){"", "", ""});
        table_row(&t, (const char *const[]){"é", "", "y"});
        table_row(&t, (const char *const[]){"z", "7", ""});
        table_print(&t, "|", f);
        table_deinit(&t);
        text_wrap("> ", "one two three four five", 16, 2, f);
        text_wrap("> ", "a\033[31mb", 40, 2, f);
        text_wrap("> ", "µµµµµµµµµµµµµµµµµµµµ", 14, 9, f);
        text_wrap("> ", "", 14, 9, f);
        fclose(f);
        assert_string_equal(text, "|a       µs  x\n"
                                  "|long  1000  -\n"
                                  "|\n"
                                  "|é           y\n"
                                  "|z        7\n"
                                  "> one two\n"
                                  "  three four …\n"
                                  "> a?[31mb\n"
                                  "> µµµµµµµµµµ\n"
                                  "  µµµµµµµµµµ\n"
                                  "> \n");
        free(text);
}

/* Freireich's 6-MP: 9 of 21 were seen to end, half of them within 23. */
static void test_survival(void **state)
{
        static const int64_t ended[] = {6, 6, 6, 7, 10, 13, 16, 22, 23},
                             cut[] = {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35};
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        const struct summary_phase *p;

        make(m, MODE_CHURN, 21, 0);
        for (size_t i = 0; i < ELEMENTSOF(ended); i++)
                sample(m, i % 2, (int64_t)i + 1, PHASE_STOP, T0, ended[i], RESULT_OK, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cut); i++)
                sample(m, i % 2, (int64_t)i + 10, PHASE_STOP, T0, cut[i],
                       i % 3 == 0   ? RESULT_INTERRUPTED
                       : i % 3 == 1 ? RESULT_TIMEOUT
                                    : RESULT_LOST,
                       NULL);
        end(m, NSEC_PER_SEC);
        s = summary_of(m);
        p = &s->total.phases[PHASE_STOP];
        assert_int_equal(p->unended, 12);
        assert_int_equal(p->km_p50_ns, 23);
        assert_int_equal(p->km_p90_ns, -1);
        assert_int_equal(p->p50_ns, 10); /* of those that ended alone, it looks fast */
        p = &s->total.phases[PHASE_START];
        assert_int_equal(p->unended, 0);
        assert_int_equal(p->km_p50_ns, -1);
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "stop          12"));
}

/* The same, of whole units: 9 passed; the others failed, wedged, were cut short or are still out.
 */
static void test_units_survive(void **state)
{
        static const int64_t passed[] = {6, 6, 6, 7, 10, 13, 16, 22, 23},
                             others[] = {6, 9, 10, 11, 17, 19, 20, 25}, out[] = {32, 32, 34, 35};
        static const enum outcome how[] = {OUTCOME_FAILED, OUTCOME_WEDGED, OUTCOME_INTERRUPTED};
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        json_object *o;
        int64_t unit = 0;

        make(m, MODE_CHURN, 21, 0);
        for (size_t i = 0; i < ELEMENTSOF(passed); i++)
                outcome(m, i % 2, ++unit, OUTCOME_PASSED, T0, passed[i], true);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                outcome(m, i % 2, ++unit, how[i % ELEMENTSOF(how)], T0, others[i], i % 4 != 0);
        for (size_t i = 0; i < ELEMENTSOF(out); i++)
                sample(m, 0, ++unit, PHASE_CREATE, T0 + 35 - out[i], 1, RESULT_OK, NULL);
        sample(m, 0, unit, PHASE_START, T0 + 1, 34, RESULT_OK, NULL); /* the last of that agent */
        /* created, and left where it is on purpose: it has ended */
        sample(m, 1, ++unit, PHASE_CREATE, T0, 1, RESULT_OK, NULL);
        outcome(m, 1, unit, OUTCOME_PASSED, T0, 6, true);
        end(m, NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->unit.count, 10 + 6);
        assert_int_equal(s->unit.failed, 6);
        assert_int_equal(s->unit.unended, 12);
        assert_int_equal(s->unit.p50_ns, 7);
        assert_int_equal(s->unit.km_p50_ns, 23);
        assert_int_equal(s->unit.km_p90_ns, -1);
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "\nunit          12  23 ns    -    -\n"));
        o = summary_to_json(s);
        assert_int_equal(json_object_get_int(at(o, "/unit/unended")), 12);
        assert_int_equal(json_object_get_int64(at(o, "/unit/km_p50_ns")), 23);
        assert_null(at(o, "/unit/km_p90_ns"));
        json_object_put(o);
}

/* Nothing is cut off silently: what is not shown is counted, and in JSON. */
static void test_many_errors(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        int64_t unit = 0;
        json_object *o;

        make(m, MODE_CHURN, 0, NSEC_PER_SEC);
        for (char kind = 'a'; kind < 'a' + 14; kind++) /* 20 of the first, 7 of the last */
                for (int i = 0; i < 20 - (kind - 'a'); i++) {
                        char error[96];

                        unit++;
                        snprintf(error, sizeof(error),
                                 "no %c%c%c for soak-k3xw90ab-%02d: operation "
                                 "f47ac10b-58cc-4372-a567-%012x after %d.5s",
                                 kind, kind, kind, (int)unit, (unsigned)unit * 40503U, i);
                        sample(m, 0, unit, PHASE_START, T0 + unit, 1, RESULT_FAIL, error);
                }
        end(m, NSEC_PER_SEC);
        s = summary_of(m);
        assert_int_equal(s->error_kinds, 14);
        assert_int_equal(s->n_errors, 14);
        assert_int_equal(s->errors_total, 14 * 20 - 13 * 14 / 2);
        assert_int_equal(s->errors[13].count, 7);
        text = narrow_text_of(s);
        assert_non_null(strstr(text, "\n    11×  start fail 500: no jjj for"));
        assert_non_null(strstr(text, "\n  and 4 more kinds, 34 errors: --json has them\n"));
        assert_null(strstr(text, "no kkk"));
        o = summary_to_json(s);
        assert_int_equal(json_object_array_length(at(o, "/errors")), 14);
        assert_int_equal(json_object_get_int(at(o, "/error_kinds")), 14);
        assert_int_equal(json_object_get_int(at(o, "/errors_total")), 189);
        json_object_put(o);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_pass),     T(test_trouble),       T(test_density),     T(test_unwound),
                T(test_nothing),  T(test_stopped),       T(test_merged),      T(test_table),
                T(test_survival), T(test_units_survive), T(test_many_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
