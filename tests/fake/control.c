/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The control API: faults, latencies and statistics, on a socket no fault touches. */

#include <sys/resource.h>

#include "api.h"
#include "control.h"
#include "ghosts.h"

static void answer(struct http_conn *c, int status, json_object *o)
{
        _cleanup_(buf_deinit)
        struct buf b = {0};

        buf_json(&b, o);
        buf_puts(&b, "\n");
        json_object_put(o);
        http_answer(c, &(struct http_answer){.status = status, .body = b.data, .size = b.len});
}

static void answer_error(struct http_conn *c, int status, const char *text)
{
        json_object *o = must(json_object_new_object());

        json_object_object_add(o, "error", json_object_new_string(text));
        answer(c, status, o);
}

static void add(json_object *o, const char *key, uint64_t n)
{
        json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

static json_object *sub(json_object *o, const char *key)
{
        json_object *s = must(json_object_new_object());

        json_object_object_add(o, key, s);
        return s;
}

static void stats_requests(const struct fake *f, json_object *all)
{
        json_object *o = sub(all, "requests");
        uint64_t total = 0;

        for (size_t i = 0; i < n_api_routes; i++) {
                json_object *old = NULL;

                if (!f->requests[i])
                        continue;
                json_object_object_get_ex(o, api_routes[i].kind, &old);
                add(o, api_routes[i].kind, f->requests[i] + (uint64_t)json_object_get_int64(old));
                total += f->requests[i];
        }
        add(all, "requests_total", total);
}

static void stats_http(const struct fake *f, json_object *all)
{
        const struct http_counters *h = &f->api.counters;
        json_object *o = sub(all, "connections");

        add(o, "opened", h->opened);
        add(o, "current", h->open);
        add(o, "max", h->open_max);
        add(o, "refused", h->refused);
        add(o, "closed_by_peer", h->closed_by_peer);
        add(o, "closed_by_us", h->closed_by_us);
        o = sub(all, "answers");
        for (int i = 2; i < 6; i++) {
                char key[4] = {(char)('0' + i), 'x', 'x', 0};

                add(o, key, h->statuses[i]);
        }
        add(o, "bytes_in", h->bytes_in);
        add(o, "bytes_out", h->bytes_out);
}

static void stats_operations(const struct fake *f, json_object *all)
{
        const struct operations *os = &f->operations;
        json_object *o = sub(all, "operations");

        add(o, "in_flight", os->n_running);
        add(o, "in_flight_max", os->n_running_max);
        add(o, "kept", os->n - os->n_running);
        add(o, "held_max", os->n_max);
        for (int i = 0; i < OP_KINDS; i++) {
                const struct op_counters *c = &os->counters[i];
                json_object *k;

                if (!c->started)
                        continue;
                k = sub(o, op_infos[i].name);
                add(k, "started", c->started);
                add(k, "success", c->succeeded);
                add(k, "failure", c->failed);
                add(k, "vanished", c->vanished);
        }
}

static void stats_instances(const struct fake *f, json_object *all)
{
        json_object *o = sub(all, "instances"), *names = must(json_object_new_array());
        uint64_t running = 0;

        list_foreach(l, &f->instances.list)
        {
                const struct instance *i = container_of(l, struct instance, link);

                running += i->status != INSTANCE_STOPPED;
                if (json_object_array_length(names) < 1000)
                        json_object_array_add(names, json_object_new_string(i->name));
        }
        add(o, "alive", f->instances.n);
        add(o, "running", running);
        add(o, "max", f->instances.n_max);
        add(o, "created", f->instances.created);
        add(o, "deleted", f->instances.deleted);
        json_object_object_add(o, "names", names);
}

/* A line of /proc/self/status, in KiB; getrusage() counts what ran before exec too. */
static uint64_t status_kib(const char *key)
{
        FILE *file = fopen("/proc/self/status", "re");
        unsigned long long kib = 0;
        char line[256];

        while (file && fgets(line, sizeof(line), file))
                if (strncmp(line, key, strlen(key)) == 0)
                        kib = strtoull(line + strlen(key), NULL, 10);
        if (file)
                fclose(file);
        return kib;
}

static json_object *stats(struct fake *f)
{
        json_object *all = must(json_object_new_object()), *ghosts = must(json_object_new_array());
        struct rusage usage;

        stats_requests(f, all);
        stats_http(f, all);
        stats_operations(f, all);
        stats_instances(f, all);
        fake_reap_ghosts(f);
        for (size_t i = 0; i < f->n_ghosts; i++)
                json_object_array_add(ghosts, json_object_new_string(f->ghosts[i].name));
        json_object_object_add(all, "ghosts", ghosts);
        add(all, "leaked_fds", f->n_leaked_fds);
        add(all, "restarts", f->restarts);
        add(all, "server_pid", (uint64_t)f->server_pid);
        add(all, "rss_kib", status_kib("VmRSS:"));
        add(all, "max_rss_kib", status_kib("VmHWM:"));
        if (getrusage(RUSAGE_SELF, &usage) == 0)
                add(all, "cpu_us",
                    (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
        json_object_object_add(all, "dialect", json_object_new_string(f->dialect->name));
        return all;
}

static void add_faults(struct fake *f, struct http_conn *c, json_object *body)
{
        json_object *ids = must(json_object_new_array());
        size_t n = json_object_is_type(body, json_type_array) ? json_object_array_length(body) : 1;
        char why[200] = "too many faults";

        for (size_t i = 0; i < n; i++) {
                bool array = json_object_is_type(body, json_type_array);
                unsigned id;
                int r = faults_add(&f->faults, array ? json_object_array_get_idx(body, i) : body,
                                   &id, why, sizeof(why));

                if (r < 0) {
                        json_object_put(ids);
                        answer_error(c, 400, why);
                        return;
                }
                json_object_array_add(ids, json_object_new_int((int)id));
        }
        body = must(json_object_new_object());
        json_object_object_add(body, "ids", ids);
        answer(c, 200, body);
}

int fake_set_latency(struct fake_options *o, const char *kind, const char *text)
{
        struct latency l;
        int r = latency_parse(text, &l);

        if (r < 0)
                return r;
        if (strcmp(kind, "api") == 0) {
                o->api_latency = l;
                return 0;
        }
        if (strcmp(kind, "all") == 0) {
                for (int i = 0; i < OP_KINDS; i++)
                        o->latency[i] = l;
                return 0;
        }
        r = op_kind_find(kind);
        if (r < 0)
                return r;
        o->latency[r] = l;
        return 0;
}

static void set_latencies(struct fake *f, struct http_conn *c, json_object *body)
{
        if (!json_object_is_type(body, json_type_object)) {
                answer_error(c, 400, "latencies are an object");
                return;
        }
        json_object_object_foreach (body, key, value) {
                if (fake_set_latency(&f->options, key, json_object_get_string(value)) < 0) {
                        answer_error(c, 400, key);
                        return;
                }
        }
        answer(c, 200, must(json_object_new_object()));
}

static void delete_fault(struct fake *f, struct http_conn *c, const char *id)
{
        if (!*id)
                faults_clear(&f->faults);
        else if (faults_remove(&f->faults, (unsigned)strtoul(id, NULL, 10)) < 0) {
                answer_error(c, 404, "no such fault");
                return;
        }
        answer(c, 200, must(json_object_new_object()));
}

static void control_request(struct http_conn *c, void *userdata)
{
        struct fake *f = userdata;
        const struct http_request *r = &c->request;
        _cleanup_(json_putp)
        json_object *body = NULL;
        bool get = strcmp(r->method, "GET") == 0, del = strcmp(r->method, "DELETE") == 0;
        bool put = strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;

        if (r->body_size > 0) {
                struct json_tokener *t = must(json_tokener_new());

                body = json_tokener_parse_ex(t, r->body, (int)r->body_size);
                json_tokener_free(t);
        }
        if (get && strcmp(r->target, "/fake/stats") == 0) {
                answer(c, 200, stats(f));
        } else if (del && strcmp(r->target, "/fake/stats") == 0) {
                fake_reset_stats(f);
                answer(c, 200, must(json_object_new_object()));
        } else if (get && strcmp(r->target, "/fake/faults") == 0) {
                answer(c, 200, faults_to_json(&f->faults));
        } else if (put && strcmp(r->target, "/fake/faults") == 0) {
                add_faults(f, c, body);
        } else if (del && strcmp(r->target, "/fake/faults") == 0) {
                delete_fault(f, c, "");
        } else if (del && strncmp(r->target, "/fake/faults/", 13) == 0) {
                delete_fault(f, c, r->target + 13);
        } else if (put && strcmp(r->target, "/fake/latency") == 0) {
                set_latencies(f, c, body);
        } else if (del && strcmp(r->target, "/fake/ghosts") == 0) {
                fake_drop_ghosts(f);
                answer(c, 200, must(json_object_new_object()));
        } else {
                answer_error(c, 404, "see tests/fake/README.md");
        }
}

static void control_gone(struct http_conn *c, void *userdata)
{
        (void)c;
        (void)userdata;
}

const struct http_callbacks control_callbacks = {.request = control_request, .gone = control_gone};
