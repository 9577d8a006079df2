/*
 * EncryptedSecret, put together here byte by byte from the tables of the standard, so that every field can be wrong on its own.
 * OPC 10000-4, 7.40.2.3 and 7.40.2.4.
 */
#include "base/cursor.h"
#include "crypto/symmetric.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

enum { RSA_TYPE = 17545, ECC_TYPE = 17546, ENCODING_OF_NOTHING = 17547, BLOCK = 16, SECRET_MAX = 4096 };

/* What goes into one; `right` fills it. */
typedef struct recipe {
    const kw_security_policy *policy;
    uint16_t type;
    uint8_t mask;
    int32_t length_error; /* added to Length */
    kw_string policy_uri;
    kw_bytes certificate;
    int64_t signing_time;
    kw_bytes nonce, secret;
    int pad_byte; /* -1: as it has to be */
    int pad_size; /* -1: as it has to be */
    size_t pad_more;
    bool zero_mac;
    bool long_type_id; /* the Numeric form of the NodeId */
} recipe;

static recipe right(const kw_test_client *client, const kw_test_session *session)
{
    const kw_test_world *world = client->world;
    return (recipe){.policy = client->policy,
                    .type = RSA_TYPE,
                    .mask = 1,
                    .policy_uri = kw_string_from(client->policy->uri),
                    .certificate = kw_certificate_thumbprint(world->env.identity->certificate),
                    .signing_time = world->clock->utc,
                    .nonce = session->nonce,
                    .secret = KW_STRING(KW_TEST_PASSWORD),
                    .pad_byte = -1,
                    .pad_size = -1};
}

static kw_bytes key_data(const recipe *r, const kw_test_world *world, const uint8_t *keys)
{
    uint8_t plain[128];
    kw_bytes cipher;
    kw_writer w;
    kw_writer_init_fixed(&w, plain, sizeof(plain));
    kw_write_bytes(&w, (kw_bytes){keys, r->policy->signing_key_len});
    kw_write_bytes(&w, (kw_bytes){keys + r->policy->signing_key_len, r->policy->encrypting_key_len});
    kw_write_bytes(&w, (kw_bytes){keys + r->policy->signing_key_len + r->policy->encrypting_key_len, r->policy->iv_len});
    assert_status(
        kw_asym_encrypt(r->policy, kw_certificate_public_key(world->env.identity->certificate), kw_writer_bytes(&w), world->arena, &cipher),
        KW_GOOD);
    return cipher;
}

static size_t payload(const recipe *r, uint8_t *out)
{
    kw_writer w;
    kw_writer_init_fixed(&w, out, SECRET_MAX);
    kw_write_bytes(&w, r->nonce);
    kw_write_bytes(&w, r->secret);
    const size_t pad = (BLOCK - (w.len + 2) % BLOCK) % BLOCK + r->pad_more;
    for (size_t i = 0; i < pad; i++) {
        kw_write_u8(&w, (uint8_t)(r->pad_byte >= 0 ? (size_t)r->pad_byte : pad));
    }
    kw_write_u16(&w, (uint16_t)(r->pad_size >= 0 ? (size_t)r->pad_size : pad));
    assert_int_equal(w.len % BLOCK, 0);
    return w.len;
}

