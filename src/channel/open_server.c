/*
 * The server's side of OpenSecureChannel. OPC 10000-4, 5.6.2.
 *
 * On the loop: is the policy offered, do thumbprint and sizes fit. In the job: is the sender trusted; only then the private key
 * is used. What the peer learns of a failure up to the proof of its signature is one code; the audit
 * and the log learn the reason.
 */
#include "channel/channel_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MODES = 4, JOB_ARENA = 1024 * 1024 };

typedef struct open_job {
    kw_channel_job base;
    kw_arena *arena;

    /* What the loop knew. */
    kw_open_parties parties;
    kw_bytes chunk; /* a copy; header borrows from it */
    kw_open_header header;
    kw_trust_list *trust;
    bool require_crl;
    bool offered[MODES];
    bool is_renewal;
    kw_message_security_mode mode_before;
    bool has_received;
    uint32_t received_sequence, sent_sequence;
    uint32_t protocol_version;
    bool has_peer_nonce;
    uint8_t peer_nonce_hash[32];
    kw_channel_security_token token;
    uint32_t min_lifetime, max_lifetime;
    uint32_t send_size;
    kw_open_offer offer;
    kw_secret agreed;
    kw_open_signature request_signature, thumbprint;

    /* What came of it. */
    kw_status reason;  /* for audit and log */
    kw_status verdict; /* for the peer */
    kw_open_plain plain;
    kw_open_secure_channel_request request;
    kw_token_keys keys;
    kw_bytes response;
} open_job;

static void job_free(open_job *job)
{
    kw_open_parties_release(&job->parties);
    kw_open_offer_clear(&job->offer);
    kw_secret_clear(&job->agreed);
    kw_secret_clear(&job->plain.bytes);
    kw_token_keys_free(&job->keys);
    kw_arena_free(job->arena);
    free(job);
}

/* Up to the proof: nothing of the peer's is believed, and our key is used last. */
static kw_status admit(open_job *job)
{
    if (!job->parties.policy->is_none) {
        const kw_certificate_checks checks = {
            .role = KW_CERT_CLIENT, .policy = job->parties.policy, .require_crl = job->require_crl, .keep_rejected = true};
        KW_TRY(kw_trust_list_check(job->trust, job->parties.peer, &checks));
    }
    return kw_open_chunk_unseal(&job->parties, job->chunk, &job->header, &job->plain);
}

static kw_status decode(open_job *job)
{
    kw_reader r = kw_reader_of(job->plain.body);
    uint32_t type = 0;
    KW_TRY(kw_ua_decode_message_id(&r, job->arena, &type));
    if (type != KW_TYPE_OPEN_SECURE_CHANNEL_REQUEST->binary_id) {
        return KW_BAD_DECODING_ERROR;
    }
    return kw_ua_decode_all((kw_bytes){r.p, kw_reader_left(&r)}, job->arena, NULL, KW_TYPE_OPEN_SECURE_CHANNEL_REQUEST, &job->request);
}

/* The peer is who it says: is what it asks for allowed? */
static kw_status judge(open_job *job)
{
    const kw_open_secure_channel_request *request = &job->request;
    if (!kw_sequence_follows(job->parties.policy, job->has_received ? &job->received_sequence : NULL, job->plain.sequence)) {
        return KW_BAD_SEQUENCE_NUMBER_INVALID;
    }
    if (request->client_protocol_version != job->protocol_version) {
        return KW_BAD_PROTOCOL_VERSION_UNSUPPORTED;
    }
    /* one SecureChannel for a connection, so Issue comes first and once. */
    if (request->request_type != (job->is_renewal ? KW_SECURITY_TOKEN_REQUEST_TYPE_RENEW : KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE)) {
        return KW_BAD_REQUEST_TYPE_INVALID;
    }
    if (job->is_renewal && request->security_mode != job->mode_before) {
        return KW_BAD_SECURITY_CHECKS_FAILED; /* */
    }
    if (request->security_mode < 0 || request->security_mode >= MODES || !job->offered[request->security_mode]) {
        return KW_BAD_SECURITY_MODE_REJECTED;
    }
    return kw_open_nonce_check(job->parties.policy, request->client_nonce, job->has_peer_nonce ? job->peer_nonce_hash : NULL,
                               job->peer_nonce_hash);
}

