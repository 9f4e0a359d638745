/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Series from files: what is one, and what is said of what is none. */

#include "tests/unit/unit.h"

#include "report/csv.h"

static int read_text(const char *text, size_t size, const char *t, const char *value,
                     struct stats_thin *ret, struct error *err)
{
        _cleanup_(fclosep)
        FILE *in = size ? fmemopen((void *)text, size, "r") : fopen("/dev/null", "r");
        const struct csv_columns columns = {t, value};

        assert_non_null(in);
        *err = ERROR_INIT;
        return csv_read(in, "it.csv", &columns, ret, err);
}

/* Two points, (1, 10) and (2, 20.5), in many ways. */
static void test_forms(void **state)
{
        static const struct {
                const char *text, *t, *value;
        } forms[] = {
                {"t,value\n1,10\n2,20.5\n"},
                {"t,value\n1,10\n2,20.5"},
                {"\xef\xbb\xbft,value\r\n1,10\r\n2,20.5\r\n"},
                {"\n# a remark\nt,value\n\n1,10\n# another\n2,20.5\n\n"},
                {"1,10\n2,20.5\n"},
                {"1,10,7\n2,20.5,7\n"},
                {"value;t\n10;1\n2.05e1;2\n"},
                {"a\tvalue\tt\nx\t10\t1\ny\t+20.5\t2\n"},
                {" t , \"value\" \n 1 , 10 \n \"2\" ,\"20.5\"\n"},
                {"units,rss,\"an \"\"odd, one\"\n0,10,1\n0,20.5,2\n", "an \"odd, one", "rss"},
                {"t,x\n1,10\n2,20.5\n", NULL, "x"},
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_(stats_thin_deinit)
                struct stats_thin p = {0};
                struct error err;

                assert_ok(read_text(forms[i].text, strlen(forms[i].text), forms[i].t,
                                    forms[i].value, &p, &err),
                          err);
                assert_int_equal(p.n, 2);
                assert_true(p.x[0] == 1 && p.x[1] == 2 && p.y[0] == 10 && p.y[1] == 20.5);
        }
}

static void check_wrong(const char *text, size_t size, const char *t, const char *said)
{
        _cleanup_(stats_thin_deinit)
        struct stats_thin p = {0};
        struct error err;

        assert_error(read_text(text, size, t, NULL, &p, &err), -EINVAL, err, said);
}

static void test_wrong(void **state)
{
        static const struct {
                const char *text, *t, *said;
        } wrong[] = {
                {"t,value\n1,2\n3,x\n", NULL, "it.csv, line 3: 'x' is not a number"},
                {"t,value\n1,nan\n", NULL, "line 2: 'nan'"},
                {"t,value\n1,inf\n", NULL, "line 2: 'inf'"},
                {"t,value\n1,1e301\n", NULL, "line 2: '1e301'"},
                {"t,value\n1,1e999\n", NULL, "line 2: '1e999'"},
                {"t,value\n1,0x10\n", NULL, "line 2: '0x10'"},
                {"t,value\n1,1-1\n", NULL, "line 2: '1-1'"},
                {"t,value\n1,\n", NULL, "line 2: '' is not a number"},
                {"t,value\n\n1\n", NULL, "line 3: 1 column, and column 2 is wanted"},
                {"t,value\n1,\"2\n", NULL, "line 2: a quote is not closed"},
                {"t,value\n1,\"2\"3\n", NULL, "line 2: something stands behind"},
                {"time,rss\n1,2\n", NULL, "line 1: no column is called t; there are: time, rss"},
                {"1,2\n", "t", "line 1: columns have no names"},
                {"# only a remark\n", NULL, "it.csv is empty"},
                {"", NULL, "it.csv is empty"},
        };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                check_wrong(wrong[i].text, strlen(wrong[i].text), wrong[i].t, wrong[i].said);
        check_wrong("t,value\n1,\0002\n", 12, NULL, "line 2: a NUL");
}

/* Lines and columns without end. */
static void test_hostile(void **state)
{
        size_t size = 1 << 20;
        char *text = malloc(size);

        assert_non_null(text);
        memset(text, '7', size);
        check_wrong(text, size, NULL, "line 1: longer than 65535 bytes");
        memset(text, ',', size);
        check_wrong(text, size, NULL, "line 1: longer");
        check_wrong(text, 5000, NULL, "line 1: more than 1024 columns");
        memset(text, '"', size);
        check_wrong(text, 60000, NULL, "line 1: ");
        memset(text, '\xff', 100);
        check_wrong(text, 100, NULL, "no column is called t");
        free(text);
}

static void test_thin(void **state)
{
        struct stats_thin t;

        stats_thin_init(&t, 1000);
        for (int i = 0; i < 12345; i++)
                assert_int_equal(stats_thin_add(&t, i, 2 * i), 0);
        assert_int_equal(t.seen, 12345);
        assert_int_equal(t.every, 16);
        assert_int_equal(t.n, 12345 / 16 + 1);
        for (size_t i = 0; i < t.n; i++)
                assert_true(t.x[i] == (double)(16 * i) && t.y[i] == 2 * t.x[i]);
        stats_thin_deinit(&t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_wrong),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_thin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
