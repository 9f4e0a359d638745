/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The option table of lxdsoak-coord and what is derived from it. The checks of
 * single values beyond the table's limits are in options-check.c.
 */

#include <sys/random.h>

#include "coordinator/options.h"
#include "coordinator/options-check.h"
#include "base/parse.h"

#define RUN     (1U << COORD_RUN)
#define CLEANUP (1U << COORD_CLEANUP)
#define KEYGEN  (1U << COORD_KEYGEN)
#define FETCH   (1U << COORD_EVIDENCE)
#define RESUME  (1U << COORD_RESUME)
#define STATUS  (1U << COORD_STATUS)
#define STOP    (1U << COORD_STOP)

#define AT(field) offsetof(struct coord_options, field)

#define MIN_NS  INT64_C(60000000000)
#define HOUR_NS (60 * MIN_NS)

#define STOP_GRACE_NS (MIN_NS / 2) /* beyond --stop-timeout, unless --deadline says it */

static const char *const mode_choices[] = {
#define X(n, w) w,
        MODES(X)
#undef X
                NULL};

static const char *const on_wedge_choices[] = {
#define X(n, w) w,
        ON_WEDGES(X)
#undef X
                NULL};

static const char *const stop_choices[] = {
#define X(n, w) w,
        STOP_KINDS(X)
#undef X
                NULL};

