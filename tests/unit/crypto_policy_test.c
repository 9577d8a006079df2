/* What SecurityPolicies do with keys: known answers, and that every change of a bit is noticed. */
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/symmetric.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const RSA_POLICIES[] = {"Basic128Rsa15", "Basic256", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"};
#define POLICY_COUNT (sizeof(RSA_POLICIES) / sizeof(RSA_POLICIES[0]))

static kw_private_key *key, *other;
static kw_public_key *public_key, *other_public;
static kw_arena *arena;

static const kw_security_policy *policy(size_t i)
{
    const kw_security_policy *p = kw_security_policy_by_name(kw_string_from(RSA_POLICIES[i]));
    assert_non_null(p);
    return p;
}

static void from_hex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
}

static int set_up(void **state)
{
    (void)state;
    arena = kw_arena_new((size_t)16 << 20);
    assert_int_equal(kw_private_key_generate(KW_KEY_RSA, 2048, &key), KW_GOOD);
    assert_int_equal(kw_private_key_generate(KW_KEY_RSA, 2048, &other), KW_GOOD);
    assert_int_equal(kw_public_key_of(key, &public_key), KW_GOOD);
    assert_int_equal(kw_public_key_of(other, &other_public), KW_GOOD);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kw_private_key_release(key);
    kw_private_key_release(other);
    kw_public_key_release(public_key);
    kw_public_key_release(other_public);
    kw_arena_free(arena);
    return 0;
}

/* RFC 4231, test cases 1 and 2. */
static void hmac_gives_the_known_answers(void **state)
{
    (void)state;
    uint8_t mac[KW_HASH_MAX], expected[32], ones[20];
    memset(ones, 0x0b, sizeof(ones));
    const kw_bytes hi = KW_STRING("Hi There"), what = KW_STRING("what do ya want for nothing?");
    from_hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", expected);
    assert_int_equal(kw_hmac_of(KW_HASH_SHA256, (kw_bytes){ones, 20}, &hi, 1, mac), KW_GOOD);
    assert_memory_equal(mac, expected, 32);
    from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", expected);
    assert_int_equal(kw_hmac_of(KW_HASH_SHA256, KW_STRING("Jefe"), &what, 1, mac), KW_GOOD);
    assert_memory_equal(mac, expected, 32);
}

/* The expected bytes come from a few lines of Python over its hmac module: secret 00…1f, seed 64…83. */
static void p_hash_gives_the_known_answers(void **state)
{
    (void)state;
    uint8_t secret[32], seed[32], out[80], expected[80];
    for (uint8_t i = 0; i < 32; i++) {
        secret[i] = i;
        seed[i] = (uint8_t)(100 + i);
    }
    from_hex("5d667f3542df4c0d18c2edc05d8fecbf7beb6a0a0403e76e1e91719689d1ecd81cdf20ea137039545580dbadc02dc68572e6506f48406debe0a2f12bc59e7"
             "c015e6332cea56dc081cef88b3e8fc6629c",
             expected);
    assert_int_equal(kw_p_hash(KW_HASH_SHA256, (kw_bytes){secret, 32}, (kw_bytes){seed, 32}, out, 80), KW_GOOD);
    assert_memory_equal(out, expected, 80);
    from_hex("e90cc0bc4a08284a9a77ca50a096311eac740e2a1eb2e5ca00b53685cfbb3836e4d4549554c0cda26a19ac378175e972", expected);
    assert_int_equal(kw_p_hash(KW_HASH_SHA1, (kw_bytes){secret, 16}, (kw_bytes){seed, 16}, out, 48), KW_GOOD);
    assert_memory_equal(out, expected, 48);
}

static void policies_are_found_by_name_and_uri(void **state)
{
    (void)state;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *p = kw_security_policy_at(i);
        assert_ptr_equal(kw_security_policy_by_uri(kw_string_from(p->uri)), p);
        assert_ptr_equal(kw_security_policy_by_name(kw_string_from(p->name)), p);
    }
    assert_null(kw_security_policy_by_uri(KW_BYTES_NULL));
    assert_null(kw_security_policy_by_uri(KW_STRING("http://opcfoundation.org/UA/SecurityPolicy#basic256sha256")));
    assert_true(policy(0)->is_deprecated && policy(1)->is_deprecated && !policy(2)->is_deprecated);
}

static void signatures_hold_and_break(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const kw_bytes parts[] = {KW_STRING("certificate"), KW_STRING("nonce")}, joined = KW_STRING("certificatenonce"),
                       swapped[] = {parts[1], parts[0]};
        kw_bytes signature;
        assert_int_equal(kw_asym_sign(policy(i), key, parts, 2, arena, &signature), KW_GOOD);
        assert_int_equal(signature.len, 256);
        assert_int_equal(kw_asym_verify(policy(i), public_key, &joined, 1, signature), KW_GOOD);
        assert_int_equal(kw_asym_verify(policy(i), public_key, swapped, 2, signature), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_verify(policy(i), other_public, parts, 2, signature), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_verify(policy(i), public_key, parts, 2, (kw_bytes){signature.data, 255}), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_verify(policy(i), public_key, parts, 2, KW_BYTES_NULL), KW_BAD_SECURITY_CHECKS_FAILED);
        ((uint8_t *)signature.data)[17] ^= 1;
        assert_int_equal(kw_asym_verify(policy(i), public_key, parts, 2, signature), KW_BAD_SECURITY_CHECKS_FAILED);
    }
}

