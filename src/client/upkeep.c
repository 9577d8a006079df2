/* What a Session needs while nobody asks for anything: a token that holds, and a sign of life. */
#include "base/try.h"
#include "client/client_internal.h"

#include <string.h>

#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS 30000
#define SERVER_STATE 2259
#define ATTRIBUTE_VALUE 13

static uint64_t keep_alive_at(const kw_client *client)
{
    if (client->keep_alive_ms == KW_CLIENT_NEVER) {
        return UINT64_MAX;
    }
    return client->last_used + (client->keep_alive_ms != 0 ? client->keep_alive_ms : client->revised_session_timeout / 3 + 1);
}

uint64_t kw_client_upkeep_due(const kw_client *client, const kw_link *link)
{
    if (client->is_occupied || !client->is_activated || link != client->link || kw_client_is_broken(client)) {
        return UINT64_MAX;
    }
    const uint64_t alive = keep_alive_at(client);
    return client->user.renew_at < alive ? client->user.renew_at : alive;
}

/* IT-17, JW-08. When it fails, again after waits that grow. */
static void renew(kw_client *client)
{
    const kw_status status = kw_client_activate_afresh(client);
    kw_client_user *user = &client->user;
    if (kw_status_is_bad(status)) {
        const uint64_t next = user->renew_wait * 2;
        user->renew_wait = next == 0 ? FIRST_RETRY_MS : next < LAST_RETRY_MS ? next : LAST_RETRY_MS;
        user->renew_at = kw_clock_ms(client->env.clock) + user->renew_wait;
        user->renew_status = status;
        memcpy(user->renew_error, client->error, sizeof(user->renew_error));
    }
}

static void keep_alive(kw_client *client)
{
    const kw_node_id state = KW_NODE_ID(0, SERVER_STATE);
    kw_arena *arena = kw_arena_new(KW_CLIENT_ARENA);
    kw_data_value value;
    client->last_used = kw_clock_ms(client->env.clock);
    if (arena != NULL && kw_client_read(client, &state, ATTRIBUTE_VALUE, arena, &value) == KW_BAD_TIMEOUT) {
        kw_link_fail(client->link, KW_BAD_CONNECTION_CLOSED); /* nobody is there any more */
    }
    kw_arena_free(arena);
}

void kw_client_upkeep(kw_client *client)
{
    client->is_occupied = true;
    if (client->user.renew_at <= kw_clock_ms(client->env.clock)) {
        renew(client);
    } else {
        keep_alive(client);
    }
    client->is_occupied = false;
    client->error[0] = '\0';
}

kw_status kw_client_ready(kw_client *client)
{
    KW_TRY(kw_client_mend(client));
    if (client->user.renew_at <= kw_clock_ms(client->env.clock)) {
        kw_client_upkeep(client);
        KW_TRY(kw_client_mend(client));
    }
    if (kw_status_is_bad(client->user.renew_status) && client->user.expires_at <= kw_clock_ms(client->env.clock)) {
        return kw_client_fail(client, client->user.renew_status, "the access token has ended and there is no new one: %.400s",
                              client->user.renew_error);
    }
    return KW_GOOD;
}

static uint64_t wake_at(const kw_client *client, uint64_t until)
{
    const uint64_t end = client->user.expires_at; /* past it, without a new one, there is nothing to wait for */
    const uint64_t dues[] = {kw_client_subscriptions_due(client), kw_client_requests_due(client), end};
    uint64_t first = until;
    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++) {
        first = dues[i] < first ? dues[i] : first;
    }
    return first;
}

kw_status kw_client_idle(kw_client *client, uint32_t ms)
{
    const uint64_t until = kw_clock_ms(client->env.clock) + ms;
    if (!client->is_activated) {
        return kw_client_fail(client, KW_BAD_SERVER_NOT_CONNECTED, "there is no Session");
    }
    if (kw_client_subscriptions_are_in_turn(client)) {
        return kw_client_fail(client, KW_BAD_INVALID_STATE, "a callback must not wait: it would never be called again");
    }
    for (;;) {
        KW_TRY(kw_client_ready(client));
        kw_client_subscriptions_turn(client);
        kw_client_requests_turn(client);
        if (kw_clock_ms(client->env.clock) >= until) {
            client->error[0] = '\0';
            return KW_GOOD;
        }
        if (!kw_client_is_broken(client)) {
            kw_link_idle(client, client->link, wake_at(client, until));
        }
    }
}
