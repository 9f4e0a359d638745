/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finding and making keys; see key-files.h. */

#include <limits.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "build-config.h"
#include "coordinator/key-files.h"

#define SYSTEM_KEY    CONFIG_DIR "/coord.key"
#define SYSTEM_AGENTS CONFIG_DIR "/known_agents"

/* ~/.config/lxdsoak/NAME, or nothing where there is no home. */
static bool user_path(const char *name, char *buf, size_t size)
{
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        if (config && *config == '/')
                return (size_t)snprintf(buf, size, "%s/lxdsoak/%s", config, name) < size;
        if (home && *home == '/')
                return (size_t)snprintf(buf, size, "%s/.config/lxdsoak/%s", home, name) < size;
        return false;
}

int key_files_secret(const char *path, struct key_pair *ret, struct error *err)
{
        struct error mine = ERROR_INIT;
        char buf[PATH_MAX];
        int r = -ENOENT;

        if (path)
                return key_read(path, ret, err);
        if (user_path("coord.key", buf, sizeof(buf)))
                r = key_read(buf, ret, &mine);
        else
                snprintf(buf, sizeof(buf), "~/.config/lxdsoak/coord.key");
        if (r == -ENOENT) {
                mine = ERROR_INIT;
                r = key_read(SYSTEM_KEY, ret, &mine);
        }
        if (r == -ENOENT)
                return error_set(err, r,
                                 "no key of our own at %s or " SYSTEM_KEY
                                 "; make one with 'lxdsoak-coord keygen %s', or name it with --key",
                                 buf, buf);
        if (r < 0)
                return error_set(err, r, "%s", mine.text);
        return 0;
}

int key_files_known_agent(const char *path, const char *host, char ret[static KEY_Z85_SIZE],
                          struct error *err)
{
        struct error mine = ERROR_INIT;
        char buf[PATH_MAX];
        int r = -ENOENT;

        if (path)
                return known_agent_find(path, host, ret, err);
        if (user_path("known_agents", buf, sizeof(buf)) && access(buf, F_OK) == 0)
                r = known_agent_find(buf, host, ret, &mine);
        if (r == -ENOENT) {
                mine = ERROR_INIT;
                r = known_agent_find(SYSTEM_AGENTS, host, ret, &mine);
        }
        if (r < 0)
                return error_set(err, r, "%s", mine.text);
        return 0;
}

int keygen_main(const struct coord_options *o)
{
        struct error err = ERROR_INIT;
        struct key_pair pair;
        int r;

        r = key_generate(&pair);
        if (r < 0) {
                log_error("cannot make a key: %s", strerror(-r));
                return EXIT_INTERNAL;
        }
        r = key_write(o->file, &pair, &err);
        if (r == 0)
                printf("%s\n", pair.public);
        else
                log_error("%s", err.text);
        explicit_bzero(&pair, sizeof(pair));
        return r == 0 ? EXIT_SUCCESS : EXIT_USAGE;
}
