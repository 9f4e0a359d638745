/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The documents about the agent say what its tables say: its options, the keys of its
 * files, its exit codes, and what it writes to the journal. */

#include "agent/config.h"
#include "base/exit-code.h"
#include "base/message-ids.h"
#include "build-config.h"
#include "proto/record-members.h"
#include "tests/unit/man-page.h"

/* The default as the pages say it: they are written for an installation in /usr. */
static const char *shown_default(const struct option_spec *spec, char *buf, size_t size)
{
        if (!spec->default_text || !startswith(spec->default_text, CONFIG_DIR "/"))
                return spec->default_text;
        snprintf(buf, size, "/etc/lxdsoak%s", spec->default_text + strlen(CONFIG_DIR));
        return buf;
}

static void test_agent_page_has_every_option(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-agent.1.scd");

        for (size_t i = 0; i < agent_options.n; i++) {
                const struct option_spec *spec = &agent_options.specs[i];
                char heading[64], shown[256];

                snprintf(heading, sizeof(heading), "*--%s*", spec->name);
                man_check_entry(man, heading, spec, shown_default(spec, shown, sizeof(shown)));
                snprintf(heading, sizeof(heading), "*-%c*", spec->short_name);
                if (spec->short_name && !strstr(man, heading))
                        fail_msg("the manual page does not tell of -%c", spec->short_name);
        }
}

static void test_agent_page_has_no_other_option(void **state)
{
        _cleanup_(freep)
        char *man = man_read("lxdsoak-agent.1.scd");
        struct error err = ERROR_INIT;

        assert_ok(options_check_text(&agent_options, man, NULL, &err), err);
}

static void test_agent_page_has_every_exit_code(void **state)
{
        static const int codes[] = {0, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_INTERNAL};
        _cleanup_(freep)
        char *man = man_read("lxdsoak-agent.1.scd");

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                char wanted[16];

                snprintf(wanted, sizeof(wanted), "\n*%d*\n\t", codes[i]);
                if (!strstr(man, wanted))
                        fail_msg("the manual page does not tell of exit code %d", codes[i]);
        }
}

static void test_conf_page_has_every_key(void **state)
{
        _cleanup_(freep)
        char *man = man_read("agent.conf.5.scd");

        for (size_t i = 0; i < agent_options.n; i++) {
                const struct option_spec *spec = &agent_options.specs[i];
                char heading[64], shown[256];

                snprintf(heading, sizeof(heading), "*%s* = ", spec->name);
                if (spec->file_ok)
                        man_check_entry(man, heading, spec,
                                        shown_default(spec, shown, sizeof(shown)));
        }
}

static void test_conf_page_has_no_other_key(void **state)
{
        _cleanup_(freep)
        char *man = man_read("agent.conf.5.scd");

        for (const char *p = man; (p = strstr(p, "\n*")); p++) {
                size_t n = strcspn(p + 2, "*\n");
                bool known = false;

                if (!startswith(p + 2 + n, "* = "))
                        continue;
                for (size_t i = 0; i < agent_options.n; i++)
                        known |= agent_options.specs[i].file_ok &&
                                 strlen(agent_options.specs[i].name) == n &&
                                 strncmp(agent_options.specs[i].name, p + 2, n) == 0;
                if (!known)
                        fail_msg("%.*s is no key of the file", (int)n, p + 2);
        }
}

/* docs/journal.md has a heading for every id, and no id besides. */
static void test_journal_has_every_id(void **state)
{
        static const struct {
                const char *name, *id;
        } ids[] = {
#define X(name, id) {#name, id},
                MESSAGE_IDS(X)
#undef X
        };
        _cleanup_(freep)
        char *text = man_read("journal.md");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                char wanted[96];

                snprintf(wanted, sizeof(wanted), "\n### %s\n\n`%s`", ids[i].name, ids[i].id);
                if (!strstr(text, wanted))
                        fail_msg("docs/journal.md has no section %s with its id", ids[i].name);
        }
        for (const char *p = text; (p = strstr(p, "\n### ")); p++)
                n++;
        assert_int_equal(n, ELEMENTSOF(ids));
}

/* Each field a record has stands in the table of fields; the many of metric and census as one. */
static void test_journal_has_every_field(void **state)
{
        _cleanup_(freep)
        char *text = man_read("journal.md");

        for (int kind = 0; kind < RECORD_MAX_; kind++) {
                size_t n;
                const struct record_member *m = record_members((enum record_kind)kind, &n);

                for (size_t i = 0; i < n; i++) {
                        char wanted[64];
                        bool many = (kind == RECORD_METRIC || kind == RECORD_CENSUS) && m[i].has_none;

                        snprintf(wanted, sizeof(wanted), "`%s`", m[i].field);
                        if (!many && !strstr(text, wanted))
                                fail_msg("docs/journal.md does not tell of %s", m[i].field);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_agent_page_has_every_option),
                cmocka_unit_test(test_agent_page_has_no_other_option),
                cmocka_unit_test(test_agent_page_has_every_exit_code),
                cmocka_unit_test(test_conf_page_has_every_key),
                cmocka_unit_test(test_conf_page_has_no_other_key),
                cmocka_unit_test(test_journal_has_every_id),
                cmocka_unit_test(test_journal_has_every_field),
        };

        return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
