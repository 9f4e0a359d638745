/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Frames to bytes and back; see wire.h. It never looks into a body beyond that
 * it is one JSON object, and never keeps a pointer into a frame.
 */

#include <endian.h>

#include "base/text.h"
#include "proto/wire.h"

#define BODY_DEPTH_MAX 16

static const char magic[4] = {'L', 'X', 'S', '1'};

#define WORD(n, w) [MESSAGE_##n] = w,
static const char *const type_words[] = {MESSAGE_TYPES(WORD)};
#undef WORD

const char *message_type_name(int type)
{
        if (type <= MESSAGE_INVALID_ || type >= MESSAGE_TYPE_MAX_)
                return "?";
        return type_words[type];
}

static void put(uint8_t *p, const void *value, size_t size)
{
        memcpy(p, value, size);
}

void wire_header_encode(const struct wire_header *h, uint8_t buf[static WIRE_HEADER_SIZE])
{
        uint16_t length = htole16(WIRE_HEADER_SIZE);
        uint32_t epoch = htole32(h->epoch);
        uint64_t seq = htole64(h->seq), ack = htole64(h->ack);

        memset(buf, 0, WIRE_HEADER_SIZE);
        put(buf, magic, sizeof(magic));
        buf[4] = (uint8_t)h->type;
        put(buf + 6, &length, sizeof(length));
        put(buf + 8, h->run, strnlen(h->run, WIRE_RUN_SIZE));
        put(buf + 24, &epoch, sizeof(epoch));
        put(buf + 28, &seq, sizeof(seq));
        put(buf + 36, &ack, sizeof(ack));
}

/* Printable ASCII without blanks, then NULs to the end. */
static int decode_run(const uint8_t *p, char *ret)
{
        size_t n = strnlen((const char *)p, WIRE_RUN_SIZE);

        for (size_t i = 0; i < n; i++)
                if (p[i] <= ' ' || p[i] >= 0x7f)
                        return -EBADMSG;
        for (size_t i = n; i < WIRE_RUN_SIZE; i++)
                if (p[i] != 0)
                        return -EBADMSG;
        memcpy(ret, p, n);
        ret[n] = '\0';
        return 0;
}

int wire_header_decode(const void *data, size_t size, struct wire_header *ret, struct error *err)
{
        const uint8_t *p = data;
        struct wire_header h;
        uint16_t length;

        if (size < 4 || memcmp(p, magic, 3) != 0 || p[3] < '0' || p[3] > '9')
                return error_set(err, -EBADMSG, "The peer does not speak lxdsoak's protocol");
        if (p[3] != magic[3])
                return error_set(err, -EPROTONOSUPPORT,
                                 "The peer speaks version %c of the frames, this program version "
                                 "%c; install the same version of lxdsoak on both hosts",
                                 p[3], magic[3]);
        if (size != WIRE_HEADER_SIZE)
                return error_set(err, -EBADMSG, "Header of %zu bytes, must be %d", size,
                                 WIRE_HEADER_SIZE);
        memcpy(&length, p + 6, sizeof(length));
        if (le16toh(length) != WIRE_HEADER_SIZE || p[5] != 0)
                return error_set(err, -EBADMSG,
                                 "Header says length %u and flags 0x%02x, must be "
                                 "%d and 0",
                                 le16toh(length), p[5], WIRE_HEADER_SIZE);
        if (p[4] == MESSAGE_INVALID_ || p[4] >= MESSAGE_TYPE_MAX_)
                return error_set(err, -EOPNOTSUPP, "Message of type %u, which is not known here",
                                 p[4]);
        h.type = p[4];
        if (decode_run(p + 8, h.run) < 0)
                return error_set(err, -EBADMSG, "%s with an unprintable run id in its header",
                                 message_type_name(h.type));
        memcpy(&h.epoch, p + 24, sizeof(h.epoch));
        memcpy(&h.seq, p + 28, sizeof(h.seq));
        memcpy(&h.ack, p + 36, sizeof(h.ack));
        h.epoch = le32toh(h.epoch);
        h.seq = le64toh(h.seq);
        h.ack = le64toh(h.ack);
        *ret = h;
        return 0;
}

DEFINE_CLEANUP(json_tokener *, json_tokener_free)

int wire_body_parse(const void *data, size_t size, json_object **ret, struct error *err)
{
        _cleanup_(json_tokener_freep)
        json_tokener *tok = NULL;
        enum json_tokener_error e;
        json_object *body;

        if (size > WIRE_FRAME_MAX)
                return error_set(err, -EBADMSG, "Body of %zu bytes, must be at most %d", size,
                                 WIRE_FRAME_MAX);
        if (!utf8_valid(data, size))
                return error_set(err, -EBADMSG, "Body is not UTF-8");
        tok = json_tokener_new_ex(BODY_DEPTH_MAX);
        if (!tok)
                return -ENOMEM;
        json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
        body = json_tokener_parse_ex(tok, data, (int)size);
        e = json_tokener_get_error(tok);
        if (e == json_tokener_continue)
                return error_set(err, -EBADMSG, "Body of %zu bytes ends within its JSON", size);
        if (e != json_tokener_success)
                return error_set(err, -EBADMSG, "Body is not JSON at byte %zu: %s",
                                 json_tokener_get_parse_end(tok), json_tokener_error_desc(e));
        if (json_tokener_get_parse_end(tok) != size ||
            !json_object_is_type(body, json_type_object)) {
                json_object_put(body);
                return error_set(err, -EBADMSG, "Body is not one JSON object");
        }
        *ret = body;
        return 0;
}
