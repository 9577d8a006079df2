/* What the policies that agree on keys need: known answers of another implementation, and what must not be agreed with. */
#include "crypto/certificate.h"
#include "crypto/crypto_internal.h"
#include "crypto/symmetric.h"
#include "support/test.h"

#include <openssl/bn.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* In hexadecimal. */
typedef struct chunk_vector {
    const char *policy, *shared, *client, *server, *header, *plain, *cipher, *tag;
    const char *tag_signed; /* mode Sign: what stands behind header and plain */
} chunk_vector;

typedef struct agreement_vector {
    const char *policy, *private_key, *own, *peer, *shared;
} agreement_vector;

typedef struct signature_vector {
    const char *policy, *public_key, *message, *signature;
} signature_vector;

#include "vectors/agreement.inc"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { TOKEN = 0x01020304, LAST = 0xFE };

static kw_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = kw_arena_new((size_t)1 << 20);
    return arena != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kw_arena_free(arena);
    return 0;
}

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static kw_bytes hex(const char *text)
{
    const size_t len = strlen(text) / 2;
    uint8_t *bytes = kw_arena_alloc(arena, len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    }
    return (kw_bytes){bytes, len};
}

static uint8_t *changeable(kw_bytes bytes)
{
    return (uint8_t *)(uintptr_t)kw_arena_copy(arena, bytes).data;
}

static const kw_security_policy *policy_of(const char *name)
{
    const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(name));
    assert_non_null(policy);
    return policy;
}

static kw_bytes concat(kw_bytes a, kw_bytes b)
{
    uint8_t *bytes = kw_arena_alloc(arena, a.len + b.len + 1);
    assert_non_null(bytes);
    memcpy(bytes, a.data, a.len);
    memcpy(bytes + a.len, b.data, b.len);
    return (kw_bytes){bytes, a.len + b.len};
}

/* --- HKDF --------------------------------------------------------------------------------------------------------------------------- */

