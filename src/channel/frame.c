/*
 * Frames: the 8 bytes that every UA-TCP message begins with, and the buffer that a frame is gathered in. OPC 10000-6, 7.1.2.
 *
 * Type, state and size are judged as soon as the 8 bytes are there, before anything more is kept.
 */
#include "channel/channel_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct frame_row {
    char name[4];
    bool is_chunked;   /* may come as 'C' and 'A' too */
    uint32_t min, max; /* MessageSize; max 0: the negotiated buffer */
    kw_status too_large;
} frame_row;

/* clang-format off */
static const frame_row FRAMES[KW_FRAME_TYPES] = {
    [KW_FRAME_HEL] = {"HEL", false, 32, 32 + KW_TCP_MAX_TEXT,     KW_BAD_TCP_ENDPOINT_URL_INVALID}, /* */
    [KW_FRAME_ACK] = {"ACK", false, 28, 28,                       KW_BAD_TCP_MESSAGE_TOO_LARGE},
    [KW_FRAME_ERR] = {"ERR", false, 16, 16 + KW_TCP_MAX_TEXT,     KW_BAD_TCP_MESSAGE_TOO_LARGE},
    [KW_FRAME_RHE] = {"RHE", false, 16, 16 + 2 * KW_TCP_MAX_TEXT, KW_BAD_TCP_ENDPOINT_URL_INVALID},
    [KW_FRAME_OPN] = {"OPN", false, 32, 0,                        KW_BAD_TCP_MESSAGE_TOO_LARGE},
    [KW_FRAME_MSG] = {"MSG", true,  24, 0,                        KW_BAD_TCP_MESSAGE_TOO_LARGE},
    [KW_FRAME_CLO] = {"CLO", false, 24, 0,                        KW_BAD_TCP_MESSAGE_TOO_LARGE},
};
/* clang-format on */

static bool chunk_type_is_allowed(const frame_row *row, uint8_t chunk)
{
    return chunk == 'F' || (row->is_chunked && (chunk == 'C' || chunk == 'A'));
}

/* nothing loops or waits on a size that cannot be. */
static kw_status header_parse(kw_channel *channel)
{
    kw_reader r = kw_reader_of((kw_bytes){channel->rx, KW_TCP_HEADER});
    const kw_bytes name = kw_read_raw(&r, 3);
    const uint8_t chunk = kw_read_u8(&r);
    const uint32_t size = kw_read_u32(&r);

    for (size_t type = 0; type < KW_FRAME_TYPES; type++) {
        const frame_row *row = &FRAMES[type];
        if (memcmp(name.data, row->name, 3) != 0) {
            continue;
        }
        if (channel->role->on[type][channel->state] == NULL || !chunk_type_is_allowed(row, chunk)) {
            return KW_BAD_TCP_MESSAGE_TYPE_INVALID;
        }
        if (size > (row->max != 0 ? row->max : channel->receive_size)) {
            return row->too_large;
        }
        if (size < row->min) {
            return KW_BAD_DECODING_ERROR;
        }
        channel->frame = (kw_tcp_frame){.type = (kw_frame_type)type, .chunk = chunk, .data = channel->rx, .size = size};
        return KW_GOOD;
    }
    return KW_BAD_TCP_MESSAGE_TYPE_INVALID;
}

/* Move bytes into the buffer up to `upto`; true when it holds that many. */
static bool fill(kw_channel *channel, kw_bytes *bytes, size_t upto)
{
    const size_t wanted = upto - channel->rx_len;
    const size_t count = bytes->len < wanted ? bytes->len : wanted;
    memcpy(channel->rx + channel->rx_len, bytes->data, count);
    channel->rx_len += count;
    bytes->data += count;
    bytes->len -= count;
    return channel->rx_len == upto;
}

static kw_status step(kw_channel *channel, kw_bytes *bytes)
{
    if (channel->rx == NULL) {
        channel->rx = malloc(channel->limits.receive_buffer);
        if (channel->rx == NULL) {
            return KW_BAD_TCP_NOT_ENOUGH_RESOURCES;
        }
    }
    if (channel->rx_len < KW_TCP_HEADER) {
        if (!fill(channel, bytes, KW_TCP_HEADER)) {
            return KW_GOOD;
        }
        KW_TRY(header_parse(channel));
    }
    if (!fill(channel, bytes, channel->frame.size)) {
        return KW_GOOD;
    }
    channel->rx_len = 0;
    return channel->role->on[channel->frame.type][channel->state](channel, &channel->frame);
}

static void keep(kw_channel *channel, kw_bytes bytes)
{
    kw_write_raw(&channel->kept, bytes);
    if (kw_status_is_bad(kw_writer_status(&channel->kept))) {
        kw_channel_fail(channel, KW_BAD_TCP_NOT_ENOUGH_RESOURCES);
    }
}

void kw_frame_consume(kw_channel *channel, kw_bytes bytes)
{
    channel->in_input = true;
    while (bytes.len > 0 && channel->state != KW_CHANNEL_CLOSED && !channel->busy) {
        const kw_status status = step(channel, &bytes);
        if (kw_status_is_bad(status)) {
            kw_channel_fail(channel, status);
        }
    }
    channel->in_input = false;
    if (channel->state == KW_CHANNEL_CLOSED) {
        return;
    }
    if (bytes.len > 0) {
        /* One call may bring any number of bytes; the bound is on what follows it. */
        channel->kept.max = bytes.len > channel->limits.receive_buffer ? bytes.len : channel->limits.receive_buffer;
        keep(channel, bytes);
    }
    kw_frame_watch(channel);
}

void kw_channel_input(kw_channel *channel, kw_bytes bytes)
{
    if (channel->state == KW_CHANNEL_CLOSED) {
        return;
    }
    if (channel->busy) {
        keep(channel, bytes);
        return;
    }
    kw_frame_consume(channel, bytes);
}

/*
 * what has begun must end by a deadline that further bytes do not move. Before the channel is open, the deadlines of HEL and
 * OPN rule (kw_channel_enter). Time that our own job takes does not count.
 */
void kw_frame_watch(kw_channel *channel)
{
    if (channel->state != KW_CHANNEL_OPEN) {
        return;
    }
    const bool has_begun = (channel->rx_len > 0 || channel->is_partial) && !channel->busy;
    if (!has_begun) {
        kw_timer_stop(&channel->deadline);
    } else if (channel->deadline.timers == NULL) {
        kw_timer_start(channel->env.timers, &channel->deadline, kw_clock_ms(channel->env.clock) + channel->limits.message_timeout_ms);
    }
}

void kw_frame_header_write(kw_writer *w, kw_frame_type type, uint8_t chunk)
{
    kw_write_raw(w, (kw_bytes){(const uint8_t *)FRAMES[type].name, 3});
    kw_write_u8(w, chunk);
    kw_write_u32(w, 0);
}

kw_status kw_frame_send(kw_channel *channel, kw_writer *w)
{
    kw_writer_patch_u32(w, 4, (uint32_t)w->len);
    const kw_status status = kw_writer_status(w);
    if (kw_status_is_good(status)) {
        channel->env.events->send(channel->env.ctx, kw_writer_bytes(w));
    }
    kw_writer_clear(w);
    return status;
}
