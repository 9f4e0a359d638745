/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration files, with a table that has an option of each type; and the same words as argv. */

#include <sys/stat.h>

#include "base/options.h"
#include "tests/fuzz/fuzz.h"

struct config {
        bool flag;
        char *text;
        int64_t number, size, time;
        struct string_list list;
        int choice;
};

static const char *const choices[] = {"one", "two", NULL};

#define AT(m) .offset = offsetof(struct config, m), .file_ok = true

static const struct option_spec specs[] = {
        {"flag", 'f', OPTION_FLAG, NULL, "a flag", NULL, AT(flag)},
        {"text", 't', OPTION_STRING, "TEXT", "a text", "x", AT(text)},
        {"number", 'n', OPTION_INT, "N", "a number", "5", AT(number), .min = 1, .max = 10},
        {"size", 0, OPTION_SIZE, "SIZE", "a size", "1G", AT(size)},
        {"time", 0, OPTION_DURATION, "TIME", "a time", "1h", AT(time), .max = 10000000000000},
        {"list", 0, OPTION_LIST, "TEXT", "a list", "a\nb", AT(list)},
        {"choice", 0, OPTION_CHOICE, "WORD", "a choice", "two", AT(choice), .choices = choices},
};

static const struct option_table table = {"fuzz", "fuzz", "Is fuzzed.", specs, ELEMENTSOF(specs)};

static void check(const struct config *c)
{
        require(c->text && *c->text);
        require(c->number >= 1 && c->number <= 10);
        require(c->size >= 0);
        require(c->time >= 0 && c->time <= 10000000000000);
        require(c->list.n > 0);
        require(c->choice == 0 || c->choice == 1);
}

static void as_file(const uint8_t *data, size_t size)
{
        struct error err = ERROR_INIT;
        struct config c = {0};
        const char *path;
        int fd, r;

        require(options_defaults(&table, &c, &err) == 0);
        path = fuzz_file(data, size, 0600, &fd);
        r = options_parse_file(&table, path, &c, &err);
        require_error(r, err);
        check(&c);
        close(fd);
        options_release(&table, &c);
}

#define WORDS_MAX 64

static void as_words(const uint8_t *data, size_t size)
{
        char *copy = fuzz_string(data, size), *rest = copy, *argv[WORDS_MAX + 1] = {copy},
             *left[WORDS_MAX];
        struct error err = ERROR_INIT;
        struct config c = {0};
        int argc = 1, r;
        size_t n;

        while (argc < WORDS_MAX && (argv[argc] = strsep(&rest, "\n")))
                if (!strstr(argv[argc], "-h") && !strstr(argv[argc], "--version"))
                        argc++; /* those print */
        argv[argc] = NULL;
        require(options_defaults(&table, &c, &err) == 0);
        r = options_parse_argv(&table, argc, argv, &c, left, &n, &err);
        require_error(r, err);
        check(&c);
        options_release(&table, &c);
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        as_file(data, size);
        as_words(data, size);
        return 0;
}
