/* What a service manager hears, on both kinds of sockets. */
#include "server/notify.h"
#include "support/kw_test_env.h"
#include "support/test.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(const char *name, size_t len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, name, len);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
    return fd;
}

/* A datagram is there as soon as it was sent. */
static void expect(int fd, const char *text)
{
    char got[128] = "";
    const ssize_t len = recv(fd, got, sizeof(got) - 1, 0);
    if (text == NULL) {
        assert_int_equal(len, -1);
        return;
    }
    assert_int_equal(len, strlen(text));
    assert_string_equal(got, text);
}

static void a_life_is_told_to_a_socket_with_a_path(void **state)
{
    kw_test_clock clock;
    kw_notify n;
    char path[100];
    char *folder = kw_test_folder_new();
    (void)state;
    snprintf(path, sizeof(path), "%s/notify", folder);
    const int fd = listen_at(path, strlen(path) + 1);
    kw_test_clock_init(&clock);
    kw_timers *timers = kw_timers_new(kw_clock_ms(&clock.clock));
    kw_notify_init(&n, path, 0, timers, &clock.clock);
    expect(fd, NULL);
    kw_notify_ready(&n);
    expect(fd, "READY=1");
    assert_true(kw_timers_next(timers) == UINT64_MAX); /* nobody asked for signs of life */
    char reloading[64];
    snprintf(reloading, sizeof(reloading), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)kw_clock_ms(&clock.clock) * 1000);
    kw_notify_reloading(&n);
    expect(fd, reloading);
    kw_notify_ready(&n);
    expect(fd, "READY=1");
    kw_notify_stopping(&n);
    expect(fd, "STOPPING=1");
    close(fd);
    kw_notify_stopping(&n); /* nobody listens any more: that is fine */
    kw_notify_clear(&n);
    kw_timers_free(timers);
    kw_test_folder_remove(folder);
}

static void signs_of_life_come_twice_as_often_as_they_must(void **state)
{
    kw_test_clock clock;
    kw_notify n;
    char name[64];
    (void)state;
    snprintf(name, sizeof(name), "@keyway-notify-%ld", (long)getpid());
    char abstract[64];
    memcpy(abstract, name, sizeof(name));
    abstract[0] = '\0';
    const int fd = listen_at(abstract, strlen(name));
    kw_test_clock_init(&clock);
    kw_timers *timers = kw_timers_new(kw_clock_ms(&clock.clock));
    kw_notify_init(&n, name, 2000000, timers, &clock.clock);
    kw_notify_ready(&n);
    expect(fd, "READY=1");
    kw_timers_advance(timers, kw_clock_ms(&clock.clock) + 999);
    expect(fd, NULL);
    for (int i = 0; i < 3; i++) {
        kw_test_clock_advance(&clock, 1000);
        kw_timers_advance(timers, kw_clock_ms(&clock.clock));
        expect(fd, "WATCHDOG=1");
        expect(fd, NULL);
    }
    kw_notify_clear(&n);
    assert_true(kw_timers_next(timers) == UINT64_MAX);
    close(fd);
    kw_timers_free(timers);
}

static void without_a_socket_nothing_is_said(void **state)
{
    static const char *const PATHS[] = {NULL, "", "/", "relative", "@"};
    char too_long[200];
    kw_notify n;
    (void)state;
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[0] = '/';
    too_long[sizeof(too_long) - 1] = '\0';
    for (size_t i = 0; i <= sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        kw_timers *timers = kw_timers_new(0);
        kw_notify_init(&n, i < sizeof(PATHS) / sizeof(PATHS[0]) ? PATHS[i] : too_long, 1000, timers, &KW_CLOCK_SYSTEM);
        assert_int_equal(n.socket, -1);
        kw_notify_ready(&n);
        assert_true(kw_timers_next(timers) == UINT64_MAX);
        kw_notify_clear(&n);
        kw_timers_free(timers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_told_to_a_socket_with_a_path),
        cmocka_unit_test(signs_of_life_come_twice_as_often_as_they_must),
        cmocka_unit_test(without_a_socket_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
