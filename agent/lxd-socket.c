/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the server's unix socket: see lxd_find_socket() in lxd.h. */

#include <sys/stat.h>

#include "agent/lxd.h"

/* In the order the client of each server looks. */
static const struct {
        const char *variable; /* environment variable, NULL = a fixed path */
        const char *suffix;   /* behind its value; the path itself without a variable */
} places[] = {
        {"LXD_SOCKET", ""},
        {"LXD_DIR", "/unix.socket"},
        {NULL, "/var/snap/lxd/common/lxd/unix.socket"},
        {NULL, "/var/lib/lxd/unix.socket"},
        {"INCUS_SOCKET", ""},
        {"INCUS_DIR", "/unix.socket"},
        {NULL, "/run/incus/unix.socket"},
        {NULL, "/var/lib/incus/unix.socket"},
};

static int check_socket(const char *path, struct error *err)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return errno == EACCES
                               ? error_set(err, -EACCES,
                                           "LXD socket %s may not be reached by this user: "
                                           "add the user to the group that owns it (lxd, "
                                           "incus-admin)",
                                           path)
                               : error_set_errno(err, -errno,
                                                 "LXD socket %s: is LXD installed and running? "
                                                 "Give its path with --lxd-socket",
                                                 path);
        if (!S_ISSOCK(st.st_mode))
                return error_set(err, -ENOTSOCK,
                                 "LXD socket %s is not a socket: give the right "
                                 "path with --lxd-socket",
                                 path);
        if (access(path, R_OK | W_OK) < 0)
                return error_set(err, -EACCES,
                                 "LXD socket %s refuses this user: add the user to the group that "
                                 "owns it (lxd, incus-admin)",
                                 path);
        return 0;
}

int lxd_find_socket(const char *explicit_path, char **ret, struct error *err)
{
        if (explicit_path) {
                int r = check_socket(explicit_path, err);

                if (r < 0)
                        return r;
                *ret = strdup(explicit_path);
                return *ret ? 0 : -ENOMEM;
        }
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                const char *value = places[i].variable ? getenv(places[i].variable) : "";
                _cleanup_(freep)
                char *path = NULL;
                struct error e = ERROR_INIT;
                int r;

                if (!value || (places[i].variable && !value[0]))
                        continue;
                if (asprintf(&path, "%s%s", value, places[i].suffix) < 0)
                        return -ENOMEM;
                r = check_socket(path, &e);
                if (r == 0) {
                        *ret = TAKE(path);
                        return 0;
                }
                /* What the environment names must be right; a refusal is worth saying. */
                if (places[i].variable || r == -EACCES) {
                        if (err && !err->code)
                                *err = e;
                        if (places[i].variable)
                                return r;
                }
        }
        if (err && err->code)
                return err->code;
        return error_set(err, -ENOENT,
                         "no LXD or Incus socket in the usual places (/var/lib/lxd, the snap's, "
                         "/var/lib/incus): install and initialise one (sudo ./setup.sh), or give "
                         "its path with --lxd-socket");
}
