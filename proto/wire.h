/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The frames: every message is two ZeroMQ frames, a binary header of fixed
 * size and a JSON object. The header is little endian and carries magic and
 * version first, so that a stranger or another version is told apart before any
 * JSON is parsed.
 *
 *   offset  size  field
 *        0     4  magic "LXS1"
 *        4     1  type (enum message_type)
 *        5     1  flags (0)
 *        6     2  header length, 44
 *        8    16  run id, NUL padded, empty when the message is about no run
 *       24     4  epoch: how often this coordinator has started; never goes back
 *       28     8  seq: RESULTS the first record's number; HELLO its own number, WELCOME that of
 *                 the HELLO it answers; else 0
 *       36     8  ack: ACK the last record committed; HELLO likewise
 */

#include <json-c/json.h>
#include <stdint.h>

#include "base/error.h"

#define WIRE_HEADER_SIZE 44
#define WIRE_FRAME_MAX   (1024 * 1024) /* ZMQ_MAXMSGSIZE; larger is never accepted */
#define WIRE_SEND_MAX    (512 * 1024)  /* what we send stays below it */
#define WIRE_RUN_SIZE    16
#define PROTO_MIN        1
#define PROTO_MAX        1

/*      constant   word        from */
#define MESSAGE_TYPES(X)                                                                           \
        X(HELLO, "HELLO")       /* C→A who I am, what I want to run */                           \
        X(WELCOME, "WELCOME")   /* A→C go on */                                                  \
        X(REFUSE, "REFUSE")     /* A→C no, and why */                                            \
        X(LEASE, "LEASE")       /* C→A units to do */                                            \
        X(LEASE_OK, "LEASE_OK") /* A→C on disk */                                                \
        X(RESULTS, "RESULTS")   /* A→C records */                                                \
        X(ACK, "ACK")           /* C→A committed up to header.ack */                             \
        X(PING, "PING")         /* C→A */                                                        \
        X(PONG, "PONG")         /* A→C, with the state of the host */                            \
        X(STOP, "STOP")         /* C→A no more units */                                          \
        X(STOPPED, "STOPPED")   /* A→C nothing in flight any more */                             \
        X(CLEANUP, "CLEANUP")   /* C→A remove what runs left */                                  \
        X(CLEANED, "CLEANED")   /* A→C one batch of what was removed */                          \
        X(EVIDENCE, "EVIDENCE") /* C→A what is kept of a run's wedges? */                        \
        X(EXHIBIT, "EXHIBIT")   /* A→C names of it, or a part of a file */                       \
        X(BYE, "BYE")           /* C→A the session is over */                                    \
        X(ERR, "ERR")           /* either way: that made no sense, and why */                      \
        X(REVOKE, "REVOKE")     /* C→A give back what is not begun of a lease */

enum message_type {
        MESSAGE_INVALID_,
#define X(n, w) MESSAGE_##n,
        MESSAGE_TYPES(X)
#undef X
                MESSAGE_TYPE_MAX_,
};

const char *message_type_name(int type);

struct wire_header {
        enum message_type type;
        char run[WIRE_RUN_SIZE + 1]; /* printable, NUL-terminated */
        uint32_t epoch;
        uint64_t seq, ack;
};

void wire_header_encode(const struct wire_header *h, uint8_t buf[static WIRE_HEADER_SIZE]);

/*
 * Reads a header. -EPROTONOSUPPORT: the magic of another version ("LXS" and
 * another digit); -EOPNOTSUPP: a type we do not know; -EBADMSG: not ours, or
 * malformed.
 */
int wire_header_decode(const void *data, size_t size, struct wire_header *ret,
                       struct error *err) _warn_unused_;

/*
 * Parses a body: one JSON object, UTF-8, of at most WIRE_FRAME_MAX bytes and depth 16.
 * -EBADMSG with err set. The caller puts *ret with json_object_put().
 */
int wire_body_parse(const void *data, size_t size, json_object **ret,
                    struct error *err) _warn_unused_;
