/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See census.h. One question after the other, so that none is in another's figures. */

#include "agent/census.h"

#include "agent/helper-ask.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define SERVER_NS  (2 * NSEC_PER_SEC)
#define GARBAGE_NS (3 * NSEC_PER_SEC)
#define COUNT_NS   (5 * NSEC_PER_SEC)

enum call { CALL_FIRST, CALL_METRICS, CALL_OPERATIONS, CALL_WARNINGS, CALL_MAX_ };

struct census {
        struct census_env env;
        census_handler handler;
        void *userdata;
        sd_event_source *later;
        int64_t settle_ns;
        bool settling;
        struct lxd_call *calls[CALL_MAX_];
        struct helper_call *helper;
        bool has_metrics, gc_tried;
        int waiting;
        struct record record;
};

void census_cancel(struct census *c)
{
        if (!c)
                return;
        for (size_t i = 0; i < CALL_MAX_; i++)
                if (c->calls[i])
                        lxd_cancel(c->calls[i]);
        if (c->helper)
                helper_call_cancel(c->helper);
        sd_event_source_disable_unref(c->later);
        free(c);
}

static void finish(struct census *c, bool known)
{
        census_handler handler = c->handler;
        struct record record = c->record;
        void *userdata = c->userdata;

        census_cancel(c);
        handler(known ? &record : NULL, userdata);
}

