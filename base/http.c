/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libcurl's multi socket interface on an sd_event loop. Rules it lives by: curl's
 * callbacks only note what it wants; finished transfers are collected after
 * every action, and one is handled in a callback of the loop; what its handler
 * sends goes out in the same callback; a handler may send and cancel but not
 * free the client; easy handles are kept and used again.
 */

#include "base/http.h"

#include <curl/curl.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/http-watch.h"
#include "base/list.h"

struct http_request {
        struct http_client *client;
        struct http_request *prev, *next; /* in client->active, or ->idle through next */
        struct http_request *next_done;   /* in client->done */
        bool done;
        CURLcode code; /* done */
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
        struct http_watch *watch;
        sd_event_source *timer, *later;
        int64_t timer_usec; /* when it fires; INT64_MAX: it does not */
        bool in_turn;
        bool act_soon; /* curl wants to be called at once */
        char *socket_path;
        struct curl_slist *headers;
        struct http_request *active, *idle, *done, **done_tail;
        size_t n_idle, max_connections;
        struct http_stats stats;
};

#define BODY_KEEP    (64 * 1024) /* a larger buffer is not kept for the next request */
#define TIMER_USEC   10000       /* how exact curl's timer need be */
#define RECEIVE_SIZE 4096        /* curl's own buffer, one a request; most answers fit */

static void done_add(struct http_request *r, CURLcode code)
{
        struct http_client *c = r->client;

        r->done = true;
        r->code = code;
        r->next_done = NULL;
        *c->done_tail = r;
        c->done_tail = &r->next_done;
}

static void done_remove(struct http_request *r)
{
        struct http_client *c = r->client;
        struct http_request **p = &c->done;

        if (!r->done)
                return;
        while (*p != r)
                p = &(*p)->next_done;
        *p = r->next_done;
        if (c->done_tail == &r->next_done)
                c->done_tail = p;
        r->done = false;
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

        LIST_REMOVE(c->active, r);
        done_remove(r);
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

static void request_finish(struct http_request *r)
{
        struct http_client *c = r->client;
        struct http_response response = {.error = error_of(r, r->code)};
        http_handler handler = r->handler;
        void *userdata = r->userdata;
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
                                              : curl_easy_strerror(r->code);
        handler(&response, userdata);
        request_retire(r);
}

/* ---- turns ---- */

static void act(struct http_client *c, curl_socket_t fd, int what)
{
        CURLMsg *m;
        int unused;

        c->act_soon = false;
        curl_multi_socket_action(c->multi, fd, what, &unused);
        while ((m = curl_multi_info_read(c->multi, &unused))) {
                struct http_request *r;

                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
                done_add(r, m->data.result);
        }
}

static void turn(struct http_client *c, curl_socket_t fd, int what)
{
        struct http_request *r;

        c->in_turn = true;
        act(c, fd, what);
        /* One only: each handler is a callback of its own by the ruler. */
        r = c->done;
        if (r) {
                done_remove(r);
                request_finish(r);
        }
        if (c->act_soon)
                act(c, CURL_SOCKET_TIMEOUT, 0);
        c->in_turn = false;
        if (c->done || c->act_soon)
                sd_event_source_set_enabled(c->later, SD_EVENT_ONESHOT);
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
        turn(userdata, fd, what);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct http_client *c = userdata;

        c->timer_usec = INT64_MAX;
        turn(c, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

static int on_later(sd_event_source *s, void *userdata)
{
        turn(userdata, CURL_SOCKET_TIMEOUT, 0);
        return 0;
}

/* ---- what curl wants ---- */

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
        struct http_client *c = userdata;
        uint32_t events = 0;

        if (what != CURL_POLL_REMOVE && (what & CURL_POLL_IN))
                events |= EPOLLIN;
        if (what != CURL_POLL_REMOVE && (what & CURL_POLL_OUT))
                events |= EPOLLOUT;
        return http_watch_set(c->watch, fd, events) < 0 ? -1 : 0;
}

static int close_cb(void *userdata, curl_socket_t fd)
{
        struct http_client *c = userdata;

        http_watch_drop(c->watch, fd);
        return close(fd);
}

/* The timer is only ever brought forward: curl, called too early, says again what
 * it waits for. Its limits are far away and change with every request, and
 * setting a timer of the kernel is among the dearest things there are. */
static int timer_cb(CURLM *multi, long timeout_ms, void *userdata)
{
        struct http_client *c = userdata;
        int64_t usec;

        if (timeout_ms == 0) {
                c->act_soon = true;
                if (!c->in_turn)
                        sd_event_source_set_enabled(c->later, SD_EVENT_ONESHOT);
        }
        if (timeout_ms <= 0)
                return 0;
        usec = now_monotonic_ns() / NSEC_PER_USEC + timeout_ms * 1000;
        if (usec > c->timer_usec - TIMER_USEC)
                return 0;
        c->timer_usec = usec;
        sd_event_source_set_time(c->timer, (uint64_t)usec);
        sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
        return 0;
}

static CURLM *multi_new(struct http_client *c)
{
        CURLM *multi = curl_multi_init();

        if (!multi)
                return NULL;
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_cb);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)c->max_connections);
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
        return multi;
}

int http_client_new(sd_event *event, const char *socket_path, size_t max_connections,
                    struct http_client **ret)
{
        _cleanup_(http_client_freep)
        struct http_client *c = NULL;
        int r;

        /* Of TLS nothing is needed for a unix socket; it would be the largest part of what curl
         * holds in memory. */
        if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
                return -ENOMEM;
        c = calloc(1, sizeof(*c));
        if (!c) {
                curl_global_cleanup();
                return -ENOMEM;
        }
        c->event = sd_event_ref(event);
        c->timer_usec = INT64_MAX;
        c->done_tail = &c->done;
        c->max_connections = max_connections;
        c->socket_path = strdup(socket_path);
        c->multi = multi_new(c);
        /* "Expect: 100-continue" would cost a round trip on every larger POST. */
        c->headers = curl_slist_append(NULL, "Expect:");
        c->headers = curl_slist_append(c->headers, "Content-Type: application/json");
        if (!c->socket_path || !c->multi || !c->headers)
                return -ENOMEM;
        r = http_watch_new(event, on_io, c, &c->watch);
        if (r >= 0)
                r = sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, 0, TIMER_USEC, on_timer,
                                      c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(event, &c->later, on_later, c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->later, SD_EVENT_OFF);
        if (r < 0)
                return r;
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
        sd_event_source_disable_unref(c->later);
        http_watch_free(c->watch);
        curl_slist_free_all(c->headers);
        free(c->socket_path);
        sd_event_unref(c->event);
        free(c);
        curl_global_cleanup();
        return NULL;
}

/* The connections are the multi handle's, and it cannot be told to close some. */
int http_close_idle(struct http_client *c)
{
        CURLM *multi;

        if (c->active)
                return -EBUSY;
        multi = multi_new(c);
        if (!multi)
                return -ENOMEM;
        curl_multi_cleanup(c->multi);
        c->multi = multi;
        return 0;
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
        LIST_PREPEND(c->active, r);
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
        curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETFUNCTION, close_cb);
        curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETDATA, c);
        curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
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
