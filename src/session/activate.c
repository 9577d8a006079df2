/* ActivateSession. OPC 10000-4, 5.7.3. */
#include "base/try.h"
#include "session/session_internal.h"
#include "ua/codec.h"

#include <stdlib.h>
#include <string.h>

#define LOCALES_MAX 64
#define LOCALE_LEN_MAX 64

/* --- on the loop, before the proofs ------------------------------------------------------------------------------------ */

/* AS-09 … AS-11, and the safe reading of a transfer: same policy and mode, never in mode Sign (attacks ). */
static kw_status check_channel(const kw_sessions *sessions, const kw_session *session, const kw_channel *channel)
{
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    if (session->channel == channel) {
        return KW_GOOD;
    }
    if (session->state != KW_SESSION_ACTIVATED) {
        return KW_BAD_SECURE_CHANNEL_ID_INVALID;
    }
    if (kw_channel_policy(channel) != session->policy || kw_channel_mode(channel) != session->mode) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    if (session->mode == KW_MESSAGE_SECURITY_MODE_SIGN && !sessions->limits.allow_transfer_on_sign) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    const bool same = peer == NULL ? session->client_certificate == NULL
                                   : session->client_certificate != NULL &&
                                         kw_bytes_equal(kw_certificate_der(peer), kw_certificate_der(session->client_certificate));
    return same ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}

/* --- the job ------------------------------------------------------------------------------------------------------------ */

/* CB-02 */
static kw_status verify_bound(const kw_session_pending *p)
{
    const kw_channel_binding binding = kw_pending_binding(p, (kw_bytes){p->as.activate.nonce, KW_NONCE_LEN});
    const kw_status status = kw_channel_bound_verify(&binding, KW_BOUND_CLIENT, p->policy, kw_certificate_public_key(p->client_certificate),
                                                     p->as.activate.request->client_signature.signature);
    return kw_status_is_bad(status) ? KW_BAD_APPLICATION_SIGNATURE_INVALID : KW_GOOD;
}

/* AS-04 … AS-06, AS-44 … AS-46: over the leaf, then over the chain as older Clients do it. */
static kw_status verify_application(const kw_session_pending *p)
{
    const kw_signature_data *signature = &p->as.activate.request->client_signature;
    if (p->policy->is_none) { /* note N2 */
        return KW_GOOD;
    }
    if (p->policy->is_enhanced) {
        return verify_bound(p);
    }
    const char *algorithm = p->policy->asym_signature_uri;
    if (algorithm != NULL && !kw_string_equals(signature->algorithm, algorithm)) { /* CB-07 */
        return KW_BAD_APPLICATION_SIGNATURE_INVALID;
    }
    const kw_public_key *key = kw_certificate_public_key(p->client_certificate);
    const kw_bytes nonce = {p->as.activate.nonce, KW_NONCE_LEN};
    const kw_bytes leaf[] = {kw_certificate_der(p->own.certificate), nonce};
    const kw_bytes chain[] = {kw_certificate_chain(p->own.certificate), nonce};
    kw_status status = kw_asym_verify(p->policy, key, leaf, 2, signature->signature);
    if (kw_status_is_bad(status) && chain[0].len != leaf[0].len) {
        status = kw_asym_verify(p->policy, key, chain, 2, signature->signature);
    }
    return kw_status_is_bad(status) ? KW_BAD_APPLICATION_SIGNATURE_INVALID : KW_GOOD;
}

static kw_status prove_user(kw_session_pending *p)
{
    kw_identity_gate *gate = p->sessions->env.gate;
    const kw_activate_session_request *request = p->as.activate.request;
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    KW_TRY(kw_identity_gate_policies(gate, p->policy, p->mode, p->arena, &policies, &count));
    kw_identity_claim claim = kw_pending_claim(p);
    claim.token = &request->user_identity_token;
    claim.user_signature = &request->user_token_signature;
    claim.policies = policies;
    claim.policy_count = count;
    claim.channel_policy = p->policy;
    claim.mode = p->mode;
    claim.receiver = &p->own;
    claim.server_nonce = (kw_bytes){p->as.activate.nonce, KW_NONCE_LEN};
    const kw_channel_binding binding = kw_pending_binding(p, claim.server_nonce);
    claim.binding = p->policy->is_enhanced ? &binding : NULL; /* CB-03 */
    claim.receiver_use = &p->as.activate.use;
    claim.endpoint_url = p->endpoint_url;
    KW_TRY(kw_identity_prove(gate, &claim, &p->as.activate.identity, &p->refusal, &p->delay_ms));
    if (p->as.activate.former != NULL && !kw_identity_is_same_user(p->as.activate.former, p->as.activate.identity)) { /* AS-12 */
        p->refusal.why = "another user on a transfer";
        return KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED;
    }
    return KW_GOOD;
}