/* a signature of one policy is none of another. */
static void a_61_the_policy_decides_on_the_algorithm(void **state)
{
    (void)state;
    const kw_bytes part = KW_STRING("data");
    kw_bytes signature;
    assert_int_equal(kw_asym_sign(policy(1), key, &part, 1, arena, &signature), KW_GOOD);
    assert_int_equal(kw_asym_verify(policy(2), public_key, &part, 1, signature), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(kw_asym_sign(policy(2), key, &part, 1, arena, &signature), KW_GOOD);
    assert_int_equal(kw_asym_verify(policy(4), public_key, &part, 1, signature), KW_BAD_SECURITY_CHECKS_FAILED);
}

static void encryption_goes_there_and_back_in_blocks(void **state)
{
    (void)state;
    static uint8_t plain[700];
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i * 7);
    }
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        for (size_t len = 1; len <= sizeof(plain); len += 100) {
            kw_bytes cipher;
            kw_secret back = KW_SECRET_NONE;
            assert_int_equal(kw_asym_encrypt(policy(i), public_key, (kw_bytes){plain, len}, arena, &cipher), KW_GOOD);
            assert_int_equal(cipher.len, kw_asym_encrypted_size(policy(i), public_key, len));
            assert_int_equal(kw_asym_decrypt(policy(i), key, cipher, 16, &back), KW_GOOD);
            assert_int_equal(back.len, len);
            assert_memory_equal(back.data, plain, len);
            kw_secret_clear(&back);
        }
    }
}

static void what_is_not_meant_for_a_key_is_not_opened(void **state)
{
    (void)state;
    for (size_t i = 2; i < POLICY_COUNT; i++) { /* the OAEP ones */
        kw_bytes cipher;
        kw_secret back = KW_SECRET_NONE;
        assert_int_equal(kw_asym_encrypt(policy(i), public_key, KW_STRING("secret"), arena, &cipher), KW_GOOD);
        assert_int_equal(kw_asym_decrypt(policy(i), other, cipher, 16, &back), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_decrypt(policy(i), key, (kw_bytes){cipher.data, cipher.len - 1}, 16, &back),
                         KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_asym_decrypt(policy(i), key, cipher, 0, &back), KW_BAD_SECURITY_CHECKS_FAILED); /* */
        ((uint8_t *)cipher.data)[3] ^= 4;
        assert_int_equal(kw_asym_decrypt(policy(i), key, cipher, 16, &back), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_null(back.data);
    }
}

static void symmetric_keys_encrypt_and_notice(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        uint8_t data[64] = "sixty-four bytes of plain text, which is four blocks of sixteen", before[64], mac[KW_HASH_MAX];
        kw_sym_keys *one = NULL, *same = NULL, *reversed = NULL;
        const kw_bytes a = KW_STRING("0123456789abcdef0123456789abcdef"), b = KW_STRING("fedcba9876543210fedcba9876543210");
        const kw_bytes view = {data, sizeof(data)};
        memcpy(before, data, sizeof(data));
        assert_int_equal(kw_sym_keys_derive(policy(i), a, b, &one), KW_GOOD);
        assert_int_equal(kw_sym_keys_derive(policy(i), a, b, &same), KW_GOOD);
        assert_int_equal(kw_sym_keys_derive(policy(i), b, a, &reversed), KW_GOOD);
        assert_int_equal(kw_sym_encrypt(one, data, sizeof(data)), KW_GOOD);
        assert_memory_not_equal(data, before, sizeof(data));
        assert_int_equal(kw_sym_sign(one, view, mac), KW_GOOD);
        assert_int_equal(kw_sym_verify(same, view, (kw_bytes){mac, policy(i)->mac_len}), KW_GOOD);
        assert_int_equal(kw_sym_verify(reversed, view, (kw_bytes){mac, policy(i)->mac_len}), KW_BAD_SECURITY_CHECKS_FAILED);
        mac[0] ^= 1;
        assert_int_equal(kw_sym_verify(same, view, (kw_bytes){mac, policy(i)->mac_len}), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(kw_sym_decrypt(same, data, sizeof(data)), KW_GOOD);
        assert_memory_equal(data, before, sizeof(data));
        assert_true(kw_status_is_bad(kw_sym_encrypt(one, data, 15)));
        kw_sym_keys_free(one);
        kw_sym_keys_free(same);
        kw_sym_keys_free(reversed);
    }
}

static void keys_travel_as_pem_with_and_without_a_passphrase(void **state)
{
    (void)state;
    kw_secret pem = KW_SECRET_NONE;
    kw_private_key *back = NULL;
    kw_certificate *certificate = NULL;
    const kw_certificate_request request = {.common_name = "k", .not_before = KW_TICKS_UNIX_EPOCH, .not_after = 2 * KW_TICKS_UNIX_EPOCH};
    assert_int_equal(kw_certificate_create(&request, key, &KW_RANDOM_SYSTEM, &certificate), KW_GOOD);
    assert_int_equal(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem), KW_GOOD);
    assert_int_equal(kw_private_key_load(kw_secret_bytes(&pem), KW_BYTES_NULL, &back), KW_GOOD);
    assert_true(kw_certificate_belongs_to(certificate, back));
    assert_false(kw_certificate_belongs_to(certificate, other));
    kw_private_key_release(back);
    kw_secret_clear(&pem);
    assert_int_equal(kw_private_key_to_pem(key, KW_STRING("open sesame"), &pem), KW_GOOD);
    assert_int_equal(kw_private_key_load(kw_secret_bytes(&pem), KW_STRING("open barley"), &back), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_true(kw_status_is_bad(kw_private_key_load(kw_secret_bytes(&pem), KW_BYTES_NULL, &back)));
    assert_int_equal(kw_private_key_load(kw_secret_bytes(&pem), KW_STRING("open sesame"), &back), KW_GOOD);
    assert_int_equal(kw_private_key_load(KW_STRING("rubbish"), KW_BYTES_NULL, &other), KW_BAD_DECODING_ERROR);
    kw_private_key_release(back);
    kw_secret_clear(&pem);
    kw_certificate_release(certificate);
}

/* */
static void a_212_a_key_that_others_can_read_is_not_loaded(void **state)
{
    (void)state;
    char path[] = "/tmp/keyway-key-XXXXXX";
    kw_secret pem = KW_SECRET_NONE;
    kw_private_key *back = NULL;
    const int fd = mkstemp(path);
    assert_int_equal(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem), KW_GOOD);
    assert_int_equal(write(fd, pem.data, pem.len), (ssize_t)pem.len);
    close(fd);
    assert_int_equal(kw_private_key_load_file(path, KW_BYTES_NULL, &back), KW_GOOD);
    kw_private_key_release(back);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(kw_private_key_load_file(path, KW_BYTES_NULL, &back), KW_BAD_SECURITY_CHECKS_FAILED);
    unlink(path);
    kw_secret_clear(&pem);
}

