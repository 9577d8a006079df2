/* After a broken connection: a new SecureChannel and the Session on it (AS-10), or a new Session for the same user. */
#include "base/try.h"
#include "client/client_internal.h"

#define FIRST_WAIT_MS 100u
#define LAST_WAIT_MS 5000u

bool kw_client_is_broken(const kw_client *client)
{
    return client->session_is_gone || client->link == NULL || client->link->is_closed;
}

/* Another attempt may go better. */
static bool may_pass(kw_status status)
{
    switch (status) {
    case KW_BAD_CONNECTION_CLOSED:
    case KW_BAD_CONNECTION_REJECTED:
    case KW_BAD_SECURE_CHANNEL_CLOSED:
    case KW_BAD_TIMEOUT:
    case KW_BAD_COMMUNICATION_ERROR:
    case KW_BAD_TCP_SERVER_TOO_BUSY:
    case KW_BAD_TCP_NOT_ENOUGH_RESOURCES:
    case KW_BAD_TOO_MANY_SESSIONS:
    case KW_BAD_TOO_MANY_OPERATIONS:
    case KW_BAD_SERVER_HALTED:
    case KW_BAD_SHUTDOWN:
        return true;
    default:
        return false;
    }
}

static bool is_refused_user(kw_status status)
{
    return status == KW_BAD_IDENTITY_TOKEN_REJECTED || status == KW_BAD_IDENTITY_TOKEN_INVALID || status == KW_BAD_USER_ACCESS_DENIED;
}

/* The same endpoint among those that discovery shows now: nothing weaker, and nobody else's. */
static kw_status find_again(kw_client *client, kw_endpoint_description *endpoints, size_t count, kw_endpoint_description **out)
{
    const kw_endpoint_description *was = client->endpoint;
    for (size_t i = 0; i < count; i++) {
        if (endpoints[i].security_mode == was->security_mode &&
            kw_bytes_equal(endpoints[i].security_policy_uri, was->security_policy_uri) &&
            kw_bytes_equal(endpoints[i].transport_profile_uri, was->transport_profile_uri) &&
            kw_bytes_equal(endpoints[i].server.application_uri, was->server.application_uri)) {
            *out = &endpoints[i];
            return KW_GOOD;
        }
    }
    return kw_client_fail(client, KW_BAD_SECURITY_CHECKS_FAILED,
                          "the server does not offer the endpoint any more that the Session was on, or it is another server");
}

static void close_link(kw_client *client)
{
    kw_link_close(client, client->link);
    client->link = NULL;
}

/* A token that is not taken any more, before its time: its issuer may have new keys, or the user other rights. */
static kw_status activate(kw_client *client)
{
    const kw_status status = kw_client_activate_again(client);
    return is_refused_user(status) && client->user.source.fetch != NULL ? kw_client_activate_afresh(client) : status;
}

static kw_status make_anew(kw_client *client)
{
    kw_endpoint_description *endpoints = NULL, *again = NULL;
    size_t count = 0;
    close_link(client);
    kw_arena *arena = kw_arena_new(KW_CLIENT_ARENA);
    kw_status status = arena != NULL ? kw_client_get_endpoints(client, client->url, arena, &endpoints, &count) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = find_again(client, endpoints, count, &again);
    }
    if (kw_status_is_bad(status)) {
        kw_arena_free(arena);
        return status;
    }
    kw_arena_free(client->arena);
    client->arena = arena;
    client->endpoint = again;
    client->authentication_token = KW_NODE_ID_NULL;
    client->session_is_gone = true;
    client->namespaces = NULL;
    kw_certificate_release(client->server_certificate);
    client->server_certificate = NULL;
    client->server_certificate_is_checked = false;
    KW_TRY(kw_client_open_channel(client));
    KW_TRY(kw_client_create_session(client, endpoints, count));
    KW_TRY(activate(client));
    client->session_is_gone = false;
    return KW_GOOD;
}

static kw_status attempt(kw_client *client)
{
    if (client->session_is_gone) {
        return make_anew(client);
    }
    close_link(client);
    kw_status status = kw_client_open_channel(client);
    if (!kw_status_is_bad(status)) {
        status = activate(client);
    }
    if (!kw_status_is_bad(status) || may_pass(status) || is_refused_user(status)) {
        return status;
    }
    return make_anew(client); /* the Session does not move, or the server has another certificate */
}

static kw_status wait_for(kw_client *client, uint32_t ms)
{
    uint8_t jitter = 0;
    KW_TRY(kw_random_fill(client->env.random, &jitter, 1));
    const uint64_t until = kw_clock_ms(client->env.clock) + ms * 3 / 4 + (uint64_t)ms * jitter / 512;
    client->env.network->sleep(client->env.network->ctx, until);
    return KW_GOOD;
}

static kw_status reason(const kw_client *client)
{
    if (client->session_is_gone) {
        return KW_BAD_SESSION_ID_INVALID;
    }
    return client->link != NULL && client->link->is_closed ? client->link->failure : KW_BAD_CONNECTION_CLOSED;
}

kw_status kw_client_recover(kw_client *client)
{
    const uint64_t deadline = kw_clock_ms(client->env.clock) + client->reconnect_ms;
    if (client->reconnect_ms == KW_CLIENT_NEVER || !client->user.is_known) {
        return kw_client_fail(client, KW_BAD_CONNECTION_CLOSED, "the connection broke");
    }
    const uint32_t session = client->session_number;
    kw_client_subscriptions_lost(client, reason(client));
    client->is_occupied = true;
    kw_status status = attempt(client);
    for (uint32_t wait = FIRST_WAIT_MS; may_pass(status) && kw_clock_ms(client->env.clock) + wait < deadline;
         wait = wait * 2 < LAST_WAIT_MS ? wait * 2 : LAST_WAIT_MS) {
        if (kw_status_is_bad(wait_for(client, wait))) {
            break;
        }
        status = attempt(client);
    }
    client->is_occupied = false;
    if (kw_status_is_bad(status)) {
        close_link(client);
    } else {
        kw_client_subscriptions_back(client, client->session_number != session);
    }
    return status;
}

kw_status kw_client_mend(kw_client *client)
{
    if (!kw_client_is_broken(client)) {
        kw_link_look(client->link);
    }
    return kw_client_is_broken(client) ? kw_client_recover(client) : KW_GOOD;
}
