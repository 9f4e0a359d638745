/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which run `lxdsoak-coord evidence RUN` and `resume RUN` mean, and its hosts; see
 * options-check.h. */

#include <limits.h>
#include <sqlite3.h>
#include <unistd.h>

#include "coordinator/options-check.h"
#include "proto/names.h"
#include "report/store.h"

/* The run's id and, unless they were given, its hosts. */
static int read_store(struct coord_options *o, const char *dir, struct error *err)
{
        static const char query[] = "SELECT run, group_concat(host, ',') FROM (SELECT run, host "
                                    "FROM host ORDER BY number)"
                                    " GROUP BY run";
        _cleanup_(store_freep)
        struct store *store = NULL;
        sqlite3_stmt *st = NULL;
        int r = store_open(dir, true, &store, err);

        if (r < 0)
                return r;
        if (sqlite3_prepare_v2(store_db(store), query, -1, &st, NULL) == SQLITE_OK &&
            sqlite3_step(st) == SQLITE_ROW) {
                const char *run = (const char *)sqlite3_column_text(st, 0);
                const char *hosts = (const char *)sqlite3_column_text(st, 1);

                if (run && !check_run_id(run))
                        o->run = strdup(run);
                if (hosts && !o->hosts_text)
                        o->hosts_text = strdup(hosts);
        }
        sqlite3_finalize(st);
        return o->run ? 0 : error_set(err, -EINVAL, "%s holds no run", dir);
}

static bool is_run_dir(const char *dir)
{
        char path[PATH_MAX];

        return snprintf(path, sizeof(path), "%s/" STORE_FILE, dir) < (int)sizeof(path) &&
               access(path, F_OK) == 0;
}

int options_find_run(struct coord_options *o, struct error *err)
{
        char usual[64];
        const char *dir = o->file;
        int r = 0;

        snprintf(usual, sizeof(usual), "./lxdsoak-%.*s", RUN_ID_SIZE - 1, o->file);
        if (o->command == COORD_RESUME && !is_run_dir(dir) && !is_run_dir(usual))
                return error_set(err, -EINVAL,
                                 "resume: there is no run in '%s', and no %s; give its directory, "
                                 "with " STORE_FILE " in it",
                                 o->file, usual);
        if (!is_run_dir(dir) && !check_run_id(o->file))
                dir = o->run_dir ?: usual;
        if (is_run_dir(dir))
                r = read_store(o, dir, err);
        else if (check_run_id(o->file))
                return error_set(err, -EINVAL,
                                 "evidence: '%s' is neither the id of a run nor its directory, "
                                 "with " STORE_FILE " in it",
                                 o->file);
        else
                o->run = strdup(o->file);
        if (r < 0)
                return r;
        if (dir != o->file && o->run && !streq(o->run, o->file))
                return error_set(err, -EINVAL, "--run-dir: %s is of run %s, not %s", dir, o->run,
                                 o->file);
        if (!o->run_dir)
                o->run_dir = strdup(dir);
        return o->run && o->run_dir ? 0 : -ENOMEM;
}
