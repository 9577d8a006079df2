/*
 * The keys of a token. OPC 10000-6, 6.7.5 and 6.8.1.
 *
 * With RSA both ends bring a random nonce, and P_HASH makes the keys. The other policies agree: both ends bring a key pair made for this
 * one token, the public halves travel as nonces, HKDF makes the keys.
 */
#include "channel/channel_internal.h"

#include <string.h>

static bool is_all_zero(kw_bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

kw_status kw_open_nonce_check(const kw_security_policy *policy, kw_bytes nonce, const uint8_t *previous_hash, uint8_t hash[32])
{
    if (policy->is_none) {
        memset(hash, 0, 32);
        return KW_GOOD;
    }
    /* Which public keys are good for nothing is known where keys are agreed on. */
    if (nonce.len != policy->nonce_len || (policy->ephemeral == KW_EPHEMERAL_NONE && is_all_zero(nonce))) {
        return KW_BAD_NONCE_INVALID;
    }
    uint8_t fresh[32]; /* `hash` may be where the previous one is */
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &nonce, 1, fresh));
    if (previous_hash != NULL && kw_secret_equal((kw_bytes){previous_hash, 32}, (kw_bytes){fresh, 32})) {
        return KW_BAD_NONCE_INVALID;
    }
    memcpy(hash, fresh, sizeof(fresh));
    return KW_GOOD;
}

kw_status kw_open_offer_draw(kw_open_offer *offer, const kw_security_policy *policy, const kw_random *random)
{
    if (policy->is_none || policy->ephemeral != KW_EPHEMERAL_NONE) {
        return KW_GOOD;
    }
    KW_TRY(kw_secret_init(&offer->nonce, policy->nonce_len));
    return kw_random_fill(random, offer->nonce.data, offer->nonce.len);
}

kw_status kw_open_offer_generate(kw_open_offer *offer, const kw_security_policy *policy)
{
    if (policy->ephemeral == KW_EPHEMERAL_NONE) {
        return KW_GOOD;
    }
    KW_TRY(kw_ephemeral_key_generate(policy, &offer->key));
    return kw_secret_copy(&offer->nonce, kw_ephemeral_key_public(offer->key));
}

void kw_open_offer_clear(kw_open_offer *offer)
{
    kw_secret_clear(&offer->nonce);
    kw_ephemeral_key_free(offer->key);
    offer->key = NULL;
}

/* `sender`, `receiver`: the nonces of who sends with these keys and of the other one. */
static kw_status derive(const kw_security_policy *policy, kw_bytes shared, bool by_server, kw_bytes sender, kw_bytes receiver,
                        kw_sym_keys **out)
{
    if (policy->kdf_kind == KW_KDF_P_HASH) {
        return kw_sym_keys_derive(policy, receiver, sender, out);
    }
    return kw_sym_keys_agree(policy, shared, by_server ? KW_STRING("opcua-server") : KW_STRING("opcua-client"), sender, receiver, out);
}

/* Attack A-53: who has learned a long-term key and puts himself between at a renewal does not know what went before. */
static kw_status mix(kw_secret *agreed, const kw_secret *shared)
{
    if (agreed->len == 0) {
        return kw_secret_copy(agreed, kw_secret_bytes(shared));
    }
    if (agreed->len != shared->len) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    for (size_t i = 0; i < shared->len; i++) {
        agreed->data[i] ^= shared->data[i];
    }
    return KW_GOOD;
}

kw_status kw_open_keys_derive(const kw_security_policy *policy, bool is_server, kw_open_offer *own, kw_bytes peer_nonce, kw_secret *agreed,
                              kw_token_keys *out)
{
    kw_secret shared = KW_SECRET_NONE;
    *out = (kw_token_keys){NULL, NULL};
    if (policy->is_none) {
        return KW_GOOD;
    }
    if ((policy->ephemeral != KW_EPHEMERAL_NONE) != (own->key != NULL)) { /* keys out of nothing but what is public: never */
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    if (own->key != NULL) {
        KW_TRY(kw_ephemeral_key_agree(own->key, peer_nonce, &shared));
        kw_ephemeral_key_free(own->key); /* nobody who breaks in later finds it */
        own->key = NULL;
    }
    const kw_bytes nonce = kw_secret_bytes(&own->nonce);
    kw_status status = policy->is_enhanced ? mix(agreed, &shared) : KW_GOOD;
    const kw_bytes secret = kw_secret_bytes(policy->is_enhanced ? agreed : &shared);
    if (kw_status_is_good(status)) {
        status = derive(policy, secret, is_server, nonce, peer_nonce, &out->send);
    }
    if (kw_status_is_good(status)) {
        status = derive(policy, secret, !is_server, peer_nonce, nonce, &out->receive);
    }
    kw_secret_clear(&shared);
    if (kw_status_is_bad(status)) {
        kw_token_keys_free(out);
    }
    return status;
}

void kw_token_keys_free(kw_token_keys *keys)
{
    kw_sym_keys_free(keys->send);
    kw_sym_keys_free(keys->receive);
    *keys = (kw_token_keys){NULL, NULL};
}
