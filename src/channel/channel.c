/* The state machine: what may arrive in which state, how a channel begins and ends. */
#include "channel/channel_internal.h"

#include <stddef.h>
#include <stdlib.h>

const kw_channel_limits KW_CHANNEL_LIMITS_DEFAULT = {.receive_buffer = 65535,
                                                     .send_buffer = 65535,
                                                     .max_message = 16 * 1024 * 1024,
                                                     .max_chunks = 1024,
                                                     .min_lifetime_ms = 10 * 1000,
                                                     .max_lifetime_ms = 60 * 60 * 1000,
                                                     .hello_timeout_ms = 5 * 1000,
                                                     .open_timeout_ms = 10 * 1000,
                                                     .message_timeout_ms = 30 * 1000};

/* clang-format off */
const kw_channel_role KW_CHANNEL_SERVER = {
    .is_server = true, .sent_too_large = KW_BAD_RESPONSE_TOO_LARGE, .received_too_large = KW_BAD_TCP_MESSAGE_TOO_LARGE,
    .on = {
        /*                  HELLO                    OPENING               OPEN                  CLOSED */
        [KW_FRAME_HEL] = { kw_hello_on_hello,        NULL,                 NULL,                 NULL },
        [KW_FRAME_ERR] = { kw_hello_on_error,        NULL,                 NULL,                 NULL }, /* ReverseHello refused */
        [KW_FRAME_OPN] = { NULL,                     kw_open_on_request,   kw_open_on_request,   NULL },
        [KW_FRAME_MSG] = { NULL,                     NULL,                 kw_chunk_on_message,  NULL },
        [KW_FRAME_CLO] = { NULL,                     NULL,                 kw_chunk_on_close,    NULL },
    }};

const kw_channel_role KW_CHANNEL_CLIENT = {
    .is_server = false, .sent_too_large = KW_BAD_REQUEST_TOO_LARGE, .received_too_large = KW_BAD_RESPONSE_TOO_LARGE,
    .on = {
        /*                  HELLO                    OPENING               OPEN                  CLOSED */
        [KW_FRAME_ACK] = { kw_hello_on_acknowledge,  NULL,                 NULL,                 NULL },
        [KW_FRAME_ERR] = { kw_hello_on_error,        kw_hello_on_error,    kw_hello_on_error,    NULL },
        [KW_FRAME_RHE] = { kw_hello_on_reverse,      NULL,                 NULL,                 NULL },
        [KW_FRAME_OPN] = { NULL,                     kw_open_on_response,  kw_open_on_response,  NULL },
        [KW_FRAME_MSG] = { NULL,                     NULL,                 kw_chunk_on_message,  NULL },
    }};
/* clang-format on */

static void on_deadline(kw_timer *timer)
{
    kw_channel_fail((kw_channel *)((char *)timer - offsetof(kw_channel, deadline)), KW_BAD_TIMEOUT);
}

/* each state before OPEN has an absolute deadline; in OPEN kw_frame_watch sets one for a message that has begun. */
void kw_channel_enter(kw_channel *channel, kw_channel_state state)
{
    if (state == channel->state && state != KW_CHANNEL_HELLO) {
        return;
    }
    const uint32_t limit[KW_CHANNEL_STATES] = {
        [KW_CHANNEL_HELLO] = channel->limits.hello_timeout_ms, [KW_CHANNEL_OPENING] = channel->limits.open_timeout_ms};
    channel->state = state;
    kw_timer_stop(&channel->deadline);
    if (limit[state] != 0) {
        kw_timer_start(channel->env.timers, &channel->deadline, kw_clock_ms(channel->env.clock) + limit[state]);
    }
}

kw_status kw_channel_copy_text(kw_writer *copy, kw_string text)
{
    kw_writer_reset(copy);
    kw_write_raw(copy, text);
    return kw_writer_status(copy);
}

