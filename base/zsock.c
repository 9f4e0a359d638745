/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pump: see zsock.h. Level-triggered io source on ZMQ_FD plus a defer
 * source; the defer source is armed at the beginning, after every send, and
 * whenever a turn's budget was spent, so that ZMQ_EVENTS is always looked at
 * once more before the loop goes back to sleep.
 */

#include "base/zsock.h"

#include <sys/epoll.h>

#define TURN_MESSAGES 64

struct zsock {
        void *socket;
        sd_event_source *io, *again;
        zsock_handler handler;
        void *userdata;
        uint64_t dropped;    /* messages of too many frames */
        const char *address; /* of who sent the message at hand */
};

static void kick(struct zsock *z)
{
        sd_event_source_set_enabled(z->again, SD_EVENT_ONESHOT);
}

/* One whole message. -EAGAIN: there is none. */
static int receive(struct zsock *z)
{
        zmq_msg_t parts[ZSOCK_FRAMES_MAX + 1];
        struct zframe frames[ZSOCK_FRAMES_MAX];
        size_t n = 0, kept = 0;
        int r = 0, more = 1;

        while (more) {
                zmq_msg_t *part = &parts[MIN(n, (size_t)ZSOCK_FRAMES_MAX)];

                zmq_msg_init(part);
                r = zmq_msg_recv(part, z->socket, ZMQ_DONTWAIT);
                if (r < 0) {
                        r = -errno;
                        zmq_msg_close(part);
                        break; /* only before the first part: messages are atomic */
                }
                more = zmq_msg_more(part);
                if (n >= ZSOCK_FRAMES_MAX)
                        zmq_msg_close(part);
                else
                        kept++;
                n++;
        }
        if (n > ZSOCK_FRAMES_MAX) {
                z->dropped++;
        } else if (n > 0 && !more) {
                for (size_t i = 0; i < n; i++)
                        frames[i] =
                                (struct zframe){zmq_msg_data(&parts[i]), zmq_msg_size(&parts[i])};
                /* of the payload: the id frame's is lost by polling (libzmq 4.3.4) */
                z->address = zmq_msg_gets(&parts[n - 1], "Peer-Address");
                z->handler(z, frames, n, zmq_msg_gets(&parts[n - 1], "User-Id"), z->userdata);
                z->address = NULL;
        }
        for (size_t i = 0; i < kept; i++)
                zmq_msg_close(&parts[i]);
        return n > 0 && !more ? 0 : r;
}

static void pump(struct zsock *z)
{
        for (int budget = TURN_MESSAGES; budget > 0;) {
                int events = 0;
                size_t size = sizeof(events);

                if (zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &size) < 0) {
                        if (errno != EINTR)
                                return; /* the context is being ended */
                        budget--;
                        continue;
                }
                if (!(events & ZMQ_POLLIN))
                        return; /* the only way back to sleep */
                do
                        budget--; /* for a failure too: whatever it is, it cannot hold us here */
                while (receive(z) == 0 && budget > 0);
        }
        kick(z);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        pump(userdata);
        return 0;
}

static int on_again(sd_event_source *s, void *userdata)
{
        pump(userdata);
        return 0;
}

int zsock_new(sd_event *event, void *socket, zsock_handler handler, void *userdata,
              struct zsock **ret)
{
        struct zsock *z = calloc(1, sizeof(*z));
        size_t size = sizeof(int);
        int fd, r;

        if (!z) {
                zmq_close(socket);
                return -ENOMEM;
        }
        z->socket = socket;
        z->handler = handler;
        z->userdata = userdata;
        r = zmq_getsockopt(socket, ZMQ_FD, &fd, &size) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &z->io, fd, EPOLLIN, on_io, z);
        if (r >= 0)
                r = sd_event_add_defer(event, &z->again, on_again, z);
        if (r < 0) {
                zsock_free(z);
                return r;
        }
        *ret = z;
        return 0;
}

struct zsock *zsock_free(struct zsock *z)
{
        if (!z)
                return NULL;
        sd_event_source_disable_unref(z->io);
        sd_event_source_disable_unref(z->again);
        zmq_close(z->socket);
        free(z);
        return NULL;
}

void *zsock_socket(struct zsock *z)
{
        return z->socket;
}

const char *zsock_peer_address(const struct zsock *z)
{
        return z->address ? zsock_plain_address(z->address) : NULL;
}

const char *zsock_plain_address(const char *address)
{
        return startswith(address, "::ffff:") && strchr(address, '.') ? address + 7 : address;
}

uint64_t zsock_dropped(const struct zsock *z)
{
        return z->dropped;
}

int zsock_send(struct zsock *z, const struct zframe *frames, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n; i++) {
                int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);

                /* Only the first can fail for want of room: the rest belongs to it. */
                if (zmq_send(z->socket, frames[i].data, frames[i].size, flags) < 0) {
                        r = -errno;
                        break;
                }
        }
        kick(z);
        return r;
}

int zsock_set_common_options(void *socket)
{
        static const struct {
                int option, value;
        } ints[] = {
                {ZMQ_LINGER, 0},
                {ZMQ_SNDHWM, 64},
                {ZMQ_RCVHWM, 64},
                /*
                 * No ZMTP heartbeats: libzmq 4.3.4 aborts the process when one falls due after the
                 * peer has died while our receive queue was full (out_event() asserts !_io_error).
                 * The session's own PINGs see to it that there is always something to be
                 * acknowledged, and TCP gives up on a peer that does not within this time.
                 */
                {ZMQ_HEARTBEAT_IVL, 0},
                {ZMQ_TCP_MAXRT, 20000},
                {ZMQ_RECONNECT_IVL, 250},
                {ZMQ_RECONNECT_IVL_MAX, 10000},
                {ZMQ_TCP_KEEPALIVE, 1},
                {ZMQ_TCP_KEEPALIVE_IDLE, 60},
                {ZMQ_TCP_KEEPALIVE_INTVL, 15},
                {ZMQ_TCP_KEEPALIVE_CNT, 4},
                {ZMQ_CONNECT_TIMEOUT, 5000},
                {ZMQ_IPV6, 1},
        };
        int64_t most = 1024 * 1024;

        for (size_t i = 0; i < ELEMENTSOF(ints); i++)
                if (zmq_setsockopt(socket, ints[i].option, &ints[i].value, sizeof(int)) < 0)
                        return -errno;
        if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof(most)) < 0)
                return -errno;
        return 0;
}