static void describe(kw_session_event *event, const kw_activate_session_request *request)
{
    const kw_user_name_identity_token *token = kw_extension_object_get(&request->user_identity_token, KW_TYPE_USER_NAME_IDENTITY_TOKEN);
    event->user_token = &request->user_identity_token;
    event->claimed_user = token != NULL ? token->user_name : KW_BYTES_NULL;
    event->software_certificates = request->client_software_certificates;
    event->software_certificate_count = request->client_software_certificates_count;
}

static kw_session_event event_of(const kw_session_pending *p, const kw_identity *identity)
{
    kw_session_event event = kw_pending_event(p, KW_SESSION_CAUSE_ACTIVATE);
    describe(&event, p->as.activate.request);
    event.identity = kw_status_is_bad(p->status) ? NULL : identity;
    return event;
}

/* Who is locked out makes nobody compute: not even the signature is looked at (AS-23). */
static kw_status prove(kw_session_pending *p)
{
    kw_identity_claim claim = kw_pending_claim(p);
    claim.token = &p->as.activate.request->user_identity_token;
    if (kw_identity_still_locked_out(p->sessions->env.gate, &claim)) {
        p->refusal.why = KW_IDENTITY_LOCKED_OUT;
        return KW_BAD_USER_ACCESS_DENIED;
    }
    const kw_status status = verify_application(p); /* AS-29: first the signature, then the user */
    if (kw_status_is_bad(status)) {
        p->refusal.why = "signature of the Client application";
        return status;
    }
    return prove_user(p);
}

static void run_activate(kw_job *job)
{
    kw_session_pending *p = (kw_session_pending *)job;
    p->status = prove(p);
    if (!kw_status_is_bad(p->status)) {
        p->status = kw_session_make_key(p, &p->as.activate.response->response_header);
    }
    const kw_session_event event = event_of(p, p->as.activate.identity);
    p->is_recorded = kw_session_record(p->sessions, &event, p->arena);
}

/* --- on the loop again: all or nothing ---------------------------------------------------------------------------------- */

/* AS-33: an entry without a language part says nothing. AS-53: no entries leave the list as it is. */
static kw_status take_locales(kw_session *session, const kw_activate_session_request *request)
{
    const size_t count = request->locale_ids_count < LOCALES_MAX ? request->locale_ids_count : LOCALES_MAX;
    if (count == 0) {
        return KW_GOOD;
    }
    kw_arena *arena = kw_arena_new(LOCALES_MAX * (LOCALE_LEN_MAX + 32));
    kw_string *locales = arena != NULL ? KW_ARENA_ARRAY(arena, kw_string, count) : NULL;
    size_t used = 0;
    if (locales == NULL) {
        kw_arena_free(arena);
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const kw_string id = request->locale_ids[i];
        if (id.len > 0 && id.len <= LOCALE_LEN_MAX && id.data[0] != '-') {
            locales[used++] = kw_arena_copy(arena, id);
        }
    }
    if (used == 0) {
        kw_arena_free(arena);
        return KW_GOOD;
    }
    kw_arena_free(session->locale_arena);
    session->locale_arena = arena;
    session->locales = locales;
    session->locale_count = used;
    return KW_GOOD;
}