static kw_bytes cook(const recipe *r, kw_test_world *world)
{
    uint8_t raw[96], inside[SECRET_MAX], *out = kw_arena_alloc(world->arena, SECRET_MAX);
    kw_sym_keys *keys = NULL;
    kw_writer w;
    const kw_security_policy *p = r->policy;
    assert_status(kw_random_fill(&world->random.random, raw, sizeof(raw)), KW_GOOD);
    assert_status(kw_sym_keys_from(p, (kw_bytes){raw, p->signing_key_len}, (kw_bytes){raw + p->signing_key_len, p->encrypting_key_len},
                                   (kw_bytes){raw + p->signing_key_len + p->encrypting_key_len, p->iv_len}, &keys),
                  KW_GOOD);
    const kw_bytes sealed_keys = key_data(r, world, raw);
    const size_t inside_len = payload(r, inside);
    assert_status(kw_sym_encrypt(keys, inside, inside_len), KW_GOOD);
    kw_writer_init_fixed(&w, out, SECRET_MAX);
    kw_write_u8(&w, r->long_type_id ? 2 : 1);
    if (r->long_type_id) {
        kw_write_u16(&w, 0);
        kw_write_u32(&w, r->type);
    } else {
        kw_write_u8(&w, 0);
        kw_write_u16(&w, r->type);
    }
    kw_write_u8(&w, r->mask);
    const size_t length_at = w.len;
    kw_write_u32(&w, 0);
    kw_write_bytes(&w, r->policy_uri);
    kw_write_bytes(&w, r->certificate);
    kw_write_i64(&w, r->signing_time);
    kw_write_u16(&w, (uint16_t)sealed_keys.len);
    kw_write_raw(&w, sealed_keys);
    kw_write_raw(&w, (kw_bytes){inside, inside_len});
    kw_writer_patch_u32(&w, length_at, (uint32_t)((int64_t)(w.len + p->mac_len - length_at - 4) + r->length_error));
    assert_status(kw_sym_sign(keys, kw_writer_bytes(&w), out + w.len), KW_GOOD);
    if (r->zero_mac) {
        memset(out + w.len, 0, p->mac_len);
    }
    kw_sym_keys_free(keys);
    return (kw_bytes){out, w.len + p->mac_len};
}

static kw_status send_secret(kw_test_client *client, kw_test_session *session, kw_bytes sealed)
{
    const kw_user_name_identity_token token = {.policy_id = kw_test_policy(client, session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id,
                                               .user_name = KW_STRING(KW_TEST_USER),
                                               .password = sealed};
    return kw_test_activate(client, session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token));
}

static kw_status send_recipe(kw_test_client *client, kw_test_session *session, const recipe *r)
{
    return send_secret(client, session, cook(r, client->world));
}

static void es_03_and_es_04_what_follows_the_tables_is_taken_on_every_policy(void **state)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        if (policy->is_none || policy->is_deprecated || policy->ephemeral != KW_EPHEMERAL_NONE) {
            continue;
        }
        kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.policy = policy});
        kw_test_session session = kw_test_created(client);
        recipe r = right(client, &session);
        assert_status(send_recipe(client, &session, &r), KW_GOOD);
        r = right(client, &session);
        r.secret = KW_STRING("wrong");
        assert_status(send_recipe(client, &session, &r), KW_BAD_USER_ACCESS_DENIED);
    }
}

/* Our own sender writes the same fields: what it seals is read back here. */
static void es_01_and_es_02_and_es_07_our_sender_follows_the_tables(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes sealed = kw_test_seal(client, &session, KW_SECRET_RSA, KW_STRING(KW_TEST_PASSWORD));
    kw_reader r = kw_reader_of(sealed);
    assert_int_equal(kw_read_u8(&r), 1);
    assert_int_equal(kw_read_u8(&r), 0);
    assert_int_equal(kw_read_u16(&r), RSA_TYPE);
    assert_int_equal(kw_read_u8(&r), 1);
    const uint32_t length = kw_read_u32(&r);
    assert_int_equal(length, kw_reader_left(&r));
    const kw_string uri = kw_read_bytes(&r);
    assert_text(uri, client->policy->uri);
    assert_true(kw_bytes_equal(kw_read_bytes(&r), kw_certificate_thumbprint(world->env.identity->certificate)));
    assert_true(kw_read_i64(&r) == world->clock->utc);
    const kw_bytes keys = kw_read_raw(&r, kw_read_u16(&r));
    kw_secret plain = KW_SECRET_NONE;
    assert_status(kw_asym_decrypt(client->policy, world->env.identity->key, keys, 1, &plain), KW_GOOD);
    kw_reader k = kw_reader_of(kw_secret_bytes(&plain));
    const kw_bytes signing = kw_read_bytes(&k), encrypting = kw_read_bytes(&k), iv = kw_read_bytes(&k);
    assert_int_equal(kw_reader_left(&k), 0);
    kw_sym_keys *sym = NULL;
    assert_status(kw_sym_keys_from(client->policy, signing, encrypting, iv, &sym), KW_GOOD);
    uint8_t inside[SECRET_MAX];
    const kw_bytes cipher = kw_read_raw(&r, kw_reader_left(&r) - client->policy->mac_len);
    memcpy(inside, cipher.data, cipher.len);
    assert_status(
        kw_sym_verify(sym, (kw_bytes){sealed.data, sealed.len - client->policy->mac_len}, kw_read_raw(&r, client->policy->mac_len)),
        KW_GOOD);
    assert_status(kw_sym_decrypt(sym, inside, cipher.len), KW_GOOD);
    kw_reader p = kw_reader_of((kw_bytes){inside, cipher.len});
    assert_true(kw_bytes_equal(kw_read_bytes(&p), session.nonce));
    const kw_bytes secret = kw_read_bytes(&p);
    assert_text(secret, KW_TEST_PASSWORD);
    const size_t padding = kw_reader_left(&p) - 2;
    for (size_t i = 0; i < padding; i++) {
        assert_int_equal(kw_read_u8(&p), padding);
    }
    assert_int_equal(kw_read_u16(&p), padding);
    kw_sym_keys_free(sym);
    kw_secret_clear(&plain);
}

