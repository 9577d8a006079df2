#include "identity/secret_format.h"

#include "base/try.h"
#include "identity/secret_internal.h"

#define LEGACY_SECRET_MAX 64 /* UN-10 */

/* ES-01. Any form of a numeric NodeId in namespace 0 that can hold the number. */
uint32_t kw_secret_read_prefix(kw_reader *r)
{
    uint32_t id = 0, ns = 0;
    switch (kw_read_u8(r)) {
    case 1: /* four bytes */
        ns = kw_read_u8(r);
        id = kw_read_u16(r);
        break;
    case 2: /* numeric */
        ns = kw_read_u16(r);
        id = kw_read_u32(r);
        break;
    default:
        return 0;
    }
    const uint8_t mask = kw_read_u8(r);
    const uint32_t length = kw_read_u32(r);
    const bool fits = !kw_status_is_bad(kw_reader_status(r)) && ns == 0 && mask == 1 && length == kw_reader_left(r);
    return fits && (id == KW_SECRET_TYPE_RSA || id == KW_SECRET_TYPE_ECC) ? id : 0;
}

/* 0: no EncryptedSecret */
static uint32_t type_of(kw_bytes sealed)
{
    kw_reader r = kw_reader_of(sealed);
    return kw_secret_read_prefix(&r);
}

kw_secret_format kw_secret_format_of(const kw_security_policy *policy, kw_bytes sealed)
{
    if (policy->is_none) {
        return KW_SECRET_CLEAR;
    }
    switch (type_of(sealed)) {
    case KW_SECRET_TYPE_RSA:
        return KW_SECRET_RSA;
    case KW_SECRET_TYPE_ECC:
        return KW_SECRET_ECC;
    default:
        return KW_SECRET_LEGACY;
    }
}

/* UN-03, IT-10, IT-22: the bytes themselves, no wrapper of any kind. */
static const char *open_clear(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret)
{
    if (type_of(sealed) != 0) {
        return "an EncryptedSecret where the policy is None";
    }
    if (sealed.len > how->max_len) {
        return "secret too long";
    }
    return kw_status_is_bad(kw_secret_copy(secret, sealed)) ? "out of memory" : NULL;
}

kw_status kw_secret_unseal(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts, const char **why)
{
    const char *failure;
    kw_secret_facts is = {.format = kw_secret_format_of(how->policy, sealed)};
    switch (is.format) {
    case KW_SECRET_CLEAR:
        failure = open_clear(how, sealed, secret);
        break;
    case KW_SECRET_LEGACY:
        failure = how->allow_legacy ? kw_secret_legacy_open(how, sealed, secret) : "not an EncryptedSecret";
        break;
    case KW_SECRET_ECC:
        failure = kw_secret_ecc_open(how, sealed, secret, &is);
        break;
    default:
        failure = kw_secret_rsa_open(how, sealed, secret, &is);
        break;
    }
    if (failure != NULL) { /* whatever it was, the peer hears one thing */
        kw_certificate_release(is.signer);
        if (how->use != NULL) {
            kw_receiver_key_settle(how->use, false);
        }
        *why = failure;
        return KW_BAD_IDENTITY_TOKEN_INVALID;
    }
    *facts = is;
    return KW_GOOD;
}

static kw_status seal_as(kw_secret_format format, const kw_seal *what, kw_bytes *sealed)
{
    if (format == KW_SECRET_CLEAR) {
        const kw_bytes empty = {(const uint8_t *)"", 0};
        *sealed = kw_arena_copy(what->arena, what->secret.data != NULL ? what->secret : empty);
        return sealed->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    }
    if (what->policy->asym_encryption == KW_ASYM_ENC_NONE || what->receiver == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    switch (format) {
    case KW_SECRET_LEGACY:
        return what->secret.len > LEGACY_SECRET_MAX ? KW_BAD_INVALID_ARGUMENT : kw_secret_legacy_seal(what, sealed);
    case KW_SECRET_LEGACY_LONG:
        return kw_secret_legacy_seal(what, sealed);
    case KW_SECRET_RSA:
    case KW_SECRET_RSA_DOTNET:
        return kw_secret_rsa_seal(what, format == KW_SECRET_RSA_DOTNET, sealed);
    default:
        return KW_BAD_INVALID_ARGUMENT;
    }
}

kw_status kw_secret_seal(kw_secret_format format, const kw_security_policy *policy, const kw_certificate *receiver, kw_bytes nonce,
                         kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena, kw_bytes *sealed)
{
    uint8_t made_up[KW_SECRET_NONCE_MIN];
    if (nonce.data == NULL && format != KW_SECRET_CLEAR) { /* ES-11: outside of a Session */
        KW_TRY(kw_random_fill(random, made_up, sizeof(made_up)));
        nonce = (kw_bytes){made_up, sizeof(made_up)};
    }
    const kw_seal what = {
        .policy = policy, .receiver = receiver, .nonce = nonce, .secret = secret, .now = now, .random = random, .arena = arena};
    return seal_as(format, &what, sealed);
}

kw_status kw_secret_seal_signed(const kw_application_identity *signer, const kw_security_policy *policy, const kw_certificate *receiver,
                                kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena, kw_bytes *sealed)
{
    uint8_t nonce[KW_SECRET_NONCE_MIN];
    KW_TRY(kw_random_fill(random, nonce, sizeof(nonce)));
    const kw_seal what = {.policy = policy,
                          .receiver = receiver,
                          .signer = signer,
                          .nonce = {nonce, sizeof(nonce)},
                          .secret = secret,
                          .now = now,
                          .random = random,
                          .arena = arena};
    return seal_as(KW_SECRET_RSA, &what, sealed);
}

kw_status kw_secret_seal_ecc(kw_secret_format format, const kw_application_identity *signer, const kw_security_policy *policy,
                             kw_bytes receiver, kw_bytes nonce, kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena,
                             kw_bytes *sealed)
{
    uint8_t made_up[KW_SECRET_NONCE_MIN];
    if (policy->ephemeral == KW_EPHEMERAL_NONE || signer->key == NULL || signer->certificate == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (nonce.data == NULL) { /* ES-11: outside of a Session */
        KW_TRY(kw_random_fill(random, made_up, sizeof(made_up)));
        nonce = (kw_bytes){made_up, sizeof(made_up)};
    }
    const kw_seal what = {.policy = policy,
                          .receiver_key = receiver,
                          .signer = signer,
                          .nonce = nonce,
                          .secret = secret,
                          .now = now,
                          .random = random,
                          .arena = arena};
    return kw_secret_ecc_seal(&what, format == KW_SECRET_ECC_DOTNET, sealed);
}
