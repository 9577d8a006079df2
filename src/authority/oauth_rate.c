/*
 * How often who may come. A client that proves itself has turns of its own, wherever it calls from; a public one, as which anybody may
 * come, has them per address; all others share those of their address. Whoever has none left is told so before anything is computed.
 */
#include "authority/oauth_internal.h"
#include "base/address.h"

static kw_string address_group(const kw_oauth_call *call)
{
    char group[KW_ADDRESS_GROUP_MAX];
    return kw_arena_copy(call->arena, kw_address_group(call->request->address, group));
}

/* No client_id has a newline in it: what is registered under one name is not another one's at an address. */
static kw_string public_key(const kw_oauth_call *call, kw_string client_id)
{
    const kw_string group = address_group(call);
    return kw_arena_format(call->arena, "%.*s\n%.*s", KW_STRING_ARGS(client_id), KW_STRING_ARGS(group));
}

static bool refuse(kw_oauth_call *call, kw_limited_by by, kw_string client_id, const kw_rate_refusal *refusal)
{
    static const char *const WHY[KW_LIMITED_BYS] = {
        [KW_LIMITED_BY_CLIENT] = "the client comes too often", [KW_LIMITED_BY_ADDRESS] = "too many requests from this address"};
    call->retry_s = refusal->retry_s;
    kw_oauth_answer_error(call, 429, "temporarily_unavailable", WHY[by]);
    kw_server_count_limited(call->oauth->server, by);
    if (refusal->deserves_report) {
        kw_oauth_record(call, "TooManyRequests", KW_BAD_TOO_MANY_OPERATIONS, KW_BYTES_NULL, client_id, KW_BYTES_NULL, NULL, WHY[by]);
    }
    return false;
}

/* Who fails to prove that he is this client, from where he is. */
static kw_string failures_key(const kw_oauth_call *call, kw_string client_id)
{
    const kw_string group = address_group(call);
    return kw_arena_format(call->arena, "%.*s\n\n%.*s", KW_STRING_ARGS(client_id), KW_STRING_ARGS(group));
}

bool kw_oauth_rate_failure(kw_oauth_call *call, kw_string client_id)
{
    kw_rate_refusal refusal;
    if (client_id.len > 0) { /* its neighbours do not help him, whose turns of the address are not asked for */
        (void)kw_rate_take(call->oauth->addresses, failures_key(call, client_id), &refusal);
    }
    return kw_oauth_rate_stranger(call, client_id);
}

bool kw_oauth_rate_stranger(kw_oauth_call *call, kw_string client_id)
{
    kw_rate_refusal refusal;
    return kw_rate_take(call->oauth->addresses, address_group(call), &refusal) || refuse(call, KW_LIMITED_BY_ADDRESS, client_id, &refusal);
}

bool kw_oauth_rate_client(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_rate_refusal refusal;
    const kw_string key = kw_oauth_is_public(client) ? public_key(call, client->id) : client->id;
    return kw_rate_take(call->oauth->clients, key, &refusal) || refuse(call, KW_LIMITED_BY_CLIENT, client->id, &refusal);
}

/* Nothing is proven yet: turns are looked at, and taken once it is known whose they are. */
static bool admit_client(kw_oauth_call *call)
{
    kw_rate *clients = call->oauth->clients;
    const kw_string id = kw_oauth_claimed_client(call);
    const kw_string keys[] = {id, public_key(call, id)};
    kw_rate_refusal refusal;
    bool is_known = false;
    for (size_t i = 0; id.len > 0 && i < 2; i++) {
        if (!kw_rate_has(clients, keys[i], &refusal)) {
            return refuse(call, KW_LIMITED_BY_CLIENT, id, &refusal);
        }
        is_known = is_known || kw_rate_knows(clients, keys[i]);
    }
    if (id.len > 0 && !kw_rate_has(call->oauth->addresses, failures_key(call, id), &refusal)) {
        return refuse(call, KW_LIMITED_BY_ADDRESS, id, &refusal);
    }
    /* A client that is in order does not suffer from its neighbours. */
    return is_known || kw_rate_has(call->oauth->addresses, address_group(call), &refusal) ||
           refuse(call, KW_LIMITED_BY_ADDRESS, id, &refusal);
}

bool kw_oauth_rate_admit(kw_oauth_call *call)
{
    return call->route->proves_client ? admit_client(call) : kw_oauth_rate_stranger(call, KW_BYTES_NULL);
}
