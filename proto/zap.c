/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See zap.h. Requests: version, request id, domain, address, identity,
 * mechanism, credentials (CURVE: the 32 bytes of the public key). */

#include "proto/zap.h"

#include <inttypes.h>
#include <sys/epoll.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/seldom.h"
#include "base/text.h"
#include "base/zsock.h"

#define ZAP_ENDPOINT       "inproc://zeromq.zap.01"
#define ZAP_DOMAIN         "lxdsoak"
#define ZAP_ENFORCE_DOMAIN 93 /* a draft option: hidden in the header, effective in 4.3.4 */
#define ZAP_FRAMES         7
#define ZAP_PART_MAX       256
#define CURVE_KEY_BYTES    32

struct zap {
        void *socket;
        sd_event_source *io;
        const struct allow_list *allow;
        zap_denied denied;
        void *userdata;
        struct seldom told; /* anybody who reaches the port can be refused as often as he likes */
};

struct part {
        uint8_t data[ZAP_PART_MAX];
        size_t size;
};

/* All parts of one request; those that are too long or too many count as bad. */
static int receive(struct zap *z, struct part parts[static ZAP_FRAMES], bool *ret_bad)
{
        int more = 1;
        size_t n = 0, size = sizeof(more);
        bool bad = false;

        while (more) {
                struct part spare, *p = n < ZAP_FRAMES ? &parts[n] : &spare;
                int r = zmq_recv(z->socket, p->data, sizeof(p->data), ZMQ_DONTWAIT);

                if (r < 0)
                        return -errno;
                bad |= n >= ZAP_FRAMES || (size_t)r > sizeof(p->data);
                p->size = MIN((size_t)r, sizeof(p->data));
                n++;
                zmq_getsockopt(z->socket, ZMQ_RCVMORE, &more, &size);
        }
        *ret_bad = bad || n != ZAP_FRAMES;
        return 0;
}

static bool part_is(const struct part *p, const char *s)
{
        return p->size == strlen(s) && memcmp(p->data, s, p->size) == 0;
}

/* NULL, or why not. */
static const char *judge(struct zap *z, const struct part *parts, char key[static KEY_Z85_SIZE])
{
        if (!part_is(&parts[0], "1.0") || !part_is(&parts[5], "CURVE"))
                return "not CURVE";
        if (parts[6].size != CURVE_KEY_BYTES ||
            !zmq_z85_encode(key, parts[6].data, CURVE_KEY_BYTES))
                return "not a key";
        return allow_list_find(z->allow, key) ? NULL : "its key is not in the allow-list";
}

static void reply(struct zap *z, const struct part *request_id, bool ok, const char *user)
{
        zmq_send(z->socket, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(z->socket, request_id->data, request_id->size, ZMQ_SNDMORE);
        zmq_send(z->socket, ok ? "200" : "400", 3, ZMQ_SNDMORE);
        zmq_send(z->socket, ok ? "OK" : "No", 2, ZMQ_SNDMORE);
        zmq_send(z->socket, user, strlen(user), ZMQ_SNDMORE);
        zmq_send(z->socket, "", 0, 0);
}

/* Tells of a refusal, unless of the same, or of many others, of late; the next then says how
 * many. */
static void tell(struct zap *z, const char *address, const char *key, const char *why)
{
        char subject[ZAP_PART_MAX + KEY_Z85_SIZE + 64], text[160];
        uint64_t unsaid;

        snprintf(subject, sizeof(subject), "%s %s %s", address, key, why);
        if (!seldom_may(&z->told, subject, now_monotonic_ns(), &unsaid))
                return;
        if (unsaid > 0)
                snprintf(text, sizeof(text), "%s (%" PRIu64 " more were refused before)", why,
                         unsaid);
        else
                snprintf(text, sizeof(text), "%s", why);
        z->denied(address, key, text, z->userdata);
}

static void answer(struct zap *z, const struct part *parts, bool bad)
{
        static const struct part no_id = {.size = 0};
        char key[KEY_Z85_SIZE] = "", address[ZAP_PART_MAX + 1];
        const char *why = bad ? "a malformed request" : judge(z, parts, key);

        if (why) {
                snprintf(address, sizeof(address), "%.*s", bad ? 0 : (int)parts[3].size,
                         (const char *)parts[3].data);
                tell(z, zsock_plain_address(TEXT_PRINTABLE(address)), key, why);
        }
        reply(z, bad ? &no_id : &parts[1], !why, why ? "" : key);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct zap *z = userdata;

        for (;;) {
                struct part parts[ZAP_FRAMES];
                int events = 0;
                size_t size = sizeof(events);
                bool bad = true;

                if (zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &size) < 0 ||
                    !(events & ZMQ_POLLIN))
                        return 0;
                if (receive(z, parts, &bad) < 0)
                        return 0;
                answer(z, parts, bad);
        }
}

int zap_new(sd_event *event, void *context, const struct allow_list *allow, zap_denied denied,
            void *userdata, struct zap **ret)
{
        _cleanup_(zap_freep)
        struct zap *z = calloc(1, sizeof(*z));
        size_t size = sizeof(int);
        int fd, r, zero = 0;

        if (!z)
                return -ENOMEM;
        z->allow = allow;
        z->denied = denied;
        z->userdata = userdata;
        z->socket = zmq_socket(context, ZMQ_REP);
        if (!z->socket)
                return -errno;
        zmq_setsockopt(z->socket, ZMQ_LINGER, &zero, sizeof(zero));
        if (zmq_bind(z->socket, ZAP_ENDPOINT) < 0 ||
            zmq_getsockopt(z->socket, ZMQ_FD, &fd, &size) < 0)
                return -errno;
        r = sd_event_add_io(event, &z->io, fd, EPOLLIN, on_io, z);
        if (r < 0)
                return r;
        *ret = TAKE(z);
        return 0;
}

struct zap *zap_free(struct zap *z)
{
        if (!z)
                return NULL;
        sd_event_source_disable_unref(z->io);
        if (z->socket)
                zmq_close(z->socket);
        free(z);
        return NULL;
}

static int set_option(void *socket, int option, const void *value, size_t size)
{
        return zmq_setsockopt(socket, option, value, size) < 0 ? -errno : 0;
}

int zap_set_curve_server(void *socket, const struct key_pair *pair)
{
        int one = 1, r;

        r = set_option(socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
        if (r >= 0)
                r = set_option(socket, ZMQ_CURVE_SECRETKEY, pair->secret, KEY_Z85_SIZE);
        if (r >= 0)
                r = set_option(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN));
        if (r >= 0)
                r = set_option(socket, ZAP_ENFORCE_DOMAIN, &one, sizeof(one));
        return r;
}

int zap_set_curve_client(void *socket, const struct key_pair *pair, const char *server_key)
{
        int r;

        r = set_option(socket, ZMQ_CURVE_SERVERKEY, server_key, KEY_Z85_SIZE);
        if (r >= 0)
                r = set_option(socket, ZMQ_CURVE_SECRETKEY, pair->secret, KEY_Z85_SIZE);
        if (r >= 0)
                r = set_option(socket, ZMQ_CURVE_PUBLICKEY, pair->public, KEY_Z85_SIZE);
        return r;
}
