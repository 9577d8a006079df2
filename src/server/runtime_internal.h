/* Inner seam of what runs on libuv. */
#ifndef KW_SERVER_RUNTIME_INTERNAL_H
#define KW_SERVER_RUNTIME_INTERNAL_H

#include "server/listen.h"
#include "server/workers.h"

#include <uv.h>

typedef struct kw_listener kw_listener;

#define KW_SERVERS_MAX 16

struct kw_runtime {
    uv_loop_t loop;
    uv_timer_t tick;
    uv_async_t wake;
    uv_signal_t signals[3];
    uv_prepare_t before_poll;
    kw_timers *timers;
    const kw_log *log;
    kw_workers workers;
    kw_mailbox mailbox;
    uv_mutex_t mail_lock;
    uv_async_t mail_bell;
    kw_job *mail, **mail_end;
    kw_listener *listeners;
    struct kw_socket *sockets;
    size_t socket_count;
    kw_server *servers[KW_SERVERS_MAX];
    size_t server_count, servers_left;
    bool is_stopping;
    kw_runtime_signals told;
    uint8_t read_buffer[65536]; /* one read at a time: the loop is one thread */
};

kw_status kw_runtime_add_server(kw_runtime *runtime, kw_server *server);
void kw_listeners_close(kw_runtime *runtime);
void kw_sockets_close(kw_runtime *runtime);

#endif
