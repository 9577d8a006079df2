/* CreateSession. OPC 10000-4, 5.7.2. */
#include "base/try.h"
#include "session/session_internal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512
#define URI_MAX 4096

/* --- checks ------------------------------------------------------------------------------------------------------------- */

static kw_status check_certificate(const kw_channel *channel, kw_bytes presented)
{
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    kw_certificate *certificate = NULL;
    if (kw_status_is_bad(kw_certificate_parse(presented, &certificate))) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    const bool same = peer != NULL && kw_bytes_equal(kw_certificate_der(certificate), kw_certificate_der(peer));
    kw_certificate_release(certificate);
    return same ? KW_GOOD : KW_BAD_CERTIFICATE_INVALID; /* CS-10 */
}

static kw_status check_request(const kw_sessions *sessions, const kw_channel *channel, const kw_create_session_request *request)
{
    const kw_security_policy *policy = kw_channel_policy(channel);
    if (!sessions->env.allows_session(sessions->env.ctx, policy, kw_channel_mode(channel))) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    if (request->session_name.len > NAME_MAX_BYTES || request->endpoint_url.len > URI_MAX ||
        request->client_description.application_uri.len > URI_MAX) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (!kw_utf8_is_valid(request->session_name, false) || !kw_utf8_is_valid(request->client_description.application_uri, false)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (request->server_uri.len > 0 && !kw_bytes_equal(request->server_uri, sessions->env.server_uri)) { /* CS-05 */
        return KW_BAD_SERVER_URI_INVALID;
    }
    if (policy->is_none) { /* CS-12: whatever certificate is there says nothing */
        return KW_GOOD;
    }
    if (request->client_nonce.len < KW_NONCE_LEN || request->client_nonce.len > KW_CLIENT_NONCE_MAX) { /* CS-09 */
        return KW_BAD_NONCE_INVALID;
    }
    KW_TRY(check_certificate(channel, request->client_certificate));
    const kw_string uri = kw_certificate_application_uri(kw_channel_peer_certificate(channel));
    return kw_bytes_equal(uri, request->client_description.application_uri) ? KW_GOOD : KW_BAD_CERTIFICATE_URI_INVALID; /* CS-11 */
}

/* CS-13. NaN fails every comparison: ask for what is wanted, not for what is not. */
static double revised_timeout(const kw_session_limits *limits, double requested)
{
    if (!(requested > 0) || !(requested <= limits->max_timeout_ms)) {
        return limits->max_timeout_ms;
    }
    return requested >= limits->min_timeout_ms ? requested : limits->min_timeout_ms;
}

/* --- the Session --------------------------------------------------------------------------------------------------------- */

static void on_timeout(kw_timer *timer)
{
    kw_session *session = (kw_session *)((char *)timer - offsetof(kw_session, timer));
    const kw_session_env *env = &session->sessions->env;
    const uint64_t due = session->last_request +
                         (session->state == KW_SESSION_CREATED ? session->sessions->limits.activation_timeout_ms : session->timeout_ms);
    if (kw_clock_ms(env->clock) < due) { /* it was used in the meantime */
        kw_timer_start(env->timers, timer, due);
        return;
    }
    kw_session_end(session, KW_SESSION_CAUSE_TIMEOUT, NULL, false);
}

static char *dup_string(kw_string s)
{
    return s.data != NULL ? strndup((const char *)s.data, s.len) : strdup("");
}

static kw_status fill_ids(kw_session *session, const kw_random *random)
{
    uint8_t bytes[16];
    KW_TRY(kw_random_fill(random, session->token, KW_TOKEN_LEN));
    KW_TRY(kw_random_fill(random, session->nonce, KW_NONCE_LEN));
    KW_TRY(kw_random_fill(random, bytes, sizeof(bytes)));
    session->id = (kw_node_id){.ns = 1, .kind = KW_NODE_ID_GUID};
    memcpy(&session->id.id.guid.data1, bytes, 4);
    memcpy(&session->id.id.guid.data2, bytes + 4, 2);
    memcpy(&session->id.id.guid.data3, bytes + 6, 2);
    memcpy(session->id.id.guid.data4, bytes + 8, 8);
    session->id.id.guid.data1 &= ~(KW_SESSION_PARTS - 1);
    return kw_session_by_id(session->sessions, &session->id) == NULL ? KW_GOOD : KW_BAD_INTERNAL_ERROR; /* CS-15 */
}

static kw_status name_session(kw_session *session, kw_string name)
{
    if (name.len > 0) {
        session->name = dup_string(name);
    } else if (asprintf(&session->name, "Session %08x", session->id.id.guid.data1) < 0) { /* CS-08 */
        session->name = NULL;
    }
    return session->name != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status enter_maps(kw_sessions *sessions, kw_session *session)
{
    const kw_bytes token = {session->token, KW_TOKEN_LEN};
    KW_TRY(kw_map_put(sessions->by_token, token, session, NULL));
    const kw_status status = kw_map_put(sessions->by_id, kw_session_key(&session->id), session, NULL);
    if (kw_status_is_bad(status)) {
        kw_map_remove(sessions->by_token, token);
    }
    return status;
}

static void enter(kw_sessions *sessions, kw_session *session)
{
    session->prev = sessions->newest;
    *(sessions->newest != NULL ? &sessions->newest->next : &sessions->oldest) = session;
    sessions->newest = session;
    session->timer.fire = on_timeout;
    kw_session_keep_alive(session);
    kw_timer_start(sessions->env.timers, &session->timer, session->last_request + sessions->limits.activation_timeout_ms);
}

static kw_status new_session(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_create_session_request *request,
                             kw_session **out)
{
    kw_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    session->references = 1;
    session->sessions = sessions;
    session->channel = channel;
    session->policy = kw_channel_policy(channel);
    session->mode = kw_channel_mode(channel);
    if (!session->policy->is_none) { /* without security its length was not looked at, and nothing is signed */
        session->client_nonce_len = request->client_nonce.len;
        memcpy(session->client_nonce, request->client_nonce.data, request->client_nonce.len);
    }
    session->client_certificate = peer != NULL ? kw_certificate_retain((kw_certificate *)peer) : NULL;
    session->client_uri = dup_string(request->client_description.application_uri);
    session->peer_address = dup_string(peer_address);
    session->timeout_ms = (uint64_t)revised_timeout(&sessions->limits, request->requested_session_timeout);
    session->max_response_message = request->max_response_message_size;
    kw_status status =
        session->client_uri != NULL && session->peer_address != NULL ? fill_ids(session, sessions->env.random) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = name_session(session, request->session_name);
    }
    if (!kw_status_is_bad(status)) {
        status = enter_maps(sessions, session);
    }
    if (kw_status_is_bad(status)) {
        kw_session_release(session);
        return status;
    }
    kw_session_describe(session, request);
    enter(sessions, session);
    *out = session;
    return KW_GOOD;
}

/* --- the answer ------------------------------------------------------------------------------------------------------------ */

static kw_status fill_response(kw_sessions *sessions, const kw_channel *channel, const kw_session *session,
                               const kw_create_session_request *request, kw_arena *arena, kw_create_session_response *response)
{
    const kw_application_identity *own = kw_channel_identity(channel);
    response->session_id = session->id;
    response->authentication_token =
        (kw_node_id){.kind = KW_NODE_ID_OPAQUE, .id.string = kw_arena_copy(arena, (kw_bytes){session->token, KW_TOKEN_LEN})};
    response->revised_session_timeout = (double)session->timeout_ms;
    response->server_nonce = kw_arena_copy(arena, (kw_bytes){session->nonce, KW_NONCE_LEN});
    response->server_certificate = own->certificate != NULL ? kw_certificate_chain(own->certificate) : KW_BYTES_NULL; /* CS-17 */
    response->max_request_message_size = sessions->limits.max_request_message;
    if (response->server_nonce.data == NULL || response->authentication_token.id.string.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return sessions->env.endpoints(sessions->env.ctx, request->endpoint_url, arena, &response->server_endpoints,
                                   &response->server_endpoints_count); /* CS-18 */
}

static kw_session_event event_of(const kw_session_pending *p)
{
    kw_session_event event = kw_pending_event(p, KW_SESSION_CAUSE_CREATE);
    event.timeout_ms = (double)p->session->timeout_ms;
    event.endpoint_url = p->as.create.request->endpoint_url;
    return event;
}

/* CB-01; else CS-16: the leaf alone is signed, whatever came with it */
static kw_status sign_as_server(kw_session_pending *p, kw_create_session_response *response)
{
    kw_signature_data *signature = &response->server_signature;
    if (p->policy->is_enhanced) {
        const kw_channel_binding binding = kw_pending_binding(p, response->server_nonce);
        return kw_channel_bound_sign(&binding, KW_BOUND_SERVER, p->policy, p->own.key, p->arena, &signature->signature);
    }
    const kw_bytes parts[] = {kw_certificate_der(p->client_certificate), p->as.create.request->client_nonce};
    signature->algorithm = kw_string_from(p->policy->asym_signature_uri);
    return kw_asym_sign(p->policy, p->own.key, parts, 2, p->arena, &signature->signature);
}

static void run_create(kw_job *job)
{
    kw_session_pending *p = (kw_session_pending *)job;
    kw_create_session_response *response = p->as.create.response;
    p->status = KW_GOOD;
    if (!p->policy->is_none) {
        p->status = sign_as_server(p, response);
    }
    if (!kw_status_is_bad(p->status)) {
        p->status = kw_session_make_key(p, &response->response_header);
    }
    const kw_session_event event = event_of(p);
    p->is_recorded = kw_session_record(p->sessions, &event, p->arena);
}

static void done_create(kw_job *job)
{
    kw_session_pending *p = (kw_session_pending *)job;
    if (!kw_status_is_bad(p->status) && p->session->state == KW_SESSION_CLOSED) {
        p->status = KW_BAD_SESSION_CLOSED;
        p->is_recorded = false; /* the trail has it as done */
    }
    if (kw_status_is_bad(p->status)) {
        kw_session_shut(p->session, true);
    } else {
        kw_session_give_key(p);
    }
    const kw_session_event event = event_of(p);
    kw_session_report(p->sessions, &event);
    kw_pending_finish(p, p->status);
}

static kw_status start_create(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_create_session_request *request,
                              kw_arena *arena, kw_create_session_response *response, kw_session_done done, void *ctx)
{
    kw_session *session = NULL;
    KW_TRY(check_request(sessions, channel, request));
    KW_TRY(kw_sessions_make_room(sessions, kw_channel_peer_certificate(channel), peer_address));
    KW_TRY(new_session(sessions, channel, peer_address, request, &session));
    kw_status status = fill_response(sessions, channel, session, request, arena, response);
    kw_session_pending *p = !kw_status_is_bad(status)
                                ? kw_pending_new(sessions, session, channel, peer_address, &request->request_header, arena, done, ctx)
                                : NULL;
    if (p == NULL) {
        kw_session_shut(session, true);
        return kw_status_is_bad(status) ? status : KW_BAD_OUT_OF_MEMORY;
    }
    p->job.run = run_create;
    p->job.done = done_create;
    p->as.create.request = request;
    p->as.create.response = response;
    kw_session_take_wish(p);
    status = kw_pending_submit(p);
    if (kw_status_is_bad(status)) {
        p->status = status;
        done_create(&p->job);
    }
    return KW_GOOD; /* done was or will be called */
}

void kw_session_create(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_create_session_request *request,
                       kw_arena *arena, kw_create_session_response *response, kw_session_done done, void *ctx)
{
    const kw_status status = start_create(sessions, channel, peer_address, request, arena, response, done, ctx);
    if (kw_status_is_bad(status)) {
        kw_session_event event =
            kw_refused_event(sessions, KW_SESSION_CAUSE_CREATE, status, channel, peer_address, &request->request_header);
        event.claimed_uri = request->client_description.application_uri;
        if (event.client_certificate == NULL) { /* attack A-208: what was proven is not to be replaced by what is said */
            event.client_uri = event.claimed_uri;
        }
        event.endpoint_url = request->endpoint_url;
        kw_session_report(sessions, &event);
        done(ctx, status);
    }
}
