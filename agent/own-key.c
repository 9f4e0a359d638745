/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See own-key.h. The secret never leaves this file, and is wiped. */

#include "agent/own-key.h"

#include <limits.h>

#include "proto/keys.h"

bool own_key_wanted(const struct agent_config *config)
{
        return config->show_key || config->make_key || config->check;
}

void own_key_line(const char *hostname, const char *key, char *buf, size_t size)
{
        size_t n = strcspn(hostname, ".");

        if (hostname[n])
                snprintf(buf, size, "%s,%.*s %s", hostname, (int)n, hostname, key);
        else
                snprintf(buf, size, "%s %s", hostname, key);
}

/* The public half, for whom cannot read the secret: from the file beside it. */
static int read_public(const char *path, char ret[static KEY_Z85_SIZE], struct error *err)
{
        struct key_pair pair;
        int r = key_read(path, &pair, err);

        if (r == 0)
                memcpy(ret, pair.public, KEY_Z85_SIZE);
        explicit_bzero(&pair, sizeof(pair));
        if (r == -EACCES && key_read_public(path, ret, NULL) == 0)
                return 0;
        if (r == -ENOENT && err)
                *err = ERROR_INIT;
        if (r == -ENOENT)
                return error_set(err, r,
                                 "This agent has no key yet (%s); make one with `sudo "
                                 "lxdsoak-agent --make-key`, then start the agent again",
                                 path);
        return r;
}

static int make_key(const char *path, struct error *err)
{
        struct key_pair pair;
        int r = key_generate(&pair);

        r = r < 0 ? error_set_errno(err, r, "Cannot make a key") : key_write(path, &pair, err);
        explicit_bzero(&pair, sizeof(pair));
        return r;
}

static int show_key(const struct agent_config *config, struct error *err)
{
        _cleanup_(freep)
        char *path = agent_key_path(config);
        char key[KEY_Z85_SIZE], hostname[HOST_NAME_MAX + 1] = "", line[2 * HOST_NAME_MAX + 64];
        int r;

        if (!path)
                return error_set(err, -ENOMEM, "out of memory");
        if (config->make_key && access(path, F_OK) < 0 && errno == ENOENT) {
                r = make_key(path, err);
                if (r < 0)
                        return r;
        }
        r = read_public(path, key, err);
        if (r < 0)
                return r;
        if (gethostname(hostname, sizeof(hostname) - 1) < 0)
                return error_set_errno(err, -errno, "This host has no name");
        own_key_line(hostname, key, line, sizeof(line));
        printf("%s\n", line);
        return fflush(stdout) == 0 ? 0 : error_set_errno(err, -errno, "Cannot print the key");
}

int own_key_main(const struct agent_config *config, struct error *err)
{
        struct allow_list list = {0};
        int r = 0;

        /* the configuration itself was read, so it is fine */
        if (config->check)
                r = allow_list_read(config->authorized_keys, &list, err);
        allow_list_clear(&list);
        if (r == 0 && (config->show_key || config->make_key))
                r = show_key(config, err);
        return r;
}
