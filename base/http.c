/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libcurl's multi socket interface on an sd_event loop. Rules it lives by: the
 * timer callback only arms a timer, finished transfers are drained after every
 * action, a handler may send and cancel but not free the client, easy handles
 * are kept and used again.
 */

#include "base/http.h"

#include <curl/curl.h>
#include <sys/epoll.h>

#include "base/clock.h"

struct http_request {
        struct http_client *client;
        struct http_request *prev, *next; /* in client->active, or ->idle through next */
        CURL *easy;
        http_handler handler;
        void *userdata;
        int64_t start_ns;
        char *body;
        size_t size, room;
        bool too_long;
        char error[CURL_ERROR_SIZE];
};

struct http_client {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer, *drain;
        char *socket_path;
        struct curl_slist *headers;
        struct http_request *active, *idle;
        size_t n_idle, max_connections;
        struct http_stats stats;
};

#define BODY_KEEP (64 * 1024) /* a larger buffer is not kept for the next request */

static void request_unlink(struct http_request *r)
{
        if (r->prev)
                r->prev->next = r->next;
        else
                r->client->active = r->next;
        if (r->next)
                r->next->prev = r->prev;
        r->prev = r->next = NULL;
}

static void request_destroy(struct http_request *r)
{
        curl_easy_cleanup(r->easy);
        free(r->body);
        free(r);
}

/* Ends a request that is no longer in the multi handle. */
static void request_retire(struct http_request *r)
{
        struct http_client *c = r->client;

        request_unlink(r);
        r->handler = NULL;
        r->size = 0;
        r->too_long = false;
        if (r->room > BODY_KEEP) {
                free(TAKE(r->body));
                r->room = 0;
        }
        if (c->n_idle >= c->max_connections) {
                request_destroy(r);
                return;
        }
        r->next = c->idle;
        c->idle = r;
        c->n_idle++;
}

static size_t on_body(char *data, size_t one, size_t n, void *userdata)
{
        struct http_request *r = userdata;

        if (r->size + n > HTTP_BODY_MAX) {
                r->too_long = true;
                return 0;
        }
        if (r->size + n + 1 > r->room) {
                size_t room = MAX((r->size + n + 1) * 2, (size_t)4096);
                char *body = realloc(r->body, room);

                if (!body)
                        return 0;
                r->body = body;
                r->room = room;
        }
        memcpy(r->body + r->size, data, n);
        r->size += n;
        return n;
}

static int error_of(const struct http_request *r, CURLcode code)
{
        long os_errno = 0;

        if (r->too_long)
                return -EMSGSIZE;
        curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_errno);
        switch (code) {
        case CURLE_OK: return 0;
        case CURLE_COULDNT_CONNECT: return os_errno > 0 ? -(int)os_errno : -ECONNREFUSED;
        case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR: return -ECONNRESET;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL: return -EPROTO;
        case CURLE_OUT_OF_MEMORY: return -ENOMEM;
        default: return -EIO;
        }
}

static void request_finish(struct http_request *r, CURLcode code)
{
        struct http_client *c = r->client;
        struct http_response response = {.error = error_of(r, code)};
        long connects = 0;

        curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connects);
        c->stats.connections += (uint64_t)connects;
        curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &response.status);
        curl_multi_remove_handle(c->multi, r->easy);
        if (r->body)
                r->body[r->size] = '\0';
        response.body = r->body ? r->body : "";
        response.size = r->size;
        response.duration_ns = now_monotonic_ns() - r->start_ns;
        response.error_text = !response.error ? ""
                              : r->too_long   ? "the answer is too long"
                              : r->error[0]   ? r->error
                                              : curl_easy_strerror(code);
        http_handler handler = r->handler;
        void *userdata = r->userdata;

        if (handler)
                handler(&response, userdata);
        request_retire(r);
}

static int on_drain(sd_event_source *s, void *userdata)
{
        struct http_client *c = userdata;
        CURLMsg *m;
        int left;

        /* One at a time: each handler is a callback of its own by the ruler. */
        m = curl_multi_info_read(c->multi, &left);
        if (!m)
                return 0;
        if (left > 0)
                sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        if (m->msg == CURLMSG_DONE) {
                struct http_request *r;

                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
                request_finish(r, m->data.result);
                sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        }
        return 0;
}

