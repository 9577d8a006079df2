/* A Server on sockets: libuv loop, listeners, the offload pool. */
#ifndef KW_SERVER_LISTEN_H
#define KW_SERVER_LISTEN_H

#include "server/server.h"

typedef struct kw_runtime kw_runtime;

/* The loop with its timers and offload pool; several servers may share it (the demo runs two). */
kw_status kw_runtime_new(const kw_log *log, uint32_t max_jobs, kw_runtime **out);
void kw_runtime_free(kw_runtime *runtime);
const kw_executor *kw_runtime_executor(kw_runtime *runtime);
/* The way back to the loop from other threads. */
const kw_mailbox *kw_runtime_mailbox(kw_runtime *runtime);
/* What arrived after kw_runtime_run had ended, by then from nobody any more. */
void kw_runtime_read_mail(kw_runtime *runtime);
kw_timers *kw_runtime_timers(kw_runtime *runtime);
/* Bind every address ("127.0.0.1", "::1", "0.0.0.0", …); port 0 takes one free port for all of them. *why: static. */
kw_status kw_runtime_listen(kw_runtime *runtime, kw_server *server, const char *const *addresses, size_t count, uint16_t port,
                            uint16_t *bound, const char **why);
/* What a process is told by signals; either may be NULL. On the loop. */
typedef struct kw_runtime_signals {
    void (*hangup)(void *ctx);   /* SIGHUP */
    void (*stopping)(void *ctx); /* SIGTERM or SIGINT, the first: before anything is stopped */
    void *ctx;
} kw_runtime_signals;

/* From now on they are for kw_runtime_run, also those that come before it; SIGTERM and SIGINT end that. Before anybody is told that it is
 * ready. Copied. */
void kw_runtime_take_signals(kw_runtime *runtime, const kw_runtime_signals *signals);
/* Until kw_runtime_stop was called, or a signal taken, and all servers have drained (at most `grace_ms`). */
kw_status kw_runtime_run(kw_runtime *runtime, uint32_t grace_ms);
/* From any thread. */
void kw_runtime_stop(kw_runtime *runtime);

#endif
