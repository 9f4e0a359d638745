/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks of options-check.h. */

#include <ctype.h>
#include <dirent.h>

#include "coordinator/options-check.h"
#include "report/threshold.h"

DEFINE_CLEANUP(DIR *, closedir)

/* LXD's rule: letters, digits and dashes, beginning with a letter, not ending
 * with a dash (shared/validate, IsHostname and instance names). */
static bool name_is_valid(const char *s, size_t max)
{
        size_t n = strlen(s);

        if (n == 0 || n > max || !isalpha((unsigned char)s[0]) || s[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)s[i]) && s[i] != '-')
                        return false;
        return true;
}

int option_parse_source(const char *value, void *field, struct error *err)
{
        struct source_option *o = field, new = {0};

        if (startswith(value, "copy:")) {
                new.source = SOURCE_COPY;
                if (!name_is_valid(value + 5, NAME_SIZE - 1))
                        return error_set(err, -EINVAL, "--source: '%s' is not an instance name",
                                         value + 5);
                snprintf(new.template_name, sizeof(new.template_name), "%s", value + 5);
        } else {
                new.source = source_from_name(value);
                if (new.source < 0)
                        return error_set(err, -EINVAL,
                                         "--source: '%s' is none of image, copy, copy:INSTANCE",
                                         value);
        }
        *o = new;
        return 0;
}

int coord_parse_phases(const char *s, int64_t *ret, struct error *err)
{
        _cleanup_(freep)
        char *copy = strdup(s);
        char *rest = copy, *word;
        int64_t phases = 0;

        if (!copy)
                return -ENOMEM;
        while ((word = strsep(&rest, ","))) {
                int phase = phase_from_name(word);

                if (phase < 0)
                        return error_set(err, -EINVAL,
                                         "--phases: '%s' is not a phase; phases are create, start, "
                                         "ready, exec, stop, delete, verify",
                                         word);
                if (phases & PHASE_BIT(phase))
                        return error_set(err, -EINVAL, "--phases: %s stands there twice", word);
                phases |= PHASE_BIT(phase);
        }
        *ret = phases;
        return 0;
}

int option_check_threshold(const char *value, struct error *err)
{
        struct threshold unused;

        return threshold_parse(value, &unused, err);
}

int option_parse_phases(const char *value, void *field, struct error *err)
{
        return coord_parse_phases(value, field, err);
}

int coord_check_phases(int64_t phases, int mode, bool keep, struct error *err)
{
        /* what cannot be without something before it */
        static const struct {
                enum phase phase, needs;
        } needs[] = {
                {PHASE_START, PHASE_CREATE},  {PHASE_READY, PHASE_START},
                {PHASE_EXEC, PHASE_START},    {PHASE_STOP, PHASE_START},
                {PHASE_DELETE, PHASE_CREATE}, {PHASE_VERIFY, PHASE_DELETE},
        };

        if (!(phases & PHASE_BIT(PHASE_CREATE)))
                return error_set(err, -EINVAL, "--phases: add create; without it there is no unit");
        for (size_t i = 0; i < ELEMENTSOF(needs); i++)
                if ((phases & PHASE_BIT(needs[i].phase)) && !(phases & PHASE_BIT(needs[i].needs)))
                        return error_set(err, -EINVAL, "--phases: %s needs %s; add it",
                                         phase_name(needs[i].phase), phase_name(needs[i].needs));
        if (!(phases & PHASE_BIT(PHASE_DELETE))) {
                if (mode == MODE_DENSITY && keep)
                        return 0;
                return error_set(err, -EINVAL,
                                 "--phases: add delete; only --mode density --keep leaves units");
        }
        if ((phases & PHASE_BIT(PHASE_START)) && !(phases & PHASE_BIT(PHASE_STOP)))
                return error_set(err, -EINVAL, "--phases: delete after start needs stop; add it");
        return 0;
}