static uint32_t value_or(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

static uint32_t buffer_size(uint32_t value)
{
    return value < KW_TCP_MIN_BUFFER ? KW_TCP_MIN_BUFFER : value;
}

/* a limit of 0 is no missing limit. */
static kw_channel_limits sound_limits(const kw_channel_limits *given)
{
    const kw_channel_limits *fallback = &KW_CHANNEL_LIMITS_DEFAULT;
    const kw_channel_limits *l = given != NULL ? given : fallback;
    return (kw_channel_limits){.receive_buffer = buffer_size(l->receive_buffer),
                               .send_buffer = buffer_size(l->send_buffer),
                               .max_message = value_or(l->max_message, fallback->max_message),
                               .max_chunks = value_or(l->max_chunks, fallback->max_chunks),
                               .min_lifetime_ms = value_or(l->min_lifetime_ms, fallback->min_lifetime_ms),
                               .max_lifetime_ms = value_or(l->max_lifetime_ms, fallback->max_lifetime_ms),
                               .hello_timeout_ms = value_or(l->hello_timeout_ms, fallback->hello_timeout_ms),
                               .open_timeout_ms = value_or(l->open_timeout_ms, fallback->open_timeout_ms),
                               .message_timeout_ms = value_or(l->message_timeout_ms, fallback->message_timeout_ms)};
}

static void writers_init(kw_channel *channel)
{
    const size_t max_message = channel->limits.max_message;
    kw_writer_init(&channel->kept, channel->limits.receive_buffer);
    kw_writer_init(&channel->held, 2 * max_message + 16 * (size_t)channel->limits.send_buffer);
    kw_writer_init(&channel->partial, max_message);
    kw_writer_init(&channel->url, KW_TCP_MAX_TEXT);
    kw_writer_init(&channel->reverse_server_uri, KW_TCP_MAX_TEXT);
}

static kw_channel *channel_new(const kw_channel_env *env, const kw_channel_role *role, kw_string url, kw_string reverse_server_uri)
{
    kw_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL) {
        return NULL;
    }
    channel->env = *env;
    channel->limits = sound_limits(env->limits);
    channel->env.limits = &channel->limits;
    channel->role = role;
    channel->policy = &KW_POLICY_NONE;
    channel->mode = KW_MESSAGE_SECURITY_MODE_NONE;
    channel->receive_size = channel->limits.receive_buffer;
    channel->send_size = channel->limits.send_buffer;
    channel->deadline.fire = on_deadline;
    channel->renewal.fire = kw_token_on_renewal;
    channel->expiry.fire = kw_token_on_expiry;
    writers_init(channel);
    if (env->identity != NULL && env->identity->certificate != NULL && env->identity->key != NULL) {
        channel->identity.certificate = kw_certificate_retain(env->identity->certificate);
        channel->identity.key = kw_private_key_retain(env->identity->key);
    }
    if (kw_status_is_bad(kw_channel_copy_text(&channel->url, url)) ||
        kw_status_is_bad(kw_channel_copy_text(&channel->reverse_server_uri, reverse_server_uri))) {
        kw_channel_free(channel);
        return NULL;
    }
    return channel;
}

kw_channel *kw_channel_new_server(const kw_channel_env *env, const kw_channel_server *server)
{
    kw_channel *channel = channel_new(env, &KW_CHANNEL_SERVER, server->reverse_endpoint_url, server->reverse_server_uri);
    if (channel == NULL) {
        return NULL;
    }
    channel->server = *server;
    kw_channel_enter(channel, KW_CHANNEL_HELLO);
    if (channel->reverse_server_uri.len > 0 && kw_status_is_bad(kw_hello_send_reverse(channel))) {
        kw_channel_free(channel);
        return NULL;
    }
    return channel;
}

static bool client_is_sound(const kw_channel_env *env, const kw_channel_client *client)
{
    const kw_security_policy *policy = client->policy;
    if (policy->is_none != (client->mode == KW_MESSAGE_SECURITY_MODE_NONE)) {
        return false;
    }
    if (policy->is_none) {
        return true;
    }
    const kw_application_identity *own = env->identity;
    return own != NULL && own->key != NULL && own->certificate != NULL && client->server_certificate != NULL &&
           kw_security_policy_takes_key(policy, kw_private_key_type(own->key), kw_private_key_bits(own->key)) &&
           kw_open_takes_certificate(policy, client->server_certificate);
}

kw_channel *kw_channel_new_client(const kw_channel_env *env, const kw_channel_client *client)
{
    if (!client_is_sound(env, client)) {
        return NULL;
    }
    kw_channel *channel = channel_new(env, &KW_CHANNEL_CLIENT, client->endpoint_url, client->reverse_server_uri);
    if (channel == NULL) {
        return NULL;
    }
    channel->client = *client;
    channel->policy = client->policy;
    channel->mode = client->mode;
    if (!client->policy->is_none) {
        channel->peer_certificate = kw_certificate_retain((kw_certificate *)client->server_certificate);
    }
    kw_channel_enter(channel, KW_CHANNEL_HELLO);
    if (channel->reverse_server_uri.len == 0 && kw_status_is_bad(kw_hello_send(channel))) {
        kw_channel_free(channel);
        return NULL;
    }
    return channel;
}

