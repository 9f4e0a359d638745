/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agent's option table: see config.h. */

#include "agent/config.h"

#include <sys/stat.h>

#include "build-config.h"
#include "proto/endpoint.h"

#define FIELD(name) offsetof(struct agent_config, name)

static int check_listen(const char *value, struct error *err)
{
        struct endpoint unused;

        return endpoint_parse_listen(value, &unused, err);
}

static const struct option_spec specs[] = {
        {.name = "lxd-socket",
         .type = OPTION_STRING,
         .arg = "PATH",
         .help = "unix socket of LXD or Incus (default: the usual places)",
         .offset = FIELD(lxd_socket),
         .file_ok = true,
         .group = "What to drive"},
        {.name = "project",
         .type = OPTION_STRING,
         .arg = "NAME",
         .help = "LXD project the units are made in, unless a run names one",
         .default_text = "default",
         .offset = FIELD(project),
         .file_ok = true},
        {.name = "listen",
         .type = OPTION_LIST,
         .arg = "ENDPOINT",
         .help = "where coordinators reach it: ipc:///PATH or tcp://ADDRESS:PORT (repeatable)",
         .default_text = AGENT_IPC_ENDPOINT,
         .check = check_listen,
         .offset = FIELD(listen),
         .file_ok = true,
         .group = "Who may drive it"},
        {.name = "key",
         .type = OPTION_STRING,
         .arg = "FILE",
         .help = "secret key for TCP (default: the credential agent.key, else "
                 "/etc/lxdsoak/agent.key)",
         .offset = FIELD(key),
         .file_ok = true},
        {.name = "authorized-keys",
         .type = OPTION_STRING,
         .arg = "FILE",
         .help = "allow-list of coordinators: lines of ROLE NAME PUBLICKEY",
         .default_text = CONFIG_DIR "/authorized_keys",
         .offset = FIELD(authorized_keys),
         .file_ok = true},
        {.name = "show-key",
         .type = OPTION_FLAG,
         .help = "print this agent's line for known_agents, and exit",
         .offset = FIELD(show_key)},
        {.name = "make-key",
         .type = OPTION_FLAG,
         .help = "make the key first if there is none, then as --show-key",
         .offset = FIELD(make_key)},
        {.name = "check",
         .type = OPTION_FLAG,
         .help = "check the configuration and the allow-list, and exit",
         .offset = FIELD(check)},
        {.name = "state-dir",
         .type = OPTION_STRING,
         .arg = "DIR",
         .help = "where the spool is kept",
         .default_text = "/var/lib/lxdsoak",
         .offset = FIELD(state_dir),
         .file_ok = true,
         .group = "How it works"},
        {.name = "helper",
         .type = OPTION_STRING,
         .arg = "PATH",
         .help = "socket or program of lxdsoak-helper (default: the installed ones)",
         .offset = FIELD(helper),
         .file_ok = true},
        {.name = "verbose",
         .short_name = 'v',
         .type = OPTION_FLAG,
         .help = "say more",
         .offset = FIELD(verbose),
         .file_ok = true},
        {.name = "config",
         .type = OPTION_STRING,
         .arg = "FILE",
         .help = "configuration file; FILE.d/*.conf are read after it",
         .default_text = CONFIG_DIR "/agent.conf",
         .offset = FIELD(config)},
};

const struct option_table agent_options = {
        .program = "lxdsoak-agent",
        .usage = "lxdsoak-agent [OPTION…]",
        .description = "Drives this host's LXD or Incus for lxdsoak-coord. Usually started by "
                       "systemctl start lxdsoak-agent; it runs in the foreground as well and then "
                       "logs to stderr.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static int load_layers(int argc, char **argv, struct agent_config *c, char **rest, size_t *n_rest,
                       struct error *err)
{
        struct agent_config first = {0};
        int r;

        /* The command line is read twice: once to learn which file to read, and
         * once to go over what it says. */
        r = options_defaults(&agent_options, &first, err);
        if (r == 0)
                r = options_parse_argv(&agent_options, argc, argv, &first, rest, n_rest, err);
        if (r == 0)
                r = options_defaults(&agent_options, c, err);
        if (r == 0)
                r = options_parse_config(&agent_options, first.config, c, err);
        options_release(&agent_options, &first);
        if (r == 0)
                r = options_parse_argv(&agent_options, argc, argv, c, rest, n_rest, err);
        return r;
}

int agent_config_load(int argc, char **argv, struct agent_config *ret, struct error *err)
{
        _cleanup_(freep)
        char **rest = calloc((size_t)argc + 1, sizeof(*rest));
        size_t n_rest = 0;
        int r;

        *ret = (struct agent_config){0};
        if (!rest)
                return error_set(err, -ENOMEM, "out of memory");
        r = load_layers(argc, argv, ret, rest, &n_rest, err);
        if (r != 0)
                return r;
        if (n_rest > 0)
                return error_set(err, -EINVAL,
                                 "unexpected argument \"%s\": lxdsoak-agent takes options only, "
                                 "see --help",
                                 rest[0]);
        return 0;
}

void agent_config_release(struct agent_config *config)
{
        options_release(&agent_options, config);
}

char *agent_key_path(const struct agent_config *config)
{
        const char *dir = getenv("CREDENTIALS_DIRECTORY");
        struct stat st;
        char *path;

        if (config->key)
                return strdup(config->key);
        if (dir) {
                if (asprintf(&path, "%s/agent.key", dir) < 0)
                        return NULL;
                /* The unit gives a blank one where there is no key to be had. */
                if (stat(path, &st) == 0 && st.st_size > 1)
                        return path;
                free(path);
        }
        return strdup(CONFIG_DIR "/agent.key");
}
