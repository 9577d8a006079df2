/*
 * Security tokens: two live side by side while a renewal settles. OPC 10000-6, 6.7.4.
 *
 * tokens[] is in order of issue. The client sends under the newest as soon as it has it. The server sends under the oldest until a
 * message under the newest has arrived, or the oldest has run out. Either side accepts the oldest until the first use of the
 * newest by the peer, or 125 % of its lifetime.
 */
#include "channel/channel_internal.h"

#include <stddef.h>

static kw_channel *channel_of(kw_timer *timer, size_t offset)
{
    return (kw_channel *)((char *)timer - offset);
}

uint64_t kw_token_expiry(uint64_t now, uint32_t lifetime_ms)
{
    return now + lifetime_ms + lifetime_ms / 4;
}

static void token_clear(kw_channel_token *token)
{
    kw_token_keys_free(&token->keys);
    *token = (kw_channel_token){0};
}

static void drop_oldest(kw_channel *channel)
{
    token_clear(&channel->tokens[0]);
    channel->tokens[0] = channel->tokens[1];
    channel->tokens[1] = (kw_channel_token){0};
    channel->token_count--;
}

void kw_token_clear(kw_channel *channel)
{
    while (channel->token_count > 0) {
        drop_oldest(channel);
    }
}

void kw_token_install(kw_channel *channel, uint32_t id, uint32_t lifetime_ms, kw_token_keys *keys)
{
    /* Who asks for a third token has seen the second: the first has served its time. */
    if (channel->token_count == 2) {
        drop_oldest(channel);
    }
    const uint64_t now = kw_clock_ms(channel->env.clock);
    const uint64_t expires = kw_token_expiry(now, lifetime_ms);
    channel->tokens[channel->token_count++] = (kw_channel_token){.id = id, .expires = expires, .keys = *keys};
    *keys = (kw_token_keys){NULL, NULL};
    channel->last_token_id = id;
    kw_timer_start(channel->env.timers, &channel->expiry, expires);
    if (!channel->role->is_server) {
        kw_timer_start(channel->env.timers, &channel->renewal, now + lifetime_ms - lifetime_ms / 4);
    }
}

static bool is_alive(const kw_channel *channel, const kw_channel_token *token)
{
    return kw_clock_ms(channel->env.clock) < token->expires;
}

kw_channel_token *kw_token_to_send(kw_channel *channel)
{
    if (channel->role->is_server && channel->token_count == 2 && !is_alive(channel, &channel->tokens[0])) {
        drop_oldest(channel);
    }
    if (channel->token_count == 0) {
        return NULL;
    }
    kw_channel_token *token = &channel->tokens[channel->role->is_server ? 0 : channel->token_count - 1];
    return is_alive(channel, token) ? token : NULL;
}

kw_status kw_token_to_receive(kw_channel *channel, uint32_t id, kw_channel_token **out)
{
    for (size_t i = 0; i < channel->token_count; i++) {
        kw_channel_token *token = &channel->tokens[i];
        if (token->id == id && is_alive(channel, token)) {
            *out = token;
            return KW_GOOD;
        }
    }
    return KW_BAD_SECURE_CHANNEL_TOKEN_UNKNOWN;
}

void kw_token_used(kw_channel *channel, const kw_channel_token *token)
{
    if (token == &channel->tokens[1]) {
        drop_oldest(channel);
    }
}

void kw_token_on_renewal(kw_timer *timer)
{
    kw_channel *channel = channel_of(timer, offsetof(kw_channel, renewal));
    const kw_status status = kw_open_send_request(channel);
    if (status == KW_BAD_TOO_MANY_OPERATIONS) {
        /* The pool is full; the token still lives for a while. */
        kw_timer_start(channel->env.timers, timer, kw_clock_ms(channel->env.clock) + 1000);
    } else if (kw_status_is_bad(status)) {
        kw_channel_fail(channel, status);
    }
}

void kw_token_on_expiry(kw_timer *timer)
{
    kw_channel_fail(channel_of(timer, offsetof(kw_channel, expiry)), KW_BAD_SECURE_CHANNEL_TOKEN_UNKNOWN);
}
