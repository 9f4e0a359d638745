/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lxdsoak-fake-lxd: a LXD (or Incus) that is not one. It answers the REST API on a unix
 * socket as the chosen version would, keeps its instances in memory, and can be told to
 * be slow, wrong or silent. It never runs a container and never touches the host.
 */

#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "commands.h"
#include "fake.h"
#include "ghosts.h"

#define EX_USAGE 64

/* long option, argument, what it does */
#define OPTIONS(X)                                                                                 \
        X(SOCKET, "socket", "PATH", "serve the API here (needed)")                                 \
        X(CONTROL, "control", "PATH", "serve the control API here: faults, latencies, statistics") \
        X(DIALECT, "dialect", "NAME", "whom to imitate (lxd-5.0.2)")                               \
        X(LATENCY, "latency", "KIND=DIST",                                                         \
          "how long an operation takes; `all`, `api` (repeatable)")                                \
        X(SEED, "seed", "N", "of all random numbers (1)")                                          \
        X(IMAGE, "image", "ALIAS", "an image there is (repeatable; soak)")                         \
        X(PROJECT, "project", "NAME", "a project beside `default` (repeatable)")                   \
        X(TEMPLATE, "template", "NAME", "a stopped instance to copy from (repeatable)")            \
        X(RETENTION, "retention", "TIME", "how long ended operations are kept (5s)")               \
        X(MAX_INSTANCES, "max-instances", "N", "refuse more (20000)")                              \
        X(MAX_CONNECTIONS, "max-connections", "N", "refuse more (4096)")                           \
        X(NO_IMAGE_LOCK, "no-image-lock", NULL, "creates run side by side in every dialect")       \
        X(SERVER_NAME, "server-name", "NAME", "environment.server_name (fake)")                    \
        X(SERVER_PID, "server-pid", "N", "environment.server_pid (its own)")                       \
        X(ISSUE, "issue", "TEXT", "what `cat /etc/issue` prints")                                  \
        X(HELP, "help", NULL, "this")

