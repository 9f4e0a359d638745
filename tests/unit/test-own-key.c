/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lxdsoak-agent prints of its key; the program itself is run in the fault suite. */

#include "agent/own-key.h"
#include "tests/unit/unit.h"

#define KEY "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static void test_line(void **state)
{
        char line[256];

        own_key_line("a", KEY, line, sizeof(line));
        assert_string_equal(line, "a " KEY);
        own_key_line("a.example.com", KEY, line, sizeof(line));
        assert_string_equal(line, "a.example.com,a " KEY);
}

static void test_wanted(void **state)
{
        assert_false(own_key_wanted(&(struct agent_config){.verbose = true}));
        assert_true(own_key_wanted(&(struct agent_config){.show_key = true}));
        assert_true(own_key_wanted(&(struct agent_config){.make_key = true}));
        assert_true(own_key_wanted(&(struct agent_config){.check = true}));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_wanted),
        };

        return cmocka_run_group_tests_name("own-key", tests, NULL, NULL);
}