/* clang-format off */
static const struct option_spec specs[] = {
        {"hosts", 0, OPTION_STRING, "HOST,…", "hosts to drive: NAME, NAME:PORT, [V6]:PORT, localhost, ipc:///PATH",
         NULL, AT(hosts_text), .group = "Where"},
        {"key", 0, OPTION_STRING, "FILE", "secret key of this coordinator; by default ~/.config/lxdsoak/coord.key, then /etc/lxdsoak/coord.key",
         NULL, AT(key)},
        {"known-agents", 0, OPTION_STRING, "FILE", "public keys of the agents; by default ~/.config/lxdsoak/known_agents, then /etc/lxdsoak/known_agents",
         NULL, AT(known_agents)},
        {"connect-timeout", 0, OPTION_DURATION, "TIME", "how long the hosts have to answer",
         "15s", AT(connect_timeout_ns), 100 * NSEC_PER_MSEC, HOUR_NS},
        {"lease", 0, OPTION_DURATION, "TIME", "how long a host may go on without a word from here",
         "1m", AT(lease_ns), LEASE_MIN_NS, LEASE_MAX_NS},
        {"wait", 0, OPTION_FLAG, NULL, "when another coordinator has a host, wait until it is free",
         NULL, AT(wait)},
        {"steal", 0, OPTION_FLAG, NULL, "when another coordinator has a host, take it: what that one has under way there is cut short; needs the role admin",
         NULL, AT(steal)},
        {"project", 0, OPTION_STRING, "NAME", "LXD project; by default the agent's own setting",
         NULL, AT(project)},

        {"total", 0, OPTION_INT, "N", "units to do, over all hosts",
         NULL, AT(total), 1, UNITS_MAX, .group = "How much"},
        {"duration", 0, OPTION_DURATION, "TIME", "begin no unit after this long (90s, 30m, 24h)",
         NULL, AT(duration_ns), NSEC_PER_SEC, 10000 * HOUR_NS},
        {"parallel", 0, OPTION_INT, "N", "units in flight on each host, at most",
         "25", AT(parallel), 1, PARALLEL_MAX},
        {"mode", 0, OPTION_CHOICE, "MODE", "churn: each unit from create to delete; density: units stay until something says stop",
         "churn", AT(mode), .choices = mode_choices},
        {"min-free", 0, OPTION_SIZE, "SIZE", "density: leave this much memory available on a host",
         "512M", AT(min_free), 0, INT64_MAX},
        {"keep", 0, OPTION_FLAG, NULL, "density: leave the units there at the end",
         NULL, AT(keep)},

        {"image", 0, OPTION_STRING, "IMAGE", "alias or fingerprint of the image",
         "soak", AT(image), .group = "A unit"},
        {"source", 0, OPTION_FUNC, "SOURCE", "image, copy (of a template made from the image) or copy:INSTANCE",
         "image", AT(source), .parse = option_parse_source},
        {"exec", 0, OPTION_LIST, "COMMAND", "command to run in the container, repeatable; by default cat /etc/issue, then uptime",
         NULL, AT(exec)},
        {"stop", 0, OPTION_CHOICE, "HOW", "clean: ask init, within --stop-timeout; force: kill",
         "clean", AT(stop), .choices = stop_choices},
        {"stop-timeout", 0, OPTION_DURATION, "TIME", "how long a clean stop may take",
         "30s", AT(stop_timeout_ns), NSEC_PER_SEC, HOUR_NS},
        {"phases", 0, OPTION_FUNC, "PHASE,…", "phases of a unit's life to go through",
         "create,start,ready,exec,stop,delete,verify", AT(phases), .parse = option_parse_phases},
        {"prefix", 0, OPTION_FUNC, "NAME", "instances are called NAME-RUN-NUMBER",
         DEFAULT_PREFIX, AT(prefix), .parse = option_parse_prefix},
        {"seed", 0, OPTION_INT, "N", "number the run's random choices come from; by default a new one",
         NULL, AT(seed), 1, INT64_MAX},

        {"deadline", 0, OPTION_FUNC, "PHASE=TIME", "look into a phase that takes longer, repeatable; all=TIME: every phase; stop by default --stop-timeout and 30s",
         "create=5m,start=2m,ready=1m,exec=1m,delete=2m,verify=1m", AT(deadline_ns),
         .parse = option_parse_deadline, .group = "Wedges"},
        {"probe-timeout", 0, OPTION_DURATION, "TIME", "how long the daemon may leave a probe without an answer",
         "10s", AT(probe_timeout_ns), NSEC_PER_SEC, HOUR_NS},
        {"on-wedge", 0, OPTION_CHOICE, "WHAT", "recover: the unit is recovered, the run goes on; continue: left as it is, the run goes on; stop: left, and the run ends",
         "recover", AT(on_wedge), .choices = on_wedge_choices},
        {"allow-daemon-restart", 0, OPTION_FLAG, NULL, "the last rung of recovery may restart the daemon",
         NULL, AT(allow_daemon_restart)},
        {"evidence-limit", 0, OPTION_SIZE, "SIZE", "keep at most so much evidence of one wedge; 0: none",
         "8M", AT(evidence_limit), 0, INT64_C(1) << 30},

        {"allow-leak", 0, OPTION_FUNC, "KIND,…", "a leak of this kind is known and not held against the run, repeatable: fds, threads, rss, mounts …",
         NULL, AT(allow_leak), .parse = option_parse_allow_leak, .group = "Leaks"},
        {"steady-share", 0, OPTION_INT, "PERCENT", "how much of the time the run may come to rest so that what leaks can be counted; 0: only before and after",
         "4", AT(steady_share), 0, STEADY_SHARE_MAX},

        {"threshold", 0, OPTION_LIST, "FIGURE<LIMIT", "what has to hold, repeatable: start.p99<2s, failed<1%, stop.max<30s, units_per_sec>1, gap<1m, drift.create<5%/h; with ,abort behind it the run ends when it does not",
         NULL, AT(thresholds), .check = option_check_threshold, .group = "What has to hold"},

        {"run-dir", 0, OPTION_STRING, "DIR", "where the run is recorded, new or empty; by default ./lxdsoak-RUN",
         NULL, AT(run_dir), .group = "Output"},
        {"textfile", 0, OPTION_STRING, "FILE", "the figures of run and hosts, every 10 s and at the end, for node_exporter's textfile collector",
         NULL, AT(textfile)},
        {"json", 0, OPTION_FLAG, NULL, "the summary as one JSON object",
         NULL, AT(json)},
        {"quiet", 'q', OPTION_FLAG, NULL, "no progress on stderr",
         NULL, AT(quiet)},
        {"verbose", 'v', OPTION_FLAG, NULL, "say more on stderr",
         NULL, AT(verbose)},

        {"run", 0, OPTION_FUNC, "ID", "clean up after this run only, or stop it only; by default every run",
         NULL, AT(run), .parse = option_parse_run_id, .group = "Cleaning up"},
        {"dry-run", 'n', OPTION_FLAG, NULL, "only show what would be removed",
         NULL, AT(dry_run)},

        {"show", 0, OPTION_FLAG, NULL, "print the line of the key that is there, and make none",
         NULL, AT(show), .group = "Keys"},
};
/* clang-format on */

/* Which commands know an option that is not one of run's alone. */
static const struct {
        const char *name;
        unsigned commands;
} scopes[] = {
        {"hosts", RUN | CLEANUP | FETCH | STATUS | STOP},
        {"key", RUN | CLEANUP | FETCH | RESUME | STATUS | STOP},
        {"known-agents", RUN | CLEANUP | FETCH | RESUME | STATUS | STOP},
        {"connect-timeout", RUN | CLEANUP | FETCH | RESUME | STATUS | STOP},
        {"run-dir", RUN | FETCH},
        {"wait", RUN | RESUME},
        {"steal", RUN | RESUME},
        {"project", RUN | CLEANUP},
        {"textfile", RUN | RESUME},
        {"json", RUN | CLEANUP | RESUME | STATUS},
        {"quiet", RUN | CLEANUP | FETCH | RESUME},
        {"verbose", RUN | CLEANUP | FETCH | RESUME | STATUS | STOP},
        {"run", CLEANUP | STOP},
        {"dry-run", CLEANUP},
        {"show", KEYGEN},
};

