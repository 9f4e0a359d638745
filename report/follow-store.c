/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following a run by its store; see follow-source.h. */

#include "report/follow-source.h"
#include "report/runs.h"
#include "report/store-resume.h"

struct follow_store {
        struct follow_source source;
        char *path;
};

static void follow_store_free(struct follow_source *source)
{
        struct follow_store *f = (struct follow_store *)source;

        free(f->path);
        free(f);
}

static int look(struct follow_source *source, int64_t now_ns, bool wanted, struct store **ret_store,
                enum follow_state *ret_state, char why[static 256], struct error *err)
{
        struct follow_store *f = (struct follow_store *)source;
        _cleanup_(store_freep)
        struct store *store = NULL;
        _cleanup_(store_past_release)
        struct store_past past = {0};
        /* before it is read: whoever drove it may write the verdict and go in between */
        int driven = store_driven(f->path), r = store_open(f->path, true, &store, err);

        if (r == 0)
                r = store_read_past(store, &past, err);
        if (r < 0)
                return r;
        if (past.exit_code >= 0) {
                *ret_state = FOLLOW_ENDED;
        } else if (driven == 0) {
                *ret_state = FOLLOW_GONE;
                snprintf(why, 256,
                         "its coordinator is gone; lxdsoak-coord resume goes on with it: %.160s",
                         f->path);
        } else {
                *ret_state = FOLLOW_GOES_ON;
        }
        if (wanted || *ret_state != FOLLOW_GOES_ON)
                *ret_store = TAKE(store);
        return 0;
}

int follow_store_new(const char *what, const struct string_list *dirs, struct follow_source **ret,
                     struct error *err)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        struct follow_store *f;
        int r = runs_open(what, dirs, &store, err);

        if (r < 0)
                return r;
        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        f->source = (struct follow_source){look, follow_store_free};
        f->path = strdup(store_path(store));
        if (!f->path)
                return follow_store_free(&f->source), -ENOMEM;
        *ret = &f->source;
        return 0;
}
