/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What LXD answers: each part of the input is one answer (its first byte chooses status and
 * error, the rest is the body), given to a call, and what comes out of it to those who read
 * instances and operations. In the place of base/http.c stands what is below. Then the same
 * answers for a preflight, which asks one thing after another.
 */

#include "agent/facts.h"
#include "agent/lxd.h"
#include "agent/preflight.h"
#include "base/text.h"
#include "tests/fuzz/parts.h"

#define ANSWERS_MAX 64

/* ---- HTTP, as told ---- */

struct http_client {
        http_handler handler; /* of the one request under way */
        void *userdata;
};

int http_client_new(sd_event *event, const char *socket_path, size_t max_connections,
                    struct http_client **ret)
{
        *ret = calloc(1, sizeof(**ret));
        require(*ret);
        return 0;
}

struct http_client *http_client_free(struct http_client *c)
{
        free(c);
        return NULL;
}

static struct http_client *the_client;

int http_send(struct http_client *c, const char *method, const char *path, const char *body,
              int64_t timeout_ns, http_handler handler, void *userdata,
              struct http_request **ret_request)
{
        /* what of an answer gets into a path is harmless there */
        for (const char *p = path; *p; p++)
                require((unsigned char)*p > ' ' && (unsigned char)*p < 0x7f);
        require(!strstr(path, "/../"));
        the_client = c;
        c->handler = handler;
        c->userdata = userdata;
        if (ret_request)
                *ret_request = (struct http_request *)c;
        return 0;
}

void http_cancel(struct http_request *r)
{
        ((struct http_client *)r)->handler = NULL;
}

int http_close_idle(struct http_client *c)
{
        return 0;
}

void http_get_stats(const struct http_client *c, struct http_stats *ret)
{
        *ret = (struct http_stats){0};
}

static void answer(const uint8_t *data, size_t size)
{
        static const struct {
                int error;
                long status;
        } kinds[] = {{0, 200}, {0, 202}, {0, 404}, {0, 500}, {-ETIMEDOUT, 0}, {-ECONNRESET, 0}};
        char *body = fuzz_string(data + MIN(size, (size_t)1), size > 0 ? size - 1 : 0);
        size_t kind = size > 0 ? data[0] % ELEMENTSOF(kinds) : 0;
        struct http_response response = {
                .error = kinds[kind].error,
                .error_text = "so it is",
                .status = kinds[kind].status,
                .body = body,
                .size = size > 0 ? size - 1 : 0,
        };
        http_handler handler = the_client->handler;

        the_client->handler = NULL;
        handler(&response, the_client->userdata);
        free(body);
}

/* Answers as long as somebody waits for one; the input over and over. */
static void answer_all(const uint8_t *data, size_t size)
{
        struct fuzz_parts rest = {data, size};
        const uint8_t *part;
        size_t n;

        for (int i = 0; i < ANSWERS_MAX && the_client && the_client->handler; i++) {
                if (!fuzz_part(&rest, &part, &n)) {
                        rest = (struct fuzz_parts){data, size};
                        require(fuzz_part(&rest, &part, &n));
                }
                answer(part, n);
        }
}

/* ---- who reads it ---- */

static void read_instance(json_object *o)
{
        char veths[256] = "", operation[64] = "";
        json_object *masked;
        const char *value;

        (void)instance_seen(o, "abcd2345", "1", veths, sizeof(veths));
        require(strlen(veths) < sizeof(veths));
        value = instance_config(o, "user.lxdsoak.run");
        (void)instance_name_fits("soak-abcd2345-1", value ?: "", "1");
        require(facts_count_operations(o, "soak-abcd2345-1", operation, sizeof(operation)) >= -1);
        require(utf8_valid(operation, strlen(operation)));
        masked = facts_mask_instance(o);
        if (masked)
                require(json_object_to_json_string(masked));
        json_object_put(masked);
}

static void on_answer(const struct lxd_answer *a, void *userdata)
{
        require(a->text);
        ++*(int *)userdata;
        if (a->metadata)
                read_instance(a->metadata);
}

static void on_preflight(const struct preflight_answer *a, void *userdata)
{
        ++*(int *)userdata;
        require(a->ok ? a->source != NULL : a->text[0] != '\0');
        if (a->ok)
                json_object_put(TAKE(a->source->profiles));
}

static struct run_spec *a_spec(bool copies)
{
        static struct run_spec spec = {.run = "abcd2345",
                                       .prefix = "soak",
                                       .image = "soak",
                                       .phases = PHASES_ALL,
                                       .total = 10,
                                       .parallel = 1};

        spec.source = copies ? SOURCE_COPY : SOURCE_IMAGE;
        return &spec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct lxd *lxd = NULL;
        struct lxd_call *call = NULL;
        struct preflight *preflight = NULL;
        int n = 0;

        require(lxd_new(NULL, "/nowhere", 1, &lxd) == 0);
        require(lxd_request(lxd, "GET", "/1.0/instances/x", NULL, 0, on_answer, &n, &call) == 0);
        answer_all(data, size);
        if (n == 0)
                lxd_cancel(call);
        for (int copies = 0; copies < 2; copies++) {
                n = 0;
                if (preflight_start(lxd, a_spec(copies), "agent", on_preflight, &n, &preflight) < 0)
                        continue;
                answer_all(data, size);
                if (n == 0)
                        preflight_cancel(preflight);
        }
        lxd_free(lxd);
        the_client = NULL;
        return 0;
}