/* RFC 5869, A.1 to A.3. */
static void hkdf_gives_the_known_answers(void **state)
{
    (void)state;
    uint8_t out[82];
    const kw_bytes secret = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    assert_int_equal(kw_hkdf(KW_HASH_SHA256, secret, hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), out, 42), KW_GOOD);
    assert_memory_equal(out, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865").data, 42);
    assert_int_equal(kw_hkdf(KW_HASH_SHA256, secret, KW_BYTES_NULL, KW_BYTES_NULL, out, 42), KW_GOOD);
    assert_memory_equal(out, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8").data, 42);
    assert_int_equal(kw_hkdf(KW_HASH_SHA256, secret, KW_BYTES_NULL, KW_BYTES_NULL, out, 255 * 32 + 1), KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(kw_hkdf(KW_HASH_NONE, secret, KW_BYTES_NULL, KW_BYTES_NULL, out, 1), KW_BAD_INVALID_ARGUMENT);
}

/* --- chunks ------------------------------------------------------------------------------------------------------------------------- */

static kw_sym_keys *keys_of(const chunk_vector *v)
{
    kw_sym_keys *keys = NULL;
    assert_int_equal(
        kw_sym_keys_agree(policy_of(v->policy), hex(v->shared), KW_STRING("opcua-client"), hex(v->client), hex(v->server), &keys), KW_GOOD);
    return keys;
}

static void check_cbc(const chunk_vector *v)
{
    kw_sym_keys *keys = keys_of(v);
    uint8_t mac[KW_HASH_MAX];
    const kw_bytes plain = hex(v->plain), signed_part = concat(hex(v->header), plain);
    uint8_t *data = changeable(plain);
    assert_int_equal(kw_sym_sign(keys, signed_part, mac), KW_GOOD);
    assert_memory_equal(mac, hex(v->tag).data, policy_of(v->policy)->mac_len);
    assert_int_equal(kw_sym_encrypt(keys, data, plain.len), KW_GOOD);
    assert_memory_equal(data, hex(v->cipher).data, plain.len);
    assert_int_equal(kw_sym_decrypt(keys, data, plain.len), KW_GOOD);
    assert_memory_equal(data, plain.data, plain.len);
    assert_int_equal(kw_sym_seal(keys, TOKEN, LAST, KW_BYTES_NULL, data, plain.len, mac), KW_BAD_INVALID_ARGUMENT);
    kw_sym_keys_free(keys);
}

static void check_aead(const chunk_vector *v)
{
    kw_sym_keys *keys = keys_of(v);
    uint8_t tag[KW_AEAD_TAG];
    const kw_bytes header = hex(v->header), plain = hex(v->plain);
    uint8_t *data = changeable(plain);
    assert_int_equal(kw_sym_seal(keys, TOKEN, LAST, header, data, plain.len, tag), KW_GOOD);
    assert_memory_equal(data, hex(v->cipher).data, plain.len);
    assert_memory_equal(tag, hex(v->tag).data, sizeof(tag));
    assert_int_equal(kw_sym_open(keys, TOKEN, LAST, header, data, plain.len, hex(v->tag)), KW_GOOD);
    assert_memory_equal(data, plain.data, plain.len);
    kw_sym_keys_free(keys);

    keys = keys_of(v);
    assert_int_equal(kw_sym_seal(keys, TOKEN, LAST, concat(header, plain), NULL, 0, tag), KW_GOOD);
    assert_memory_equal(tag, hex(v->tag_signed).data, sizeof(tag));
    assert_int_equal(kw_sym_open(keys, TOKEN, LAST, concat(header, plain), NULL, 0, hex(v->tag_signed)), KW_GOOD);
    kw_sym_keys_free(keys);
}

static void chunks_of_every_policy_are_as_another_implementation_makes_them(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        count += kw_security_policy_at(i)->ephemeral != KW_EPHEMERAL_NONE;
    }
    assert_int_equal(count, COUNT(CHUNKS));
    for (size_t i = 0; i < COUNT(CHUNKS); i++) {
        if (policy_of(CHUNKS[i].policy)->tag_len > 0) {
            check_aead(&CHUNKS[i]);
        } else {
            check_cbc(&CHUNKS[i]);
        }
    }
}

static void a_changed_bit_or_a_short_tag_opens_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CHUNKS); i++) {
        const chunk_vector *v = &CHUNKS[i];
        if (policy_of(v->policy)->tag_len == 0) {
            continue;
        }
        kw_sym_keys *keys = keys_of(v);
        const kw_bytes header = hex(v->header), cipher = hex(v->cipher), tag = hex(v->tag);
        uint8_t nothing[64] = {0};
        for (size_t at = 0; at < header.len + cipher.len + tag.len; at++) {
            uint8_t *h = changeable(header), *c = changeable(cipher), *t = changeable(tag);
            uint8_t *hit = at < header.len                ? h + at
                           : at < header.len + cipher.len ? c + (at - header.len)
                                                          : t + (at - header.len - cipher.len);
            *hit ^= (uint8_t)(1u << (at & 7));
            assert_int_equal(kw_sym_open(keys, TOKEN, LAST, (kw_bytes){h, header.len}, c, cipher.len, (kw_bytes){t, tag.len}),
                             KW_BAD_SECURITY_CHECKS_FAILED);
            assert_memory_equal(c, nothing, cipher.len);
        }
        for (size_t len = 0; len < tag.len; len++) {
            assert_int_equal(kw_sym_open(keys, TOKEN, LAST, header, changeable(cipher), cipher.len, (kw_bytes){tag.data, len}),
                             KW_BAD_SECURITY_CHECKS_FAILED);
        }
        assert_int_equal(kw_sym_open(keys, TOKEN + 1, LAST, header, changeable(cipher), cipher.len, tag), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_sym_open(keys, TOKEN, LAST + 1, header, changeable(cipher), cipher.len, tag), KW_BAD_SECURITY_CHECKS_FAILED);
        kw_sym_keys_free(keys);
    }
}

static kw_status seal(kw_sym_keys *keys, uint32_t last)
{
    uint8_t data[1] = {0}, tag[KW_AEAD_TAG];
    return kw_sym_seal(keys, TOKEN, last, KW_BYTES_NULL, data, sizeof(data), tag);
}

