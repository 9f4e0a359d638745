/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests and operations against LXD: see lxd.h. */

#include "agent/lxd.h"

#include <curl/curl.h>

#include "base/clock.h"
#include "base/json-text.h"
#include "base/list.h"

/* How long one /wait may take at the server before we ask again. Long enough
 * to cost nothing, short enough that a lost answer is noticed. */
#define WAIT_SECONDS   30
#define WAIT_SLACK_NS  (15 * NSEC_PER_SEC)
#define OP_ID_SIZE     64
#define JSON_DEPTH_MAX 32

struct lxd {
        sd_event *event;
        struct http_client *http;
        char *socket_path;
        char *project; /* escaped; NULL = default */
        struct lxd_call *calls;
};

struct lxd_call {
        struct lxd *lxd;
        struct lxd_call *prev, *next;
        struct http_request *request;
        lxd_handler handler;
        void *userdata;
        int64_t deadline_ns; /* monotonic, 0 = none */
        char op[OP_ID_SIZE]; /* empty: the first request has not been answered */
        bool raw;
        bool rereading; /* GET /operations/ID because /wait was unclear */
};

static void on_response(const struct http_response *response, void *userdata);

/* ---- calls ---- */

static struct lxd_call *call_new(struct lxd *lxd, int64_t deadline_ns, lxd_handler handler,
                                 void *userdata)
{
        struct lxd_call *call = calloc(1, sizeof(*call));

        if (!call)
                return NULL;
        call->lxd = lxd;
        call->handler = handler;
        call->userdata = userdata;
        call->deadline_ns = deadline_ns > 0 ? now_monotonic_ns() + deadline_ns : 0;
        LIST_PREPEND(lxd->calls, call);
        return call;
}

static void call_free(struct lxd_call *call)
{
        LIST_REMOVE(call->lxd->calls, call);
        free(call);
}

static void call_answer(struct lxd_call *call, enum lxd_status status, int64_t code,
                        const char *text, json_object *metadata)
{
        struct lxd_answer answer = {status, code, text, metadata};
        lxd_handler handler = call->handler;
        void *userdata = call->userdata;

        call_free(call);
        handler(&answer, userdata);
}

static int64_t time_left(const struct lxd_call *call, int64_t most)
{
        int64_t left;

        if (call->deadline_ns == 0)
                return most;
        left = call->deadline_ns - now_monotonic_ns();
        left = MAX(left, NSEC_PER_MSEC);
        return most > 0 ? MIN(left, most) : left;
}

static int call_send(struct lxd_call *call, const char *method, const char *path, const char *body,
                     int64_t timeout_ns)
{
        _cleanup_(freep)
        char *full = NULL;
        struct lxd *lxd = call->lxd;

        if (lxd->project && asprintf(&full, "%s%cproject=%s", path, strchr(path, '?') ? '&' : '?',
                                     lxd->project) < 0)
                return -ENOMEM;
        return http_send(lxd->http, method, full ?: path, body, timeout_ns, on_response, call,
                         &call->request);
}

/* ---- following an operation ---- */

static bool deadline_passed(const struct lxd_call *call)
{
        return call->deadline_ns > 0 && now_monotonic_ns() >= call->deadline_ns;
}

static void follow(struct lxd_call *call, bool reread)
{
        int64_t seconds, left = time_left(call, WAIT_SECONDS * NSEC_PER_SEC);
        char path[OP_ID_SIZE + 64];
        int r;

        if (deadline_passed(call)) {
                call_answer(call, LXD_TIMEOUT, -ETIMEDOUT,
                            "the operation did not end before its deadline", NULL);
                return;
        }
        call->rereading = reread;
        seconds = MAX((left + NSEC_PER_SEC - 1) / NSEC_PER_SEC, INT64_C(1));
        if (reread)
                snprintf(path, sizeof(path), "/1.0/operations/%s", call->op);
        else
                snprintf(path, sizeof(path), "/1.0/operations/%s/wait?timeout=%lld", call->op,
                         (long long)seconds);
        r = call_send(call, "GET", path, NULL, seconds * NSEC_PER_SEC + WAIT_SLACK_NS);
        if (r < 0)
                call_answer(call, LXD_LOST, r, "out of memory", NULL);
}

