/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the agent asks of the helper, which is root: a request as JSON. Each is checked by every
 * verb; those that only look at processes are carried out, in a tree that is empty.
 */

#include <fcntl.h>

#include "agent/helper-verbs.h"
#include "tests/fuzz/fuzz.h"

static const char *const verbs[] = {"inventory", "names", "remove",         "examine",
                                    "evidence",  "thaw",  "restart-daemon", "census"};

static void ask(const struct verb *verb, json_object *request, bool run)
{
        static struct verb_progress progress;
        struct verb_context context = {.root = "/nonexistent", .id = 1, .progress = &progress};
        struct error err = ERROR_INIT;
        void *checked = NULL;
        int r;

        r = verb->check(request, &context, &checked, &err);
        require_error(r, err);
        if (r < 0)
                return;
        if (run) {
                context.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
                require(context.out >= 0);
                (void)!verb->run(checked, &context, &err);
                close(context.out);
        }
        if (verb->release)
                verb->release(checked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_tokener *tok = json_tokener_new();
        json_object *request;

        require(tok);
        request = json_tokener_parse_ex(tok, (const char *)data, (int)size);
        if (json_object_is_type(request, json_type_object))
                for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                        const struct verb *verb = verb_find(verbs[i]);

                        require(verb);
                        ask(verb, request, i < 2 || i == 3);
                }
        json_object_put(request);
        json_tokener_free(tok);
        return 0;
}
