/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of keys: allow-list, known agents, secret key. */

#include <sys/stat.h>

#include "proto/keys.h"
#include "tests/fuzz/fuzz.h"

static void allow_list(const char *path)
{
        struct error err = ERROR_INIT;
        struct allow_list list = {0};
        int r = allow_list_read(path, &list, &err);

        require_error(r, err);
        for (size_t i = 0; i < list.n; i++) {
                const struct allow_entry *e = &list.entries[i];

                require(e->role < ROLE_MAX_);
                require(e->name[0] && !strpbrk(e->name, ": \t#"));
                require(strlen(e->key) == KEY_Z85_SIZE - 1);
                require(allow_list_find(&list, e->key) == e);
        }
        allow_list_clear(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct error err = ERROR_INIT;
        char key[KEY_Z85_SIZE];
        struct key_pair pair;
        const char *path;
        int fd, r;

        path = fuzz_file(data, size, 0600, &fd);
        allow_list(path);
        r = known_agent_find(path, "a", key, &err);
        require_error(r, err);
        require(r < 0 || strlen(key) == KEY_Z85_SIZE - 1);
        err = ERROR_INIT;
        r = key_read(path, &pair, &err);
        require_error(r, err);
        require(r < 0 || strlen(pair.public) == KEY_Z85_SIZE - 1);
        close(fd);
        return 0;
}