static void act(struct http_client *c, curl_socket_t fd, int what)
{
        int running;

        curl_multi_socket_action(c->multi, fd, what, &running);
        sd_event_source_set_enabled(c->drain, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        int what = 0;

        if (revents & (EPOLLIN | EPOLLHUP))
                what |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
        if (revents & EPOLLERR)
                what |= CURL_CSELECT_ERR;
        act(userdata, fd, what);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        act(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
        struct http_client *c = userdata;
        sd_event_source *s = socket_data;
        uint32_t events = 0;

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(s);
                curl_multi_assign(c->multi, fd, NULL);
                return 0;
        }
        if (what & CURL_POLL_IN)
                events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                events |= EPOLLOUT;
        if (s)
                return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;
        if (sd_event_add_io(c->event, &s, fd, events, on_io, c) < 0)
                return -1;
        curl_multi_assign(c->multi, fd, s);
        return 0;
}

static int timer_cb(CURLM *multi, long timeout_ms, void *userdata)
{
        struct http_client *c = userdata;

        if (timeout_ms < 0) {
                sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
                return 0;
        }
        sd_event_source_set_time(c->timer, (uint64_t)(now_monotonic_ns() / NSEC_PER_USEC) +
                                                   (uint64_t)timeout_ms * 1000);
        sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
        return 0;
}

int http_client_new(sd_event *event, const char *socket_path, size_t max_connections,
                    struct http_client **ret)
{
        _cleanup_(http_client_freep)
        struct http_client *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->event = sd_event_ref(event);
        c->max_connections = max_connections;
        c->socket_path = strdup(socket_path);
        c->multi = curl_multi_init();
        /* "Expect: 100-continue" would cost a round trip on every larger POST. */
        c->headers = curl_slist_append(NULL, "Expect:");
        c->headers = curl_slist_append(c->headers, "Content-Type: application/json");
        if (!c->socket_path || !c->multi || !c->headers)
                return -ENOMEM;
        r = sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, 0, 1, on_timer, c);
        if (r < 0)
                return r;
        sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        r = sd_event_add_defer(event, &c->drain, on_drain, c);
        if (r < 0)
                return r;
        sd_event_source_set_enabled(c->drain, SD_EVENT_OFF);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_cb);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)max_connections);
        curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
        *ret = TAKE(c);
        return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
        if (!c)
                return NULL;
        while (c->active)
                http_cancel(c->active);
        while (c->idle) {
                struct http_request *r = c->idle;

                c->idle = r->next;
                request_destroy(r);
        }
        if (c->multi)
                curl_multi_cleanup(c->multi);
        sd_event_source_disable_unref(c->timer);
        sd_event_source_disable_unref(c->drain);
        curl_slist_free_all(c->headers);
        free(c->socket_path);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

static struct http_request *request_take(struct http_client *c)
{
        struct http_request *r = c->idle;

        if (r) {
                c->idle = r->next;
                c->n_idle--;
                curl_easy_reset(r->easy);
        } else {
                r = calloc(1, sizeof(*r));
                if (!r)
                        return NULL;
                r->easy = curl_easy_init();
                if (!r->easy) {
                        free(r);
                        return NULL;
                }
        }
        r->client = c;
        r->error[0] = '\0';
        r->prev = NULL;
        r->next = c->active;
        if (c->active)
                c->active->prev = r;
        c->active = r;
        return r;
}

static void request_setup(struct http_request *r, const char *method, const char *url,
                          const char *body, int64_t timeout_ns)
{
        struct http_client *c = r->client;

        curl_easy_setopt(r->easy, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
        curl_easy_setopt(r->easy, CURLOPT_URL, url);
        curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
        curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
        curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->error);
        curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, c->headers);
        curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
        curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(r->easy, CURLOPT_MAXAGE_CONN, 3600L);
        curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http");
        if (timeout_ns > 0)
                curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS,
                                 (long)MAX(timeout_ns / NSEC_PER_MSEC, INT64_C(1)));
        if (streq(method, "GET"))
                return;
        if (body) {
                curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
                curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, body);
        } else if (streq(method, "POST")) {
                curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, 0L);
                curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, "");
        }
        curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
}

int http_send(struct http_client *c, const char *method, const char *path, const char *body,
              int64_t timeout_ns, http_handler handler, void *userdata,
              struct http_request **ret_request)
{
        struct http_request *r = request_take(c);
        _cleanup_(freep)
        char *url = NULL;

        if (!r)
                return -ENOMEM;
        if (asprintf(&url, "http://lxd%s", path) < 0) {
                url = NULL;
                request_retire(r);
                return -ENOMEM;
        }
        r->handler = handler;
        r->userdata = userdata;
        r->start_ns = now_monotonic_ns();
        request_setup(r, method, url, body, timeout_ns);
        if (curl_multi_add_handle(c->multi, r->easy) != CURLM_OK) {
                request_retire(r);
                return -ENOMEM;
        }
        c->stats.requests++;
        if (ret_request)
                *ret_request = r;
        return 0;
}

void http_cancel(struct http_request *r)
{
        curl_multi_remove_handle(r->client->multi, r->easy);
        request_retire(r);
}

void http_get_stats(const struct http_client *c, struct http_stats *ret)
{
        *ret = c->stats;
}