static void one_nonce_seals_one_chunk(void **state)
{
    (void)state;
    kw_sym_keys *keys = keys_of(&CHUNKS[6]);
    assert_int_equal(seal(keys, 0xFFFFFFFE), KW_GOOD);
    assert_int_equal(seal(keys, 0xFFFFFFFE), KW_BAD_SEQUENCE_NUMBER_INVALID);
    assert_int_equal(seal(keys, 0xFFFFFFFF), KW_GOOD);
    assert_int_equal(seal(keys, 0), KW_GOOD);
    assert_int_equal(seal(keys, 0xFFFFFFFF), KW_BAD_SEQUENCE_NUMBER_INVALID);
    assert_int_equal(seal(keys, 7), KW_GOOD);
    assert_int_equal(seal(keys, 7), KW_BAD_SEQUENCE_NUMBER_INVALID);
    assert_int_equal(seal(keys, 0xFFFFFFFD), KW_GOOD);                        /* the last of the whole round */
    assert_int_equal(seal(keys, 0xFFFFFFFE), KW_BAD_SEQUENCE_NUMBER_INVALID); /* the first again */
    kw_sym_keys_free(keys);
}

static void keys_need_what_the_policy_says(void **state)
{
    (void)state;
    const chunk_vector *v = &CHUNKS[0];
    kw_sym_keys *keys = NULL;
    const kw_bytes client = hex(v->client), server = hex(v->server);
    assert_int_equal(kw_sym_keys_agree(policy_of("Basic256Sha256"), hex(v->shared), KW_STRING("opcua-client"), client, server, &keys),
                     KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(kw_sym_keys_agree(policy_of("ECC_nistP384"), hex(v->shared), KW_STRING("opcua-client"), client, server, &keys),
                     KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(kw_sym_keys_derive(policy_of("ECC_nistP256"), client, server, &keys), KW_BAD_INVALID_ARGUMENT);
}

/* --- a cipher by itself -------------------------------------------------------------------------------------------------------------- */

static void a_cipher_seals_and_opens_by_itself(void **state)
{
    (void)state;
    const struct {
        kw_sym_cipher cipher;
        size_t key;
    } ciphers[] = {{KW_SYM_AES128_GCM, 16}, {KW_SYM_AES256_GCM, 32}, {KW_SYM_CHACHA20_POLY1305, 32}};
    const uint8_t key[32] = {1, 2, 3}, iv[KW_AEAD_IV] = {4, 5, 6};
    const kw_bytes aad = KW_STRING("header"), plain = KW_STRING("what is secret");
    for (size_t i = 0; i < COUNT(ciphers); i++) {
        uint8_t tag[KW_AEAD_TAG], *data = changeable(plain);
        const kw_bytes k = {key, ciphers[i].key}, v = {iv, sizeof(iv)};
        assert_int_equal(kw_aead_seal(ciphers[i].cipher, k, v, aad, data, plain.len, tag), KW_GOOD);
        assert_memory_not_equal(data, plain.data, plain.len);
        uint8_t *copy = changeable((kw_bytes){data, plain.len});
        assert_int_equal(kw_aead_open(ciphers[i].cipher, k, v, aad, data, plain.len, (kw_bytes){tag, sizeof(tag)}), KW_GOOD);
        assert_memory_equal(data, plain.data, plain.len);
        assert_int_equal(kw_aead_open(ciphers[i].cipher, k, v, plain, copy, plain.len, (kw_bytes){tag, sizeof(tag)}),
                         KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_aead_seal(ciphers[i].cipher, (kw_bytes){key, 15}, v, aad, data, plain.len, tag), KW_BAD_INVALID_ARGUMENT);
        assert_int_equal(kw_aead_seal(ciphers[i].cipher, k, (kw_bytes){iv, 11}, aad, data, plain.len, tag), KW_BAD_INVALID_ARGUMENT);
    }
    assert_int_equal(kw_aead_seal(KW_SYM_AES128_CBC, (kw_bytes){key, 16}, (kw_bytes){iv, 12}, aad, NULL, 0, NULL), KW_BAD_INVALID_ARGUMENT);
}

/* --- agreement ---------------------------------------------------------------------------------------------------------------------- */

static kw_ephemeral_key *fixed_key(const agreement_vector *v)
{
    kw_ephemeral_key *key = NULL;
    const kw_bytes der = hex(v->private_key);
    const unsigned char *p = der.data;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
    assert_non_null(pkey);
    assert_int_equal(kw_ephemeral_key_wrap(policy_of(v->policy)->ephemeral, pkey, &key), KW_GOOD);
    return key;
}

static void secrets_of_every_group_are_as_another_implementation_makes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(AGREEMENTS); i++) {
        kw_ephemeral_key *key = fixed_key(&AGREEMENTS[i]);
        kw_secret shared = KW_SECRET_NONE;
        assert_true(kw_bytes_equal(kw_ephemeral_key_public(key), hex(AGREEMENTS[i].own)));
        assert_int_equal(kw_ephemeral_key_agree(key, hex(AGREEMENTS[i].peer), &shared), KW_GOOD);
        assert_true(kw_bytes_equal(kw_secret_bytes(&shared), hex(AGREEMENTS[i].shared)));
        kw_secret_clear(&shared);
        kw_ephemeral_key_free(key);
    }
}