/* An answer only for who has sent what there are keys from. */
static kw_status agree(open_job *job)
{
    KW_TRY(kw_open_offer_generate(&job->offer, job->parties.policy));
    return kw_open_keys_derive(job->parties.policy, true, &job->offer, job->request.client_nonce, &job->agreed, &job->keys);
}

static uint32_t revised_lifetime(const open_job *job)
{
    const uint32_t asked = job->request.requested_lifetime;
    if (asked == 0 || asked > job->max_lifetime) {
        return job->max_lifetime;
    }
    return asked < job->min_lifetime ? job->min_lifetime : asked;
}

/* the first answer proves that it is one to this request; what it is signed with stands for the channel from now on. */
static kw_status seal(open_job *job, const kw_open_plain *plain)
{
    kw_open_parties *parties = &job->parties;
    const bool is_bound = parties->policy->is_enhanced && !job->is_renewal;
    if (is_bound) {
        kw_open_signature_take(job->chunk, kw_public_key_size(kw_certificate_public_key(parties->peer)), &job->request_signature);
        parties->request_signature = kw_open_signature_bytes(&job->request_signature);
    }
    KW_TRY(kw_open_chunk_seal(parties, job->token.channel_id, plain, job->send_size, job->arena, &job->response));
    if (is_bound) {
        kw_open_signature_take(job->response, kw_private_key_size(parties->own.key), &job->thumbprint);
    }
    return KW_GOOD;
}

static kw_status respond(open_job *job)
{
    job->token.revised_lifetime = revised_lifetime(job);
    const kw_open_secure_channel_response response = {
        .response_header = {.timestamp = job->token.created_at, .request_handle = job->request.request_header.request_handle},
        .server_protocol_version = 0,
        .security_token = job->token,
        .server_nonce = kw_secret_bytes(&job->offer.nonce)};
    kw_writer w;
    kw_writer_init(&w, KW_TCP_MIN_BUFFER);
    kw_status status;
    KW_GOTO(done, kw_ua_encode_message(&w, KW_TYPE_OPEN_SECURE_CHANNEL_RESPONSE, &response));
    const kw_open_plain plain = {.sequence = job->sent_sequence, .request_id = job->plain.request_id, .body = kw_writer_bytes(&w)};
    status = seal(job, &plain);
done:
    kw_writer_wipe(&w);
    return status;
}

static void refuse(open_job *job, kw_status reason, kw_status verdict)
{
    job->reason = reason;
    job->verdict = verdict;
}

static void open_run(kw_job *base)
{
    open_job *job = (open_job *)base;
    kw_status status = admit(job);
    if (kw_status_is_good(status)) {
        status = decode(job);
    }
    if (kw_status_is_bad(status)) {
        refuse(job, status, KW_BAD_SECURITY_CHECKS_FAILED);
        return;
    }
    status = judge(job);
    if (kw_status_is_bad(status)) {
        refuse(job, status, status);
        return;
    }
    status = agree(job);
    if (kw_status_is_bad(status)) {
        refuse(job, status, KW_BAD_SECURITY_CHECKS_FAILED);
        return;
    }
    status = respond(job);
    refuse(job, status, kw_status_is_bad(status) ? KW_BAD_TCP_INTERNAL_ERROR : KW_GOOD);
}

static void report(const kw_channel *channel, const open_job *job)
{
    if (channel->env.events->audit_open == NULL) {
        return;
    }
    const kw_channel_open_audit audit = {.status = job->reason,
                                         .is_renewal = job->is_renewal,
                                         .policy = job->parties.policy,
                                         .policy_uri = job->header.policy_uri,
                                         .mode = job->request.security_mode,
                                         .client_certificate = job->parties.peer,
                                         .sender = job->header.sender,
                                         .audit_entry_id = job->request.request_header.audit_entry_id,
                                         .requested_lifetime = job->request.requested_lifetime,
                                         .channel_id = job->token.channel_id};
    channel->env.events->audit_open(channel->env.ctx, &audit);
}

