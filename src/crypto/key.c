/* Keys as objects: wrapping, counting, sizes, making new ones, and the numbers of public ones. */
#include "crypto/key.h"

#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* The elliptic curves that ECDSA is done on, and the two of EdDSA. */
typedef struct curve {
    kw_key_type type;
    const char *algorithm, *group; /* as OpenSSL makes them; group NULL: the algorithm says it */
    const char *known_as;          /* as OpenSSL names the group of a key it has read */
    size_t coordinate;             /* bytes */
} curve;

static const curve CURVES[] = {
    {KW_KEY_EC_P256, "EC", "P-256", "prime256v1", 32},
    {KW_KEY_EC_P384, "EC", "P-384", "secp384r1", 48},
    {KW_KEY_EC_BP256, "EC", "brainpoolP256r1", "brainpoolP256r1", 32},
    {KW_KEY_EC_BP384, "EC", "brainpoolP384r1", "brainpoolP384r1", 48},
    {KW_KEY_ED25519, "ED25519", NULL, NULL, 0},
    {KW_KEY_ED448, "ED448", NULL, NULL, 0},
};

#define CURVE_COUNT (sizeof(CURVES) / sizeof(CURVES[0]))

static const curve *curve_of(kw_key_type type)
{
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (CURVES[i].type == type) {
            return &CURVES[i];
        }
    }
    return NULL;
}

static kw_key_type type_of(const EVP_PKEY *pkey)
{
    char group[64] = "";
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        return KW_KEY_RSA;
    }
    if (EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1) {
        return KW_KEY_OTHER; /* a curve by its numbers is none of ours */
    }
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (EVP_PKEY_is_a(pkey, CURVES[i].algorithm) && (CURVES[i].known_as == NULL || strcmp(group, CURVES[i].known_as) == 0)) {
            return CURVES[i].type;
        }
    }
    return KW_KEY_OTHER;
}

static size_t coordinate_len(kw_key_type type)
{
    const curve *c = curve_of(type);
    return c != NULL ? c->coordinate : 0;
}

/* Of the modulus, or of a signature r‖s. */
static size_t size_of(const EVP_PKEY *pkey, kw_key_type type)
{
    const size_t coordinate = coordinate_len(type);
    return coordinate > 0 ? 2 * coordinate : (size_t)EVP_PKEY_get_size(pkey);
}

kw_status kw_private_key_wrap(EVP_PKEY *pkey, kw_private_key **out)
{
    kw_private_key *key = calloc(1, sizeof(*key));
    if (key == NULL || RAND_priv_bytes(key->rejection_key, sizeof(key->rejection_key)) != 1) {
        free(key);
        EVP_PKEY_free(pkey);
        return KW_BAD_OUT_OF_MEMORY;
    }
    key->pkey = pkey;
    key->type = type_of(pkey);
    key->bits = (uint32_t)EVP_PKEY_get_bits(pkey);
    key->size = size_of(pkey, key->type);
    atomic_init(&key->references, 1);
    *out = key;
    return KW_GOOD;
}

kw_status kw_public_key_wrap(EVP_PKEY *pkey, kw_public_key **out)
{
    kw_public_key *key = calloc(1, sizeof(*key));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return KW_BAD_OUT_OF_MEMORY;
    }
    key->pkey = pkey;
    key->type = type_of(pkey);
    key->bits = (uint32_t)EVP_PKEY_get_bits(pkey);
    key->size = size_of(pkey, key->type);
    atomic_init(&key->references, 1);
    *out = key;
    return KW_GOOD;
}

kw_private_key *kw_private_key_retain(kw_private_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void kw_private_key_release(kw_private_key *key)
{
    if (key != NULL && atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) == 1) {
        EVP_PKEY_free(key->pkey);
        kw_wipe(key, sizeof(*key));
        free(key);
    }
}

