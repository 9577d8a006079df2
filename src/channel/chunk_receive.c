/* Chunks to messages: decrypted and verified in the receive buffer, put together under running totals. OPC 10000-6, 6.7.2 and 6.7.3. */
#include "channel/channel_internal.h"

typedef struct chunk {
    uint32_t request_id;
    kw_bytes body; /* in the frame */
} chunk;

/*
 * the MAC is known to be right when this looks at the padding, and what is wrong with it has the same code.
 * `plain` ends before the MAC and begins with the sequence header.
 */
static kw_status padding_strip(kw_bytes *plain)
{
    const uint8_t count = plain->data[plain->len - 1];
    if ((size_t)count + 1 > plain->len - KW_SEQUENCE_HEADER) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    for (size_t i = 0; i <= count; i++) {
        if (plain->data[plain->len - 1 - i] != count) {
            return KW_BAD_SECURITY_CHECKS_FAILED;
        }
    }
    plain->len -= (size_t)count + 1;
    return KW_GOOD;
}

/* An authenticating cipher: one code for whatever was changed, cut off, said before or left out. */
static kw_status unseal(const kw_channel *channel, const kw_channel_token *token, const kw_tcp_frame *frame, kw_bytes *plain)
{
    const size_t tag_len = channel->policy->tag_len;
    if (plain->len < KW_SEQUENCE_HEADER + tag_len) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    plain->len -= tag_len;
    const size_t len = frame->size - tag_len;
    const size_t clear = channel->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT ? (size_t)KW_SYM_HEADER : len;
    return kw_sym_open(token->keys.receive, token->id, channel->received_sequence, (kw_bytes){frame->data, clear}, frame->data + clear,
                       len - clear, (kw_bytes){frame->data + len, tag_len});
}

/* Decrypt in place, check the MAC, and yield what lies between header and MAC, padding removed. */
static kw_status unprotect(const kw_channel *channel, const kw_channel_token *token, const kw_tcp_frame *frame, kw_bytes *plain)
{
    *plain = (kw_bytes){frame->data + KW_SYM_HEADER, frame->size - KW_SYM_HEADER};
    if (channel->mode == KW_MESSAGE_SECURITY_MODE_NONE) {
        return KW_GOOD;
    }
    if (channel->policy->tag_len > 0) {
        return unseal(channel, token, frame, plain);
    }
    const bool is_encrypted = channel->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    const size_t mac_len = channel->policy->mac_len;
    if (is_encrypted) {
        if (plain->len % channel->policy->block_len != 0) {
            return KW_BAD_SECURITY_CHECKS_FAILED;
        }
        KW_TRY(kw_sym_decrypt(token->keys.receive, frame->data + KW_SYM_HEADER, plain->len));
    }
    if (plain->len < KW_SEQUENCE_HEADER + mac_len + (is_encrypted ? 1 : 0)) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    const kw_bytes is_signed = {frame->data, frame->size - mac_len};
    KW_TRY(kw_sym_verify(token->keys.receive, is_signed, (kw_bytes){frame->data + is_signed.len, mac_len}));
    plain->len -= mac_len;
    return is_encrypted ? padding_strip(plain) : KW_GOOD;
}

static kw_status chunk_open(kw_channel *channel, const kw_tcp_frame *frame, chunk *out)
{
    kw_reader r = kw_reader_of((kw_bytes){frame->data + KW_TCP_HEADER, KW_SYM_HEADER - KW_TCP_HEADER});
    const uint32_t channel_id = kw_read_u32(&r);
    const uint32_t token_id = kw_read_u32(&r);
    if (channel_id != channel->id) {
        return KW_BAD_TCP_SECURE_CHANNEL_UNKNOWN; /* */
    }
    kw_channel_token *token = NULL;
    KW_TRY(kw_token_to_receive(channel, token_id, &token));
    kw_bytes plain;
    KW_TRY(unprotect(channel, token, frame, &plain));

    r = kw_reader_of(plain);
    const uint32_t sequence = kw_read_u32(&r);
    out->request_id = kw_read_u32(&r);
    out->body = kw_read_raw(&r, kw_reader_left(&r));
    KW_TRY(kw_reader_status(&r));
    if (!kw_sequence_follows(channel->policy, &channel->received_sequence, sequence)) {
        return KW_BAD_SEQUENCE_NUMBER_INVALID; /* */
    }
    channel->received_sequence = sequence;
    kw_token_used(channel, token);
    return KW_GOOD;
}

