/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target without libFuzzer: over every file of the directory given, then over simple
 * mutations of them until the time is up, other ones each time. It has no eye for what is new in
 * an input; that is what libFuzzer is for. When the target dies, the input it died of is left in
 * the working directory, and said.
 *
 *   fuzz-NAME SECONDS DIRECTORY     the above
 *   fuzz-NAME FILE                  that input once, to see it again
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX   (256 * 1024)
#define LONGEST_SEC 20 /* one input: longer is a finding, too */

static uint64_t state;
static uint64_t n_runs;
static const char *name;
static const uint8_t *present; /* what the target is given */
static size_t present_size;

static size_t random_below(size_t n)
{
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return n > 0 ? (size_t)(state >> 33) % n : 0;
}

/* Keeps the input. Only what a handler of signals may do. */
static void on_death(int signal)
{
        static const char text[] = "the input that did it is in ./fuzz-finding\n";
        int fd = open("fuzz-finding", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd >= 0 && write(fd, present, present_size) >= 0)
                (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        close(fd);
        raise(signal); /* by its default now */
}

static void watch_for_death(void)
{
        static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

        for (size_t i = 0; i < ELEMENTSOF(deadly); i++)
                sigaction(deadly[i],
                          &(struct sigaction){.sa_handler = on_death,
                                              .sa_flags = SA_RESETHAND | SA_NODEFER},
                          NULL);
}

/* The target gets a copy of just that size, so that a sanitizer sees a byte too many. */
static void run(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size > 0 ? size : 1);

        require(copy);
        memcpy(copy, data, size);
        present = data;
        present_size = size;
        alarm(LONGEST_SEC);
        LLVMFuzzerTestOneInput(copy, size);
        n_runs++;
        free(copy);
}

struct input {
        uint8_t *data;
        size_t size;
};

struct corpus {
        struct input *inputs;
        size_t n;
};

/* Changes, takes out, doubles, cuts, or puts in a piece of another input. buf has room for twice
 * the size and some. */
static size_t mutate(const struct corpus *c, uint8_t *buf, size_t size)
{
        static const char odd[] = "\"\\{}[],:-0919.eE#=\n\t \0\xff\x80\x7f%\x1e";
        const struct input *other = &c->inputs[random_below(c->n)];
        size_t at = random_below(size), n = random_below(MIN(size - at, (size_t)16)) + 1, from;

        switch (random_below(6)) {
        case 0: buf[at] ^= (uint8_t)(1U << random_below(8)); return size;
        case 1: buf[at] = (uint8_t)odd[random_below(sizeof(odd))]; return size;
        case 2: memmove(buf + at, buf + at + n, size - at - n); return size - n;
        case 3: memmove(buf + at + n, buf + at, size - at); return size + n;
        case 4:
                from = random_below(other->size);
                n = MIN(random_below(other->size - from), (size_t)1024);
                memmove(buf + at + n, buf + at, size - at);
                memcpy(buf + at, other->data + from, n);
                return size + n;
        default: return at;
        }
}

static void run_mutations(const struct corpus *c, int64_t until_ns)
{
        uint8_t *buf = malloc(2 * INPUT_MAX);

        require(buf);
        for (size_t i = 0; now_monotonic_ns() < until_ns; i++) {
                const struct input *input = &c->inputs[random_below(c->n)];
                size_t n = input->size;

                memcpy(buf, input->data, n);
                for (size_t k = 0; k <= i % 4 && n > 0 && n < INPUT_MAX; k++)
                        n = mutate(c, buf, n);
                run(buf, MIN(n, (size_t)INPUT_MAX));
        }
        free(buf);
}

static struct input read_input(const char *path)
{
        struct input input = {malloc(INPUT_MAX), 0};
        FILE *f = fopen(path, "re");

        require(f && input.data);
        input.size = fread(input.data, 1, INPUT_MAX, f);
        fclose(f);
        return input;
}

static int not_hidden(const struct dirent *d)
{
        return d->d_name[0] != '.';
}

static struct corpus read_corpus(const char *dir)
{
        struct dirent **names = NULL;
        int n = scandir(dir, &names, not_hidden, alphasort);
        struct corpus c = {0};

        require(n > 0); /* an empty corpus is a mistake in the build */
        c.inputs = calloc((size_t)n, sizeof(*c.inputs));
        require(c.inputs);
        for (int i = 0; i < n; i++) {
                char path[4096];

                snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
                c.inputs[c.n++] = read_input(path);
                free(names[i]);
        }
        free(names);
        return c;
}

static void release(struct corpus *c)
{
        for (size_t i = 0; i < c->n; i++)
                free(c->inputs[i].data);
        free(c->inputs);
}

int main(int argc, char **argv)
{
        struct corpus c;

        name = argv[0];
        if (argc != 2 && argc != 3) {
                fprintf(stderr, "usage: %s SECONDS DIRECTORY, or %s FILE\n", name, name);
                return 64;
        }
        state = (uint64_t)now_realtime_ns();
        watch_for_death();
        if (argc == 2) {
                struct input input = read_input(argv[1]);

                run(input.data, input.size);
                free(input.data);
                return 0;
        }
        c = read_corpus(argv[2]);
        run((const uint8_t *)"", 0);
        for (size_t i = 0; i < c.n; i++)
                run(c.inputs[i].data, c.inputs[i].size);
        run_mutations(&c, now_monotonic_ns() + strtoll(argv[1], NULL, 10) * NSEC_PER_SEC);
        alarm(0);
        printf("%zu inputs, %llu executions\n", c.n, (unsigned long long)n_runs);
        release(&c);
        return 0;
}
