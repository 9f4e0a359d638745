/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What journals may make the report keep: as much as a run can have, and not one more. */

#include <inttypes.h>

#include "base/message-ids.h"
#include "report/journal-run.h"
#include "report/summary.h"
#include "tests/unit/unit.h"

static const char run_id[] = "k3xw90ab";
static int setup(void **state)
{
        struct gathered *g = calloc(1, sizeof(*g));
        struct error err = ERROR_INIT;

        *state = g;
        return g ? gathered_init(g, run_id, &err) : -1;
}

static int teardown(void **state)
{
        gathered_deinit(*state);
        free(*state);
        return 0;
}

/* An entry of pairs of name and value; an empty name ends it. */
static void tell(struct gathered *g, const char *id, const char *const *fields)
{
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {.realtime_ns = 1};
        struct error err = ERROR_INIT;

        assert_int_equal(journal_entry_add(&e, "LXDSOAK_RUN", 11, run_id, strlen(run_id)), 0);
        assert_int_equal(journal_entry_add(&e, "MESSAGE_ID", 10, id, strlen(id)), 0);
        for (; fields[0]; fields += 2)
                assert_int_equal(journal_entry_add(&e, fields[0], strlen(fields[0]), fields[1],
                                                   strlen(fields[1])),
                                 0);
        assert_ok(gathered_add(g, &e, &err), err);
}

#define TELL(g, id, ...) tell(g, id, (const char *const[]){__VA_ARGS__, NULL})

/* [BEFORE 0 AFTER, BEFORE 1 AFTER, …] */
static char *list_of(int64_t n, const char *before, const char *after)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputc('[', f);
        for (int64_t i = 0; i < n; i++)
                fprintf(f, "%s%s%" PRId64 "%s", i ? "," : "", before, i, after);
        fputc(']', f);
        fclose(f);
        return text;
}

static void begin(struct gathered *g, int64_t n_hosts, int64_t n_thresholds)
{
        _cleanup_(freep)
        char *names = list_of(n_hosts, "\"host", "\"");
        _cleanup_(freep)
        char *thresholds = list_of(n_thresholds, "\"start.p99<1", "s\"");
        const struct run_spec spec = {.run = "k3xw90ab",
                                      .prefix = "soak",
                                      .image = "soak",
                                      .phases = PHASES_ALL,
                                      .total = 3,
                                      .parallel = 1,
                                      .seed = 1,
                                      .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                      .probe_timeout_ns = NSEC_PER_SEC,
                                      .lease_ns = 60 * NSEC_PER_SEC};
        _cleanup_(json_putp)
        json_object *json = fields_encode(run_spec_fields, &spec);

        TELL(g, MESSAGE_ID_RUN_STARTED, "LXDSOAK_SPEC", json_object_to_json_string(json),
             "LXDSOAK_HOST_NAMES", names, "LXDSOAK_THRESHOLDS", thresholds);
}

