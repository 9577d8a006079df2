#include "support/kw_test_channel.h"

#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { SENT_MAX = 64 * 1024 * 1024, ARENA_MAX = 32 * 1024 * 1024 };

static void on_send(void *ctx, kw_bytes chunk)
{
    kw_test_peer *peer = ctx;
    assert_int_equal(peer->closed, 0);
    kw_write_raw(&peer->sent, chunk);
    assert_int_equal(kw_writer_status(&peer->sent), KW_GOOD);
}

static void on_opened(void *ctx)
{
    ((kw_test_peer *)ctx)->opened++;
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    kw_test_peer *peer = ctx;
    assert_int_equal(peer->closed, 0);
    assert_true(peer->message_count < KW_TEST_MESSAGES);
    uint8_t *copy = malloc(body.len + 1);
    assert_non_null(copy);
    memcpy(copy, body.data, body.len);
    peer->messages[peer->message_count++] = (kw_test_message){request_id, {copy, body.len}};
    kw_arena_free(arena);
    peer->arenas--;
}

static void on_aborted(void *ctx, uint32_t request_id, kw_status error)
{
    kw_test_peer *peer = ctx;
    peer->aborted++;
    peer->aborted_id = request_id;
    peer->aborted_error = error;
}

static void on_ready(void *ctx)
{
    ((kw_test_peer *)ctx)->ready++;
}

static void on_closed(void *ctx, kw_status reason)
{
    kw_test_peer *peer = ctx;
    peer->closed++;
    peer->close_reason = reason;
}

static void on_audit_open(void *ctx, const kw_channel_open_audit *audit)
{
    kw_test_peer *peer = ctx;
    assert_true(peer->audit_count < KW_TEST_AUDITS);
    peer->audits[peer->audit_count++] = *audit;
}

static const kw_channel_events EVENTS = {.send = on_send,
                                         .opened = on_opened,
                                         .message = on_message,
                                         .aborted = on_aborted,
                                         .ready = on_ready,
                                         .closed = on_closed,
                                         .audit_open = on_audit_open};

static kw_arena *take_arena(void *ctx)
{
    kw_test_peer *peer = ctx;
    if (peer->out_of_arenas) {
        return NULL;
    }
    peer->arenas++;
    return kw_arena_new(ARENA_MAX);
}

static void drop_arena(void *ctx, kw_arena *arena)
{
    ((kw_test_peer *)ctx)->arenas--;
    kw_arena_free(arena);
}

static bool accepts_what_is_asked(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode)
{
    const kw_test_pair_options *options = &((kw_test_peer *)ctx)->pair->options;
    return policy == options->policy && mode == options->mode;
}

static void options_complete(kw_test_pair_options *o)
{
    if (o->policy == NULL) {
        o->policy = &KW_POLICY_NONE;
    }
    if (o->mode == KW_MESSAGE_SECURITY_MODE_INVALID) {
        o->mode = KW_MESSAGE_SECURITY_MODE_NONE;
    }
    if (o->executor == NULL) {
        o->executor = &KW_EXECUTOR_INLINE;
    }
    if (o->accepts == NULL) {
        o->accepts = accepts_what_is_asked;
    }
    if (o->client == NULL) {
        o->client = kw_test_identity("client", 2048);
    }
    if (o->server == NULL) {
        o->server = kw_test_identity("server", 2048);
    }
}

static void peer_init(kw_test_pair *pair, kw_test_peer *peer, const kw_application_identity *identity, const kw_channel_limits *limits)
{
    peer->pair = pair;
    kw_writer_init(&peer->sent, SENT_MAX);
    peer->env = (kw_channel_env){.clock = &pair->clock.clock,
                                 .random = &pair->random.random,
                                 .executor = pair->options.executor,
                                 .log = &KW_LOG_QUIET,
                                 .timers = pair->timers,
                                 .limits = limits != NULL ? limits : &KW_CHANNEL_LIMITS_DEFAULT,
                                 .identity = identity,
                                 .trust = pair->trust.list,
                                 .require_crl = true,
                                 .take_arena = take_arena,
                                 .drop_arena = drop_arena,
                                 .events = &EVENTS,
                                 .ctx = peer};
}

static void connect_both(kw_test_pair *pair)
{
    const kw_test_pair_options *o = &pair->options;
    const kw_channel_server server = {.accepts = o->accepts,
                                      .url_is_known = o->url_is_known,
                                      .reverse_server_uri = o->is_reverse ? KW_STRING(KW_TEST_SERVER_URI) : KW_BYTES_NULL,
                                      .reverse_endpoint_url = o->is_reverse ? KW_STRING(KW_TEST_URL) : KW_BYTES_NULL};
    pair->server.channel = kw_channel_new_server(&pair->server.env, &server);
    assert_non_null(pair->server.channel);
    if (o->no_client) {
        return;
    }
    const kw_channel_client client = {.endpoint_url = KW_STRING(KW_TEST_URL),
                                      .policy = o->policy,
                                      .mode = o->mode,
                                      .server_certificate = o->policy->is_none ? NULL : o->server->certificate,
                                      .lifetime_ms = o->lifetime_ms,
                                      .reverse_server_uri = o->is_reverse ? KW_STRING(KW_TEST_SERVER_URI) : KW_BYTES_NULL};
    pair->client.channel = kw_channel_new_client(&pair->client.env, &client);
    assert_non_null(pair->client.channel);
}