static void adopt(kw_channel *channel, open_job *job)
{
    channel->id = job->token.channel_id;
    channel->policy = job->parties.policy;
    channel->mode = job->request.security_mode;
    if (channel->peer_certificate == NULL && job->parties.peer != NULL) {
        channel->peer_certificate = kw_certificate_retain(job->parties.peer);
    }
    channel->has_received = true;
    channel->received_sequence = job->plain.sequence;
    memcpy(channel->peer_nonce_hash, job->peer_nonce_hash, sizeof channel->peer_nonce_hash);
    channel->has_peer_nonce = true;
    if (!job->is_renewal) {
        channel->thumbprint = job->thumbprint;
    }
    kw_secret_clear(&channel->agreed);
    channel->agreed = job->agreed;
    job->agreed = KW_SECRET_NONE;
    kw_token_install(channel, job->token.token_id, job->token.revised_lifetime, &job->keys);
}

static void open_done(kw_job *base)
{
    open_job *job = (open_job *)base;
    kw_channel *channel = job->base.channel;
    if (channel == NULL) {
        job_free(job);
        return;
    }
    channel->job = NULL;
    report(channel, job);
    if (kw_status_is_bad(job->verdict)) {
        const kw_status verdict = job->verdict;
        job_free(job);
        kw_channel_fail(channel, verdict);
        return;
    }
    const bool is_renewal = job->is_renewal;
    adopt(channel, job);
    kw_channel_enter(channel, KW_CHANNEL_OPEN);
    channel->env.events->send(channel->env.ctx, job->response);
    job_free(job);
    kw_chunk_release(channel);
    if (!is_renewal && channel->env.events->opened != NULL) {
        channel->env.events->opened(channel->env.ctx);
    }
    kw_channel_resume(channel);
}

/* Which modes go with this policy; false: none, the policy is not offered. */
static bool offered_modes(const kw_channel *channel, const kw_security_policy *policy, bool offered[MODES])
{
    bool any = false;
    for (kw_message_security_mode mode = KW_MESSAGE_SECURITY_MODE_NONE; mode < MODES; mode++) {
        const bool goes_together = policy->is_none == (mode == KW_MESSAGE_SECURITY_MODE_NONE);
        offered[mode] = goes_together && channel->server.accepts(channel->env.ctx, policy, mode);
        any = any || offered[mode];
    }
    const kw_private_key *own = channel->identity.key;
    return any &&
           (policy->is_none || (own != NULL && kw_security_policy_takes_key(policy, kw_private_key_type(own), kw_private_key_bits(own))));
}

typedef struct refusal {
    kw_status reason, verdict;
} refusal;

#define NOT_REFUSED ((refusal){KW_GOOD, KW_GOOD})

static refusal refusal_of(kw_status reason, kw_status verdict)
{
    return (refusal){reason, kw_status_is_bad(reason) ? verdict : KW_GOOD};
}

/* Everything that can be said without the trust list and the private key. */
static refusal precheck(kw_channel *channel, open_job *job)
{
    kw_open_parties *parties = &job->parties;
    if (job->header.channel_id != channel->id) {
        return refusal_of(KW_BAD_TCP_SECURE_CHANNEL_UNKNOWN, KW_BAD_TCP_SECURE_CHANNEL_UNKNOWN);
    }
    const kw_security_policy *policy = kw_security_policy_by_uri(job->header.policy_uri);
    if (policy == NULL || !offered_modes(channel, policy, job->offered)) {
        return refusal_of(KW_BAD_SECURITY_POLICY_REJECTED, KW_BAD_SECURITY_POLICY_REJECTED);
    }
    parties->policy = policy;
    if (job->is_renewal && policy != channel->policy) {
        return refusal_of(KW_BAD_SECURITY_POLICY_REJECTED, KW_BAD_SECURITY_CHECKS_FAILED); /* */
    }
    if (policy->is_none) {
        return NOT_REFUSED;
    }
    parties->own = channel->identity;
    kw_open_parties_retain(parties);
    const kw_status status = kw_certificate_parse(job->header.sender, &parties->peer);
    if (kw_status_is_bad(status)) {
        return refusal_of(status, KW_BAD_SECURITY_CHECKS_FAILED);
    }
    if (job->is_renewal && !kw_bytes_equal(kw_certificate_der(parties->peer), kw_certificate_der(channel->peer_certificate))) {
        return refusal_of(KW_BAD_CERTIFICATE_INVALID, KW_BAD_SECURITY_CHECKS_FAILED); /* */
    }
    if (!kw_open_takes_certificate(policy, parties->peer)) {
        return refusal_of(KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED, KW_BAD_SECURITY_CHECKS_FAILED);
    }
    return refusal_of(kw_open_header_check(&job->header, job->chunk.len, parties), KW_BAD_SECURITY_CHECKS_FAILED);
}

