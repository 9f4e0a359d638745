/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands of lxdsoak-report against its manual page and its completion. */

#include "base/exit-code.h"
#include "report/commands.h"
#include "tests/unit/completion.h"
#include "tests/unit/man-page.h"

#define SPECS_MAX 128

static void test_page_has_every_option(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-report.1.scd");

        for (size_t c = 0; c < report_n_commands; c++)
                for (size_t i = 0; i < report_commands[c].table->n; i++) {
                        const struct option_spec *spec = report_commands[c].table->specs + i;
                        char heading[64];

                        snprintf(heading, sizeof(heading), "*--%s*", spec->name);
                        man_check_entry(man, heading, spec, spec->default_text);
                }
}

/* An option that only lxdsoak-coord has may be spoken of. */
static void test_page_has_no_other_option(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-report.1.scd");
        struct option_spec specs[SPECS_MAX];
        struct option_table all = {.program = "lxdsoak-report", .specs = specs};
        struct error err = ERROR_INIT;

        for (size_t c = 0; c < report_n_commands; c++)
                for (size_t i = 0; i < report_commands[c].table->n; i++) {
                        const struct option_spec *spec = report_commands[c].table->specs + i;
                        bool known = false;

                        for (size_t k = 0; k < all.n; k++)
                                known |= streq(specs[k].name, spec->name);
                        assert_true(all.n < SPECS_MAX);
                        if (!known)
                                specs[all.n++] = *spec;
                }
        assert_ok(options_check_text(&all, man, NULL, &err), err);
}

static void test_page_has_every_command(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-report.1.scd");

        for (size_t c = 0; c < report_n_commands; c++) {
                char wanted[64];

                snprintf(wanted, sizeof(wanted), "\n*%s* ", report_commands[c].word);
                if (!strstr(man, wanted))
                        fail_msg("the manual page does not tell of %s", report_commands[c].word);
        }
}

static void test_page_has_every_exit_code(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-report.1.scd");
        int codes[VERDICT_MAX_ + 2] = {EXIT_USAGE, EXIT_INTERNAL};

        for (int v = 0; v < VERDICT_MAX_; v++)
                codes[v + 2] = verdict_exit_code((enum verdict)v);
        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                char wanted[16];

                snprintf(wanted, sizeof(wanted), "\n*%d*\n\t", codes[i]);
                if (!strstr(man, wanted))
                        fail_msg("the manual page does not tell of exit code %d", codes[i]);
        }
}

static void test_completion(void **state)
{
        _cleanup_(freep)
        char *text = man_read("../report/lxdsoak-report.bash");

        for (size_t c = 0; c < report_n_commands; c++) {
                const struct report_command *command = report_commands + c;
                _cleanup_(freep)
                char *list = completion_list(text, command->word);

                if (!list)
                        fail_msg("the completion knows no command %s", command->word);
                for (size_t i = 0; i < command->table->n; i++)
                        if (!has_word(list, command->table->specs[i].name))
                                fail_msg("the completion of %s lacks --%s", command->word,
                                         command->table->specs[i].name);
                assert_int_equal(count_words(list), command->table->n + 2);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_page_has_every_option),
                cmocka_unit_test(test_page_has_no_other_option),
                cmocka_unit_test(test_page_has_every_command),
                cmocka_unit_test(test_page_has_every_exit_code),
                cmocka_unit_test(test_completion),
        };

        return cmocka_run_group_tests_name("report-options", tests, NULL, NULL);
}
