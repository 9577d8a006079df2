/*
 * The client's side of OpenSecureChannel: asks, judges the answer, asks again at 75 % of the lifetime. OPC 10000-4, 5.6.2.
 *
 * The certificate of the server was judged by who made this channel; here the answer must come from its very owner.
 */
#include "channel/channel_internal.h"

#include <stdlib.h>
#include <string.h>

enum { JOB_ARENA = 1024 * 1024 };
/* RequestIds of OPN and CLO, out of the way of those that the owner counts from 1. */
static const uint32_t FIRST_OWN_REQUEST_ID = 0x80000000u;

typedef struct request_job {
    kw_channel_job base;
    kw_arena *arena;
    kw_open_parties parties;
    uint32_t channel_id, send_size;
    kw_open_secure_channel_request request;
    kw_open_offer offer;
    kw_open_plain plain; /* bytes: the encoded request */
    kw_status status;
    kw_bytes chunk;
} request_job;

typedef struct response_job {
    kw_channel_job base;
    kw_arena *arena;

    /* What the loop knew. */
    kw_open_parties parties;
    kw_bytes chunk; /* a copy; header borrows from it */
    kw_open_header header;
    bool is_renewal;
    bool has_received;
    uint32_t received_sequence;
    uint32_t request_id, channel_id, last_token_id, protocol_version;
    bool has_peer_nonce;
    uint8_t peer_nonce_hash[32];
    kw_open_offer offer;
    kw_secret agreed;
    kw_open_signature request_signature;

    /* What came of it. */
    kw_status status;
    kw_open_plain plain;
    kw_open_secure_channel_response response;
    kw_token_keys keys;
} response_job;

static kw_open_parties parties_of(const kw_channel *channel)
{
    kw_open_parties parties = {.policy = channel->policy};
    if (!channel->policy->is_none) {
        parties.own = channel->identity;
        parties.peer = channel->peer_certificate;
    }
    kw_open_parties_retain(&parties);
    return parties;
}

static void request_free(request_job *job)
{
    kw_open_parties_release(&job->parties);
    kw_open_offer_clear(&job->offer);
    kw_secret_clear(&job->plain.bytes);
    kw_arena_free(job->arena);
    free(job);
}

static kw_status encode(request_job *job)
{
    kw_writer w;
    kw_writer_init(&w, KW_TCP_MIN_BUFFER);
    job->request.client_nonce = kw_secret_bytes(&job->offer.nonce);
    kw_status status = kw_ua_encode_message(&w, KW_TYPE_OPEN_SECURE_CHANNEL_REQUEST, &job->request);
    if (kw_status_is_good(status)) {
        status = kw_secret_copy(&job->plain.bytes, kw_writer_bytes(&w));
    }
    kw_writer_wipe(&w);
    job->plain.body = kw_secret_bytes(&job->plain.bytes);
    return status;
}

static kw_status request_make(request_job *job)
{
    KW_TRY(kw_open_offer_generate(&job->offer, job->parties.policy));
    KW_TRY(encode(job));
    return kw_open_chunk_seal(&job->parties, job->channel_id, &job->plain, job->send_size, job->arena, &job->chunk);
}

static void request_run(kw_job *base)
{
    request_job *job = (request_job *)base;
    job->status = request_make(job);
}

static void request_done(kw_job *base)
{
    request_job *job = (request_job *)base;
    kw_channel *channel = job->base.channel;
    if (channel == NULL) {
        request_free(job);
        return;
    }
    channel->job = NULL;
    const kw_status status = job->status;
    if (kw_status_is_good(status)) {
        channel->awaits_open = true;
        kw_open_offer_clear(&channel->offer);
        if (channel->policy->is_enhanced) {
            kw_open_signature_take(job->chunk, kw_private_key_size(channel->identity.key), &channel->request_signature);
        }
        channel->offer = job->offer;
        job->offer = (kw_open_offer){0};
        channel->env.events->send(channel->env.ctx, job->chunk);
    }
    request_free(job);
    if (kw_status_is_bad(status)) {
        kw_channel_fail(channel, status);
    } else if (channel->state != KW_CHANNEL_CLOSED) {
        kw_chunk_release(channel);
    }
}

static kw_open_secure_channel_request request_of(const kw_channel *channel)
{
    return (kw_open_secure_channel_request){.request_header = {.timestamp = kw_clock_utc(channel->env.clock),
                                                               .request_handle = channel->open_request_id,
                                                               .timeout_hint = channel->limits.open_timeout_ms},
                                            .client_protocol_version = 0,
                                            .request_type = channel->state == KW_CHANNEL_OPEN ? KW_SECURITY_TOKEN_REQUEST_TYPE_RENEW
                                                                                              : KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE,
                                            .security_mode = channel->mode,
                                            .requested_lifetime = channel->client.lifetime_ms};
}