static kw_status fresh_channel_id(const kw_channel *channel, uint32_t *id)
{
    /* unpredictable, and never the 0 of a channel that is not open. */
    do {
        KW_TRY(kw_random_fill(channel->env.random, (uint8_t *)id, sizeof *id));
    } while (*id == 0);
    return KW_GOOD;
}

static kw_status prepare(kw_channel *channel, open_job *job)
{
    job->token.channel_id = channel->id;
    if (!job->is_renewal) {
        KW_TRY(fresh_channel_id(channel, &job->token.channel_id));
    }
    job->token.token_id = channel->last_token_id + 1;
    job->token.created_at = kw_clock_utc(channel->env.clock);
    KW_TRY(kw_open_offer_draw(&job->offer, job->parties.policy, channel->env.random));
    if (channel->agreed.len > 0) {
        KW_TRY(kw_secret_copy(&job->agreed, kw_secret_bytes(&channel->agreed)));
    }
    job->trust = channel->env.trust;
    job->require_crl = channel->env.require_crl;
    job->mode_before = channel->mode;
    job->has_received = channel->has_received;
    job->received_sequence = channel->received_sequence;
    job->protocol_version = channel->protocol_version;
    job->has_peer_nonce = channel->has_peer_nonce && !job->parties.policy->is_none;
    memcpy(job->peer_nonce_hash, channel->peer_nonce_hash, sizeof job->peer_nonce_hash);
    job->min_lifetime = channel->limits.min_lifetime_ms;
    job->max_lifetime = channel->limits.max_lifetime_ms;
    job->send_size = channel->send_size;
    return KW_GOOD;
}

static kw_status job_new(kw_channel *channel, const kw_tcp_frame *frame, open_job **out)
{
    open_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    job->base.job.run = open_run;
    job->base.job.done = open_done;
    job->reason = job->verdict = KW_BAD_SHUTDOWN; /* stays when the pool stops before it runs */
    job->is_renewal = channel->state == KW_CHANNEL_OPEN;
    job->arena = kw_arena_new(JOB_ARENA);
    job->chunk = job->arena != NULL ? kw_arena_copy(job->arena, (kw_bytes){frame->data, frame->size}) : KW_BYTES_NULL;
    if (job->chunk.data == NULL) {
        job_free(job);
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    *out = job;
    return KW_GOOD;
}

static kw_status start(kw_channel *channel, open_job *job)
{
    KW_TRY(prepare(channel, job));
    /* The response has its place in the sequence now; what is sent meanwhile waits behind it. */
    const kw_security_policy *policy = job->parties.policy;
    channel->sent_sequence = job->is_renewal ? kw_sequence_next(policy, channel->sent_sequence) : kw_sequence_first(policy);
    job->sent_sequence = channel->sent_sequence;
    channel->holding = true;
    channel->busy = true;
    if (!job->is_renewal && channel->server.queue_up != NULL) {
        channel->server.queue_up(channel->env.ctx, job->parties.peer, &job->base.job);
    }
    const kw_status status = kw_channel_submit(channel, &job->base, job->parties.policy);
    return status == KW_BAD_TOO_MANY_OPERATIONS ? KW_BAD_TCP_SERVER_TOO_BUSY : status;
}

kw_status kw_open_on_request(kw_channel *channel, const kw_tcp_frame *frame)
{
    open_job *job = NULL;
    KW_TRY(job_new(channel, frame, &job));
    refusal refused = refusal_of(kw_open_header_parse(job->chunk, &job->header), KW_BAD_SECURITY_CHECKS_FAILED);
    if (kw_status_is_good(refused.reason)) {
        refused = precheck(channel, job);
    }
    if (kw_status_is_good(refused.reason)) {
        const kw_status status = start(channel, job);
        if (kw_status_is_good(status)) {
            return KW_GOOD;
        }
        refused = (refusal){status, status};
    }
    job->reason = refused.reason;
    report(channel, job);
    job_free(job);
    return refused.verdict;
}