static int64_t get_int(json_object *o, const char *key)
{
        json_object *v;

        return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

/* Status codes of the API: 1xx under way, 200 success, 400 failure, 401
 * cancelled. */
static void on_operation(struct lxd_call *call, json_object *op)
{
        int64_t code = get_int(op, "status_code");
        const char *text = json_text(op, "err");
        json_object *metadata = NULL;

        json_object_object_get_ex(op, "metadata", &metadata);
        if (code == 200)
                call_answer(call, LXD_OK, 0, "", metadata);
        else if (code >= 400)
                call_answer(call, LXD_ERROR, code, text[0] ? text : json_text(op, "status"),
                            metadata);
        else
                follow(call, false);
}

/* The operation's path as the first answer names it: only the last part is
 * taken, and only if it looks like an id. */
static bool take_operation_id(struct lxd_call *call, json_object *answer)
{
        const char *path = json_text(answer, "operation"), *id = strrchr(path, '/');
        size_t n;

        id = id ? id + 1 : path;
        n = strspn(id, "0123456789abcdefABCDEF-");
        if (n == 0 || n >= OP_ID_SIZE || (id[n] != '\0' && id[n] != '?'))
                return false;
        memcpy(call->op, id, n);
        call->op[n] = '\0';
        return true;
}

/* ---- answers ---- */

static void on_error_body(struct lxd_call *call, json_object *answer, long http_status)
{
        const char *text = json_text(answer, "error");
        int64_t code = get_int(answer, "error_code");

        if (code == 0)
                code = http_status;
        if (call->op[0] == '\0') {
                call_answer(call, LXD_ERROR, code, text[0] ? text : "no error text", NULL);
        } else if (code == 404) {
                call_answer(call, LXD_LOST, -ENOENT,
                            "the server does not know the operation any more", NULL);
        } else if (call->rereading) {
                call_answer(call, LXD_ERROR, code, text, NULL);
        } else {
                /* A time limit of /wait, or a failure without its metadata:
                 * the operation itself tells which. */
                follow(call, true);
        }
}

static void on_answer(struct lxd_call *call, json_object *answer, long http_status)
{
        const char *type = json_text(answer, "type");
        json_object *metadata = NULL;

        json_object_object_get_ex(answer, "metadata", &metadata);
        if (streq(type, "error")) {
                on_error_body(call, answer, http_status);
        } else if (streq(type, "async")) {
                if (take_operation_id(call, answer))
                        follow(call, false);
                else
                        call_answer(call, LXD_LOST, -EPROTO,
                                    "the server started an operation without naming it", NULL);
        } else if (!streq(type, "sync")) {
                call_answer(call, LXD_LOST, -EPROTO, "the answer is neither sync, async nor error",
                            NULL);
        } else if (call->op[0] == '\0') {
                call_answer(call, LXD_OK, 0, "", metadata);
        } else if (metadata && json_object_is_type(metadata, json_type_object)) {
                on_operation(call, metadata);
        } else {
                call_answer(call, LXD_LOST, -EPROTO, "the operation has no metadata", NULL);
        }
}

static json_object *parse(const char *body, size_t size)
{
        struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX);
        json_object *o;

        if (!tok)
                return NULL;
        o = json_tokener_parse_ex(tok, body, (int)size + 1);
        if (o && !json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                o = NULL;
        }
        json_tokener_free(tok);
        return o;
}

static void on_transport_error(struct lxd_call *call, const struct http_response *response)
{
        char text[256];

        if (response->error == -ETIMEDOUT && deadline_passed(call)) {
                call_answer(call, LXD_TIMEOUT, -ETIMEDOUT,
                            "the server did not answer before the deadline", NULL);
                return;
        }
        if (response->error == -ETIMEDOUT && call->op[0]) {
                /* The daemon stands still. The operation may be there when it goes on. */
                follow(call, false);
                return;
        }
        snprintf(text, sizeof(text), "no answer from %s: %s (%s)", call->lxd->socket_path,
                 response->error_text, strerror(-response->error));
        call_answer(call, LXD_LOST, response->error, text, NULL);
}

