/* Work of a Session that is under way on the offload pool. */
#include "session/session_internal.h"

#include <stddef.h>
#include <stdlib.h>

/* All of what proofs are bound to, or nothing is proven. */
static bool copy_bound(kw_session_pending *p, const kw_channel *channel, const kw_session *session, kw_arena *arena)
{
    const kw_bytes thumbprint = kw_channel_thumbprint(channel), nonce = {session->client_nonce, session->client_nonce_len};
    p->channel_thumbprint = kw_arena_copy(arena, thumbprint);
    p->client_nonce = kw_arena_copy(arena, nonce);
    return p->channel_thumbprint.len == thumbprint.len && p->client_nonce.len == nonce.len;
}

kw_session_pending *kw_pending_new(kw_sessions *sessions, kw_session *session, kw_channel *channel, kw_string peer_address,
                                   const kw_request_header *header, kw_arena *arena, kw_session_done done, void *ctx)
{
    kw_session_pending *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    if (!copy_bound(p, channel, session, arena)) {
        free(p);
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

kw_channel_binding kw_pending_binding(const kw_session_pending *p, kw_bytes server_nonce)
{
    return (kw_channel_binding){.thumbprint = p->channel_thumbprint,
                                .hash = p->policy->thumbprint_hash,
                                .server = p->own.certificate,
                                .client = p->client_certificate,
                                .server_nonce = server_nonce,
                                .client_nonce = p->client_nonce};
}

kw_identity_claim kw_pending_claim(const kw_session_pending *p)
{
    return (kw_identity_claim){.client_certificate = p->client_certificate,
                               .application_uri =
                                   p->client_certificate != NULL ? kw_certificate_application_uri(p->client_certificate) : KW_BYTES_NULL,
                               .address = p->peer_address};
}

static kw_standing standing_of(const kw_job *job)
{
    const kw_session_pending *p = (const kw_session_pending *)job;
    const kw_identity_claim claim = kw_pending_claim(p);
    return kw_identity_standing(p->sessions->env.gate, &claim);
}

kw_status kw_pending_submit(kw_session_pending *p)
{
    const kw_identity_claim claim = kw_pending_claim(p);
    p->job.source = kw_identity_source(&claim);
    p->job.standing = standing_of;
    return kw_executor_submit(p->sessions->env.executor, &p->job);
}

/* --- answers that wait ------------------------------------------------------------------------------------------------- */

static bool is_waiting(const kw_session_pending *p)
{
    return p->delay.timers != NULL;
}

bool kw_pending_has_room(const kw_sessions *sessions, const kw_channel *channel)
{
    uint32_t waiting = 0;
    for (const kw_session_pending *p = sessions->pending; p != NULL; p = p->next) {
        waiting += p->channel == channel && is_waiting(p);
    }
    return waiting < sessions->limits.max_delayed;
}

static void on_delay_over(kw_timer *timer)
{
    kw_session_pending *p = (kw_session_pending *)((char *)timer - offsetof(kw_session_pending, delay));
    p->resume(p);
}

void kw_pending_delay(kw_session_pending *p, void (*resume)(kw_session_pending *p))
{
    const kw_session_env *env = &p->sessions->env;
    p->resume = resume;
    if (p->delay_ms > 0 && p->channel != NULL) {
        if (kw_pending_has_room(p->sessions, p->channel)) {
            p->delay.fire = on_delay_over;
            kw_timer_start(env->timers, &p->delay, kw_clock_ms(env->clock) + p->delay_ms);
            return;
        }
        p->status = KW_BAD_TOO_MANY_OPERATIONS; /* also where the proof was good: the answer does not tell */
        p->refusal.why = "too many answers wait on this SecureChannel";
        p->is_recorded = false;
    }
    resume(p);
}

static kw_session_pending *waiting_on(const kw_sessions *sessions, const kw_channel *channel)
{
    kw_session_pending *p = sessions->pending;
    while (p != NULL && (p->channel != channel || !is_waiting(p))) {
        p = p->next;
    }
    return p;
}

void kw_pending_channel_gone(kw_sessions *sessions, const kw_channel *channel)
{
    for (kw_session_pending *p; (p = waiting_on(sessions, channel)) != NULL;) {
        kw_timer_stop(&p->delay);
        p->channel = NULL;
        p->resume(p);
    }
    for (kw_session_pending *p = sessions->pending; p != NULL; p = p->next) {
        p->channel = p->channel == channel ? NULL : p->channel;
    }
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
    kw_receiver_key_release(p->wish.key);
    kw_session_release(p->session);
    free(p);
    done(ctx, status);
}