static void both_sides_of_every_policy_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        kw_ephemeral_key *a = NULL, *b = NULL;
        if (policy->ephemeral == KW_EPHEMERAL_NONE) {
            assert_int_equal(kw_ephemeral_key_generate(policy, &a), KW_BAD_INVALID_ARGUMENT);
            continue;
        }
        kw_secret x = KW_SECRET_NONE, y = KW_SECRET_NONE;
        assert_int_equal(kw_ephemeral_key_generate(policy, &a), KW_GOOD);
        assert_int_equal(kw_ephemeral_key_generate(policy, &b), KW_GOOD);
        assert_int_equal(kw_ephemeral_key_public(a).len, policy->nonce_len);
        assert_int_equal(kw_ephemeral_key_agree(a, kw_ephemeral_key_public(b), &x), KW_GOOD);
        assert_int_equal(kw_ephemeral_key_agree(b, kw_ephemeral_key_public(a), &y), KW_GOOD);
        assert_true(kw_bytes_equal(kw_secret_bytes(&x), kw_secret_bytes(&y)));
        kw_secret_clear(&x);
        kw_secret_clear(&y);
        kw_ephemeral_key_free(a);
        kw_ephemeral_key_free(b);
    }
}

static void refused(const kw_ephemeral_key *key, kw_bytes peer)
{
    kw_secret shared = KW_SECRET_NONE;
    assert_int_equal(kw_ephemeral_key_agree(key, peer, &shared), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_null(shared.data);
}

static void a_key_of_the_wrong_length_and_our_own_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(AGREEMENTS); i++) {
        kw_ephemeral_key *key = fixed_key(&AGREEMENTS[i]);
        const kw_bytes peer = hex(AGREEMENTS[i].peer);
        refused(key, KW_BYTES_NULL);
        refused(key, (kw_bytes){peer.data, peer.len - 1});
        refused(key, concat(peer, (kw_bytes){peer.data, 1}));
        refused(key, concat(KW_STRING("\x04"), peer)); /* as others encode points */
        refused(key, kw_ephemeral_key_public(key));
        kw_ephemeral_key_free(key);
    }
}

static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) { /* the NIST and brainpool curves */
        kw_ephemeral_key *key = fixed_key(&AGREEMENTS[i]);
        const kw_bytes peer = hex(AGREEMENTS[i].peer);
        for (size_t at = 0; at < peer.len; at += 7) {
            uint8_t *changed = changeable(peer);
            changed[at] ^= 1;
            refused(key, (kw_bytes){changed, peer.len});
        }
        uint8_t *extreme = changeable(peer);
        memset(extreme, 0, peer.len);
        refused(key, (kw_bytes){extreme, peer.len});
        memset(extreme, 0xFF, peer.len);
        refused(key, (kw_bytes){extreme, peer.len});
        /* A sound point of another curve of the same size. */
        refused(key, hex(AGREEMENTS[(i + 2) % 4].peer));
        kw_ephemeral_key_free(key);
    }
}