kw_public_key *kw_public_key_retain(kw_public_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void kw_public_key_release(kw_public_key *key)
{
    if (key != NULL && atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) == 1) {
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

struct evp_pkey_st *kw_private_key_evp(const kw_private_key *key)
{
    return key->pkey;
}

kw_key_type kw_private_key_type(const kw_private_key *key)
{
    return key->type;
}

size_t kw_private_key_size(const kw_private_key *key)
{
    return key->size;
}

uint32_t kw_private_key_bits(const kw_private_key *key)
{
    return key->bits;
}

kw_key_type kw_public_key_type(const kw_public_key *key)
{
    return key->type;
}

uint32_t kw_public_key_bits(const kw_public_key *key)
{
    return key->bits;
}

size_t kw_public_key_size(const kw_public_key *key)
{
    return key->size;
}

kw_status kw_private_key_generate(kw_key_type type, uint32_t bits, kw_private_key **out)
{
    EVP_PKEY *pkey = NULL;
    const curve *c = curve_of(type);
    if (type == KW_KEY_RSA && bits >= 1024 && bits <= KW_RSA_MAX_BITS) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    } else if (c == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    } else if (c->group != NULL) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, c->algorithm, c->group);
    } else {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, c->algorithm);
    }
    return pkey != NULL ? kw_private_key_wrap(pkey, out) : KW_BAD_UNEXPECTED_ERROR;
}

kw_status kw_public_key_of(const kw_private_key *key, kw_public_key **out)
{
    /* The private numbers must not travel with what is handed around as public: only the public half is copied. */
    unsigned char *der = NULL;
    const int len = i2d_PUBKEY(key->pkey, &der);
    if (len <= 0) {
        ERR_clear_error();
        return KW_BAD_UNEXPECTED_ERROR;
    }
    const kw_status status = kw_public_key_load((kw_bytes){der, (size_t)len}, out);
    OPENSSL_free(der);
    return status;
}

bool kw_public_key_is_sound(const kw_public_key *key)
{
    if (key->type != KW_KEY_RSA) {
        return true;
    }
    BIGNUM *e = NULL;
    const bool is_sound = key->bits <= KW_RSA_MAX_BITS && EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                          BN_is_odd(e) && BN_num_bits(e) >= 17 && BN_num_bits(e) <= 64;
    BN_free(e);
    return is_sound;
}

static kw_status bn_to_arena(const EVP_PKEY *pkey, const char *name, size_t len, kw_arena *arena, kw_bytes *out)
{
    BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) {
        ERR_clear_error();
        return KW_BAD_UNEXPECTED_ERROR;
    }
    const size_t size = len > 0 ? len : (size_t)BN_num_bytes(bn);
    uint8_t *bytes = kw_arena_alloc(arena, size);
    const bool is_good = bytes != NULL && BN_bn2binpad(bn, bytes, (int)size) == (int)size;
    BN_free(bn);
    if (!is_good) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = (kw_bytes){bytes, size};
    return KW_GOOD;
}

kw_status kw_public_key_rsa_numbers(const kw_public_key *key, kw_arena *arena, kw_bytes *modulus, kw_bytes *exponent)
{
    kw_bytes n;
    if (key->type != KW_KEY_RSA) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(bn_to_arena(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, arena, &n));
    KW_TRY(bn_to_arena(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, arena, exponent));
    *modulus = n;
    return KW_GOOD;
}

kw_status kw_public_key_ec_point(const kw_public_key *key, kw_arena *arena, kw_bytes *x, kw_bytes *y)
{
    const size_t len = coordinate_len(key->type); /* RFC 7518, 6.2.1.2: full length, with leading zeros */
    kw_bytes first;
    if (len == 0) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(bn_to_arena(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, len, arena, &first));
    KW_TRY(bn_to_arena(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, len, arena, y));
    *x = first;
    return KW_GOOD;
}

kw_status kw_public_key_eddsa_point(const kw_public_key *key, kw_arena *arena, kw_bytes *x)
{
    size_t len = 0;
    if (!kw_key_is_eddsa(key->type) || EVP_PKEY_get_raw_public_key(key->pkey, NULL, &len) != 1) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    uint8_t *bytes = kw_arena_alloc(arena, len);
    if (bytes == NULL || EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len) != 1) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *x = (kw_bytes){bytes, len};
    return KW_GOOD;
}
