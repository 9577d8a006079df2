/* The table of Sessions: who is in it, for how long, and how they leave. */
#include "session/session_internal.h"

#include <stdlib.h>

const kw_session_limits KW_SESSION_LIMITS_DEFAULT = {
    .max_sessions = 1000,
    .max_sessions_per_client = 500,
    .min_timeout_ms = 10000,
    .max_timeout_ms = 3600000,
    .activation_timeout_ms = 60000,
    .review_period_ms = 500,
    .max_request_message = 16u << 20,
    .max_delayed = 4,
};

kw_status kw_sessions_new(const kw_session_env *env, kw_sessions **out)
{
    kw_sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    sessions->env = *env;
    sessions->limits = env->limits != NULL ? *env->limits : KW_SESSION_LIMITS_DEFAULT;
    sessions->by_token = kw_map_new();
    sessions->by_id = kw_map_new();
    sessions->arena = kw_arena_new(65536);
    if (sessions->by_token == NULL || sessions->by_id == NULL || sessions->arena == NULL) {
        kw_map_free(sessions->by_token);
        kw_map_free(sessions->by_id);
        kw_arena_free(sessions->arena);
        free(sessions);
        return KW_BAD_OUT_OF_MEMORY;
    }
    sessions->env.server_uri = kw_arena_copy(sessions->arena, env->server_uri);
    kw_reviews_start(sessions);
    *out = sessions;
    return KW_GOOD;
}

void kw_sessions_free(kw_sessions *sessions)
{
    if (sessions == NULL) {
        return;
    }
    kw_reviews_stop(sessions);
    for (kw_session *s = sessions->oldest, *next; s != NULL; s = next) {
        next = s->next;
        kw_session_shut(s, true);
    }
    kw_sessions_forget_lingering(sessions);
    kw_map_free(sessions->by_token);
    kw_map_free(sessions->by_id);
    kw_arena_free(sessions->arena);
    free(sessions);
}

size_t kw_sessions_count(const kw_sessions *sessions)
{
    return kw_map_count(sessions->by_token);
}

void kw_sessions_end_all(kw_sessions *sessions, const char *why)
{
    for (kw_session *s = sessions->oldest, *next; s != NULL; s = next) {
        next = s->next;
        kw_session_end(s, KW_SESSION_CAUSE_TERMINATED, why, true);
    }
}

void kw_sessions_each(kw_sessions *sessions, void (*visit)(void *ctx, kw_session *session), void *ctx)
{
    for (kw_session *s = sessions->oldest, *next; s != NULL; s = next) {
        next = s->next;
        visit(ctx, s);
    }
}

void kw_session_set_identity(kw_session *session, kw_identity *identity)
{
    const kw_session_env *env = &session->sessions->env;
    kw_identity_release(session->identity);
    session->identity = identity;
    kw_session_note_user(session);
    session->rights_version = identity->store_version;
    kw_session_watch_expiry(session);
    if (env->identity_changed != NULL) {
        env->identity_changed(env->ctx, session);
    }
}

/* --- references -------------------------------------------------------------------------------------------------------- */

kw_session *kw_session_retain(kw_session *session)
{
    session->references++;
    return session;
}

void kw_session_release(kw_session *session)
{
    if (session == NULL || --session->references > 0) {
        return;
    }
    if (session->attachment != NULL && session->release_attachment != NULL) {
        session->release_attachment(session->attachment);
    }
    kw_identity_release(session->identity);
    kw_certificate_release(session->client_certificate);
    kw_arena_free(session->locale_arena);
    kw_wipe(session->token, sizeof(session->token));
    kw_wipe(session->nonce, sizeof(session->nonce));
    free(session->name);
    free(session->client_uri);
    free(session->peer_address);
    free(session->endpoint_url);
    kw_session_forget_description(session);
    free(session);
}

/* Out of the table; its reference is the caller's then. False: it was out already. */
static bool take_out(kw_session *session, bool delete_subscriptions)
{
    kw_sessions *sessions = session->sessions;
    if (session->state == KW_SESSION_CLOSED) {
        return false;
    }
    kw_receiver_key_release(session->key); /* nothing can be sealed for it any more */
    session->key = NULL;
    session->state = KW_SESSION_CLOSED;
    session->channel = NULL;
    kw_timer_stop(&session->timer);
    kw_timer_stop(&session->expiry_timer);
    kw_map_remove(sessions->by_token, (kw_bytes){session->token, KW_TOKEN_LEN});
    kw_map_remove(sessions->by_id, kw_session_key(&session->id)); /* CL-03 */
    *(session->prev != NULL ? &session->prev->next : &sessions->oldest) = session->next;
    *(session->next != NULL ? &session->next->prev : &sessions->newest) = session->prev;
    if (sessions->env.closed != NULL) {
        sessions->env.closed(sessions->env.ctx, session, delete_subscriptions);
    }
    return true;
}

void kw_session_shut(kw_session *session, bool delete_subscriptions)
{
    if (take_out(session, delete_subscriptions)) {
        kw_session_release(session);
    }
}

void kw_session_end(kw_session *session, kw_session_cause cause, const char *why, bool delete_subscriptions)
{
    kw_session_end_for(session, cause, &(kw_refusal){.why = why}, delete_subscriptions);
}

