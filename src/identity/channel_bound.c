#include "identity/channel_bound.h"

#include "base/try.h"
#include "crypto/symmetric.h"

#define PARTS_MAX 7

typedef struct bound_data {
    uint8_t server[KW_HASH_MAX], client[KW_HASH_MAX];
    kw_bytes parts[PARTS_MAX];
    size_t count;
} bound_data;

static kw_status hash_of(const kw_certificate *certificate, kw_hash kind, uint8_t *hash, kw_bytes *out)
{
    const kw_bytes der = kw_certificate_der(certificate);
    KW_TRY(kw_hash_of(kind, &der, 1, hash));
    *out = (kw_bytes){hash, kw_hash_len(kind)};
    return KW_GOOD;
}

static void add(bound_data *data, kw_bytes part)
{
    data->parts[data->count++] = part;
}

/*
 * server: ChannelThumbprint ‖ ClientNonce ‖ H(ServerChannelCert) ‖ H(ClientChannelCert) ‖ ServerNonce
 * client: ChannelThumbprint ‖ ServerNonce ‖ H(ServerCert) ‖ H(ServerChannelCert) ‖ H(ClientChannelCert) ‖ ClientNonce
 * user:   ChannelThumbprint ‖ ServerNonce ‖ H(ServerCert) ‖ H(ServerChannelCert) ‖ H(ClientCert) ‖ H(ClientChannelCert) ‖ ClientNonce
 */
static kw_status collect(const kw_channel_binding *b, kw_bound_proof proof, bound_data *out)
{
    kw_bytes server, client;
    const kw_hash hash = b->hash != KW_HASH_NONE ? b->hash : KW_HASH_SHA256;
    KW_TRY(hash_of(b->server, hash, out->server, &server));
    KW_TRY(hash_of(b->client, hash, out->client, &client));
    out->count = 0;
    add(out, b->thumbprint);
    add(out, proof == KW_BOUND_SERVER ? b->client_nonce : b->server_nonce);
    if (proof != KW_BOUND_SERVER) {
        add(out, server);
    }
    add(out, server);
    if (proof == KW_BOUND_USER) {
        add(out, client);
    }
    add(out, client);
    add(out, proof == KW_BOUND_SERVER ? b->server_nonce : b->client_nonce);
    return KW_GOOD;
}

kw_status kw_channel_bound_verify(const kw_channel_binding *binding, kw_bound_proof proof, const kw_security_policy *policy,
                                  const kw_public_key *signer, kw_bytes signature)
{
    bound_data data;
    KW_TRY(collect(binding, proof, &data));
    return kw_asym_verify(policy, signer, data.parts, data.count, signature);
}

kw_status kw_channel_bound_sign(const kw_channel_binding *binding, kw_bound_proof proof, const kw_security_policy *policy,
                                const kw_private_key *signer, kw_arena *arena, kw_bytes *signature)
{
    bound_data data;
    KW_TRY(collect(binding, proof, &data));
    return kw_asym_sign(policy, signer, data.parts, data.count, arena, signature);
}
