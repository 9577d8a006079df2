/* Messages to chunks: built, signed and encrypted in the one send buffer. OPC 10000-6, 6.7.2 and 6.7.3. */
#include "channel/channel_internal.h"

#include <string.h>

enum { PADDING_SIZE_FIELD = 1 }; /* symmetric blocks are too small for an ExtraPaddingSize */

/* How a chunk of this channel is cut. */
typedef struct chunk_shape {
    size_t block;    /* 1: nothing that goes by blocks */
    size_t mac;      /* or the tag of an authenticating cipher; 0: neither */
    size_t max_body; /* of one chunk */
} chunk_shape;

static chunk_shape shape_of(const kw_channel *channel)
{
    const kw_security_policy *policy = channel->policy;
    const bool is_encrypted = channel->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    const bool is_in_blocks = is_encrypted && policy->tag_len == 0;
    chunk_shape shape = {.block = is_in_blocks ? policy->block_len : 1,
                         .mac = channel->mode == KW_MESSAGE_SECURITY_MODE_NONE ? 0 : policy->mac_len + policy->tag_len};
    const size_t room = channel->send_size - KW_SYM_HEADER;
    shape.max_body = room / shape.block * shape.block - KW_SEQUENCE_HEADER - shape.mac - (is_in_blocks ? PADDING_SIZE_FIELD : 0);
    return shape;
}

void kw_chunk_emit(kw_channel *channel, kw_bytes chunk)
{
    if (channel->holding) {
        kw_write_raw(&channel->held, chunk);
        return;
    }
    channel->env.events->send(channel->env.ctx, chunk);
}

void kw_chunk_release(kw_channel *channel)
{
    channel->holding = false;
    if (channel->held.len > 0) {
        channel->env.events->send(channel->env.ctx, kw_writer_bytes(&channel->held));
    }
    kw_writer_clear(&channel->held);
}

/* PaddingSize and as many bytes of the same value, so that whole blocks are encrypted. */
static void pad(kw_writer *w, const chunk_shape *shape)
{
    const size_t plain = w->len - KW_SYM_HEADER + PADDING_SIZE_FIELD + shape->mac;
    const size_t count = (shape->block - plain % shape->block) % shape->block;
    uint8_t *p = kw_writer_extend(w, PADDING_SIZE_FIELD + count);
    if (p != NULL) {
        memset(p, (int)count, PADDING_SIZE_FIELD + count);
    }
}

/* An authenticating cipher: what is not encrypted is authenticated along. */
static kw_status seal(const kw_channel *channel, const kw_channel_token *token, uint8_t *tag)
{
    const size_t len = (size_t)(tag - channel->tx);
    const size_t clear = channel->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT ? (size_t)KW_SYM_HEADER : len;
    return kw_sym_seal(token->keys.send, token->id, channel->sent_sequence, (kw_bytes){channel->tx, clear}, channel->tx + clear,
                       len - clear, tag);
}

static kw_status secure(const kw_channel *channel, const kw_channel_token *token, const chunk_shape *shape, kw_writer *w)
{
    if (shape->block > 1) {
        pad(w, shape);
    }
    KW_TRY(kw_writer_status(w));
    kw_writer_patch_u32(w, 4, (uint32_t)(w->len + shape->mac));
    if (shape->mac == 0) {
        return KW_GOOD;
    }
    const kw_bytes is_signed = kw_writer_bytes(w);
    uint8_t *mac = kw_writer_extend(w, shape->mac);
    KW_TRY(kw_writer_status(w));
    if (channel->policy->tag_len > 0) {
        return seal(channel, token, mac);
    }
    KW_TRY(kw_sym_sign(token->keys.send, is_signed, mac));
    return shape->block > 1 ? kw_sym_encrypt(token->keys.send, w->data + KW_SYM_HEADER, w->len - KW_SYM_HEADER) : KW_GOOD;
}