kw_test_pair *kw_test_pair_new(const kw_test_pair_options *options)
{
    kw_test_pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    pair->options = *options;
    options_complete(&pair->options);
    kw_test_clock_init(&pair->clock);
    kw_test_random_init(&pair->random, options->seed + 1);
    pair->timers = kw_timers_new(pair->clock.ms);
    kw_test_trust_init(&pair->trust, &pair->clock.clock);
    if (!options->is_untrusted) {
        kw_test_trust_add(&pair->trust, pair->options.client);
    }
    peer_init(pair, &pair->client, pair->options.client, options->client_limits);
    peer_init(pair, &pair->server, pair->options.server, options->server_limits);
    connect_both(pair);
    return pair;
}

static void peer_forget(kw_test_peer *peer)
{
    for (size_t i = 0; i < peer->message_count; i++) {
        free((void *)peer->messages[i].body.data);
    }
    peer->message_count = peer->audit_count = 0;
    peer->opened = peer->ready = peer->aborted = 0;
}

static void peer_clear(kw_test_peer *peer)
{
    kw_channel_free(peer->channel);
    assert_int_equal(peer->arenas, 0);
    peer_forget(peer);
    kw_writer_clear(&peer->sent);
}

void kw_test_pair_free(kw_test_pair *pair)
{
    peer_clear(&pair->client);
    peer_clear(&pair->server);
    assert_true(kw_timers_next(pair->timers) == UINT64_MAX);
    kw_timers_free(pair->timers);
    kw_test_trust_clear(&pair->trust);
    free(pair);
}

static size_t piece(kw_test_pair *pair, size_t left)
{
    if (pair->cut == 0) {
        return left;
    }
    if (pair->cut == SIZE_MAX) {
        return 1 + kw_test_random_below(&pair->random, left);
    }
    return pair->cut < left ? pair->cut : left;
}

bool kw_test_pair_deliver(kw_test_pair *pair, kw_test_peer *from)
{
    kw_test_peer *to = from == &pair->client ? &pair->server : &pair->client;
    if (to->channel == NULL) {
        return false;
    }
    size_t at = 0;
    while (at < from->sent.len && !kw_channel_is_busy(to->channel)) {
        const size_t len = piece(pair, from->sent.len - at);
        kw_channel_input(to->channel, (kw_bytes){from->sent.data + at, len});
        at += len;
    }
    if (at > 0) {
        memmove(from->sent.data, from->sent.data + at, from->sent.len - at);
        from->sent.len -= at;
    }
    return at > 0;
}

void kw_test_pair_pump(kw_test_pair *pair)
{
    bool moved = true;
    while (moved) {
        moved = kw_test_pair_deliver(pair, &pair->client);
        moved = kw_test_pair_deliver(pair, &pair->server) || moved;
    }
}

void kw_test_pair_open(kw_test_pair *pair)
{
    kw_test_pair_pump(pair);
    assert_int_equal(pair->client.closed, 0);
    assert_int_equal(pair->server.closed, 0);
    assert_true(kw_channel_is_open(pair->client.channel));
    assert_true(kw_channel_is_open(pair->server.channel));
}

void kw_test_pair_advance(kw_test_pair *pair, uint64_t ms)
{
    kw_test_clock_advance(&pair->clock, ms);
    kw_timers_advance(pair->timers, pair->clock.ms);
}

void kw_test_pair_forget(kw_test_pair *pair)
{
    peer_forget(&pair->client);
    peer_forget(&pair->server);
}

uint8_t *kw_test_body(uint64_t seed, size_t len)
{
    kw_test_random r;
    kw_test_random_init(&r, seed);
    uint8_t *body = malloc(len + 1);
    assert_non_null(body);
    assert_int_equal(kw_random_fill(&r.random, body, len), KW_GOOD);
    return body;
}

void kw_test_assert_message(const kw_test_peer *peer, uint32_t request_id, kw_bytes body)
{
    assert_true(peer->message_count > 0);
    const kw_test_message *last = &peer->messages[peer->message_count - 1];
    assert_int_equal(last->request_id, request_id);
    assert_int_equal(last->body.len, body.len);
    assert_memory_equal(last->body.data, body.data, body.len);
}

bool kw_test_frame_at(const kw_test_peer *peer, size_t index, size_t *offset, size_t *size)
{
    size_t at = 0;
    while (at + 8 <= peer->sent.len) {
        kw_reader r = kw_reader_of((kw_bytes){peer->sent.data + at + 4, 4});
        const size_t len = kw_read_u32(&r);
        if (index-- == 0) {
            *offset = at;
            *size = len;
            return true;
        }
        at += len;
    }
    return false;
}

kw_status kw_test_error_sent(const kw_test_peer *peer)
{
    size_t offset = 0;
    size_t size = 0;
    kw_status error = KW_GOOD;
    for (size_t i = 0; kw_test_frame_at(peer, i, &offset, &size); i++) {
        kw_reader r = kw_reader_of((kw_bytes){peer->sent.data + offset + 8, 4});
        error = memcmp(peer->sent.data + offset, "ERRF", 4) == 0 ? kw_read_u32(&r) : KW_GOOD;
    }
    return error;
}

void kw_test_assert_closed(const kw_test_peer *peer, kw_status reason)
{
    assert_int_equal(peer->closed, 1);
    assert_string_equal(kw_status_name(peer->close_reason), kw_status_name(reason));
    if (peer == &peer->pair->server && kw_status_is_bad(reason)) {
        assert_string_equal(kw_status_name(kw_test_error_sent(peer)), kw_status_name(reason));
    }
}