static const struct {
        const char *word, *description;
} commands[] = {
        [COORD_RUN] = {"run",
                       "Has the agents on the given hosts create, use and delete containers, "
                       "watches them, and says whether all went well."},
        [COORD_RESUME] = {"resume",
                          "Goes on with a run whose coordinator died, was stolen from, or "
                          "lost its hosts. RUN is its directory, or its id where "
                          "./lxdsoak-RUN is."},
        [COORD_STATUS] = {"status", "Shows who drives the given hosts, and what is under way "
                                    "there."},
        [COORD_STOP] = {"stop", "Asks the run on the given hosts to come to its end: what is in "
                                "flight is finished, nothing new begins, and its coordinator "
                                "shows the summary."},
        [COORD_CLEANUP] = {"cleanup", "Removes what runs have left behind on the given hosts, and "
                                      "nothing else."},
        [COORD_EVIDENCE] = {"evidence",
                            "Fetches the evidence of a run's wedges from its hosts into "
                            "RUN_DIR/evidence. RUN is a run's id or directory; with "
                            "the directory, its hosts are known."},
        [COORD_KEYGEN] = {"keygen", "Makes a key: FILE, by default ~/.config/lxdsoak/coord.key, "
                                    "gets the secret, FILE with .pub for .key the public half. "
                                    "Prints the line for the agents' authorized_keys."},
};

#define PROGRAM "lxdsoak-coord"

const struct option_spec *coord_option_specs(size_t *ret_n)
{
        *ret_n = ELEMENTSOF(specs);
        return specs;
}

bool coord_option_of(size_t index, enum coord_command command)
{
        for (size_t i = 0; i < ELEMENTSOF(scopes); i++)
                if (streq(scopes[i].name, specs[index].name))
                        return scopes[i].commands & (1U << command);
        return command == COORD_RUN;
}

/* The table of one command; ret has room for every option. */
static struct option_table command_table(enum coord_command command, struct option_spec *ret)
{
        static const char *const usages[] = {
#define X(n, w, u) [COORD_##n] = PROGRAM " " u,
                COORD_COMMANDS(X)
#undef X
        };
        struct option_table table = {
                .program = PROGRAM,
                .usage = usages[command],
                .description = commands[command].description,
                .specs = ret,
        };
        const char *group = NULL, *shown = NULL;

        if (command == COORD_RUN)
                table.usage =
                        PROGRAM " [run] --hosts HOST,… --total N [OPTION…]\n"
                                "       " PROGRAM " resume RUN\n"
                                "       " PROGRAM " status --hosts HOST,… [--json]\n"
                                "       " PROGRAM " stop --hosts HOST,… [--run ID]\n"
                                "       " PROGRAM " cleanup --hosts HOST,… [--run ID] [--dry-run]\n"
                                "       " PROGRAM " evidence RUN [--hosts HOST,…] [--run-dir DIR]\n"
                                "       " PROGRAM " keygen [--show] [FILE]";
        for (size_t i = 0; i < ELEMENTSOF(specs); i++) {
                if (specs[i].group)
                        group = specs[i].group;
                if (!coord_option_of(i, command))
                        continue;
                ret[table.n] = specs[i];
                ret[table.n++].group = group == shown ? NULL : group;
                shown = group;
        }
        return table;
}

/* Takes the command's word out of argv, if there is one in front. */
static enum coord_command take_command(int *argc, char ***argv)
{
        if (*argc < 2)
                return COORD_RUN;
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (streq((*argv)[1], commands[i].word)) {
                        (*argv)[1] = (*argv)[0];
                        (*argv)++;
                        (*argc)--;
                        return (enum coord_command)i;
                }
        return COORD_RUN;
}

