/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each id of base/message-ids.h has its entry in units/lxdsoak.catalog, and each
 * entry an id. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>

#include "base/message-ids.h"
#include "base/util.h"

static const struct {
        const char *name, *id;
} ids[] = {
#define X(name, id) {#name, id},
        MESSAGE_IDS(X)
#undef X
};

struct entry {
        char id[33];
        bool subject, defined_by, text;
};

static size_t read_catalog(struct entry *entries, size_t max)
{
        _cleanup_(fclosep)
        FILE *f = NULL;
        const char *source = getenv("LXDSOAK_SOURCE");
        char path[PATH_MAX], line[1024];
        size_t n = 0;

        assert_non_null(source);
        snprintf(path, sizeof(path), "%s/units/lxdsoak.catalog", source);
        f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                struct entry *e = n > 0 ? &entries[n - 1] : NULL;

                if (startswith(line, "-- ")) {
                        assert_true(n < max);
                        e = &entries[n++];
                        *e = (struct entry){0};
                        assert_int_equal(strlen(line), 36);
                        memcpy(e->id, line + 3, 32);
                } else if (line[0] == '#') {
                        continue;
                } else if (startswith(line, "Subject: ")) {
                        e->subject = true;
                } else if (startswith(line, "Defined-By: lxdsoak")) {
                        e->defined_by = true;
                } else if (line[0] != '\n' && !startswith(line, "Documentation: ")) {
                        assert_non_null(e);
                        e->text = true;
                }
        }
        return n;
}

static void test_both_ways(void **state)
{
        struct entry entries[128];
        size_t n = read_catalog(entries, ELEMENTSOF(entries));

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                size_t found = 0;

                for (size_t j = 0; j < n; j++)
                        found += streq(entries[j].id, ids[i].id);
                if (found != 1)
                        fail_msg("%s has %zu entries in the catalog", ids[i].name, found);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(ids[i].id, ids[j].id);
        }
        for (size_t j = 0; j < n; j++) {
                bool found = false;

                for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                        found = found || streq(entries[j].id, ids[i].id);
                if (!found)
                        fail_msg("%s in the catalog is no id of ours", entries[j].id);
                assert_true(entries[j].subject && entries[j].defined_by && entries[j].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_ways),
        };

        return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