static void arena_drop(kw_channel *channel, kw_arena *arena)
{
    if (channel->env.drop_arena != NULL) {
        channel->env.drop_arena(channel->env.ctx, arena);
    } else {
        kw_arena_free(arena);
    }
}

void kw_chunk_drop_partial(kw_channel *channel)
{
    if (channel->is_partial) {
        arena_drop(channel, channel->partial_arena);
    }
    channel->is_partial = false;
    channel->partial_arena = NULL;
    channel->partial_chunks = 0;
    kw_writer_clear(&channel->partial);
}

static kw_status abort_message(kw_channel *channel, const chunk *c)
{
    kw_reader r = kw_reader_of(c->body);
    const kw_status error = kw_read_u32(&r);
    const kw_string reason = kw_read_bytes(&r);
    KW_TRY(kw_reader_status(&r));
    if (reason.len > KW_TCP_MAX_TEXT || kw_reader_left(&r) != 0) {
        return KW_BAD_DECODING_ERROR;
    }
    KW_LOG(channel->env.log, KW_LOG_DEBUG, "message aborted by the peer", kw_field_int("channel", channel->id),
           kw_field_int("request", c->request_id), kw_field_status("status", error), kw_field_str("reason", reason));
    kw_chunk_drop_partial(channel);
    kw_timer_stop(&channel->deadline);
    if (channel->env.events->aborted != NULL) {
        channel->env.events->aborted(channel->env.ctx, c->request_id, kw_status_is_bad(error) ? error : KW_BAD_TCP_INTERNAL_ERROR);
    }
    return KW_GOOD;
}

static kw_status begin(kw_channel *channel, uint32_t request_id)
{
    channel->partial_arena = channel->env.take_arena(channel->env.ctx);
    if (channel->partial_arena == NULL) {
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    channel->is_partial = true;
    channel->partial_id = request_id;
    channel->partial_chunks = 0;
    return KW_GOOD;
}

/* The body moves into the arena, the arena to the owner. */
static kw_status deliver(kw_channel *channel, uint32_t request_id, kw_bytes whole)
{
    kw_arena *arena = channel->partial_arena;
    const kw_bytes body = kw_arena_copy(arena, whole);
    if (body.data == NULL) {
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    channel->is_partial = false;
    kw_chunk_drop_partial(channel);
    kw_timer_stop(&channel->deadline);
    channel->env.events->message(channel->env.ctx, request_id, body, arena);
    return KW_GOOD;
}

kw_status kw_chunk_on_message(kw_channel *channel, const kw_tcp_frame *frame)
{
    chunk c;
    KW_TRY(chunk_open(channel, frame, &c));
    if (channel->is_partial && c.request_id != channel->partial_id) {
        return KW_BAD_DECODING_ERROR; /* chunks of two messages never mix */
    }
    if (frame->chunk == 'A') {
        return abort_message(channel, &c);
    }
    if (!channel->is_partial) {
        KW_TRY(begin(channel, c.request_id));
    }
    /* running totals, before the bytes are kept. */
    if (channel->partial_chunks == channel->limits.max_chunks || c.body.len > channel->limits.max_message - channel->partial.len) {
        return channel->role->received_too_large;
    }
    channel->partial_chunks++;
    if (frame->chunk == 'F' && channel->partial.len == 0) {
        return deliver(channel, c.request_id, c.body);
    }
    kw_write_raw(&channel->partial, c.body);
    KW_TRY(kw_writer_status(&channel->partial));
    return frame->chunk == 'F' ? deliver(channel, c.request_id, kw_writer_bytes(&channel->partial)) : KW_GOOD;
}

kw_status kw_chunk_on_close(kw_channel *channel, const kw_tcp_frame *frame)
{
    chunk c;
    KW_TRY(chunk_open(channel, frame, &c));
    kw_channel_end(channel, KW_GOOD);
    return KW_GOOD;
}
