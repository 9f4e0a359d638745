/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finding and making keys; see key-files.h. */

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

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

        if (path) {
                r = key_read(path, ret, &mine);
                if (r == -ENOENT)
                        return error_set(err, r,
                                         "There is no key %s; make one with `lxdsoak-coord keygen "
                                         "%s`",
                                         path, path);
                return r < 0 ? error_set(err, r, "%s", mine.text) : 0;
        }
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
                                 "; make one with 'lxdsoak-coord keygen', or name it with --key",
                                 buf);
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

/* "drive alice@laptop KEY": what this user's key is called unless somebody calls it otherwise. */
static void print_line(const char *key)
{
        struct passwd *pw = getpwuid(geteuid());
        char host[HOST_NAME_MAX + 1] = "", name[ALLOW_NAME_SIZE];

        (void)!gethostname(host, sizeof(host) - 1);
        host[strcspn(host, ".")] = '\0';
        snprintf(name, sizeof(name), "%s@%s", pw ? pw->pw_name : "coordinator", host);
        for (char *p = name; *p; p++)
                if (!isalnum((unsigned char)*p) && !strchr("._@-", *p))
                        *p = '-';
        printf("%s %s %s\n", role_name(ROLE_DRIVE), name, key);
}

/* All directories above path. */
static int make_parents(const char *path, struct error *err)
{
        char dir[PATH_MAX];

        for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
                if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                        return error_set_errno(err, -errno, "Cannot make %s", dir);
        }
        return 0;
}

static int make_key(const struct coord_options *o, const char *path, struct key_pair *ret,
                    struct error *err)
{
        int r = o->file ? 0 : make_parents(path, err);

        if (r < 0)
                return r;
        r = key_generate(ret);
        if (r < 0)
                return error_set_errno(err, r, "Cannot make a key");
        r = key_write(path, ret, err);
        if (r == -EEXIST && !o->file) {
                *err = ERROR_INIT;
                error_set(err, r,
                          "There is a key already, %s; its line is printed by `lxdsoak-coord "
                          "keygen --show`",
                          path);
        }
        return r;
}

int keygen_main(const struct coord_options *o)
{
        struct error err = ERROR_INIT;
        char usual[PATH_MAX];
        const char *path = o->file;
        struct key_pair pair;
        int r;

        if (o->show) {
                r = key_files_secret(path, &pair, &err);
        } else if (!path && !user_path("coord.key", usual, sizeof(usual))) {
                r = error_set(&err, -ENOENT,
                              "There is no home directory: name a file, as in "
                              "`lxdsoak-coord keygen coord.key`");
        } else {
                path = path ?: usual;
                r = make_key(o, path, &pair, &err);
                if (r == 0 && !o->file)
                        log_notice("made %s; on each host, this line goes into " CONFIG_DIR
                                   "/authorized_keys:",
                                   path);
        }
        if (r == 0)
                print_line(pair.public);
        else
                log_error("%s", err.text);
        explicit_bzero(&pair, sizeof(pair));
        return r == 0 ? EXIT_SUCCESS : EXIT_USAGE;
}
