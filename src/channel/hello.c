/* HEL, ACK, ERR and RHE: who speaks with which buffers. OPC 10000-6, 7.1.2. */
#include "channel/channel_internal.h"

#include <stdlib.h>

enum { PROTOCOL_VERSION = 0 };

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* 0 from the peer is no leave to send without end. */
static uint32_t bounded(uint32_t peer, uint32_t own)
{
    return peer == 0 ? own : smaller(peer, own);
}

typedef struct hello {
    uint32_t version, receive_size, send_size, max_message, max_chunks;
} hello;

static hello hello_read(kw_reader *r)
{
    hello h;
    h.version = kw_read_u32(r);
    h.receive_size = kw_read_u32(r);
    h.send_size = kw_read_u32(r);
    h.max_message = kw_read_u32(r);
    h.max_chunks = kw_read_u32(r);
    return h;
}

static void hello_write(kw_writer *w, const hello *h)
{
    kw_write_u32(w, h->version);
    kw_write_u32(w, h->receive_size);
    kw_write_u32(w, h->send_size);
    kw_write_u32(w, h->max_message);
    kw_write_u32(w, h->max_chunks);
}

static kw_reader body_of(const kw_tcp_frame *frame)
{
    return kw_reader_of((kw_bytes){frame->data + KW_TCP_HEADER, frame->size - KW_TCP_HEADER});
}