#define OPTION_ENUM(id, name, arg, what) OPTION_##id,
enum { OPTION_NONE = 255, OPTIONS(OPTION_ENUM) };
#define OPTION_LONG(id, name, arg, what)                                                           \
        {name, arg ? required_argument : no_argument, NULL, OPTION_##id},
static const struct option longs[] = {OPTIONS(OPTION_LONG){0}};

static void print_help(void)
{
        printf("usage: lxdsoak-fake-lxd --socket PATH [OPTION...]\n\nOptions:\n");
#define OPTION_HELP(id, name, arg, what)                                                           \
        printf("  --%-16s %-10s %s\n", name, (const char *)(arg) ? (const char *)(arg) : "", what);
        OPTIONS(OPTION_HELP)
        printf("\nDialects:\n");
        for (size_t i = 0; i < n_dialects; i++)
                printf("  %s\n", dialects[i].name);
        printf("\nOperations (for --latency and faults):\n ");
        for (int i = 0; i < OP_KINDS; i++)
                printf(" %s", op_infos[i].name);
        printf("\n\nDistributions: 20ms, uniform:A:B, lognormal:MEDIAN:SIGMA,\n"
               "  tail:MEDIAN[:ONE_IN:TIMES]\n\nCommands in an instance:\n");
        for (size_t i = 0; i < n_command_infos; i++)
                printf("  %-14s %s\n", command_infos[i].usage, command_infos[i].what);
        printf("\nFaults (see tests/fake/README.md for how to ask for them):\n");
        for (int i = 0; i < FAULT_KINDS; i++)
                printf("  %-15s %s\n", fault_infos[i].name, fault_infos[i].what);
}

static int set_number(const char *s, uint64_t max, uint64_t *ret)
{
        char *end;
        unsigned long long n;

        errno = 0;
        n = strtoull(s, &end, 10);
        if (end == s || *end || errno || *s == '-' || n > max)
                return -EINVAL;
        *ret = n;
        return 0;
}

static int add_string(const char **list, size_t size, size_t *n, const char *s)
{
        if (*n == size)
                return -E2BIG;
        list[(*n)++] = s;
        return 0;
}

static int set_latency_option(struct fake_options *o, const char *arg)
{
        char kind[32];
        size_t n = strcspn(arg, "=");

        if (!arg[n] || n >= sizeof(kind))
                return -EINVAL;
        memcpy(kind, arg, n);
        kind[n] = 0;
        return fake_set_latency(o, kind, arg + n + 1);
}

static int set_option(struct fake_options *o, int option, const char *arg)
{
        uint64_t n = 0;
        int r = 0;

        switch (option) {
        case OPTION_SOCKET: o->socket = arg; break;
        case OPTION_CONTROL: o->control = arg; break;
        case OPTION_DIALECT:
                o->dialect = dialect_find(arg);
                r = o->dialect ? 0 : -EINVAL;
                break;
        case OPTION_LATENCY: r = set_latency_option(o, arg); break;
        case OPTION_SEED: r = set_number(arg, UINT64_MAX, &o->seed); break;
        case OPTION_IMAGE:
                r = add_string(o->images, ARRAY_SIZE(o->images), &o->n_images, arg);
                break;
        case OPTION_PROJECT:
                r = add_string(o->projects, ARRAY_SIZE(o->projects), &o->n_projects, arg);
                break;
        case OPTION_TEMPLATE:
                r = instance_name_valid(arg) ? add_string(o->templates, ARRAY_SIZE(o->templates),
                                                          &o->n_templates, arg)
                                             : -EINVAL;
                break;
        case OPTION_RETENTION: r = duration_parse(arg, &o->retention_ns); break;
        case OPTION_MAX_INSTANCES:
                r = set_number(arg, 1000000, &n);
                o->max_instances = (unsigned)n;
                break;
        case OPTION_MAX_CONNECTIONS:
                r = set_number(arg, 100000, &n);
                o->max_connections = (unsigned)n;
                break;
        case OPTION_NO_IMAGE_LOCK: o->image_lock = false; break;
        case OPTION_SERVER_NAME: o->server_name = arg; break;
        case OPTION_SERVER_PID:
                r = set_number(arg, INT32_MAX, &n);
                o->server_pid = (int)n;
                break;
        case OPTION_ISSUE: o->issue = arg; break;
        default: r = -EINVAL;
        }
        return r;
}

/* 0, 1 when there is nothing more to do, or -EINVAL with the reason printed. */
static int parse_options(struct fake_options *o, int argc, char **argv)
{
        int option, index = 0;

        while ((option = getopt_long(argc, argv, "", longs, &index)) != -1) {
                if (option == OPTION_HELP) {
                        print_help();
                        return 1;
                }
                if (option == '?')
                        return -EINVAL;
                if (set_option(o, option, optarg) < 0) {
                        fprintf(stderr, "lxdsoak-fake-lxd: --%s cannot be `%s`\n",
                                longs[index].name, optarg ? optarg : "");
                        return -EINVAL;
                }
        }
        if (!o->socket || optind < argc) {
                fprintf(stderr, "lxdsoak-fake-lxd: %s; see --help\n",
                        o->socket ? argv[optind] : "--socket is needed");
                return -EINVAL;
        }
        if (o->n_images == 0)
                o->images[o->n_images++] = "soak";
        return 0;
}

static int open_signals(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void raise_fd_limit(void)
{
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
                l.rlim_cur = l.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &l);
        }
}

int main(int argc, char **argv)
{
        static struct fake f; /* large, and there is but one */
        struct fake_options o = {.dialect = &dialects[0],
                                 .server_name = "fake",
                                 .issue = "lxdsoak fake container",
                                 .seed = 1,
                                 .retention_ns = 5 * NSEC_PER_SEC,
                                 .max_instances = 20000,
                                 .max_connections = 4096,
                                 .image_lock = true};
        int r, signal_fd;

        ghost_main();
        r = parse_options(&o, argc, argv);
        if (r != 0)
                return r < 0 ? EX_USAGE : 0;
        raise_fd_limit();
        signal_fd = open_signals();
        r = fake_init(&f, &o);
        if (r == 0) {
                printf("ready\n");
                fflush(stdout);
                r = fake_run(&f, signal_fd);
        }
        fake_deinit(&f);
        if (signal_fd >= 0)
                close(signal_fd);
        return r < 0 ? EXIT_FAILURE : 0;
}
