/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the daemon says of itself: /1.0, metrics, warnings, resources, events, /internal. */

#include "api.h"

void api_root_get(struct call *c)
{
        static const char body[] = "[\"/1.0\"]";

        call_sync(c, body, sizeof(body) - 1);
}

static void render_strings(struct buf *b, const char *const *strings, bool *first)
{
        for (; *strings; strings++) {
                buf_puts(b, *first ? "" : ",");
                buf_json_string(b, *strings);
                *first = false;
        }
}

void api_server_get(struct call *c)
{
        const struct fake *f = c->fake;
        struct buf *b = call_scratch(c);
        bool first = true;

        buf_puts(b, "{\"config\":{},\"api_extensions\":[");
        render_strings(b, common_extensions, &first);
        render_strings(b, f->dialect->extensions, &first);
        buf_puts(b, "],\"api_status\":\"stable\",\"api_version\":\"1.0\",\"auth\":\"trusted\","
                    "\"public\":false,\"auth_methods\":[\"tls\"],\"environment\":{"
                    "\"addresses\":[],\"architectures\":[\"x86_64\",\"i686\"],"
                    "\"driver\":\"lxc\",\"driver_version\":\"5.0.2\",\"firewall\":\"nftables\","
                    "\"kernel\":\"Linux\",\"kernel_architecture\":\"x86_64\","
                    "\"kernel_version\":\"6.1.0\",\"os_name\":\"Fake\",\"os_version\":\"12\","
                    "\"project\":\"default\",\"server\":");
        buf_json_string(b, f->dialect->server);
        buf_puts(b, ",\"server_clustered\":false,\"server_event_mode\":\"full-mesh\","
                    "\"server_name\":");
        buf_json_string(b, f->options.server_name);
        buf_printf(b, ",\"server_pid\":%d,\"server_version\":\"%s\",", f->server_pid,
                   f->dialect->version);
        buf_puts(b, "\"storage\":\"dir\",\"storage_version\":\"1\"}}");
        call_sync(c, b->data, b->len);
}

static void metric(struct buf *b, const char *prefix, const char *name, const char *type,
                   const char *what, double value)
{
        buf_printf(b, "# HELP %s_%s %s\n# TYPE %s_%s %s\n%s_%s %.17g\n", prefix, name, what, prefix,
                   name, type, prefix, name, value);
}

void api_metrics_get(struct call *c)
{
        const struct fake *f = c->fake;
        const char *p = f->dialect->metrics_prefix;
        struct buf *b = call_scratch(c);
        double goroutines = 40 + (double)f->goroutines_leaked +
                            2 * (double)f->operations.n_running + 2 * (double)f->api.counters.open;

        metric(b, p, "go_goroutines", "gauge", "Number of goroutines that currently exist.",
               goroutines);
        metric(b, p, "operations_total", "gauge", "The number of running operations",
               (double)f->operations.n_running);
        metric(b, p, "uptime_seconds", "gauge", "The daemon uptime in seconds.",
               (double)((now_ns() - f->started_ns) / NSEC_PER_SEC));
        metric(b, p, "warnings_total", "gauge", "The number of active warnings.", 0);
        if (f->dialect->wait_early_head)
                metric(b, p, "api_requests_ongoing", "gauge", "The number of API requests.",
                       (double)f->api.counters.open);
        call_raw(c, "text/plain", b->data, b->len);
}

void api_warnings_get(struct call *c)
{
        call_sync(c, "[]", 2);
}

void api_resources_get(struct call *c)
{
        static const char body[] =
                "{\"cpu\":{\"architecture\":\"x86_64\",\"sockets\":[],\"total\":2},"
                "\"memory\":{\"nodes\":null,\"hugepages_total\":0,\"hugepages_used\":0,"
                "\"hugepages_size\":2097152,\"used\":1073741824,\"total\":8589934592},"
                "\"gpu\":{\"cards\":[],\"total\":0},\"network\":{\"cards\":[],\"total\":0},"
                "\"storage\":{\"disks\":[],\"total\":0}}";

        call_sync(c, body, sizeof(body) - 1);
}

void api_events_get(struct call *c)
{
        call_error(c, 400, "Bad Request"); /* no websocket was asked for */
}

void api_gc_get(struct call *c)
{
        if (strcmp(c->conn->request.target, c->fake->dialect->gc_path) == 0)
                call_sync(c, NULL, 0);
        else
                call_error(c, 404, "not found");
}

void api_projects_get(struct call *c)
{
        const struct instances *is = &c->fake->instances;
        struct buf *b = call_scratch(c);

        for (size_t i = 0; i < is->n_projects; i++)
                buf_printf(b, "%s\"/1.0/projects/%s\"", i ? "," : "[", is->projects[i]);
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}

void api_project_get(struct call *c)
{
        struct buf *b = call_scratch(c);

        if (!instances_project(&c->fake->instances, c->args[0])) {
                call_error(c, 404, "Project not found");
                return;
        }
        buf_printf(b, "{\"config\":{},\"description\":\"\",\"name\":\"%s\",\"used_by\":[]}",
                   c->args[0]);
        call_sync(c, b->data, b->len);
}
