#include "identity/channel_bound.h"

#include "base/try.h"
#include "crypto/symmetric.h"

#define PARTS 6

typedef struct bound_data {
    uint8_t server[KW_HASH_MAX], client[KW_HASH_MAX];
    kw_bytes parts[PARTS];
} bound_data;

static kw_status hash_of(const kw_certificate *certificate, uint8_t *hash, kw_bytes *out)
{
    const kw_bytes der = kw_certificate_der(certificate);
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &der, 1, hash));
    *out = (kw_bytes){hash, kw_hash_len(KW_HASH_SHA256)};
    return KW_GOOD;
}

/* ServerNonce ‖ H(ServerCert) ‖ H(ServerChannelCert) ‖ H(ClientCert) ‖ H(ClientChannelCert) ‖ ClientNonce */
static kw_status collect(const kw_channel_binding *b, bound_data *out)
{
    kw_bytes server, client;
    KW_TRY(hash_of(b->server, out->server, &server));
    KW_TRY(hash_of(b->client, out->client, &client));
    out->parts[0] = b->server_nonce;
    out->parts[1] = out->parts[2] = server;
    out->parts[3] = out->parts[4] = client;
    out->parts[5] = b->client_nonce;
    return KW_GOOD;
}

kw_status kw_channel_bound_verify(const kw_channel_binding *binding, const kw_security_policy *policy, const kw_public_key *user,
                                  kw_bytes signature)
{
    bound_data data;
    KW_TRY(collect(binding, &data));
    return kw_asym_verify(policy, user, data.parts, PARTS, signature);
}

kw_status kw_channel_bound_sign(const kw_channel_binding *binding, const kw_security_policy *policy, const kw_private_key *user,
                                kw_arena *arena, kw_bytes *signature)
{
    bound_data data;
    KW_TRY(collect(binding, &data));
    return kw_asym_sign(policy, user, data.parts, PARTS, arena, signature);
}