int option_parse_prefix(const char *value, void *field, struct error *err)
{
        char **to = field, *copy;

        if (!name_is_valid(value, PREFIX_MAX))
                return error_set(err, -EINVAL,
                                 "--prefix: '%s' cannot begin an instance's name; use at most %d "
                                 "letters, digits and dashes, a letter first and no dash last",
                                 value, PREFIX_MAX);
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

int option_parse_run_id(const char *value, void *field, struct error *err)
{
        char **to = field, *copy;

        if (strlen(value) != RUN_ID_SIZE - 1 ||
            strspn(value, "0123456789abcdefghijklmnopqrstuvwxyz") != RUN_ID_SIZE - 1)
                return error_set(err, -EINVAL,
                                 "--run: '%s' is not the id of a run, which is %d digits and "
                                 "small letters",
                                 value, RUN_ID_SIZE - 1);
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static int check_hosts(struct coord_options *o, struct error *err)
{
        int r;

        if (!o->hosts_text)
                return error_set(err, -EINVAL,
                                 "--hosts is missing; name the hosts to drive, as in --hosts "
                                 "localhost or --hosts a,b");
        r = endpoint_parse_list(o->hosts_text, &o->hosts, &o->n_hosts, err);
        return r < 0 ? error_prefix(err, "--hosts") ?: r : 0;
}

static int check_exec(const struct coord_options *o, struct error *err)
{
        if (!o->exec.n)
                return 0;
        if (!(o->phases & PHASE_BIT(PHASE_EXEC)))
                return error_set(err, -EINVAL, "--exec is of no use without exec in --phases");
        if (o->exec.n > EXEC_COMMANDS_MAX)
                return error_set(err, -EINVAL, "--exec: at most %d commands, not %zu",
                                 EXEC_COMMANDS_MAX, o->exec.n);
        for (size_t i = 0; i < o->exec.n; i++) {
                const char *command = o->exec.items[i];

                if (command[strspn(command, " \t\n")] == '\0')
                        return error_set(err, -EINVAL, "--exec: an empty command");
                if (strlen(command) >= EXEC_LENGTH_MAX)
                        return error_set(err, -EINVAL,
                                         "--exec: '%.40s…' is too long (at most %d bytes)", command,
                                         EXEC_LENGTH_MAX - 1);
        }
        return 0;
}

static int check_run_dir(const char *path, struct error *err)
{
        _cleanup_(closedirp)
        DIR *dir = opendir(path);
        const struct dirent *entry;

        if (!dir) {
                if (errno == ENOENT)
                        return 0;
                return error_set_errno(err, -errno, "--run-dir: cannot use %s", path);
        }
        while ((entry = readdir(dir)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        return error_set(err, -EEXIST,
                                         "--run-dir: %s is not empty; give a new or empty "
                                         "directory",
                                         path);
        return 0;
}

static int check_taking(const struct coord_options *o, struct error *err)
{
        if (o->wait && o->steal)
                return error_set(err, -EINVAL, "--wait and --steal: give one of them");
        return 0;
}

static int check_run(struct coord_options *o, struct error *err)
{
        int r;

        if (!o->total && !o->duration_ns && o->mode != MODE_DENSITY)
                return error_set(err, -EINVAL,
                                 "say how much to do: --total N units, or --duration TIME");
        if (o->keep && o->mode != MODE_DENSITY)
                return error_set(err, -EINVAL, "--keep goes with --mode density only");
        r = coord_check_phases(o->phases, o->mode, o->keep, err);
        if (r == 0)
                r = check_exec(o, err);
        if (r == 0 && o->run_dir)
                r = check_run_dir(o->run_dir, err);
        return r;
}

int options_check(struct coord_options *o, struct error *err)
{
        int r;

        if (o->command == COORD_KEYGEN)
                return 0;
        r = o->command == COORD_EVIDENCE || o->command == COORD_RESUME ? options_find_run(o, err)
                                                                       : 0;
        if (r == 0)
                r = check_hosts(o, err);
        if (r == 0)
                r = check_taking(o, err);
        if (r == 0 && o->command == COORD_RUN)
                r = check_run(o, err);
        return r;
}