static void es_01_the_prefix_is_that_of_the_data_type(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const uint16_t types[] = {ECC_TYPE, ENCODING_OF_NOTHING, 0};
    recipe r = right(client, &session);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        r.type = types[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    r = right(client, &session);
    const uint8_t masks[] = {0, 2};
    for (size_t i = 0; i < 2; i++) {
        r.mask = masks[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    r = right(client, &session);
    const int32_t errors[] = {-1, 1, 100000};
    for (size_t i = 0; i < 3; i++) {
        r.length_error = errors[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    r = right(client, &session);
    r.long_type_id = true; /* another way to write the same NodeId */
    assert_status(send_recipe(client, &session, &r), KW_GOOD);
}

static void es_02_the_policy_inside_is_that_of_the_user_token_policy(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string others[] = {kw_string_from(KW_POLICY_NONE.uri),
                                KW_STRING("http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss"), KW_STRING("urn:no:policy"),
                                KW_STRING(""), KW_BYTES_NULL};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        recipe r = right(client, &session);
        r.policy_uri = others[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

/* One bit in each eighth byte, over the whole of it. */
static void es_04_and_es_06_a_flipped_bit_anywhere_is_noticed(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const recipe r = right(client, &session);
    const kw_bytes sealed = cook(&r, world);
    uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.data;
    const kw_secret_open how = {.policy = client->policy,
                                .receiver = world->env.identity,
                                .nonce = session.nonce,
                                .now = world->clock->utc,
                                .window_s = 300,
                                .max_len = 1000,
                                .allow_legacy = true};
    for (size_t i = 0; i < sealed.len; i += 8) {
        kw_secret secret = KW_SECRET_NONE;
        kw_secret_facts facts;
        const char *why = NULL;
        bytes[i] ^= (uint8_t)(1u << (i / 8 % 8));
        assert_status(kw_secret_unseal(&how, sealed, &secret, &facts, &why), KW_BAD_IDENTITY_TOKEN_INVALID);
        bytes[i] ^= (uint8_t)(1u << (i / 8 % 8));
    }
    bytes[sealed.len - client->policy->mac_len - 1] ^= 1; /* the last byte of the payload: only the signature can tell */
    assert_status(send_secret(client, &session, sealed), KW_BAD_IDENTITY_TOKEN_INVALID);
    bytes[sealed.len - client->policy->mac_len - 1] ^= 1;
    assert_status(send_secret(client, &session, sealed), KW_GOOD);
}

static void es_06_without_a_signature_it_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    recipe r = right(client, &session);
    r.zero_mac = true;
    assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void es_05_the_padding_is_n_bytes_of_n_and_a_uint16(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    recipe r = right(client, &session);
    r.pad_more = BLOCK; /* one block more hides how short the secret is */
    assert_status(send_recipe(client, &session, &r), KW_GOOD);
    r = right(client, &session);
    r.pad_more = (size_t)16 * BLOCK; /* 256 and more: nobody needs that */
    assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    r = right(client, &session);
    r.pad_byte = 0;
    assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    r = right(client, &session);
    r.pad_size = 0;
    assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    r = right(client, &session);
    r.pad_size = 0x100; /* right in its low byte only, if at all */
    assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void es_07_it_is_for_our_certificate(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes others[] = {kw_certificate_thumbprint(client->identity->certificate), KW_BYTES_NULL,
                               kw_certificate_der(client->world->env.identity->certificate)};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        recipe r = right(client, &session);
        r.certificate = others[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

/* Whoever knows our certificate can make one: what is sealed proves nothing about who sealed it, the password does. */
static void es_08_the_signature_says_nothing_about_the_sender(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.identity = kw_test_identity("other", 2048)});
    kw_test_session session = kw_test_created(client);
    recipe r = right(client, &session);
    r.secret = KW_STRING("a guess");
    assert_status(send_recipe(client, &session, &r), KW_BAD_USER_ACCESS_DENIED);
}

static void es_11_the_nonce_is_the_one_of_the_session(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes others[] = {
        KW_BYTES_NULL, KW_STRING(""), {session.nonce.data, session.nonce.len - 1}, KW_STRING("0123456789abcdef0123456789abcdef")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        recipe r = right(client, &session);
        r.nonce = others[i];
        assert_status(send_recipe(client, &session, &r), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

/* Where no Session gave a nonce, the sender makes it up: 32 to 128 bytes. */
static void es_11_outside_of_a_session_any_nonce_of_32_to_128_bytes_will_do(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    uint8_t nonce[129] = {1};
    const kw_secret_open how = {
        .policy = client->policy, .receiver = world->env.identity, .now = world->clock->utc, .window_s = 300, .max_len = 1000};
    for (size_t len = 31; len <= 129; len++) {
        recipe r = right(client, &session);
        kw_secret secret = KW_SECRET_NONE;
        kw_secret_facts facts;
        const char *why = NULL;
        r.nonce = (kw_bytes){nonce, len};
        assert_status(kw_secret_unseal(&how, cook(&r, world), &secret, &facts, &why),
                      len >= 32 && len <= 128 ? KW_GOOD : KW_BAD_IDENTITY_TOKEN_INVALID);
        kw_secret_clear(&secret);
    }
}

static kw_status signed_at(kw_test_client *client, kw_test_session *session, int seconds)
{
    recipe r = right(client, session);
    r.signing_time += seconds * KW_TICKS_PER_S;
    return send_recipe(client, session, &r);
}

/* A Client whose clock is slow gets in all the same: the nonce protects. */
static void es_13_signing_time_is_within_five_minutes_or_an_hour_old(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(signed_at(client, &session, -3600), KW_GOOD);
    assert_status(signed_at(client, &session, 300), KW_GOOD);
    assert_status(signed_at(client, &session, -3601), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(signed_at(client, &session, 301), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void two_hours(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.signing_time_window_s = 7200;
}

static void es_13_the_window_is_configurable(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = two_hours});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(signed_at(client, &session, -7200), KW_GOOD);
    assert_status(signed_at(client, &session, 7200), KW_GOOD);
    assert_status(signed_at(client, &session, 7201), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(signed_at(client, &session, -7201), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(es_03_and_es_04_what_follows_the_tables_is_taken_on_every_policy),
        KW_TEST_IN_WORLD(es_01_and_es_02_and_es_07_our_sender_follows_the_tables),
        KW_TEST_IN_WORLD(es_01_the_prefix_is_that_of_the_data_type),
        KW_TEST_IN_WORLD(es_02_the_policy_inside_is_that_of_the_user_token_policy),
        KW_TEST_IN_WORLD(es_04_and_es_06_a_flipped_bit_anywhere_is_noticed),
        KW_TEST_IN_WORLD(es_06_without_a_signature_it_is_refused),
        KW_TEST_IN_WORLD(es_05_the_padding_is_n_bytes_of_n_and_a_uint16),
        KW_TEST_IN_WORLD(es_07_it_is_for_our_certificate),
        KW_TEST_IN_WORLD(es_08_the_signature_says_nothing_about_the_sender),
        KW_TEST_IN_WORLD(es_11_the_nonce_is_the_one_of_the_session),
        KW_TEST_IN_WORLD(es_11_outside_of_a_session_any_nonce_of_32_to_128_bytes_will_do),
        KW_TEST_IN_WORLD(es_13_signing_time_is_within_five_minutes_or_an_hour_old),
        cmocka_unit_test(es_13_the_window_is_configurable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
