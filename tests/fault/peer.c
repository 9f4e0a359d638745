/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lxdsoak-peer: one connection to an agent, under a script's control. It sends
 * what it reads and prints what it hears, one message a line, and knows nothing
 * of what they mean: so a test can say what no coordinator would.
 *
 *   lxdsoak-peer ipc:///PATH
 *   lxdsoak-peer tcp://ADDRESS:PORT AGENT-PUBLIC-KEY [SECRET-KEY-FILE]
 *
 *   in:  TYPE RUN EPOCH SEQ JSON    (RUN - for none)
 *        raw HEX HEX …              frames as they are
 *   out: TYPE RUN JSON
 *        connected, refused CODE, or closed
 */

#include <sys/epoll.h>
#include <zmq.h>

#include "base/zsock.h"
#include "proto/keys.h"
#include "proto/wire.h"
#include "proto/zap.h"

#define LINE_MAX_ (2 * WIRE_FRAME_MAX + 256)

struct peer {
        sd_event *event;
        struct zsock *socket, *monitor;
        char *line;
        size_t n;
};

static void die(const char *what)
{
        fprintf(stderr, "lxdsoak-peer: %s\n", what);
        exit(64);
}

static void on_message(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                       void *userdata)
{
        struct wire_header h;

        if (n != 2 || wire_header_decode(frames[0].data, frames[0].size, &h, NULL) < 0)
                printf("? ? {}\n");
        else
                printf("%s %s %.*s\n", message_type_name((int)h.type), h.run[0] ? h.run : "-",
                       (int)frames[1].size, (const char *)frames[1].data);
        fflush(stdout);
}

static void on_monitor(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                       void *userdata)
{
        uint16_t event;
        uint32_t value;

        memcpy(&event, frames[0].data, sizeof(event));
        memcpy(&value, (const char *)frames[0].data + 2, sizeof(value));
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
                printf("connected\n");
        else if (event == ZMQ_EVENT_DISCONNECTED)
                printf("closed\n");
        else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
                printf("refused %u\n", value);
        else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
                 event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
                printf("refused 0\n");
        fflush(stdout);
}

static enum message_type type_of(const char *word)
{
        for (int i = MESSAGE_INVALID_ + 1; i < MESSAGE_TYPE_MAX_; i++)
                if (streq(word, message_type_name(i)))
                        return (enum message_type)i;
        die("no such type of message");
        return MESSAGE_INVALID_;
}

static size_t from_hex(char *s)
{
        size_t n = 0;
        unsigned byte;

        for (; sscanf(s + 2 * n, "%2x", &byte) == 1; n++)
                s[n] = (char)byte;
        return n;
}

static void send_raw(struct peer *p, char *line)
{
        struct zframe frames[8];
        size_t n = 0;

        for (char *word; n < ELEMENTSOF(frames) && (word = strsep(&line, " "));)
                frames[n++] = (struct zframe){word, from_hex(word)};
        (void)!zsock_send(p->socket, frames, n);
}

static void send_line(struct peer *p, char *line)
{
        uint8_t buf[WIRE_HEADER_SIZE];
        struct wire_header h = {0};
        char *type = strsep(&line, " "), *run, *epoch, *seq;

        if (streq(type, "raw")) {
                send_raw(p, line);
                return;
        }
        run = strsep(&line, " ");
        epoch = strsep(&line, " ");
        seq = strsep(&line, " ");
        if (!line)
                die("a line is TYPE RUN EPOCH SEQ JSON");
        h.type = type_of(type);
        h.epoch = (uint32_t)strtoul(epoch, NULL, 10);
        h.seq = h.ack = strtoull(seq, NULL, 10);
        snprintf(h.run, sizeof(h.run), "%s", streq(run, "-") ? "" : run);
        wire_header_encode(&h, buf);
        (void)!zsock_send(p->socket, (struct zframe[]){{buf, sizeof(buf)}, {line, strlen(line)}},
                          2);
}

static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct peer *p = userdata;
        ssize_t n = read(fd, p->line + p->n, LINE_MAX_ - p->n);
        char *end;

        if (n <= 0) {
                sd_event_exit(p->event, 0);
                return 0;
        }
        p->n += (size_t)n;
        while ((end = memchr(p->line, '\n', p->n))) {
                size_t used = (size_t)(end - p->line) + 1;

                *end = '\0';
                send_line(p, p->line);
                p->n -= used;
                memmove(p->line, p->line + used, p->n);
        }
        return 0;
}

static void set_keys(void *socket, char **argv, int argc)
{
        struct error err = ERROR_INIT;
        struct key_pair pair;

        if (argc < 3)
                return;
        if (argc > 3 ? key_read(argv[3], &pair, &err) < 0 : key_generate(&pair) < 0)
                die(err.text);
        if (zap_set_curve_client(socket, &pair, argv[2]) < 0)
                die("not a public key");
}

int main(int argc, char **argv)
{
        struct peer p = {.line = malloc(LINE_MAX_)};
        void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER), *pair;

        if (argc < 2 || !p.line || sd_event_default(&p.event) < 0 ||
            zsock_set_common_options(socket) < 0)
                die("usage: lxdsoak-peer ENDPOINT [AGENT-KEY [KEY-FILE]]");
        set_keys(socket, argv, argc);
        pair = zmq_socket(context, ZMQ_PAIR);
        if (zmq_socket_monitor(socket, "inproc://monitor", ZMQ_EVENT_ALL) < 0 ||
            zmq_connect(pair, "inproc://monitor") < 0 ||
            zsock_new(p.event, pair, on_monitor, &p, &p.monitor) < 0 ||
            zmq_connect(socket, argv[1]) < 0 ||
            zsock_new(p.event, socket, on_message, &p, &p.socket) < 0 ||
            sd_event_add_io(p.event, NULL, STDIN_FILENO, EPOLLIN, on_input, &p) < 0)
                die("cannot connect");
        (void)!sd_event_loop(p.event);
        zmq_socket_monitor(zsock_socket(p.socket), NULL, 0);
        zsock_free(p.monitor);
        zsock_free(p.socket);
        zmq_ctx_term(context);
        sd_event_unref(p.event);
        free(p.line);
        return 0;
}