static int take_rest(struct coord_options *o, char **rest, size_t n, struct error *err)
{
        if (o->command == COORD_KEYGEN) {
                if (n == 0)
                        return 0;
                if (n != 1 || !*rest[0])
                        return error_set(err, -EINVAL,
                                         "keygen: give one file name for the secret key, as in "
                                         "'" PROGRAM " keygen coord.key', or none");
                o->file = strdup(rest[0]);
                return o->file ? 0 : -ENOMEM;
        }
        if (o->command == COORD_EVIDENCE || o->command == COORD_RESUME) {
                const char *word = commands[o->command].word;

                if (n != 1 || !*rest[0])
                        return error_set(err, -EINVAL,
                                         "%s: give one run, its id or its directory, as in "
                                         "'" PROGRAM " %s lxdsoak-4k2m9x1a'",
                                         word, word);
                o->file = strdup(rest[0]);
                return o->file ? 0 : -ENOMEM;
        }
        if (n)
                return error_set(err, -EINVAL,
                                 "'%s' is not a command and not an option; commands are run, "
                                 "resume, status, stop, cleanup, evidence and keygen, see " PROGRAM
                                 " --help",
                                 rest[0]);
        return 0;
}

/* The default commands, which a list option cannot hold: uses of --exec would
 * add to them. */
static int default_exec(struct coord_options *o)
{
        int r;

        if (o->exec.n || !(o->phases & PHASE_BIT(PHASE_EXEC)))
                return 0;
        r = string_list_add(&o->exec, "cat /etc/issue");
        return r < 0 ? r : string_list_add(&o->exec, "uptime");
}

int coord_options_parse(int argc, char **argv, struct coord_options *o, struct error *err)
{
        struct option_spec room[ELEMENTSOF(specs)];
        _cleanup_(freep)
        char **rest = NULL;
        struct option_table table;
        size_t n_rest = 0;
        int r;

        *o = (struct coord_options){.command = take_command(&argc, &argv)};
        table = command_table(o->command, room);
        rest = calloc((size_t)argc + 1, sizeof(*rest));
        if (!rest)
                return -ENOMEM;
        r = options_defaults(&table, o, err);
        if (r < 0)
                return r;
        r = options_parse_argv(&table, argc, argv, o, rest, &n_rest, err);
        if (r != 0)
                return r;
        r = take_rest(o, rest, n_rest, err);
        if (r < 0)
                return r;
        r = options_check(o, err);
        if (r < 0)
                return r;
        if (!o->deadline_ns[PHASE_STOP])
                o->deadline_ns[PHASE_STOP] = o->stop_timeout_ns + STOP_GRACE_NS;
        if (!o->seed && getrandom(&o->seed, 4, 0) == 4)
                o->seed++; /* never 0, which stands for none */
        return default_exec(o);
}

void coord_options_release(struct coord_options *o)
{
        struct option_table all = {.program = PROGRAM, .specs = specs, .n = ELEMENTSOF(specs)};

        options_release(&all, o);
        free(o->hosts);
        /* what the FUNC options own */
        free(o->prefix);
        free(o->run);
        free(o->file);
        *o = (struct coord_options){0};
}

static int copy_text(char *to, size_t size, const char *from, const char *option, struct error *err)
{
        if ((size_t)snprintf(to, size, "%s", from ?: "") >= size)
                return error_set(err, -EINVAL, "--%s: too long (at most %zu characters)", option,
                                 size - 1);
        return 0;
}

int coord_options_to_spec(const struct coord_options *o, const char *run, struct run_spec *ret,
                          struct error *err)
{
        struct run_spec s = {
                .mode = o->mode,
                .source = o->source.source,
                .stop = o->stop,
                .stop_timeout_ns = o->stop_timeout_ns,
                .phases = o->phases,
                .total = o->total,
                .parallel = o->parallel,
                .min_free = o->min_free,
                .keep = o->keep,
                .seed = o->seed,
                .probe_timeout_ns = o->probe_timeout_ns,
                .evidence_limit = o->evidence_limit,
                .lease_ns = o->lease_ns,
                .on_wedge = o->on_wedge,
                .allow_daemon_restart = o->allow_daemon_restart,
                .allow_leak = o->allow_leak,
                .steady_share = o->steady_share,
        };
        int r;

        memcpy(s.deadline_ns, o->deadline_ns, sizeof(s.deadline_ns));

        snprintf(s.run, sizeof(s.run), "%s", run);
        memcpy(s.template_name, o->source.template_name, sizeof(s.template_name));
        r = copy_text(s.prefix, sizeof(s.prefix), o->prefix, "prefix", err);
        if (r == 0)
                r = copy_text(s.project, sizeof(s.project), o->project, "project", err);
        if (r == 0)
                r = copy_text(s.image, sizeof(s.image), o->image, "image", err);
        for (size_t i = 0; r == 0 && i < o->exec.n; i++)
                r = string_list_add(&s.exec, o->exec.items[i]);
        if (r < 0) {
                fields_release(run_spec_fields, &s);
                return r;
        }
        *ret = s;
        return 0;
}