static json_object *get(json_object *o, const char *key, json_type type)
{
        json_object *v;

        if (!o || !json_object_is_type(o, json_type_object) ||
            !json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
                return NULL;
        return v;
}

/* ---- reading ---- */

int64_t census_read_goroutines(const char *metrics)
{
        static const char *const names[] = {"lxd_go_goroutines ", "incus_go_goroutines "};

        for (const char *line = metrics; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                for (size_t i = 0; i < ELEMENTSOF(names); i++)
                        if (startswith(line, names[i])) {
                                double n = strtod(line + strlen(names[i]), NULL);

                                return n >= 0 && n < 1e12 ? (int64_t)n : -1;
                        }
        }
        return -1;
}

/* A map of lists by status; one that has ended is listed for some seconds yet. */
int64_t census_count_operations(json_object *list)
{
        int64_t n = 0;

        if (!list || !json_object_is_type(list, json_type_object))
                return -1;
        json_object_object_foreach (list, status, urls) {
                if (streq(status, "success") || streq(status, "failure") ||
                    streq(status, "cancelled") || !json_object_is_type(urls, json_type_array))
                        continue;
                n += (int64_t)json_object_array_length(urls);
        }
        return n;
}

static void read_counts(json_object *counts, struct record *ret)
{
        for (int k = 0; k < CENSUS_MAX_; k++) {
                json_object *v = get(counts, census_kind_name(k), json_type_int);

                if (v)
                        ret->census.count[k] = MAX(json_object_get_int64(v), INT64_C(-1));
        }
}

/* As text it must fit; what it is of the fds matters most. */
static void keep_detail(json_object *groups, struct record *ret)
{
        static const char *const expendable[] = {"mounts", "processes", "fds"};

        for (size_t i = 0;; i++) {
                const char *text = json_object_to_json_string_ext(
                        groups, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

                if (text && strlen(text) < sizeof(ret->census.detail)) {
                        snprintf(ret->census.detail, sizeof(ret->census.detail), "%s", text);
                        return;
                }
                if (i == ELEMENTSOF(expendable))
                        return;
                json_object_object_del(groups, expendable[i]);
        }
}

void census_read_helper(json_object *messages, struct record *ret)
{
        json_object *all = json_object_new_object();
        size_t n = messages ? json_object_array_length(messages) : 0;

        for (size_t i = 0; i < n; i++) {
                json_object *m = json_object_array_get_idx(messages, i);
                json_object *groups = get(m, "groups", json_type_object);

                read_counts(get(m, "counts", json_type_object), ret);
                if (!groups)
                        continue;
                json_object_object_foreach (groups, kind, names)
                        json_object_object_add(all, kind, json_object_get(names));
        }
        keep_detail(all, ret);
        json_object_put(all);
}

/* ---- counting: goroutines, then the host, then the rest ---- */

static void ask(struct census *c, enum call call, const char *path, lxd_handler handler)
{
        int r = call == CALL_METRICS
                        ? lxd_fetch(c->env.lxd, path, COUNT_NS, handler, c, &c->calls[call])
                        : lxd_request(c->env.lxd, "GET", path, NULL, COUNT_NS, handler, c,
                                      &c->calls[call]);

        if (r >= 0)
                c->waiting++;
        else
                c->calls[call] = NULL;
}

static void listed(struct census *c)
{
        if (--c->waiting > 0)
                return;
        c->record.census.realtime_ns = now_realtime_ns();
        finish(c, true);
}

static void on_operations(const struct lxd_answer *a, void *userdata)
{
        struct census *c = userdata;

        c->calls[CALL_OPERATIONS] = NULL;
        if (a->status == LXD_OK)
                c->record.census.count[CENSUS_OPERATIONS] = census_count_operations(a->metadata);
        listed(c);
}

static void on_warnings(const struct lxd_answer *a, void *userdata)
{
        struct census *c = userdata;

        c->calls[CALL_WARNINGS] = NULL;
        if (a->status == LXD_OK && json_object_is_type(a->metadata, json_type_array))
                c->record.census.count[CENSUS_WARNINGS] =
                        (int64_t)json_object_array_length(a->metadata);
        listed(c);
}

static void list(struct census *c)
{
        c->waiting = 1; /* ourselves, till all is asked */
        ask(c, CALL_OPERATIONS, "/1.0/operations", on_operations);
        ask(c, CALL_WARNINGS, "/1.0/warnings", on_warnings);
        listed(c);
}

static void on_helper(int error, const char *text, json_object *messages, void *userdata)
{
        struct census *c = userdata;

        c->helper = NULL;
        if (error < 0)
                log_warning("The census of the host is not complete: %s", text);
        census_read_helper(messages, &c->record);
        list(c);
}

/* By itself: a request under way is a descriptor of the daemon's, perhaps. */
static void look_at_host(struct census *c)
{
        json_object *o = json_object_new_object();

        json_object_object_add(o, "verb", json_object_new_string("census"));
        json_object_object_add(o, "lxd_dir", json_object_new_string(c->env.lxd_dir));
        json_object_object_add(o, "daemon_pid",
                               json_object_new_int64(MAX(c->record.census.daemon_pid, 0)));
        if (helper_ask(c->env.inventory, o, COUNT_NS, on_helper, c, &c->helper) < 0) {
                c->helper = NULL;
                list(c);
        }
}

static void on_metrics(const struct lxd_answer *a, void *userdata)
{
        struct census *c = userdata;

        c->calls[CALL_METRICS] = NULL;
        if (a->status == LXD_OK && json_object_is_type(a->metadata, json_type_string))
                c->record.census.count[CENSUS_GOROUTINES] =
                        census_read_goroutines(json_object_get_string(a->metadata));
        look_at_host(c);
}

static void count(struct census *c)
{
        if (c->has_metrics)
                ask(c, CALL_METRICS, "/1.0/metrics", on_metrics);
        if (!c->calls[CALL_METRICS])
                look_at_host(c);
}

/* ---- before: its garbage ---- */

static void collect(struct census *c, const char *path);

/* LXD's path, then Incus's; a daemon that has neither keeps what it has. */
static void on_collected(const struct lxd_answer *a, void *userdata)
{
        struct census *c = userdata;

        c->calls[CALL_FIRST] = NULL;
        if (a->status == LXD_ERROR && a->code == 404 && !c->gc_tried) {
                c->gc_tried = true;
                collect(c, "/internal/debug/gc");
                return;
        }
        count(c);
}

static void collect(struct census *c, const char *path)
{
        if (lxd_request(c->env.lxd, "GET", path, NULL, GARBAGE_NS, on_collected, c,
                        &c->calls[CALL_FIRST]) < 0) {
                c->calls[CALL_FIRST] = NULL;
                count(c);
        }
}

/* ---- the first: who it is ---- */

static bool has_extension(json_object *server, const char *name)
{
        json_object *list = get(server, "api_extensions", json_type_array);

        for (size_t i = 0; list && i < json_object_array_length(list); i++) {
                const char *s = json_object_get_string(json_object_array_get_idx(list, i));

                if (s && streq(s, name))
                        return true;
        }
        return false;
}

static void on_server(const struct lxd_answer *a, void *userdata)
{
        struct census *c = userdata;
        json_object *pid;

        c->calls[CALL_FIRST] = NULL;
        if (a->status != LXD_OK) {
                log_warning("No census is taken: %s", a->text);
                finish(c, false);
                return;
        }
        pid = get(get(a->metadata, "environment", json_type_object), "server_pid", json_type_int);
        if (pid && json_object_get_int64(pid) > 0 && json_object_get_int64(pid) <= INT32_MAX)
                c->record.census.daemon_pid = json_object_get_int64(pid);
        c->has_metrics = has_extension(a->metadata, "metrics");
        collect(c, "/internal/gc");
}

/* Kept connections are ours, and how many there are is chance: each is a descriptor and a goroutine
 * of the daemon's. From the loop, where no answer is being handled. */
static void begin_to_settle(struct census *c)
{
        c->settling = true;
        (void)!lxd_close_idle(c->env.lxd); /* something is under way: then they stay */
        sd_event_source_set_time_relative(c->later, (uint64_t)(c->settle_ns / NSEC_PER_USEC));
        sd_event_source_set_enabled(c->later, SD_EVENT_ONESHOT);
}

static int on_later(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct census *c = userdata;

        if (!c->settling) {
                begin_to_settle(c);
                return 0;
        }
        if (lxd_request(c->env.lxd, "GET", "/1.0", NULL, SERVER_NS, on_server, c,
                        &c->calls[CALL_FIRST]) < 0) {
                c->calls[CALL_FIRST] = NULL;
                finish(c, false);
        }
        return 0;
}

int census_take(const struct census_env *env, int64_t settle_ns, census_handler handler,
                void *userdata, struct census **ret)
{
        struct census *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->env = *env;
        c->handler = handler;
        c->userdata = userdata;
        c->record.kind = RECORD_CENSUS;
        c->record.census.daemon_pid = -1;
        for (int k = 0; k < CENSUS_MAX_; k++)
                c->record.census.count[k] = -1;
        c->settle_ns = settle_ns;
        r = sd_event_add_time_relative(env->event, &c->later, CLOCK_MONOTONIC, 0, 1000, on_later,
                                       c);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}