static void points_of_small_order_are_refused(void **state)
{
    (void)state;
    static const char *const X25519_SMALL[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                               "0100000000000000000000000000000000000000000000000000000000000000",
                                               "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                               "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                               "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                               "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                               "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    kw_ephemeral_key *key = fixed_key(&AGREEMENTS[4]);
    for (size_t i = 0; i < COUNT(X25519_SMALL); i++) {
        refused(key, hex(X25519_SMALL[i]));
    }
    kw_ephemeral_key_free(key);

    key = fixed_key(&AGREEMENTS[5]);
    uint8_t u[56] = {0};
    refused(key, (kw_bytes){u, sizeof(u)});
    u[0] = 1;
    refused(key, (kw_bytes){u, sizeof(u)});
    memset(u, 0xFF, sizeof(u)); /* p − 1 = 2^448 − 2^224 − 2 */
    u[0] = 0xFE;
    u[28] = 0xFE;
    refused(key, (kw_bytes){u, sizeof(u)});
    kw_ephemeral_key_free(key);
}

/* 0, 1, p − 1, p, what is past p, and a number outside of the subgroup that 2 makes. */
static void numbers_outside_of_the_group_are_refused(void **state)
{
    (void)state;
    kw_ephemeral_key *key = fixed_key(&AGREEMENTS[6]);
    uint8_t y[384] = {0};
    const kw_bytes number = {y, sizeof(y)};
    refused(key, number);
    y[sizeof(y) - 1] = 1;
    refused(key, number);
    memset(y, 0xFF, sizeof(y));
    refused(key, number);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *made = NULL;
    BIGNUM *prime = NULL;
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, "ffdhe3072"), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &made), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(made, "p", &prime), 1);
    assert_int_equal(BN_bn2binpad(prime, y, sizeof(y)), sizeof(y));
    refused(key, number);
    y[sizeof(y) - 1]--; /* p is odd */
    refused(key, number);
    y[sizeof(y) - 1]--; /* p − 2: −2 is no square, so it makes a group of even order */
    refused(key, number);
    BN_free(prime);
    EVP_PKEY_free(made);
    EVP_PKEY_CTX_free(ctx);
    kw_ephemeral_key_free(key);
}

/* --- signatures and certificates ---------------------------------------------------------------------------------------------------- */

static void signatures_of_another_implementation_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(SIGNATURES); i++) {
        const signature_vector *v = &SIGNATURES[i];
        kw_public_key *key = NULL;
        const kw_bytes message = hex(v->message), signature = hex(v->signature);
        assert_int_equal(kw_public_key_load(hex(v->public_key), &key), KW_GOOD);
        assert_int_equal(kw_public_key_size(key), signature.len);
        assert_int_equal(kw_asym_verify(policy_of(v->policy), key, &message, 1, signature), KW_GOOD);
        for (size_t at = 0; at < signature.len; at += 5) {
            uint8_t *changed = changeable(signature);
            changed[at] ^= 0x10;
            assert_int_equal(kw_asym_verify(policy_of(v->policy), key, &message, 1, (kw_bytes){changed, signature.len}),
                             KW_BAD_SECURITY_CHECKS_FAILED);
        }
        const kw_bytes shorter = {signature.data, signature.len - 1};
        assert_int_equal(kw_asym_verify(policy_of(v->policy), key, &message, 1, shorter), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_verify(policy_of("Basic256Sha256"), key, &message, 1, signature), KW_BAD_SECURITY_CHECKS_FAILED);
        kw_public_key_release(key);
    }
}

/* r and s of 0 are no signature of anything. */
static void a_signature_of_zeros_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(SIGNATURES); i++) {
        kw_public_key *key = NULL;
        uint8_t zeros[114] = {0};
        const kw_bytes message = hex(SIGNATURES[i].message);
        assert_int_equal(kw_public_key_load(hex(SIGNATURES[i].public_key), &key), KW_GOOD);
        assert_int_equal(kw_asym_verify(policy_of(SIGNATURES[i].policy), key, &message, 1, (kw_bytes){zeros, kw_public_key_size(key)}),
                         KW_BAD_SECURITY_CHECKS_FAILED);
        kw_public_key_release(key);
    }
}