static void jose_signs_and_keeps_algorithms_apart(void **state)
{
    (void)state;
    kw_private_key *curve = NULL;
    kw_public_key *curve_public = NULL;
    kw_bytes rs, ps, es;
    const kw_bytes data = KW_STRING("header.payload");
    assert_int_equal(kw_private_key_generate(KW_KEY_EC_P256, 0, &curve), KW_GOOD);
    assert_int_equal(kw_public_key_of(curve, &curve_public), KW_GOOD);
    assert_int_equal(kw_jose_sign(KW_STRING("RS256"), key, data, arena, &rs), KW_GOOD);
    assert_int_equal(kw_jose_sign(KW_STRING("PS256"), key, data, arena, &ps), KW_GOOD);
    assert_int_equal(kw_jose_sign(KW_STRING("ES256"), curve, data, arena, &es), KW_GOOD);
    assert_int_equal(es.len, 64); /* r‖s */
    assert_int_equal(kw_jose_verify(KW_STRING("RS256"), public_key, data, rs), KW_GOOD);
    assert_int_equal(kw_jose_verify(KW_STRING("PS256"), public_key, data, ps), KW_GOOD);
    assert_int_equal(kw_jose_verify(KW_STRING("ES256"), curve_public, data, es), KW_GOOD);
    assert_int_equal(kw_jose_verify(KW_STRING("PS256"), public_key, data, rs), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(kw_jose_verify(KW_STRING("RS256"), curve_public, data, es), KW_BAD_SECURITY_CHECKS_FAILED);
    static const uint8_t zeros[64];
    assert_int_equal(kw_jose_verify(KW_STRING("ES256"), curve_public, data, (kw_bytes){zeros, 64}),
                     KW_BAD_SECURITY_CHECKS_FAILED); /* */
    for (const char *const *alg = (const char *const[]){"none", "HS256", "rs256", "", NULL}; *alg != NULL; alg++) {
        assert_int_equal(kw_jose_verify(kw_string_from(*alg), public_key, data, rs), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_true(kw_status_is_bad(kw_jose_sign(kw_string_from(*alg), key, data, arena, &rs)));
    }
    kw_private_key_release(curve);
    kw_public_key_release(curve_public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_gives_the_known_answers),
        cmocka_unit_test(p_hash_gives_the_known_answers),
        cmocka_unit_test(policies_are_found_by_name_and_uri),
        cmocka_unit_test(signatures_hold_and_break),
        cmocka_unit_test(a_61_the_policy_decides_on_the_algorithm),
        cmocka_unit_test(encryption_goes_there_and_back_in_blocks),
        cmocka_unit_test(what_is_not_meant_for_a_key_is_not_opened),
        cmocka_unit_test(symmetric_keys_encrypt_and_notice),
        cmocka_unit_test(keys_travel_as_pem_with_and_without_a_passphrase),
        cmocka_unit_test(a_212_a_key_that_others_can_read_is_not_loaded),
        cmocka_unit_test(jose_signs_and_keeps_algorithms_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
