/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts and addresses as people write them, and the names that end up in requests. */

#include "base/text.h"
#include "proto/endpoint.h"
#include "proto/names.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct endpoint *e, bool listening)
{
        require(e->label[0] && utf8_valid(e->label, strlen(e->label)));
        for (const char *p = e->label; *p; p++)
                require((unsigned char)*p >= ' ' && *p != 0x7f);
        if (e->local)
                require(e->path[0] == '/' && !e->node[0]);
        else
                require(e->node[0] && e->port >= 1 && e->port <= 65535 && !e->path[0]);
        if (!e->local && !listening)
                require(e->node[strspn(e->node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                "XYZ0123456789._-:")] == '\0' ||
                        strchr(e->node, '%'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *s = fuzz_string(data, size);
        struct endpoint e, *list = NULL;
        struct error err = ERROR_INIT;
        size_t n = 0;
        int r;

        r = endpoint_parse(s, &e, &err);
        require_error(r, err);
        if (r == 0)
                check(&e, false);
        err = ERROR_INIT;
        r = endpoint_parse_listen(s, &e, &err);
        require_error(r, err);
        if (r == 0)
                check(&e, true);
        err = ERROR_INIT;
        r = endpoint_parse_list(s, &list, &n, &err);
        require_error(r, err);
        for (size_t i = 0; i < n; i++)
                check(&list[i], false);
        free(list);
        if (!check_instance_name(s))
                require(strlen(s) < NAME_SIZE && !strpbrk(s, "/.\\ \n\"'%?&#"));
        if (!check_run_id(s))
                require(strlen(s) == RUN_ID_SIZE - 1 && !check_instance_name(s) == !!(*s > '9'));
        if (!check_project(s) || !check_image(s))
                require(!strpbrk(s, " \n\t\"'?#%\033"));
        free(s);
        return 0;
}
