/* Work of a Session that is under way on the offload pool. */
#include "session/session_internal.h"

#include <stdlib.h>

kw_session_pending *kw_pending_new(kw_sessions *sessions, kw_session *session, kw_channel *channel, kw_string peer_address,
                                   const kw_request_header *header, kw_arena *arena, kw_session_done done, void *ctx)
{
    kw_session_pending *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    const kw_application_identity *own = kw_channel_identity(channel);
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    p->sessions = sessions;
    p->session = kw_session_retain(session);
    p->channel = channel;
    p->channel_id = kw_channel_id(channel);
    p->header = header;
    p->asked = kw_clock_utc(sessions->env.clock);
    p->arena = arena;
    p->done = done;
    p->ctx = ctx;
    p->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    p->policy = kw_channel_policy(channel);
    p->mode = kw_channel_mode(channel);
    p->own = (kw_application_identity){kw_certificate_retain(own->certificate), kw_private_key_retain(own->key)};
    p->client_certificate = peer != NULL ? kw_certificate_retain((kw_certificate *)peer) : NULL;
    p->peer_address = kw_arena_copy(arena, peer_address);
    p->endpoint_url = kw_arena_copy(arena, kw_channel_endpoint_url(channel));
    p->next = sessions->pending;
    sessions->pending = p;
    return p;
}

kw_status kw_pending_submit(kw_session_pending *p)
{
    return kw_executor_submit(p->sessions->env.executor, &p->job);
}

void kw_pending_finish(kw_session_pending *p, kw_status status)
{
    kw_session_pending **link = &p->sessions->pending;
    while (*link != p) {
        link = &(*link)->next;
    }
    *link = p->next;
    const kw_session_done done = p->done;
    void *ctx = p->ctx;
    kw_certificate_release(p->own.certificate);
    kw_private_key_release(p->own.key);
    kw_certificate_release(p->client_certificate);
    kw_session_release(p->session);
    free(p);
    done(ctx, status);
}
