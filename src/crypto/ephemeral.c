#include "crypto/ephemeral.h"

#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC_MAX 384

/* How a group is called and how long its numbers are. */
typedef struct group {
    const char *algorithm, *name; /* name NULL: the algorithm says it */
    size_t public_len, secret_len;
} group;

static const group GROUPS[] = {
    [KW_EPHEMERAL_P256] = {"EC", "P-256", 64, 32},
    [KW_EPHEMERAL_P384] = {"EC", "P-384", 96, 48},
    [KW_EPHEMERAL_BP256] = {"EC", "brainpoolP256r1", 64, 32},
    [KW_EPHEMERAL_BP384] = {"EC", "brainpoolP384r1", 96, 48},
    [KW_EPHEMERAL_X25519] = {"X25519", NULL, 32, 32},
    [KW_EPHEMERAL_X448] = {"X448", NULL, 56, 56},
    [KW_EPHEMERAL_FFDHE3072] = {"DH", "ffdhe3072", 384, 384},
};

struct kw_ephemeral_key {
    const group *group;
    EVP_PKEY *pkey;
    uint8_t public_bytes[PUBLIC_MAX];
};

static bool is_curve(const group *g)
{
    return g->algorithm[0] == 'E';
}

static EVP_PKEY *generate(const group *g)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->algorithm, NULL);
    OSSL_PARAM params[] = {OSSL_PARAM_END, OSSL_PARAM_END};
    if (g->name != NULL) {
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)g->name, 0);
    }
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 || EVP_PKEY_generate(ctx, &pkey) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* The point or the number, of full length. */
static bool export_public(const group *g, const EVP_PKEY *pkey, uint8_t *out)
{
    uint8_t point[1 + PUBLIC_MAX];
    size_t len = 0;
    if (is_curve(g)) {
        const bool is_good = EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) == 1 &&
                             len == 1 + g->public_len && point[0] == 4;
        memcpy(out, point + 1, g->public_len);
        return is_good;
    }
    if (g->name == NULL) {
        return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, out, g->public_len, &len) == 1 && len == g->public_len;
    }
    BIGNUM *number = NULL;
    const bool is_good = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, &number) == 1 &&
                         BN_bn2binpad(number, out, (int)g->public_len) == (int)g->public_len;
    BN_free(number);
    return is_good;
}

kw_status kw_ephemeral_key_wrap(kw_ephemeral_kind kind, EVP_PKEY *pkey, kw_ephemeral_key **out)
{
    kw_ephemeral_key *key = calloc(1, sizeof(*key));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return KW_BAD_OUT_OF_MEMORY;
    }
    key->group = &GROUPS[kind];
    key->pkey = pkey;
    const bool is_good = key->pkey != NULL && export_public(key->group, key->pkey, key->public_bytes);
    ERR_clear_error();
    if (!is_good) {
        kw_ephemeral_key_free(key);
        return KW_BAD_UNEXPECTED_ERROR;
    }
    *out = key;
    return KW_GOOD;
}

kw_status kw_ephemeral_key_generate(const kw_security_policy *policy, kw_ephemeral_key **out)
{
    if (policy->ephemeral == KW_EPHEMERAL_NONE) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    return kw_ephemeral_key_wrap(policy->ephemeral, generate(&GROUPS[policy->ephemeral]), out);
}

void kw_ephemeral_key_free(kw_ephemeral_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey); /* clears its private number */
        free(key);
    }
}

kw_bytes kw_ephemeral_key_public(const kw_ephemeral_key *key)
{
    return (kw_bytes){key->public_bytes, key->group->public_len};
}

/* The builder borrows point and number until it has built. */
static bool push_public(OSSL_PARAM_BLD *builder, const group *g, kw_bytes public_bytes, uint8_t point[1 + PUBLIC_MAX], BIGNUM **number)
{
    if (is_curve(g)) {
        point[0] = 4; /* uncompressed */
        memcpy(point + 1, public_bytes.data, public_bytes.len);
        return OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + public_bytes.len) == 1;
    }
    if (g->name == NULL) {
        return OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, public_bytes.data, public_bytes.len) == 1;
    }
    *number = BN_bin2bn(public_bytes.data, (int)public_bytes.len, NULL);
    return *number != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PUB_KEY, *number) == 1;
}

/* NULL: no public key of this group. */
static EVP_PKEY *import_public(const group *g, kw_bytes public_bytes)
{
    EVP_PKEY *pkey = NULL;
    uint8_t point[1 + PUBLIC_MAX];
    BIGNUM *number = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->algorithm, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    const bool is_built = builder != NULL &&
                          (g->name == NULL || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, g->name, 0) == 1) &&
                          push_public(builder, g, public_bytes, point, &number) && (params = OSSL_PARAM_BLD_to_param(builder)) != NULL;
    if (!is_built || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(number);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* On the curve, not the neutral element, of the large subgroup. */
static bool is_valid(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    const bool is_good = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return is_good;
}

static bool derive(const group *g, EVP_PKEY *own, EVP_PKEY *peer, uint8_t *out)
{
    size_t len = g->secret_len;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    const bool is_number = g->name != NULL && !is_curve(g);
    const bool is_good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && (!is_number || EVP_PKEY_CTX_set_dh_pad(ctx, 1) == 1) &&
                         EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, out, &len) == 1 && len == g->secret_len;
    EVP_PKEY_CTX_free(ctx);
    return is_good;
}

static bool is_all_zero(kw_bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

kw_status kw_ephemeral_key_agree(const kw_ephemeral_key *key, kw_bytes peer_public, kw_secret *shared)
{
    const group *g = key->group;
    if (peer_public.len != g->public_len || kw_bytes_equal(peer_public, kw_ephemeral_key_public(key))) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    kw_secret secret = KW_SECRET_NONE;
    KW_TRY(kw_secret_init(&secret, g->secret_len));
    EVP_PKEY *peer = import_public(g, peer_public);
    const bool is_good =
        peer != NULL && is_valid(peer) && derive(g, key->pkey, peer, secret.data) && !is_all_zero(kw_secret_bytes(&secret));
    EVP_PKEY_free(peer);
    ERR_clear_error();
    if (!is_good) {
        kw_secret_clear(&secret);
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    *shared = secret;
    return KW_GOOD;
}
