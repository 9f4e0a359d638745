/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See runs.h. */

#include "report/runs.h"

#include <dirent.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/text.h"
#include "proto/names.h"
#include "report/store.h"

static bool has_store(const char *dir)
{
        char path[PATH_MAX];
        struct stat st;

        return snprintf(path, sizeof(path), "%s/" STORE_FILE, dir) < (int)sizeof(path) &&
               stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void column(sqlite3_stmt *st, int i, char *buf, size_t size)
{
        const char *s = (const char *)sqlite3_column_text(st, i);

        snprintf(buf, size, "%s", s ? s : "");
}

int run_place_read(struct store *store, struct run_place *ret, struct error *err)
{
        static const char query[] =
                "SELECT run, mode, coalesce(verdict, ''), started_realtime_ns, coalesce(wall_ns, "
                "0),"
                " coalesce(planned, -1),"
                " (SELECT count(*) FROM unit u WHERE u.run = r.run AND outcome = 'passed'),"
                " (SELECT count(*) FROM unit u WHERE u.run = r.run AND outcome != 'passed'),"
                " (SELECT count(*) FROM host h WHERE h.run = r.run) FROM run r";
        sqlite3_stmt *st = NULL;
        int c = sqlite3_prepare_v2(store_db(store), query, -1, &st, NULL);

        if (c == SQLITE_OK)
                c = sqlite3_step(st);
        if (c == SQLITE_ROW) {
                *ret = (struct run_place){
                        .started_realtime_ns = sqlite3_column_int64(st, 3),
                        .wall_ns = sqlite3_column_int64(st, 4),
                        .planned = sqlite3_column_int64(st, 5),
                        .passed = sqlite3_column_int64(st, 6),
                        .failed = sqlite3_column_int64(st, 7),
                        .hosts = sqlite3_column_int64(st, 8),
                };
                column(st, 0, ret->run, sizeof(ret->run));
                column(st, 1, ret->mode, sizeof(ret->mode));
                column(st, 2, ret->verdict, sizeof(ret->verdict));
        }
        sqlite3_finalize(st);
        if (c == SQLITE_ROW)
                return 0;
        return error_set(err, -EUCLEAN, "%s: %s", store_path(store),
                         c == SQLITE_DONE ? "there is no run in it"
                                          : sqlite3_errmsg(store_db(store)));
}

int runs_add(struct run_places *p, const struct run_place *place, const char *path)
{
        struct run_place *items = reallocarray(p->items, p->n + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        p->items = items;
        items[p->n] = *place;
        items[p->n].path = path ? strdup(path) : NULL;
        if (path && !items[p->n].path)
                return -ENOMEM;
        p->n++;
        return 0;
}

/* What cannot be read is counted, with the first reason. */
static int add_place(struct run_places *p, const char *dir)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        struct run_place place;
        int r = store_open(dir, true, &store, &p->unreadable);

        if (r == 0)
                r = run_place_read(store, &place, &p->unreadable);
        if (r == 0)
                return runs_add(p, &place, dir);
        p->n_unreadable++;
        return r == -ENOMEM ? r : 0;
}

static int scan(struct run_places *p, const char *dir, struct error *err)
{
        DIR *d = opendir(dir);
        int r = 0;

        if (!d)
                return error_set_errno(err, -errno, "%s", dir);
        if (has_store(dir))
                r = add_place(p, dir);
        for (const struct dirent *e; r == 0 && (e = readdir(d));) {
                _cleanup_(freep)
                char *path = NULL;

                if (e->d_name[0] == '.')
                        continue;
                if (streq(dir, "."))
                        path = strdup(e->d_name);
                else if (asprintf(&path, "%s/%s", dir, e->d_name) < 0)
                        path = NULL;
                if (!path)
                        r = -ENOMEM;
                else if (has_store(path))
                        r = add_place(p, path);
        }
        closedir(d);
        return r;
}

static int compare(const void *a, const void *b)
{
        const struct run_place *x = a, *y = b;

        if (x->started_realtime_ns != y->started_realtime_ns)
                return x->started_realtime_ns < y->started_realtime_ns ? -1 : 1;
        return strcmp(x->path ? x->path : x->run, y->path ? y->path : y->run);
}

void runs_sort(struct run_places *p)
{
        if (p->n > 1)
                qsort(p->items, p->n, sizeof(*p->items), compare);
}

int runs_list(const struct string_list *dirs, struct run_places *ret, struct error *err)
{
        struct run_places p = {0};
        int r = 0;

        if (dirs->n == 0)
                r = scan(&p, ".", err);
        for (size_t i = 0; i < dirs->n && r == 0; i++)
                r = scan(&p, dirs->items[i], err);
        if (r < 0) {
                runs_release(&p);
                return error_set(err, r, "out of memory");
        }
        runs_sort(&p);
        *ret = p;
        return 0;
}

void runs_release(struct run_places *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->items[i].path);
        free(p->items);
        *p = (struct run_places){0};
}

/* A path is meant where there is one: an id looks like no path people would name a run by. */
static bool is_path(const char *what)
{
        struct stat st;

        return strchr(what, '/') || has_store(what) ||
               (stat(what, &st) == 0 && S_ISREG(st.st_mode));
}

/* run: NULL = any. One of those that cannot be read may have been meant. */
static int not_found(const char *run, const struct string_list *dirs, const struct run_places *p,
                     struct error *err)
{
        const char *where = dirs->n ? dirs->items[0] : "this directory";
        char unread[400] = "";

        if (p->n_unreadable > 0)
                snprintf(unread, sizeof(unread), "; one of them cannot be read: %.360s",
                         p->unreadable.text);
        if (!run)
                return error_set(err, -ENOENT, "there is no run in %s (--dir looks elsewhere)%s",
                                 where, unread);
        return error_set(err, -ENOENT, "run %s is not in %s (--dir looks elsewhere)%s", run, where,
                         unread);
}

int runs_open(const char *what, const struct string_list *dirs, struct store **ret,
              struct error *err)
{
        struct run_places p = {0};
        const struct run_place *found = NULL;
        bool last = streq(what, "last");
        int r;

        if (is_path(what))
                return store_open(what, true, ret, err);
        if (!last && check_run_id(what))
                return error_set(
                        err, -ENOENT,
                        "'%s' is neither the id of a run nor its directory, with " STORE_FILE
                        " in it",
                        TEXT_PRINTABLE(what));
        r = runs_list(dirs, &p, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < p.n; i++)
                if (last || streq(p.items[i].run, what))
                        found = p.items + i;
        if (found)
                r = store_open(found->path, true, ret, err);
        else
                r = not_found(last ? NULL : what, dirs, &p, err);
        runs_release(&p);
        return r;
}
