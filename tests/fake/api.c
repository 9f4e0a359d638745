/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a request to its handler: routes, arguments, and the faults on the way. */

#include "api.h"

#define MONITOR_STUCK_NS (5 * NSEC_PER_SEC) /* how long a read of such an instance takes */
#define DB_STALLED_MS    20000              /* two attempts of ten seconds */

#define ROUTE_ROW(route_kind, route_method, route_path, route_handler, route_flags)                \
        {.kind = route_kind,                                                                       \
         .method = route_method,                                                                   \
         .path = route_path,                                                                       \
         .handler = api_##route_handler,                                                           \
         .flags = route_flags},
struct route api_routes[] = {ROUTES(ROUTE_ROW)};
#undef ROUTE_ROW
const size_t n_api_routes = ARRAY_SIZE(api_routes);
_Static_assert(ARRAY_SIZE(api_routes) <= ROUTES_MAX, "fake.requests is too small");

/* Splits @path at its slashes, in place; an empty last segment does not count. */
static size_t split(char *path, char *segments[SEGMENTS_MAX + 1])
{
        size_t n = 0;

        for (char *rest = path + 1, *s; (s = strsep(&rest, "/"));) {
                if (!*s && !rest)
                        break;
                if (n == SEGMENTS_MAX)
                        return n + 1;
                segments[n++] = s;
        }
        return n;
}

void api_prepare(void)
{
        for (size_t i = 0; i < n_api_routes; i++) {
                char copy[128], *segments[SEGMENTS_MAX + 1];

                snprintf(copy, sizeof(copy), "%s", api_routes[i].path);
                api_routes[i].n_segments = split(copy, segments);
        }
}

static bool route_matches(struct call *c, const struct route *r, char **segments)
{
        const char *p = r->path + 1;

        c->n_args = 0;
        for (size_t i = 0; i < r->n_segments; i++) {
                size_t n = strcspn(p, "/");

                if (n == 1 && *p == '*')
                        c->args[c->n_args++] = segments[i];
                else if (strlen(segments[i]) != n || memcmp(segments[i], p, n) != 0)
                        return false;
                p += n + 1;
        }
        return true;
}

/* Finds the route; with none, whether the path is there for another method. */
static const struct route *find_route(struct call *c, bool *ret_other_method)
{
        char *segments[SEGMENTS_MAX + 1];
        size_t n = split(c->path, segments);

        *ret_other_method = false;
        for (size_t i = 0; i < n_api_routes; i++) {
                const struct route *r = &api_routes[i];

                if (r->n_segments != n || !route_matches(c, r, segments))
                        continue;
                if (strcmp(r->method, c->conn->request.method) == 0)
                        return r;
                *ret_other_method = true;
        }
        return NULL;
}

static void refuse(struct call *c, int code, const char *text)
{
        c->refuse = true;
        c->refuse_code = code;
        snprintf(c->refuse_text, sizeof(c->refuse_text), "%s", text);
}

static void set_wire(struct call *c, enum http_wire_kind kind, uint64_t bytes, int64_t gap_ns)
{
        c->conn->wire = (struct http_wire){.kind = kind, .bytes = bytes, .gap_ns = gap_ns};
}

/* What fault @f makes of the request; returns by how much it delays the answer. */
static int64_t apply_fault(struct call *c, const struct fault *f)
{
        const char *text = f->text[0] ? f->text : NULL;

        switch ((int)f->kind) {
        case FAULT_SLOW: return fault_ns(f, 1000);
        case FAULT_ERROR:
                refuse(c, f->code ? f->code : 500, text ? text : "Injected failure");
                break;
        case FAULT_SHUTTING_DOWN:
                refuse(c, 503,
                       c->fake->dialect->force_delete ? "Incus is shutting down"
                                                      : "LXD is shutting down");
                break;
        case FAULT_DB_STALLED:
                refuse(c, 500, "Failed to begin transaction: context deadline exceeded");
                return fault_ns(f, DB_STALLED_MS);
        case FAULT_SILENT:
                set_wire(c, HTTP_WIRE_SILENT, 0, 0);
                c->never = !f->effect;
                break;
        case FAULT_CLOSE:
                set_wire(c, HTTP_WIRE_CLOSE, fault_bytes(f, HTTP_WIRE_MOST), 0);
                if (!f->effect)
                        refuse(c, 500, "lost");
                break;
        case FAULT_MALFORMED: set_wire(c, HTTP_WIRE_MALFORMED, 0, 0); break;
        case FAULT_GIANT:
                set_wire(c, HTTP_WIRE_GIANT, fault_bytes(f, UINT64_C(64) << 20), 0);
                break;
        case FAULT_TRICKLE:
                set_wire(c, HTTP_WIRE_TRICKLE, fault_bytes(f, 1), fault_ns(f, 100));
                break;
        default: break;
        }
        return 0;
}