static kw_status request_prepare(kw_channel *channel, request_job *job)
{
    job->base.job.run = request_run;
    job->base.job.done = request_done;
    job->status = KW_BAD_SHUTDOWN;
    job->parties = parties_of(channel);
    job->channel_id = channel->id;
    job->send_size = channel->send_size;
    job->arena = kw_arena_new(JOB_ARENA);
    if (job->arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    channel->open_request_id = channel->open_request_id < FIRST_OWN_REQUEST_ID ? FIRST_OWN_REQUEST_ID : channel->open_request_id + 1;
    job->request = request_of(channel);
    job->plain.request_id = channel->open_request_id;
    job->plain.sequence =
        channel->state == KW_CHANNEL_OPEN ? kw_sequence_next(channel->policy, channel->sent_sequence) : kw_sequence_first(channel->policy);
    return kw_open_offer_draw(&job->offer, channel->policy, channel->env.random);
}

kw_status kw_open_send_request(kw_channel *channel)
{
    request_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = request_prepare(channel, job);
    if (kw_status_is_good(status)) {
        const uint32_t before = channel->sent_sequence;
        channel->sent_sequence = job->plain.sequence;
        channel->holding = true;
        status = kw_channel_submit(channel, &job->base, channel->policy);
        if (kw_status_is_bad(status)) {
            channel->sent_sequence = before;
            channel->holding = false;
        }
    }
    if (kw_status_is_bad(status)) {
        request_free(job);
    }
    return status;
}

static void response_free(response_job *job)
{
    kw_secret_clear(&job->agreed);
    kw_open_parties_release(&job->parties);
    kw_open_offer_clear(&job->offer);
    kw_secret_clear(&job->plain.bytes);
    kw_token_keys_free(&job->keys);
    kw_arena_free(job->arena);
    free(job);
}

static kw_status decode(response_job *job)
{
    kw_reader r = kw_reader_of(job->plain.body);
    uint32_t type = 0;
    KW_TRY(kw_ua_decode_message_id(&r, job->arena, &type));
    const kw_bytes rest = {r.p, kw_reader_left(&r)};
    if (type == KW_TYPE_SERVICE_FAULT->binary_id) {
        kw_service_fault fault;
        KW_TRY(kw_ua_decode_all(rest, job->arena, NULL, KW_TYPE_SERVICE_FAULT, &fault));
        return kw_status_is_bad(fault.response_header.service_result) ? fault.response_header.service_result : KW_BAD_DECODING_ERROR;
    }
    if (type != KW_TYPE_OPEN_SECURE_CHANNEL_RESPONSE->binary_id) {
        return KW_BAD_DECODING_ERROR;
    }
    KW_TRY(kw_ua_decode_all(rest, job->arena, NULL, KW_TYPE_OPEN_SECURE_CHANNEL_RESPONSE, &job->response));
    const kw_status result = job->response.response_header.service_result;
    return kw_status_is_bad(result) ? result : KW_GOOD;
}

static kw_status judge(response_job *job)
{
    const kw_channel_security_token *token = &job->response.security_token;
    if (job->response.server_protocol_version != job->protocol_version) {
        return KW_BAD_PROTOCOL_VERSION_UNSUPPORTED;
    }
    if (token->channel_id == 0 || token->channel_id != job->header.channel_id ||
        (job->is_renewal && token->channel_id != job->channel_id)) {
        return KW_BAD_SECURE_CHANNEL_ID_INVALID;
    }
    if ((job->is_renewal && token->token_id == job->last_token_id) || token->revised_lifetime == 0) {
        return KW_BAD_SECURE_CHANNEL_TOKEN_UNKNOWN;
    }
    return kw_open_nonce_check(job->parties.policy, job->response.server_nonce, job->has_peer_nonce ? job->peer_nonce_hash : NULL,
                               job->peer_nonce_hash);
}

static kw_status response_read(response_job *job)
{
    KW_TRY(kw_open_chunk_unseal(&job->parties, job->chunk, &job->header, &job->plain));
    if (!kw_sequence_follows(job->parties.policy, job->has_received ? &job->received_sequence : NULL, job->plain.sequence)) {
        return KW_BAD_SEQUENCE_NUMBER_INVALID;
    }
    if (job->plain.request_id != job->request_id) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    KW_TRY(decode(job));
    KW_TRY(judge(job));
    return kw_open_keys_derive(job->parties.policy, false, &job->offer, job->response.server_nonce, &job->agreed, &job->keys);
}

static void response_run(kw_job *base)
{
    response_job *job = (response_job *)base;
    job->status = response_read(job);
}

static void adopt(kw_channel *channel, response_job *job)
{
    const kw_channel_security_token *token = &job->response.security_token;
    channel->id = token->channel_id;
    channel->has_received = true;
    channel->received_sequence = job->plain.sequence;
    memcpy(channel->peer_nonce_hash, job->peer_nonce_hash, sizeof channel->peer_nonce_hash);
    channel->has_peer_nonce = true;
    if (channel->policy->is_enhanced && !job->is_renewal) {
        kw_open_signature_take(job->chunk, kw_public_key_size(kw_certificate_public_key(job->parties.peer)), &channel->thumbprint);
    }
    kw_secret_clear(&channel->agreed);
    channel->agreed = job->agreed;
    job->agreed = KW_SECRET_NONE;
    kw_token_install(channel, token->token_id, token->revised_lifetime, &job->keys);
    KW_LOG(channel->env.log, KW_LOG_DEBUG, job->is_renewal ? "SecureChannel renewed" : "SecureChannel opened",
           kw_field_int("channel", channel->id), kw_field_int("token", token->token_id), kw_field_int("lifetime", token->revised_lifetime),
           kw_field_text("policy", channel->policy->name));
}

static void response_done(kw_job *base)
{
    response_job *job = (response_job *)base;
    kw_channel *channel = job->base.channel;
    if (channel == NULL) {
        response_free(job);
        return;
    }
    channel->job = NULL;
    const kw_status status = job->status;
    const bool is_renewal = job->is_renewal;
    if (kw_status_is_good(status)) {
        adopt(channel, job);
    }
    response_free(job);
    if (kw_status_is_bad(status)) {
        kw_channel_fail(channel, status);
        return;
    }
    kw_channel_enter(channel, KW_CHANNEL_OPEN);
    if (!is_renewal && channel->env.events->opened != NULL) {
        channel->env.events->opened(channel->env.ctx);
    }
    kw_channel_resume(channel);
}

/* from the server that was asked, for us, under the policy that was asked for. */
static kw_status precheck(const kw_channel *channel, const response_job *job)
{
    if (!kw_string_equals(job->header.policy_uri, channel->policy->uri)) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    if (channel->policy->is_none) {
        return KW_GOOD;
    }
    kw_certificate *sender = NULL;
    KW_TRY(kw_certificate_parse(job->header.sender, &sender));
    const bool is_expected = kw_bytes_equal(kw_certificate_der(sender), kw_certificate_der(channel->peer_certificate));
    kw_certificate_release(sender);
    if (!is_expected) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    return kw_open_header_check(&job->header, job->chunk.len, &job->parties);
}

static kw_status response_prepare(kw_channel *channel, const kw_tcp_frame *frame, response_job *job)
{
    job->base.job.run = response_run;
    job->base.job.done = response_done;
    job->status = KW_BAD_SHUTDOWN;
    job->parties = parties_of(channel);
    job->is_renewal = channel->state == KW_CHANNEL_OPEN;
    job->has_received = channel->has_received;
    job->received_sequence = channel->received_sequence;
    job->request_id = channel->open_request_id;
    job->channel_id = channel->id;
    job->last_token_id = channel->last_token_id;
    job->protocol_version = channel->protocol_version;
    job->has_peer_nonce = channel->has_peer_nonce;
    memcpy(job->peer_nonce_hash, channel->peer_nonce_hash, sizeof job->peer_nonce_hash);
    job->arena = kw_arena_new(JOB_ARENA);
    job->chunk = job->arena != NULL ? kw_arena_copy(job->arena, (kw_bytes){frame->data, frame->size}) : KW_BYTES_NULL;
    if (job->chunk.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    job->offer = channel->offer;
    channel->offer = (kw_open_offer){0};
    if (channel->policy->is_enhanced && !job->is_renewal) {
        job->request_signature = channel->request_signature;
        job->parties.request_signature = kw_open_signature_bytes(&job->request_signature);
    }
    if (channel->agreed.len > 0) {
        KW_TRY(kw_secret_copy(&job->agreed, kw_secret_bytes(&channel->agreed)));
    }
    KW_TRY(kw_open_header_parse(job->chunk, &job->header));
    return precheck(channel, job);
}

kw_status kw_open_on_response(kw_channel *channel, const kw_tcp_frame *frame)
{
    if (!channel->awaits_open) {
        return KW_BAD_TCP_MESSAGE_TYPE_INVALID;
    }
    channel->awaits_open = false;
    response_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = response_prepare(channel, frame, job);
    if (kw_status_is_good(status)) {
        channel->busy = true;
        status = kw_channel_submit(channel, &job->base, channel->policy);
    }
    if (kw_status_is_bad(status)) {
        response_free(job);
    }
    return status;
}