/* What is left out is said in the store; of a run with that the verdict is inconclusive. */
static void says(struct gathered *g, const char *what)
{
        _cleanup_(store_freep)
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        sqlite3_stmt *st = NULL;
        const char *missing;

        assert_ok(journal_run_build(g, &s, &err), err);
        assert_int_equal(sqlite3_prepare_v2(store_db(s), "SELECT missing FROM run", -1, &st, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        missing = (const char *)sqlite3_column_text(st, 0);
        assert_non_null(missing);
        assert_non_null(strstr(missing, what));
        sqlite3_finalize(st);
}

static void test_verdict(void **state)
{
        struct gathered *g = *state;
        _cleanup_(store_freep)
        struct store *s = NULL;
        _cleanup_(summary_freep)
        struct summary *summary = NULL;
        struct error err = ERROR_INIT;

        begin(g, 1, gathered_bound(GATHERED_THRESHOLDS) + 1);
        assert_ok(journal_run_build(g, &s, &err), err);
        assert_ok(summary_new(s, &summary, &err), err);
        assert_int_equal(summary->verdict, VERDICT_INCONCLUSIVE);
        assert_non_null(strstr(summary->reason, "1 more thresholds than a run can have"));
}

static void test_hosts(void **state)
{
        struct gathered *g = *state;

        begin(g, gathered_bound(GATHERED_HOSTS), 0);
        assert_int_equal(g->n_hosts, gathered_bound(GATHERED_HOSTS));
        assert_int_equal(g->beyond[GATHERED_HOSTS], 0);
        TELL(g, MESSAGE_ID_HOST, "LXDSOAK_HOST", "host0", "LXDSOAK_STATE", "active");
        assert_int_equal(g->beyond[GATHERED_HOSTS], 0); /* one there is */
        TELL(g, MESSAGE_ID_HOST, "LXDSOAK_HOST", "stranger", "LXDSOAK_STATE", "active");
        assert_int_equal(g->n_hosts, gathered_bound(GATHERED_HOSTS));
        assert_int_equal(g->beyond[GATHERED_HOSTS], 1);
        assert_int_equal(g->n_bad, 0);
        says(g, "1 more hosts than a run can have (10000)");
}

static void test_agents(void **state)
{
        struct gathered *g = *state;
        char id[33];

        begin(g, 1, 0);
        for (int64_t i = 0; i <= gathered_bound(GATHERED_AGENTS); i++) {
                assert_int_equal(g->beyond[GATHERED_AGENTS], 0);
                snprintf(id, sizeof(id), "%" PRId64 "-agent", i);
                TELL(g, MESSAGE_ID_RUN_ENDED, "LXDSOAK_AGENT", id, "LXDSOAK_LAST_SEQ", "0");
        }
        assert_int_equal(g->n_agents, gathered_bound(GATHERED_AGENTS));
        assert_int_equal(g->beyond[GATHERED_AGENTS], 1);
        says(g, "1 more agents than a run can have (20000)");
}

static void test_agents_of_host(void **state)
{
        struct gathered *g = *state;

        begin(g, 1, 0);
        for (int more = 0; more <= 1; more++) {
                _cleanup_(freep)
                char *agents = list_of(gathered_bound(GATHERED_AGENTS_OF_HOST) + more, "[\"agent",
                                       "\",0]");

                TELL(g, MESSAGE_ID_HOST, "LXDSOAK_HOST", "host0", "LXDSOAK_AGENT", "agent0",
                     "LXDSOAK_AGENTS", agents);
                assert_int_equal(g->hosts[0].n_agents, gathered_bound(GATHERED_AGENTS_OF_HOST));
                assert_int_equal(g->beyond[GATHERED_AGENTS_OF_HOST], more);
        }
        says(g, "1 more agents of one host than a run can have (64)");
}

static void test_leftovers(void **state)
{
        struct gathered *g = *state;

        begin(g, 1, 0);
        for (int64_t i = 0; i <= gathered_bound(GATHERED_LEFTOVERS); i++) {
                assert_int_equal(g->beyond[GATHERED_LEFTOVERS], 0);
                TELL(g, MESSAGE_ID_LEFTOVER, "LXDSOAK_AGENT", "a", "LXDSOAK_AT_END", "1",
                     "LXDSOAK_LEFTOVER", "mount", "LXDSOAK_LEFTOVER_NAME", "/x");
        }
        assert_int_equal(g->n_leftovers, gathered_bound(GATHERED_LEFTOVERS));
        assert_int_equal(g->beyond[GATHERED_LEFTOVERS], 1);
        says(g, "1 more things left behind than a run can have (65536)");
}

static void test_thresholds(void **state)
{
        struct gathered *g = *state;

        begin(g, 1, gathered_bound(GATHERED_THRESHOLDS));
        assert_int_equal(g->thresholds.n, gathered_bound(GATHERED_THRESHOLDS));
        assert_int_equal(g->beyond[GATHERED_THRESHOLDS], 0);
        begin(g, 1, gathered_bound(GATHERED_THRESHOLDS) + 2);
        assert_int_equal(g->thresholds.n, gathered_bound(GATHERED_THRESHOLDS));
        assert_int_equal(g->beyond[GATHERED_THRESHOLDS], 2);
        says(g, "2 more thresholds than a run can have (64)");
}

/* Of so many lines of what is missing, most are counted only. */
static void test_missing(void **state)
{
        struct gathered *g = *state;

        begin(g, 150, 0);
        for (int i = 0; i < 150; i++) {
                char label[16], agents[32];

                snprintf(label, sizeof(label), "host%d", i);
                snprintf(agents, sizeof(agents), "[[\"a%d\",7]]", i);
                TELL(g, MESSAGE_ID_HOST, "LXDSOAK_HOST", label, "LXDSOAK_AGENTS", agents);
        }
        says(g, "all 7 entries of host host0");
        says(g, "all 7 entries of host host99");
        says(g, "and 50 things more");
}

/* What no lxdsoak writes is counted, and does no harm to what it does write. */
static void test_unreadable(void **state)
{
        static const char *const strange[][2] = {
                {"LXDSOAK_AGENTS", "{}"},
                {"LXDSOAK_AGENTS", "[1]"},
                {"LXDSOAK_AGENTS", "[[]]"},
                {"LXDSOAK_PONG", "[]"},
                {"LXDSOAK_PONG", "{\"head\":\"x\"}"},
                {"LXDSOAK_PONG", "no"},
        };
        _cleanup_(freep)
        char *large = calloc(1, GATHERED_JSON_MAX + 2);
        _cleanup_(store_freep)
        struct store *s = NULL;
        struct error err = ERROR_INIT;
        struct gathered *g = *state;
        uint64_t bad = 0;

        begin(g, 1, 0);
        for (size_t i = 0; i < ELEMENTSOF(strange); i++) {
                TELL(g, MESSAGE_ID_HOST, "LXDSOAK_HOST", "host0", strange[i][0], strange[i][1]);
                assert_int_equal(g->n_bad, ++bad);
        }
        TELL(g, MESSAGE_ID_RUN_STARTED, "LXDSOAK_HOST_NAMES", "[]", "LXDSOAK_SPEC", "{\"run\":7}");
        assert_int_equal(g->n_bad, ++bad);
        TELL(g, MESSAGE_ID_RUN_STARTED, "LXDSOAK_HOST_NAMES", "[]", "LXDSOAK_THRESHOLDS",
             "[\"what\"]");
        assert_int_equal(g->n_bad, ++bad);
        memset(large, ' ', GATHERED_JSON_MAX);
        memcpy(large, "[]", 2);
        TELL(g, MESSAGE_ID_RUN_STARTED, "LXDSOAK_HOST_NAMES", large);
        assert_int_equal(g->n_bad, bad);
        large[GATHERED_JSON_MAX] = ' ';
        TELL(g, MESSAGE_ID_RUN_STARTED, "LXDSOAK_HOST_NAMES", large);
        assert_int_equal(g->n_bad, ++bad);
        assert_int_equal(g->n_hosts, 1);
        assert_ok(journal_run_build(g, &s, &err), err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_verdict),        TEST(test_hosts),      TEST(test_agents),
                TEST(test_agents_of_host), TEST(test_leftovers),  TEST(test_thresholds),
                TEST(test_missing),        TEST(test_unreadable),
        };

        return cmocka_run_group_tests_name("journal-gather", tests, NULL, NULL);
}
