/* The Client's network on sockets of the system. */
#include "client/client_internal.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct peer {
    int listener;
    kw_url url;
    kw_wire *wire;
    size_t lost;
    kw_bytes heard;
    uint8_t bytes[64];
} peer;

static void on_input(void *ctx, kw_bytes bytes)
{
    peer *p = ctx;
    assert_true(bytes.len <= sizeof(p->bytes));
    memcpy(p->bytes, bytes.data, bytes.len);
    p->heard = (kw_bytes){p->bytes, bytes.len};
}

static void on_lost(void *ctx)
{
    ((peer *)ctx)->lost++;
}

static void listen_on_loopback(peer *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(p->listener, 1), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
    snprintf(p->url.host, sizeof(p->url.host), "127.0.0.1");
    snprintf(p->url.port, sizeof(p->url.port), "%u", ntohs(at.sin_port));
}

static int connect_to(peer *p)
{
    const kw_wire_sink sink = {on_input, on_lost, p};
    assert_status(KW_NETWORK_SOCKETS.connect(NULL, &p->url, kw_clock_ms(&KW_CLOCK_SYSTEM) + 10000, &sink, &p->wire), KW_GOOD);
    const int accepted = accept(p->listener, NULL, NULL);
    assert_true(accepted >= 0);
    return accepted;
}

/* It would last for ever: nothing comes. */
static void a_wait_for_a_time_that_has_passed_ends_at_once(void **state)
{
    (void)state;
    peer p = {.lost = 0};
    listen_on_loopback(&p);
    const int accepted = connect_to(&p);
    for (int i = 0; i < 100; i++) {
        KW_NETWORK_SOCKETS.wait(p.wire, 0);
        KW_NETWORK_SOCKETS.wait(p.wire, kw_clock_ms(&KW_CLOCK_SYSTEM));
    }
    assert_int_equal(p.lost, 0);
    KW_NETWORK_SOCKETS.close(p.wire);
    close(accepted);
    close(p.listener);
}

static void what_has_come_is_heard_and_so_is_the_end(void **state)
{
    (void)state;
    peer p = {.lost = 0};
    listen_on_loopback(&p);
    const int accepted = connect_to(&p);
    assert_int_equal(send(accepted, "hello", 5, 0), 5);
    close(accepted);
    while (p.heard.len == 0) {
        KW_NETWORK_SOCKETS.wait(p.wire, kw_clock_ms(&KW_CLOCK_SYSTEM) + 60000);
    }
    assert_true(kw_string_equals(p.heard, "hello"));
    while (p.lost == 0) {
        KW_NETWORK_SOCKETS.wait(p.wire, kw_clock_ms(&KW_CLOCK_SYSTEM) + 60000);
    }
    assert_int_equal(p.lost, 1);
    KW_NETWORK_SOCKETS.close(p.wire);
    close(p.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_for_a_time_that_has_passed_ends_at_once),
        cmocka_unit_test(what_has_come_is_heard_and_so_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
