/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The agent's options: command line over drop-ins over agent.conf over defaults. */

#include "base/options.h"

struct agent_config {
        char *lxd_socket; /* NULL = look in the usual places */
        char *state_dir;
        struct string_list listen;
        char *project;
        char *key; /* NULL = the credential, else the usual file */
        char *authorized_keys;
        char *helper; /* NULL = the installed ones */
        bool verbose;
        bool show_key, make_key, check; /* do that, and exit */
        char *config;                   /* the file to read */
};

extern const struct option_table agent_options;

/*
 * Fills *ret from argv and files. 1: --help or --version was printed; 0; or
 * negative with err set. agent_config_release() frees in any case but 1.
 */
int agent_config_load(int argc, char **argv, struct agent_config *ret,
                      struct error *err) _warn_unused_;
void agent_config_release(struct agent_config *config);

/* Where the secret key is: --key, else $CREDENTIALS_DIRECTORY/agent.key, else
 * CONFIG_DIR/agent.key. The caller frees; NULL = out of memory. */
char *agent_key_path(const struct agent_config *config);
