/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A link's socket by itself. What is said over it is the business of test-coord-*. */

#include <zmq.h>

#include "coordinator/link-internal.h"
#include "tests/unit/unit.h"

/* What ZeroMQ is asked to close it closes later, in a thread of its own. */
static void test_opened_again_at_once(void **state)
{
        struct host_addresses addresses = {.n = 1};
        static const struct endpoint endpoint = {.label = "h", .local = true};
        static const struct msg_hello hello = {.proto_min = PROTO_MIN, .proto_max = PROTO_MAX};
        static const struct link_ops ops;
        struct link_config config = {.endpoint = &endpoint,
                                     .addresses = &addresses,
                                     .hello = &hello,
                                     .run = "abcd2345",
                                     .epoch = 1,
                                     .ops = &ops};
        struct link *l = NULL;

        snprintf(addresses.list[0].text, sizeof(addresses.list[0].text), "ipc:///nowhere/h.sock");
        assert_int_equal(sd_event_new(&config.event), 0);
        config.zmq = zmq_ctx_new();
        assert_non_null(config.zmq);
        assert_int_equal(link_new(&config, &l), 0);
        for (int i = 0; i < 500; i++) {
                assert_int_equal(link_socket_open(l, 1), 0);
                link_socket_close(l, 0);
        }
        link_free(l);
        zmq_ctx_term(config.zmq);
        sd_event_unref(config.event);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_opened_again_at_once)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