/* One chunk, over and done. The channel may be closed by the owner meanwhile: Bad_SecureChannelClosed. */
static kw_status chunk_send(kw_channel *channel, const chunk_shape *shape, kw_frame_type type, uint8_t chunk, uint32_t request_id,
                            kw_bytes body)
{
    const kw_channel_token *token = kw_token_to_send(channel);
    if (token == NULL) {
        return KW_BAD_SECURE_CHANNEL_TOKEN_UNKNOWN;
    }
    const uint32_t sequence = kw_sequence_next(channel->policy, channel->sent_sequence);
    kw_writer w;
    kw_writer_init_fixed(&w, channel->tx, channel->send_size);
    kw_frame_header_write(&w, type, chunk);
    kw_write_u32(&w, channel->id);
    kw_write_u32(&w, token->id);
    kw_write_u32(&w, sequence);
    kw_write_u32(&w, request_id);
    kw_write_raw(&w, body);
    KW_TRY(secure(channel, token, shape, &w));
    channel->sent_sequence = sequence;
    kw_chunk_emit(channel, kw_writer_bytes(&w));
    return channel->state == KW_CHANNEL_OPEN ? KW_GOOD : KW_BAD_SECURE_CHANNEL_CLOSED;
}

/* All or nothing: what is refused later than here would leave half a message behind. */
static kw_status message_fits(const kw_channel *channel, const chunk_shape *shape, kw_bytes body)
{
    const size_t chunks = body.len == 0 ? 1 : (body.len - 1) / shape->max_body + 1;
    if (body.len > channel->peer_max_message || chunks > channel->peer_max_chunks) {
        return channel->role->sent_too_large;
    }
    if (channel->holding && chunks * channel->send_size > channel->held.max - channel->held.len) {
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    return KW_GOOD;
}

kw_status kw_channel_send(kw_channel *channel, uint32_t request_id, kw_bytes body)
{
    if (channel->state != KW_CHANNEL_OPEN) {
        return KW_BAD_SECURE_CHANNEL_CLOSED;
    }
    const chunk_shape shape = shape_of(channel);
    KW_TRY(message_fits(channel, &shape, body));
    while (body.len > shape.max_body) {
        KW_TRY(chunk_send(channel, &shape, KW_FRAME_MSG, 'C', request_id, (kw_bytes){body.data, shape.max_body}));
        body.data += shape.max_body;
        body.len -= shape.max_body;
    }
    return chunk_send(channel, &shape, KW_FRAME_MSG, 'F', request_id, body);
}

kw_status kw_channel_send_abort(kw_channel *channel, uint32_t request_id, kw_status error, kw_string reason)
{
    if (channel->state != KW_CHANNEL_OPEN) {
        return KW_BAD_SECURE_CHANNEL_CLOSED;
    }
    const chunk_shape shape = shape_of(channel);
    if (reason.len > KW_TCP_MAX_TEXT) {
        reason.len = KW_TCP_MAX_TEXT;
    }
    uint8_t buffer[8 + KW_TCP_MAX_TEXT];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    kw_write_u32(&w, error);
    kw_write_bytes(&w, reason);
    KW_TRY(message_fits(channel, &shape, kw_writer_bytes(&w)));
    return chunk_send(channel, &shape, KW_FRAME_MSG, 'A', request_id, kw_writer_bytes(&w));
}

kw_status kw_chunk_send_close(kw_channel *channel)
{
    const kw_close_secure_channel_request request = {
        .request_header = {.timestamp = kw_clock_utc(channel->env.clock), .request_handle = channel->open_request_id}};
    uint8_t buffer[256];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    KW_TRY(kw_ua_encode_message(&w, KW_TYPE_CLOSE_SECURE_CHANNEL_REQUEST, &request));
    const chunk_shape shape = shape_of(channel);
    return chunk_send(channel, &shape, KW_FRAME_CLO, 'F', ++channel->open_request_id, kw_writer_bytes(&w));
}
