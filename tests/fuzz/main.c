/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target without libFuzzer: over every file of the directories
 * given, and over simple mutations of each, always the same ones. It looks for
 * nothing by itself; that is what libFuzzer is for.
 *
 *   fuzz-NAME [MUTATIONS] DIRECTORY...
 */

#include <dirent.h>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (256 * 1024)

static uint64_t state = 1;

static size_t random_below(size_t n)
{
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return n > 0 ? (size_t)(state >> 33) % n : 0;
}

/* The target gets a copy of just that size, so that a sanitizer sees a byte too many. */
static void run(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size > 0 ? size : 1);

        require(copy);
        memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

/* Changes, takes out, doubles or cuts. buf has room for twice the size. */
static size_t mutate(uint8_t *buf, size_t size)
{
        static const char odd[] = "\"\\{}[],:-0919.eE#=\n\t \0\xff\x80\x7f%";
        size_t at = random_below(size), n = random_below(MIN(size - at, (size_t)16)) + 1;

        switch (random_below(5)) {
        case 0: buf[at] ^= (uint8_t)(1U << random_below(8)); return size;
        case 1: buf[at] = (uint8_t)odd[random_below(sizeof(odd))]; return size;
        case 2: memmove(buf + at, buf + at + n, size - at - n); return size - n;
        case 3: memmove(buf + at + n, buf + at, size - at); return size + n;
        default: return at;
        }
}

static void run_file(const char *path, size_t mutations)
{
        uint8_t *data = malloc(INPUT_MAX), *buf = malloc(2 * INPUT_MAX);
        FILE *f = fopen(path, "re");
        size_t size;

        require(f && data && buf);
        size = fread(data, 1, INPUT_MAX, f);
        fclose(f);
        run(data, size);
        for (size_t i = 0; i < mutations; i++) {
                size_t n = size;

                memcpy(buf, data, size);
                for (size_t k = 0; k <= i % 4 && n > 0 && n < INPUT_MAX; k++)
                        n = mutate(buf, n);
                run(buf, n);
        }
        free(data);
        free(buf);
}

static int not_hidden(const struct dirent *d)
{
        return d->d_name[0] != '.';
}

static size_t run_directory(const char *dir, size_t mutations)
{
        struct dirent **names = NULL;
        int n = scandir(dir, &names, not_hidden, alphasort);

        require(n > 0); /* an empty corpus is a mistake in the build */
        for (int i = 0; i < n; i++) {
                char path[4096];

                snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
                run_file(path, mutations);
                free(names[i]);
        }
        free(names);
        return (size_t)n;
}

int main(int argc, char **argv)
{
        char *end = NULL;
        unsigned long mutations = argc > 1 ? strtoul(argv[1], &end, 10) : 0;
        size_t n = 0;
        int first = 1;

        if (end && *end == '\0')
                first = 2;
        else
                mutations = 0;
        if (first >= argc) {
                fprintf(stderr, "usage: %s [MUTATIONS] DIRECTORY...\n", argv[0]);
                return 64;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
        for (int i = first; i < argc; i++)
                n += run_directory(argv[i], mutations);
        printf("%zu inputs, each with %lu mutations\n", n, mutations);
        return 0;
}