static void on_response(const struct http_response *response, void *userdata)
{
        struct lxd_call *call = userdata;
        json_object *answer;
        char text[160];

        call->request = NULL;
        if (response->error) {
                on_transport_error(call, response);
                return;
        }
        if (call->raw && response->status == 200) {
                json_object *s = json_object_new_string_len(response->body, (int)response->size);

                call_answer(call, LXD_OK, 0, "", s);
                json_object_put(s);
                return;
        }
        answer = parse(response->body, response->size);
        if (answer) {
                on_answer(call, answer, response->status);
                json_object_put(answer);
                return;
        }
        snprintf(text, sizeof(text), "HTTP %ld with a body that is not a JSON object: %.60s",
                 response->status, response->body);
        if (response->status >= 400 && call->op[0] == '\0')
                call_answer(call, LXD_ERROR, response->status, text, NULL);
        else
                call_answer(call, LXD_LOST, -EPROTO, text, NULL);
}

/* ---- the interface ---- */

int lxd_request(struct lxd *lxd, const char *method, const char *path, json_object *body,
                int64_t deadline_ns, lxd_handler handler, void *userdata, struct lxd_call **ret)
{
        struct lxd_call *call = call_new(lxd, deadline_ns, handler, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        r = call_send(call, method, path,
                      body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN) : NULL,
                      deadline_ns);
        if (r < 0) {
                call_free(call);
                return r;
        }
        if (ret)
                *ret = call;
        return 0;
}

int lxd_fetch(struct lxd *lxd, const char *path, int64_t deadline_ns, lxd_handler handler,
              void *userdata, struct lxd_call **ret)
{
        struct lxd_call *call;
        int r = lxd_request(lxd, "GET", path, NULL, deadline_ns, handler, userdata, &call);

        if (r < 0)
                return r;
        call->raw = true;
        if (ret)
                *ret = call;
        return 0;
}

void lxd_cancel(struct lxd_call *call)
{
        if (call->request)
                http_cancel(call->request);
        call_free(call);
}

char *lxd_escape(const char *s)
{
        char *escaped = curl_easy_escape(NULL, s, 0), *copy = escaped ? strdup(escaped) : NULL;

        curl_free(escaped);
        return copy;
}

int lxd_new(sd_event *event, const char *socket_path, size_t max_in_flight, struct lxd **ret)
{
        _cleanup_(lxd_freep)
        struct lxd *lxd = calloc(1, sizeof(*lxd));
        int r;

        if (!lxd)
                return -ENOMEM;
        lxd->event = sd_event_ref(event);
        lxd->socket_path = strdup(socket_path);
        if (!lxd->socket_path)
                return -ENOMEM;
        r = http_client_new(event, socket_path, max_in_flight, &lxd->http);
        if (r < 0)
                return r;
        *ret = TAKE(lxd);
        return 0;
}

struct lxd *lxd_free(struct lxd *lxd)
{
        if (!lxd)
                return NULL;
        while (lxd->calls)
                lxd_cancel(lxd->calls);
        http_client_free(lxd->http);
        free(lxd->socket_path);
        free(lxd->project);
        sd_event_unref(lxd->event);
        free(lxd);
        return NULL;
}

int lxd_set_project(struct lxd *lxd, const char *project)
{
        char *escaped = NULL;

        if (project && project[0] && !streq(project, "default")) {
                escaped = lxd_escape(project);
                if (!escaped)
                        return -ENOMEM;
        }
        free(lxd->project);
        lxd->project = escaped;
        return 0;
}

int lxd_close_idle(struct lxd *lxd)
{
        return http_close_idle(lxd->http);
}

void lxd_get_stats(const struct lxd *lxd, struct http_stats *ret)
{
        http_get_stats(lxd->http, ret);
}

const char *lxd_socket_path(const struct lxd *lxd)
{
        return lxd->socket_path;
}