static kw_status read_to_end(const kw_reader *r)
{
    KW_TRY(kw_reader_status(r));
    return kw_reader_left(r) == 0 ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static bool url_is_sound(kw_string url)
{
    return url.len <= KW_TCP_MAX_TEXT && kw_utf8_is_valid(url, false);
}

/* Sizes are agreed: the send buffer can be made. */
static kw_status agree(kw_channel *channel, uint32_t receive_size, uint32_t send_size, const hello *peer)
{
    channel->tx = malloc(send_size);
    if (channel->tx == NULL) {
        return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
    }
    channel->receive_size = receive_size;
    channel->send_size = send_size;
    channel->peer_max_message = bounded(peer->max_message, channel->limits.max_message);
    channel->peer_max_chunks = bounded(peer->max_chunks, channel->limits.max_chunks);
    channel->protocol_version = peer->version;
    kw_channel_enter(channel, KW_CHANNEL_OPENING);
    return KW_GOOD;
}

kw_status kw_hello_on_hello(kw_channel *channel, const kw_tcp_frame *frame)
{
    kw_reader r = body_of(frame);
    const hello asked = hello_read(&r);
    const kw_string url = kw_read_bytes(&r);
    KW_TRY(read_to_end(&r));
    if (!url_is_sound(url) || (channel->server.url_is_known != NULL && !channel->server.url_is_known(channel->env.ctx, url))) {
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    /* a chunk must hold its own headers and a certificate. */
    if (asked.receive_size < KW_TCP_MIN_BUFFER || asked.send_size < KW_TCP_MIN_BUFFER) {
        return KW_BAD_CONNECTION_REJECTED;
    }
    KW_TRY(kw_channel_copy_text(&channel->url, url));
    KW_TRY(agree(channel, smaller(asked.send_size, channel->limits.receive_buffer),
                 smaller(asked.receive_size, channel->limits.send_buffer), &asked));

    const hello answer = {.version = PROTOCOL_VERSION,
                          .receive_size = channel->receive_size,
                          .send_size = channel->send_size,
                          .max_message = channel->limits.max_message,
                          .max_chunks = channel->limits.max_chunks};
    kw_writer w;
    kw_writer_init(&w, KW_TCP_MIN_BUFFER);
    kw_frame_header_write(&w, KW_FRAME_ACK, 'F');
    hello_write(&w, &answer);
    return kw_frame_send(channel, &w);
}

kw_status kw_hello_send(kw_channel *channel)
{
    const hello h = {.version = PROTOCOL_VERSION,
                     .receive_size = channel->limits.receive_buffer,
                     .send_size = channel->limits.send_buffer,
                     .max_message = channel->limits.max_message,
                     .max_chunks = channel->limits.max_chunks};
    kw_writer w;
    kw_writer_init(&w, KW_TCP_MIN_BUFFER);
    kw_frame_header_write(&w, KW_FRAME_HEL, 'F');
    hello_write(&w, &h);
    kw_write_bytes(&w, kw_writer_bytes(&channel->url));
    return kw_frame_send(channel, &w);
}

kw_status kw_hello_on_acknowledge(kw_channel *channel, const kw_tcp_frame *frame)
{
    kw_reader r = body_of(frame);
    const hello answer = hello_read(&r);
    KW_TRY(read_to_end(&r));
    if (channel->reverse_server_uri.len > 0) {
        return KW_BAD_TCP_MESSAGE_TYPE_INVALID; /* our HEL still waits for ReverseHello */
    }
    if (answer.version != PROTOCOL_VERSION) {
        return KW_BAD_PROTOCOL_VERSION_UNSUPPORTED;
    }
    const bool is_within = answer.receive_size <= channel->limits.send_buffer && answer.send_size <= channel->limits.receive_buffer;
    const bool is_enough = answer.receive_size >= KW_TCP_MIN_BUFFER && answer.send_size >= KW_TCP_MIN_BUFFER;
    if (!is_within || !is_enough) {
        return KW_BAD_CONNECTION_REJECTED;
    }
    KW_TRY(agree(channel, answer.send_size, answer.receive_size, &answer));
    return kw_open_send_request(channel);
}

void kw_hello_send_error(kw_channel *channel, kw_status error)
{
    /* the text says nothing that the code does not. */
    uint8_t buffer[256];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    kw_frame_header_write(&w, KW_FRAME_ERR, 'F');
    kw_write_u32(&w, error);
    kw_write_bytes(&w, kw_string_from(kw_status_name(error)));
    kw_frame_send(channel, &w);
}

kw_status kw_hello_on_error(kw_channel *channel, const kw_tcp_frame *frame)
{
    kw_reader r = body_of(frame);
    const kw_status error = kw_read_u32(&r);
    const kw_string reason = kw_read_bytes(&r);
    KW_TRY(read_to_end(&r));
    KW_LOG(channel->env.log, KW_LOG_INFO, "peer reported an error", kw_field_int("channel", channel->id), kw_field_status("status", error),
           kw_field_str("reason", reason));
    kw_channel_end(channel, kw_status_is_bad(error) ? error : KW_BAD_TCP_INTERNAL_ERROR);
    return KW_GOOD;
}

kw_status kw_hello_send_reverse(kw_channel *channel)
{
    kw_writer w;
    kw_writer_init(&w, 4 * KW_TCP_MAX_TEXT);
    kw_frame_header_write(&w, KW_FRAME_RHE, 'F');
    kw_write_bytes(&w, kw_writer_bytes(&channel->reverse_server_uri));
    kw_write_bytes(&w, kw_writer_bytes(&channel->url));
    return kw_frame_send(channel, &w);
}

kw_status kw_hello_on_reverse(kw_channel *channel, const kw_tcp_frame *frame)
{
    kw_reader r = body_of(frame);
    const kw_string server_uri = kw_read_bytes(&r);
    const kw_string url = kw_read_bytes(&r);
    KW_TRY(read_to_end(&r));
    /* Only who waits for one gets here with a ServerUri; a second RHE finds it cleared. */
    if (channel->reverse_server_uri.len == 0) {
        return KW_BAD_TCP_MESSAGE_TYPE_INVALID;
    }
    const bool is_expected = kw_bytes_equal(server_uri, kw_writer_bytes(&channel->reverse_server_uri)) && url_is_sound(url) &&
                             (channel->url.len == 0 || kw_bytes_equal(url, kw_writer_bytes(&channel->url)));
    if (!is_expected) {
        kw_hello_send_error(channel, KW_BAD_TCP_ENDPOINT_URL_INVALID);
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    kw_writer_reset(&channel->reverse_server_uri);
    KW_TRY(kw_channel_copy_text(&channel->url, url));
    return kw_hello_send(channel);
}