void kw_session_end_for(kw_session *session, kw_session_cause cause, const kw_refusal *refusal, bool delete_subscriptions)
{
    kw_sessions *sessions = session->sessions;
    kw_session_event event = kw_session_event_of(session, cause);
    event.why = refusal->why;
    event.user_certificate = refusal->user_certificate;
    if (take_out(session, delete_subscriptions)) {
        kw_session_report(sessions, &event);
        kw_session_release(session);
    }
}

/* --- looking up -------------------------------------------------------------------------------------------------------- */

kw_session *kw_session_find(kw_sessions *sessions, const kw_node_id *token)
{
    if (token->ns != 0 || token->kind != KW_NODE_ID_OPAQUE || token->id.string.len != KW_TOKEN_LEN) {
        return NULL;
    }
    return kw_map_get(sessions->by_token, token->id.string); /* keyed hash: its time says nothing about the tokens that exist */
}

kw_status kw_session_gate(kw_sessions *sessions, kw_channel *channel, const kw_node_id *authentication_token, kw_session **out)
{
    kw_session *session = kw_session_find(sessions, authentication_token);
    if (session == NULL) {
        return KW_BAD_SESSION_ID_INVALID;
    }
    if (session->channel != channel) { /* AS-13, CS-02 */
        return KW_BAD_SECURE_CHANNEL_ID_INVALID;
    }
    if (session->state != KW_SESSION_ACTIVATED) { /* AS-03 */
        kw_session_end(session, KW_SESSION_CAUSE_TERMINATED, "another service before ActivateSession", true);
        return KW_BAD_SESSION_NOT_ACTIVATED;
    }
    if (!kw_session_check_expiry(session)) { /* IT-16 */
        return KW_BAD_SESSION_CLOSED;
    }
    kw_session_keep_alive(session);
    *out = session;
    return KW_GOOD;
}

void kw_session_keep_alive(kw_session *session)
{
    session->last_request = kw_clock_ms(session->sessions->env.clock); /* the timer looks at it when it fires */
}

/* --- room -------------------------------------------------------------------------------------------------------------- */

static bool is_of_client(const kw_session *session, const kw_certificate *certificate, kw_string peer_address)
{
    if (certificate != NULL) {
        return session->client_certificate != NULL &&
               kw_bytes_equal(kw_certificate_der(session->client_certificate), kw_certificate_der(certificate));
    }
    return session->client_certificate == NULL && kw_string_equals(peer_address, session->peer_address);
}

static kw_session *oldest_unactivated(kw_sessions *sessions)
{
    for (kw_session *s = sessions->oldest; s != NULL; s = s->next) {
        if (s->state == KW_SESSION_CREATED) {
            return s;
        }
    }
    return NULL;
}

kw_status kw_sessions_make_room(kw_sessions *sessions, const kw_certificate *client_certificate, kw_string peer_address)
{
    uint32_t of_client = 0;
    for (const kw_session *s = sessions->oldest; s != NULL; s = s->next) {
        of_client += is_of_client(s, client_certificate, peer_address);
    }
    if (of_client >= sessions->limits.max_sessions_per_client) {
        return KW_BAD_TOO_MANY_SESSIONS;
    }
    if (kw_sessions_count(sessions) < sessions->limits.max_sessions) {
        return KW_GOOD;
    }
    kw_session *victim = oldest_unactivated(sessions);
    if (victim == NULL) {
        return KW_BAD_TOO_MANY_SESSIONS;
    }
    kw_session_end(victim, KW_SESSION_CAUSE_TERMINATED, "never activated, and its place was needed", true);
    return KW_GOOD;
}

void kw_sessions_channel_gone(kw_sessions *sessions, kw_channel *channel)
{
    kw_pending_channel_gone(sessions, channel);
    for (kw_session *s = sessions->oldest, *next; s != NULL; s = next) {
        next = s->next;
        if (s->channel != channel) {
            continue;
        }
        if (s->state == KW_SESSION_CREATED) {
            kw_session_end(s, KW_SESSION_CAUSE_TERMINATED, "its channel closed before it was activated", true); /* attack A-109 */
        } else {
            s->channel = NULL;
        }
    }
}

/* --- what others may know ---------------------------------------------------------------------------------------------- */

kw_session_state kw_session_state_of(const kw_session *session)
{
    return session->state;
}

const kw_node_id *kw_session_id(const kw_session *session)
{
    return &session->id;
}

kw_string kw_session_name(const kw_session *session)
{
    return kw_string_from(session->name);
}

kw_identity *kw_session_identity(const kw_session *session)
{
    return session->identity;
}

kw_string kw_session_client_uri(const kw_session *session)
{
    return kw_string_from(session->client_uri);
}

const kw_string *kw_session_locales(const kw_session *session, size_t *count)
{
    *count = session->locale_count;
    return session->locales;
}

uint32_t kw_session_max_response_message(const kw_session *session)
{
    return session->max_response_message;
}

const kw_channel *kw_session_channel(const kw_session *session)
{
    return session->channel;
}

kw_message_security_mode kw_session_mode(const kw_session *session)
{
    return session->mode;
}

void kw_session_attach(kw_session *session, void *data, void (*release)(void *data))
{
    session->attachment = data;
    session->release_attachment = release;
}

void *kw_session_attachment(const kw_session *session)
{
    return session->attachment;
}