static kw_certificate *certificate_for(kw_private_key *key)
{
    const kw_certificate_request request = {
        .application_uri = "urn:example:press", .common_name = "Press", .not_before = 132539328000000000, .not_after = 163792800000000000};
    kw_certificate *certificate = NULL;
    assert_int_equal(kw_certificate_create(&request, key, &KW_RANDOM_SYSTEM, &certificate), KW_GOOD);
    return certificate;
}

static void every_type_of_key_signs_has_a_certificate_and_is_read_again(void **state)
{
    (void)state;
    const kw_key_type types[] = {KW_KEY_EC_P256, KW_KEY_EC_P384, KW_KEY_EC_BP256, KW_KEY_EC_BP384, KW_KEY_ED25519, KW_KEY_ED448};
    const size_t sizes[] = {64, 96, 64, 96, 64, 114};
    for (size_t i = 0; i < COUNT(types); i++) {
        kw_private_key *key = NULL, *again = NULL;
        kw_secret pem = KW_SECRET_NONE;
        assert_int_equal(kw_private_key_generate(types[i], 0, &key), KW_GOOD);
        assert_int_equal(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem), KW_GOOD);
        assert_int_equal(kw_private_key_load(kw_secret_bytes(&pem), KW_BYTES_NULL, &again), KW_GOOD);
        assert_int_equal(kw_private_key_type(again), types[i]);
        assert_int_equal(kw_private_key_size(again), sizes[i]);
        kw_certificate *certificate = certificate_for(key);
        assert_true(kw_certificate_belongs_to(certificate, again));
        assert_true(kw_certificate_is_issued_by(certificate, certificate));
        size_t takers = 0;
        for (size_t p = 0; p < kw_security_policy_count(); p++) {
            const kw_security_policy *policy = kw_security_policy_at(p);
            const kw_bytes message = KW_STRING("message");
            kw_bytes signature;
            if (!policy->is_none && kw_security_policy_takes_key(policy, types[i], 0)) {
                assert_int_equal(kw_asym_sign(policy, again, &message, 1, arena, &signature), KW_GOOD);
                assert_int_equal(signature.len, sizes[i]);
                assert_int_equal(kw_asym_verify(policy, kw_certificate_public_key(certificate), &message, 1, signature), KW_GOOD);
                takers++;
            } else {
                assert_int_equal(kw_asym_sign(policy, again, &message, 1, arena, &signature), KW_BAD_INVALID_ARGUMENT);
            }
        }
        assert_int_equal(takers, types[i] == KW_KEY_EC_P384 || types[i] == KW_KEY_EC_BP384 ? 6 : 3);
        kw_secret_clear(&pem);
        kw_certificate_release(certificate);
        kw_private_key_release(key);
        kw_private_key_release(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_gives_the_known_answers),
        cmocka_unit_test(chunks_of_every_policy_are_as_another_implementation_makes_them),
        cmocka_unit_test(a_changed_bit_or_a_short_tag_opens_nothing),
        cmocka_unit_test(one_nonce_seals_one_chunk),
        cmocka_unit_test(keys_need_what_the_policy_says),
        cmocka_unit_test(a_cipher_seals_and_opens_by_itself),
        cmocka_unit_test(secrets_of_every_group_are_as_another_implementation_makes_them),
        cmocka_unit_test(both_sides_of_every_policy_agree),
        cmocka_unit_test(a_key_of_the_wrong_length_and_our_own_are_refused),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(points_of_small_order_are_refused),
        cmocka_unit_test(numbers_outside_of_the_group_are_refused),
        cmocka_unit_test(signatures_of_another_implementation_verify),
        cmocka_unit_test(a_signature_of_zeros_is_refused),
        cmocka_unit_test(every_type_of_key_signs_has_a_certificate_and_is_read_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