/* A stuck monitor delays what asks for its instance's state, or hangs it. */
static int64_t apply_monitor(struct call *c)
{
        struct fake *f = c->fake;
        bool list = c->route->handler == api_instances_get;
        bool one = c->route->handler == api_instance_get;
        bool state = c->route->handler == api_state_get;
        bool stuck = false;

        if (list && c->recursion > 0) {
                list_foreach(i, &f->instances.list) stuck =
                        stuck || faults_on_instance(&f->faults, FAULT_MONITOR_STUCK,
                                                    container_of(i, struct instance, link)->name);
        } else if (one || state) {
                stuck = faults_on_instance(&f->faults, FAULT_MONITOR_STUCK, c->subject);
        }
        if (!stuck)
                return 0;
        if (state || c->recursion > 1)
                c->never = true;
        return MONITOR_STUCK_NS;
}

static int64_t apply_faults(struct call *c)
{
        struct fake *f = c->fake;
        struct fault_subject s = {.kind = c->route->kind,
                                  .instance = c->subject[0] ? c->subject : NULL,
                                  .write = c->route->flags & ROUTE_WRITE,
                                  .db = c->route->flags & ROUTE_DB};
        int64_t ns = latency_draw(&f->options.api_latency, &f->rng);

        if (list_empty(&f->faults.list))
                return ns;
        for (struct fault *fault = NULL;
             (fault = faults_next(&f->faults, FAULT_REQUEST, fault, &s));)
                ns += apply_fault(c, fault);
        return ns + apply_monitor(c);
}

static void parse_body(struct call *c)
{
        struct http_request *r = &c->conn->request;
        struct json_tokener *t;

        if (r->body_size == 0)
                return;
        t = must(json_tokener_new_ex(32));
        c->body = json_tokener_parse_ex(t, r->body, (int)r->body_size);
        c->bad_body = !c->body || json_tokener_get_error(t) != json_tokener_success;
        json_tokener_free(t);
}

/* The project and the instance it is about. -ENOENT when there is no such project. */
static int find_subject(struct call *c)
{
        const char *query = c->conn->request.query, *name = NULL;
        char value[64];

        c->recursion = http_query(query, "recursion", value, sizeof(value)) == 0 ? atoi(value) : 0;
        if (http_query(query, "project", value, sizeof(value)) < 0)
                strcpy(value, "default");
        c->project = instances_project(&c->fake->instances, value);
        if (c->route->flags & ROUTE_INSTANCE) {
                name = c->args[0];
        } else if (c->route->flags & ROUTE_OPERATION) {
                struct operation *op = operations_find(&c->fake->operations, c->args[0]);

                name = op ? op->name : NULL;
        } else if (c->route->handler == api_instances_post) {
                name = body_string(c, "name");
        }
        c->subject[0] = 0;
        if (name)
                snprintf(c->subject, sizeof(c->subject), "%s", name);
        return c->project ? 0 : -ENOENT;
}

static void dispatch(struct call *c)
{
        if (c->never)
                return;
        if (c->refuse)
                call_error(c, c->refuse_code, c->refuse_text);
        else
                c->route->handler(c);
}

static void delayed(struct timer *t, int64_t now)
{
        struct call *c = container_of(t, struct call, timer);

        (void)now;
        if (c->waits_for)
                call_wait(c, c->waits_for, 0); /* its timeout is over */
        else
                dispatch(c);
}

static struct call *call_of(struct http_conn *conn, struct fake *f)
{
        struct call *c = conn->user;

        if (!c) {
                c = must(calloc(1, sizeof(*c)));
                c->timer.fn = delayed;
                list_init(&c->waiter);
                conn->user = c;
        }
        json_object_put(c->body);
        c->body = NULL;
        c->fake = f;
        c->conn = conn;
        c->bad_body = c->refuse = c->never = false;
        c->n_args = 0;
        strcpy(c->path, conn->request.target);
        conn->wire = (struct http_wire){0};
        return c;
}

static void on_request(struct http_conn *conn, void *userdata)
{
        struct fake *f = userdata;
        struct call *c = call_of(conn, f);
        bool other_method;
        int64_t ns;

        c->route = find_route(c, &other_method);
        if (!c->route) {
                call_error(c, other_method ? 405 : 404,
                           other_method ? "Method not allowed" : "not found");
                return;
        }
        f->requests[c->route - api_routes]++;
        for (size_t i = 0; i < c->n_args; i++) {
                if (http_unescape(c->args[i]) < 0) {
                        call_error(c, 400, "Bad Request");
                        return;
                }
        }
        parse_body(c);
        if (find_subject(c) < 0) {
                call_error(c, 404, "Project not found");
                return;
        }
        ns = apply_faults(c);
        if (ns > 0)
                timers_arm(&f->timers, &c->timer, now_ns() + ns);
        else
                dispatch(c);
}

static void on_gone(struct http_conn *conn, void *userdata)
{
        struct fake *f = userdata;
        struct call *c = conn->user;

        if (!c)
                return;
        timers_disarm(&f->timers, &c->timer);
        list_remove(&c->waiter);
        json_object_put(c->body);
        free(c);
        conn->user = NULL;
}

const struct http_callbacks api_callbacks = {.request = on_request, .gone = on_gone};