/* Everything that outlives no closing: timers, keys, what was begun. */
static void let_go(kw_channel *channel)
{
    kw_channel_enter(channel, KW_CHANNEL_CLOSED);
    kw_timer_stop(&channel->renewal);
    kw_timer_stop(&channel->expiry);
    if (channel->job != NULL) {
        channel->job->channel = NULL;
        channel->job = NULL;
    }
    kw_token_clear(channel);
    kw_open_offer_clear(&channel->offer);
    kw_secret_clear(&channel->agreed);
    kw_chunk_drop_partial(channel);
    kw_writer_clear(&channel->kept);
    kw_writer_clear(&channel->held);
}

void kw_channel_free(kw_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    let_go(channel);
    if (channel->identity.key != NULL) {
        kw_certificate_release(channel->identity.certificate);
        kw_private_key_release(channel->identity.key);
    }
    if (channel->peer_certificate != NULL) {
        kw_certificate_release(channel->peer_certificate);
    }
    kw_writer_clear(&channel->url);
    kw_writer_clear(&channel->reverse_server_uri);
    free(channel->rx);
    free(channel->tx);
    free(channel);
}

void kw_channel_end(kw_channel *channel, kw_status reason)
{
    if (channel->state == KW_CHANNEL_CLOSED) {
        return;
    }
    let_go(channel);
    channel->env.events->closed(channel->env.ctx, reason);
}

void kw_channel_fail(kw_channel *channel, kw_status reason)
{
    if (channel->state == KW_CHANNEL_CLOSED) {
        return;
    }
    KW_LOG(channel->env.log, KW_LOG_INFO, "SecureChannel failed", kw_field_int("channel", channel->id), kw_field_status("status", reason));
    if (channel->role->is_server) {
        kw_hello_send_error(channel, reason);
    }
    kw_channel_end(channel, reason);
}

void kw_channel_close(kw_channel *channel, kw_status reason)
{
    if (channel->role->is_server && kw_status_is_bad(reason)) {
        kw_channel_fail(channel, reason);
        return;
    }
    /* With a renewal on its way the sequence has a gap that only the OPN fills: closing the connection has to do. */
    if (!channel->role->is_server && channel->state == KW_CHANNEL_OPEN && !channel->holding) {
        const kw_status status = kw_chunk_send_close(channel);
        if (kw_status_is_bad(status)) {
            KW_LOG(channel->env.log, KW_LOG_DEBUG, "CloseSecureChannel was not sent", kw_field_status("status", status));
        }
    }
    kw_channel_end(channel, reason);
}

kw_status kw_channel_submit(kw_channel *channel, kw_channel_job *job, const kw_security_policy *policy)
{
    job->channel = channel;
    channel->job = job;
    if (policy->is_none) {
        job->job.run(&job->job);
        job->job.done(&job->job);
        return KW_GOOD;
    }
    const kw_status status = kw_executor_submit(channel->env.executor, &job->job);
    if (kw_status_is_bad(status)) {
        channel->job = NULL;
        channel->busy = false;
    }
    return status;
}

void kw_channel_resume(kw_channel *channel)
{
    channel->busy = false;
    if (channel->in_input || channel->state == KW_CHANNEL_CLOSED) {
        return; /* the call that brought the bytes goes on by itself */
    }
    kw_writer kept = channel->kept;
    kw_writer_init(&channel->kept, channel->limits.receive_buffer);
    kw_frame_consume(channel, kw_writer_bytes(&kept));
    kw_writer_clear(&kept);
    if (!channel->busy && channel->state != KW_CHANNEL_CLOSED && channel->env.events->ready != NULL) {
        channel->env.events->ready(channel->env.ctx);
    }
}

bool kw_channel_is_busy(const kw_channel *channel)
{
    return channel->busy;
}

bool kw_channel_is_open(const kw_channel *channel)
{
    return channel->state == KW_CHANNEL_OPEN;
}

uint32_t kw_channel_id(const kw_channel *channel)
{
    return channel->id;
}

const kw_security_policy *kw_channel_policy(const kw_channel *channel)
{
    return channel->policy;
}

kw_message_security_mode kw_channel_mode(const kw_channel *channel)
{
    return channel->mode;
}

const kw_certificate *kw_channel_peer_certificate(const kw_channel *channel)
{
    return channel->peer_certificate;
}

kw_string kw_channel_endpoint_url(const kw_channel *channel)
{
    return kw_writer_bytes(&channel->url);
}

kw_bytes kw_channel_thumbprint(const kw_channel *channel)
{
    return kw_open_signature_bytes(&channel->thumbprint);
}

const kw_application_identity *kw_channel_identity(const kw_channel *channel)
{
    return &channel->identity;
}

uint32_t kw_channel_peer_max_message(const kw_channel *channel)
{
    return channel->peer_max_message;
}
