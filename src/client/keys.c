/* EphemeralKeys from the Client's side. OPC 10000-6, 6.8.2. */
#include "base/try.h"
#include "client/client_internal.h"
#include "identity/ecdh_header.h"

#include <string.h>

/* Of the tokens that hold a secret, the best that the endpoint takes. Who the user will be is not known yet. */
static const kw_security_policy *policy_of_secrets(const kw_client *client)
{
    static const kw_user_token_type KINDS[] = {KW_USER_TOKEN_TYPE_USER_NAME, KW_USER_TOKEN_TYPE_ISSUED_TOKEN};
    const kw_endpoint_description *e = client->endpoint;
    const kw_security_policy *channel_policy = kw_security_policy_by_uri(e->security_policy_uri);
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        const kw_client_identity user = {.kind = KINDS[i]};
        const kw_user_token_policy *token =
            kw_client_choose_token_policy(client, e->user_identity_tokens, e->user_identity_tokens_count, &user);
        const kw_security_policy *policy = token == NULL                         ? NULL
                                           : token->security_policy_uri.len == 0 ? channel_policy
                                                                                 : kw_security_policy_by_uri(token->security_policy_uri);
        if (policy != NULL && policy->ephemeral != KW_EPHEMERAL_NONE && kw_client_can_seal(client, policy)) {
            return policy;
        }
    }
    return NULL;
}

kw_status kw_client_ask_for_key(kw_client *client, kw_arena *arena, kw_request_header *header)
{
    client->server_key.policy = policy_of_secrets(client);
    return client->server_key.policy != NULL ? kw_ecdh_ask(client->server_key.policy, arena, &header->additional_header) : KW_GOOD;
}

/* A Server that has no key for this policy may still take other users. */
kw_status kw_client_take_key(kw_client *client, const kw_response_header *header)
{
    kw_bytes key = KW_BYTES_NULL;
    kw_client_drop_key(client);
    if (client->server_key.policy == NULL) {
        return KW_GOOD;
    }
    const kw_status status = kw_ecdh_read(&header->additional_header, client->server_key.policy, client->server_certificate, &key);
    if (status == KW_BAD_SECURITY_POLICY_REJECTED) {
        return KW_GOOD;
    }
    if (kw_status_is_bad(status) || key.len > KW_CLIENT_KEY_MAX) {
        return kw_client_fail(client, kw_status_is_bad(status) ? status : KW_BAD_DECODING_ERROR,
                              "the key to seal secrets for is not the server's own");
    }
    if (key.len > 0) {
        memcpy(client->server_key.bytes, key.data, key.len);
        client->server_key.len = key.len;
    }
    return KW_GOOD;
}

kw_bytes kw_client_key_for(const kw_client *client, const kw_security_policy *policy)
{
    const kw_client_key *key = &client->server_key; /* any policy of its curve may use it */
    return key->len > 0 && policy != NULL && key->policy->ephemeral == policy->ephemeral ? (kw_bytes){key->bytes, key->len} : KW_BYTES_NULL;
}

void kw_client_drop_key(kw_client *client)
{
    client->server_key.len = 0;
}
