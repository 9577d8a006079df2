#include "server/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define US_PER_MS UINT64_C(1000)

static void say(const kw_notify *n, const char *text)
{
    if (n->socket >= 0 &&
        sendto(n->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&n->address, n->address_len) < 0) {
        return; /* nobody is left to tell */
    }
}

/* False: no path that a socket can have. */
static bool set_address(kw_notify *n, const char *path)
{
    const size_t len = path != NULL ? strlen(path) : 0;
    if (len < 2 || len >= sizeof(n->address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return false;
    }
    n->address.sun_family = AF_UNIX;
    memcpy(n->address.sun_path, path, len);
    if (path[0] == '@') {
        n->address.sun_path[0] = '\0';
    }
    n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '@' ? 0 : 1));
    return true;
}

static void on_beat(kw_timer *timer)
{
    kw_notify *n = (kw_notify *)((char *)timer - offsetof(kw_notify, watchdog));
    say(n, "WATCHDOG=1");
    kw_timer_start(n->timers, &n->watchdog, kw_clock_ms(n->clock) + n->beat_ms);
}

void kw_notify_init(kw_notify *n, const char *path, uint64_t watchdog_us, kw_timers *timers, const kw_clock *clock)
{
    *n = (kw_notify){.socket = -1, .clock = clock, .timers = timers, .watchdog = {.fire = on_beat}};
    if (set_address(n, path)) {
        n->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        n->beat_ms = watchdog_us / US_PER_MS / 2; /* twice as often as it must be */
        n->beat_ms += watchdog_us > 0 && n->beat_ms == 0 ? 1 : 0;
    }
}

void kw_notify_init_from_environment(kw_notify *n, kw_timers *timers, const kw_clock *clock)
{
    const char *watchdog = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    const bool is_for_us = pid == NULL || strtol(pid, NULL, 10) == (long)getpid();
    kw_notify_init(n, getenv("NOTIFY_SOCKET"), watchdog != NULL && is_for_us ? strtoull(watchdog, NULL, 10) : 0, timers, clock);
}

void kw_notify_clear(kw_notify *n)
{
    kw_timer_stop(&n->watchdog);
    if (n->socket >= 0) {
        close(n->socket);
        n->socket = -1;
    }
}

void kw_notify_ready(kw_notify *n)
{
    say(n, "READY=1");
    if (n->socket >= 0 && n->beat_ms > 0) {
        kw_timer_start(n->timers, &n->watchdog, kw_clock_ms(n->clock) + n->beat_ms);
    }
}

void kw_notify_reloading(kw_notify *n)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, kw_clock_ms(n->clock) * US_PER_MS);
    say(n, text);
}

void kw_notify_stopping(kw_notify *n)
{
    say(n, "STOPPING=1");
}