static kw_status commit(kw_session_pending *p)
{
    kw_session *session = p->session;
    kw_sessions *sessions = p->sessions;
    uint8_t nonce[KW_NONCE_LEN];
    if (session->state == KW_SESSION_CLOSED) {
        return KW_BAD_SESSION_CLOSED;
    }
    if (p->channel == NULL) {
        return KW_BAD_SECURE_CHANNEL_CLOSED;
    }
    KW_TRY(kw_random_fill(sessions->env.random, nonce, sizeof(nonce))); /* AS-08 */
    kw_activate_session_response *response = p->as.activate.response;
    response->server_nonce = kw_arena_copy(p->arena, (kw_bytes){nonce, sizeof(nonce)});
    if (response->server_nonce.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    char *endpoint_url = strndup(p->endpoint_url.data != NULL ? (const char *)p->endpoint_url.data : "", p->endpoint_url.len);
    if (endpoint_url == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    free(session->endpoint_url);
    session->endpoint_url = endpoint_url;
    KW_TRY(take_locales(session, p->as.activate.request));
    memcpy(session->nonce, nonce, sizeof(nonce)); /* AS-07: the one that was used is gone */
    kw_session_give_key(p);
    session->channel = p->channel; /* AS-13 */
    session->state = KW_SESSION_ACTIVATED;
    kw_session_keep_alive(session);
    kw_timer_start(sessions->env.timers, &session->timer, session->last_request + session->timeout_ms);
    kw_session_set_identity(session, p->as.activate.identity);
    p->as.activate.identity = NULL;
    return session->identity->must_change_password ? KW_GOOD_PASSWORD_CHANGE_REQUIRED : KW_GOOD; /* AS-73 */
}

static void finish_activate(kw_session_pending *p)
{
    kw_sessions *sessions = p->sessions;
    const uint64_t version = p->as.activate.identity != NULL ? p->as.activate.identity->store_version : UINT64_MAX;
    p->session->is_activating = false;
    if (!kw_status_is_bad(p->status)) {
        p->status = commit(p);
        p->is_recorded = p->is_recorded && !kw_status_is_bad(p->status); /* the trail has it as done */
    }
    kw_receiver_key_settle(&p->as.activate.use, !kw_status_is_bad(p->status)); /* after a failure the Client has no other one */
    kw_receiver_key_release(p->as.activate.use.key);
    const kw_session_event event = event_of(p, p->session->identity);
    kw_session_report(p->sessions, &event);
    kw_identity_release(p->as.activate.identity);
    kw_identity_release(p->as.activate.former);
    kw_wipe(p->as.activate.nonce, KW_NONCE_LEN);
    kw_pending_finish(p, p->status);
    kw_reviews_catch_up(sessions, version);
}

static void done_activate(kw_job *job)
{
    kw_pending_delay((kw_session_pending *)job, finish_activate);
}

static bool is_locked_out(const kw_sessions *sessions, const kw_channel *channel, kw_string peer_address,
                          const kw_activate_session_request *request)
{
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    const kw_identity_claim claim = {.token = &request->user_identity_token,
                                     .client_certificate = peer,
                                     .application_uri = peer != NULL ? kw_certificate_application_uri(peer) : KW_BYTES_NULL,
                                     .address = peer_address};
    return kw_identity_is_locked_out(sessions->env.gate, &claim);
}

static kw_status start_activate(kw_sessions *sessions, kw_channel *channel, kw_string peer_address,
                                const kw_activate_session_request *request, kw_arena *arena, kw_activate_session_response *response,
                                kw_session_done done, void *ctx, const char **why)
{
    kw_session *session = kw_session_find(sessions, &request->request_header.authentication_token);
    if (session == NULL) {
        return KW_BAD_SESSION_ID_INVALID;
    }
    KW_TRY(check_channel(sessions, session, channel));
    if (is_locked_out(sessions, channel, peer_address, request)) {
        *why = KW_IDENTITY_LOCKED_OUT;
        return KW_BAD_USER_ACCESS_DENIED;
    }
    if (session->is_activating) { /* the nonce is spoken for: the second of two at once could not be proven against it */
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    if (!kw_pending_has_room(sessions, channel)) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    kw_session_pending *p = kw_pending_new(sessions, session, channel, peer_address, &request->request_header, arena, done, ctx);
    if (p == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    p->job.is_password = request->user_identity_token.type == KW_TYPE_USER_NAME_IDENTITY_TOKEN;
    p->job.run = run_activate;
    p->job.done = done_activate;
    p->as.activate.request = request;
    p->as.activate.response = response;
    memcpy(p->as.activate.nonce, session->nonce, KW_NONCE_LEN);
    p->as.activate.use.key = kw_receiver_key_retain(session->key);
    kw_session_take_wish(p);
    p->as.activate.former = session->channel != channel ? kw_identity_retain(session->identity) : NULL;
    session->is_activating = true;
    if (session->state == KW_SESSION_ACTIVATED) { /* the time for the first one is fixed: attempts do not stretch it */
        kw_session_keep_alive(session);
    }
    const kw_status status = kw_pending_submit(p);
    if (kw_status_is_bad(status)) {
        p->status = status;
        done_activate(&p->job);
    }
    return KW_GOOD; /* done was or will be called */
}

void kw_session_activate(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_activate_session_request *request,
                         kw_arena *arena, kw_activate_session_response *response, kw_session_done done, void *ctx)
{
    const char *why = NULL;
    const kw_status status = start_activate(sessions, channel, peer_address, request, arena, response, done, ctx, &why);
    if (kw_status_is_bad(status)) {
        const kw_session *session = kw_session_find(sessions, &request->request_header.authentication_token);
        kw_session_event event =
            kw_refused_event(sessions, KW_SESSION_CAUSE_ACTIVATE, status, channel, peer_address, &request->request_header);
        describe(&event, request);
        event.why = why;
        event.is_locked_out = why != NULL;
        event.session_id = session != NULL ? session->id : event.session_id;
        kw_session_report(sessions, &event);
        done(ctx, status);
    }
}
