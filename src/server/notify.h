/*
 * What a service manager wants to know (sd_notify, Type=notify): datagrams to the socket that it named. Without one nothing is said.
 */
#ifndef KW_SERVER_NOTIFY_H
#define KW_SERVER_NOTIFY_H

#include "base/clock.h"
#include "base/timer.h"

#include <sys/socket.h>
#include <sys/un.h>

typedef struct kw_notify {
    int socket; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_len;
    const kw_clock *clock;
    kw_timers *timers;
    kw_timer watchdog;
    uint64_t beat_ms; /* between two signs of life; 0: none are asked for */
} kw_notify;

/* `path`: of a socket, "@name" of an abstract one, or NULL. `watchdog_us`: how long silence may last; 0: for ever. Borrows timers and clock. */
void kw_notify_init(kw_notify *n, const char *path, uint64_t watchdog_us, kw_timers *timers, const kw_clock *clock);
/* By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
void kw_notify_init_from_environment(kw_notify *n, kw_timers *timers, const kw_clock *clock);
void kw_notify_clear(kw_notify *n);
/* The first time signs of life begin, too: from the loop, so that one that hangs gives none. */
void kw_notify_ready(kw_notify *n);
void kw_notify_reloading(kw_notify *n); /* until kw_notify_ready */
void kw_notify_stopping(kw_notify *n);

#endif
