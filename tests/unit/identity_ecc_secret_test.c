/* EccEncryptedSecrets that another implementation has sealed: tests/tools/secret_vectors.py. OPC 10000-4, 7.40.2.5. */
#include "crypto/crypto_internal.h"
#include "identity/secret_format.h"
#include "support/kw_test_identity.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <openssl/x509.h>
#include <string.h>

/* In hexadecimal. */
typedef struct secret_vector {
    const char *policy, *receiver_key, *signer, *nonce, *secret, *sealed;
} secret_vector;

#include "vectors/secrets.inc"

enum { COUNT = sizeof(SECRETS) / sizeof(SECRETS[0]), WINDOW_S = 60 };

/* Everything that a receiver of such a secret has. */
typedef struct fixture {
    kw_arena *arena;
    kw_certificate *sender;
    kw_receiver_use use;
    kw_secret_open how;
} fixture;

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static kw_bytes hex(kw_arena *arena, const char *text)
{
    const size_t len = strlen(text) / 2;
    uint8_t *bytes = kw_arena_alloc(arena, len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    }
    return (kw_bytes){bytes, len};
}

static const kw_application_identity *server_for(const kw_security_policy *policy)
{
    static const kw_key_type TYPES[] = {KW_KEY_EC_P256, KW_KEY_EC_P384, KW_KEY_EC_BP256, KW_KEY_EC_BP384, KW_KEY_ED25519, KW_KEY_ED448};
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (kw_security_policy_takes_key(policy, TYPES[i], 0)) {
            return kw_test_identity_of("server", TYPES[i]);
        }
    }
    return kw_test_identity("server", 2048);
}

static void give_key(fixture *f, const secret_vector *v)
{
    kw_ephemeral_key *pair = NULL;
    const kw_bytes der = hex(f->arena, v->receiver_key);
    const unsigned char *p = der.data;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
    assert_non_null(pkey);
    assert_status(kw_ephemeral_key_wrap(f->how.policy->ephemeral, pkey, &pair), KW_GOOD);
    assert_status(kw_receiver_key_of(f->how.policy, server_for(f->how.policy), pair, &f->use.key), KW_GOOD);
}

static void begin(fixture *f, const secret_vector *v)
{
    *f = (fixture){.arena = kw_arena_new(1 << 20)};
    assert_non_null(f->arena);
    assert_status(kw_certificate_parse(hex(f->arena, v->signer), &f->sender), KW_GOOD);
    f->how = (kw_secret_open){.policy = kw_security_policy_by_name(kw_string_from(v->policy)),
                              .nonce = hex(f->arena, v->nonce),
                              .now = SIGNING_TIME,
                              .window_s = WINDOW_S,
                              .max_len = 4096,
                              .sender = f->sender,
                              .use = &f->use};
    assert_non_null(f->how.policy);
    give_key(f, v);
}

static void end(fixture *f)
{
    kw_receiver_key_release(f->use.key);
    kw_certificate_release(f->sender);
    kw_arena_free(f->arena);
}

static kw_status unseal(fixture *f, const secret_vector *v, kw_secret *secret)
{
    kw_secret_facts facts = {.format = KW_SECRET_CLEAR};
    const char *why = NULL;
    const kw_status status = kw_secret_unseal(&f->how, hex(f->arena, v->sealed), secret, &facts, &why);
    if (!kw_status_is_bad(status)) {
        assert_int_equal(facts.format, KW_SECRET_ECC);
        assert_true(facts.signing_time == SIGNING_TIME);
        kw_certificate_release(facts.signer);
    }
    return status;
}

static kw_status try_it(fixture *f, const secret_vector *v)
{
    kw_secret secret = KW_SECRET_NONE;
    const kw_status status = unseal(f, v, &secret);
    kw_secret_clear(&secret);
    return status;
}

/* Under every policy, with and without Certificate, empty, short and long, in both dialects. */
static void es_03_and_es_04_and_es_05_secrets_of_another_implementation_are_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        fixture f;
        kw_secret secret = KW_SECRET_NONE;
        begin(&f, &SECRETS[i]);
        assert_status(unseal(&f, &SECRETS[i], &secret), KW_GOOD);
        assert_true(kw_bytes_equal(kw_secret_bytes(&secret), hex(f.arena, SECRETS[i].secret)));
        kw_secret_clear(&secret);
        end(&f);
    }
}

static void es_13_signing_time_is_not_far_off(void **state)
{
    (void)state;
    fixture f;
    begin(&f, &SECRETS[0]);
    f.how.now = SIGNING_TIME + 3601 * KW_TICKS_PER_S;
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.now = SIGNING_TIME - (WINDOW_S + 1) * KW_TICKS_PER_S;
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.now = SIGNING_TIME + 3600 * KW_TICKS_PER_S; /* with the nonce of a Session */
    assert_status(try_it(&f, &SECRETS[0]), KW_GOOD);
    end(&f);
    begin(&f, &SECRETS[0]);
    f.how.nonce = KW_BYTES_NULL;
    f.how.now = SIGNING_TIME + (WINDOW_S + 1) * KW_TICKS_PER_S;
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.now = SIGNING_TIME + WINDOW_S * KW_TICKS_PER_S;
    assert_status(try_it(&f, &SECRETS[0]), KW_GOOD);
    end(&f);
}

static const secret_vector *without_certificate(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (strlen(SECRETS[i].secret) == 240) { /* the tokens */
            return &SECRETS[i];
        }
    }
    fail();
    return NULL;
}

static void es_09_without_a_certificate_it_is_the_senders_or_nobodys(void **state)
{
    (void)state;
    fixture f;
    const secret_vector *v = without_certificate();
    begin(&f, v);
    f.how.sender = NULL;
    assert_status(try_it(&f, v), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.sender = kw_test_identity_of("stranger", KW_KEY_EC_P256)->certificate;
    assert_status(try_it(&f, v), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.sender = f.sender;
    assert_status(try_it(&f, v), KW_GOOD);
    end(&f);
}

static void es_11_another_nonce_is_stale(void **state)
{
    (void)state;
    fixture f;
    begin(&f, &SECRETS[0]);
    const kw_bytes nonce = f.how.nonce;
    f.how.nonce = hex(f.arena, SECRETS[1].nonce);
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    f.how.nonce = nonce;
    assert_status(try_it(&f, &SECRETS[0]), KW_GOOD);
    end(&f);
}

/* Two proofs with the same secret at the same time: one has the key, the other gets nothing, whatever comes of the first. */
static void es_10_a_key_that_somebody_uses_is_not_there_for_another(void **state)
{
    (void)state;
    fixture f;
    begin(&f, &SECRETS[0]);
    kw_receiver_use first = {.key = f.use.key};
    assert_true(kw_receiver_key_take(&first));
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_receiver_key_settle(&first, false); /* its secret was not good */
    assert_status(try_it(&f, &SECRETS[0]), KW_GOOD);
    kw_receiver_key_settle(&f.use, true);
    assert_status(try_it(&f, &SECRETS[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(es_03_and_es_04_and_es_05_secrets_of_another_implementation_are_opened),
        cmocka_unit_test(es_13_signing_time_is_not_far_off),
        cmocka_unit_test(es_09_without_a_certificate_it_is_the_senders_or_nobodys),
        cmocka_unit_test(es_11_another_nonce_is_stale),
        cmocka_unit_test(es_10_a_key_that_somebody_uses_is_not_there_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
