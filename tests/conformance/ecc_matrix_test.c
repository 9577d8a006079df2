/*
 * Every SecurityPolicy, mode, kind of token and format of secret between our Client and our Server, with keys of every kind.
 * OPC 10000-7, 6.6.
 */
#include "support/kw_test_authority.h"
#include "support/kw_test_network.h"
#include "support/test.h"

#include <string.h>

#define ISSUER "urn:keyway:test:issuer"

typedef struct key_kind {
    const char *name;
    kw_key_type type;
} key_kind;

static const key_kind KINDS[] = {
    {"RSA", KW_KEY_RSA},        {"P256", KW_KEY_EC_P256},    {"P384", KW_KEY_EC_P384}, {"BP256", KW_KEY_EC_BP256},
    {"BP384", KW_KEY_EC_BP384}, {"Ed25519", KW_KEY_ED25519}, {"Ed448", KW_KEY_ED448},
};
enum { KIND_COUNT = sizeof(KINDS) / sizeof(KINDS[0]) };

/* A Server, a Client and a user, all with keys of one kind. */
typedef struct fixture {
    const key_kind *kind;
    kw_test_network *network;
    const kw_test_issuer *issuer;
    const kw_application_identity *user;
    const char *certificate_file, *key_file; /* the Client's */
    kw_client_identity by_certificate;
} fixture;

static const kw_application_identity *application(const char *name, const key_kind *kind)
{
    return kind->type == KW_KEY_RSA ? kw_test_identity(name, 2048) : kw_test_identity_of(name, kind->type);
}

static const kw_application_identity *person(const char *name, const key_kind *kind)
{
    return kind->type == KW_KEY_RSA ? kw_test_user_identity(name, 2048) : kw_test_user_identity_of(name, kind->type);
}

static void begin(fixture *f, const key_kind *kind)
{
    *f = (fixture){.kind = kind, .user = person("erin", kind), .by_certificate = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE}};
    f->network = kw_test_network_new(&(kw_test_world_options){.server = application("server", kind), .with_authority = true});
    kw_test_world *world = f->network->world;
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    f->issuer = kw_test_world_trust_issuer(world, ISSUER);
    kw_test_trust_add(&world->trust, application("client", kind));
    kw_test_trust_add(&world->user_trust, f->user);
    kw_test_network_write(f->network, "own", application("client", kind), &f->certificate_file, &f->key_file);
    kw_test_network_write(f->network, "erin", f->user, &f->by_certificate.user_certificate_file, &f->by_certificate.user_key_file);
}

static kw_client *client_of(fixture *f, const char *policy, kw_message_security_mode mode, bool dotnet)
{
    return kw_test_network_client(
        f->network,
        &(kw_client_config){
            .certificate_file = f->certificate_file, .key_file = f->key_file, .policy = policy, .mode = mode, .dotnet_secrets = dotnet});
}

static void leave(fixture *f)
{
    kw_client_free(f->network->clients[--f->network->client_count]);
}

static kw_client_identity by_token(fixture *f, const char *name)
{
    return (kw_client_identity){.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = kw_test_token(f->network->world, f->issuer, name, 600)};
}

/* All kinds of users, one after the other, in one Session: each needs a key of its own where secrets are sealed for one. */
static void sign_in(fixture *f, const kw_security_policy *policy, kw_message_security_mode mode, bool dotnet)
{
    const kw_client_identity dave = by_token(f, "dave");
    const kw_client_identity *users[] = {&KW_TEST_OPERATOR, &f->by_certificate, &dave, &KW_TEST_NOBODY};
    kw_client *client = client_of(f, policy->name, mode, dotnet);
    assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_GOOD);
    assert_text(kw_client_endpoint(client)->security_policy_uri, policy->uri);
    assert_int_equal(kw_client_endpoint(client)->security_mode, mode);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        const bool is_somebody = users[i]->kind != KW_USER_TOKEN_TYPE_ANONYMOUS;
        assert_status(kw_client_activate(client, users[i]), KW_GOOD);
        assert_status(kw_test_network_read(f->network, client, &KW_TEST_SECRET, NULL), is_somebody ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED);
    }
    leave(f);
}

static bool fits(const kw_security_policy *policy, const key_kind *kind)
{
    return !policy->is_none && !policy->is_deprecated && !policy->is_enhanced &&
           kw_security_policy_takes_key(policy, kind->type, kind->type == KW_KEY_RSA ? 2048 : 0);
}

static void cs_21_and_tp_06_every_policy_mode_token_and_secret_passes(void **state)
{
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        fixture f;
        size_t count = 0;
        begin(&f, &KINDS[k]);
        for (size_t i = 0; i < kw_security_policy_count(); i++) {
            const kw_security_policy *policy = kw_security_policy_at(i);
            if (!fits(policy, &KINDS[k])) {
                continue;
            }
            sign_in(&f, policy, KW_MESSAGE_SECURITY_MODE_SIGN, false);
            sign_in(&f, policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT, false);
            if (policy->tag_len == 0) { /* the dialects are the same where the cipher authenticates */
                sign_in(&f, policy, KW_MESSAGE_SECURITY_MODE_SIGN, true);
            }
            count++;
        }
        assert_true(count >= 1);
        assert_false(kw_test_network_has_sent(f.network, KW_STRING(KW_TEST_PASSWORD)));
        kw_test_network_free(f.network);
    }
}

/* What an endpoint says protects secrets is of the same kind as what protects the channel. */
static void tp_06_and_tp_07_user_token_policies_fit_the_endpoint(void **state)
{
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        fixture f;
        kw_endpoint_description *endpoints = NULL;
        size_t count = 0, secured = 0;
        begin(&f, &KINDS[k]);
        kw_client *client = client_of(&f, NULL, KW_MESSAGE_SECURITY_MODE_INVALID, false);
        assert_status(kw_client_get_endpoints(client, KW_TEST_NETWORK_URL, f.network->world->arena, &endpoints, &count), KW_GOOD);
        for (size_t i = 0; i < count; i++) {
            const kw_security_policy *channel = kw_security_policy_by_uri(endpoints[i].security_policy_uri);
            assert_true(channel->is_none || fits(channel, &KINDS[k]));
            secured += !channel->is_none;
            for (size_t j = 0; j < endpoints[i].user_identity_tokens_count; j++) {
                const kw_user_token_policy *token = &endpoints[i].user_identity_tokens[j];
                if (token->token_type != KW_USER_TOKEN_TYPE_ANONYMOUS) {
                    assert_true(fits(kw_security_policy_by_uri(token->security_policy_uri), &KINDS[k]));
                }
            }
        }
        assert_true(secured >= 2);
        leave(&f);
        kw_test_network_free(f.network);
    }
}

/* --- the Authorization Service ---------------------------------------------------------------------------------------------------- */

static kw_string token_for(fixture *f, const kw_client_identity *self, bool one_step)
{
    const kw_client_token_wish wish = {
        .authority_url = KW_TEST_NETWORK_URL, .resource = KW_TEST_SERVER, .self = self, .one_step = one_step};
    kw_token_grant grant = {.access_token = KW_BYTES_NULL};
    kw_client *client = client_of(f, NULL, KW_MESSAGE_SECURITY_MODE_INVALID, false);
    const kw_status status = kw_client_get_token(client, &wish, f->network->world->arena, &grant);
    if (kw_status_is_bad(status)) {
        fail_msg("%s: %s: %s", f->kind->name, kw_status_name(status), kw_client_error(client));
    }
    leave(f);
    return grant.access_token;
}

/* Passwords, tokens and a secret of nothing that a user signs, by RequestAccessToken and in two steps. */
static void rt_08_and_rt_12_and_rt_14_and_az_07_tokens_are_had_with_keys_of_every_kind(void **state)
{
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        fixture f;
        begin(&f, &KINDS[k]);
        kw_test_world *world = f.network->world;
        const kw_client_identity dave = by_token(&f, "dave");
        for (int one_step = 0; one_step < 2; one_step++) {
            assert_text(kw_test_token_claims(world, token_for(&f, &KW_TEST_OPERATOR, one_step)).sub, KW_TEST_USER);
            const kw_client_identity erin = f.by_certificate;
            const kw_string subject = kw_test_token_claims(world, token_for(&f, &erin, one_step)).sub;
            assert_true(kw_bytes_equal(subject, kw_certificate_subject(f.user->certificate)));
            assert_text(kw_test_token_claims(world, token_for(&f, &dave, one_step)).sub, "dave");
        }
        assert_false(kw_test_network_has_sent(f.network, KW_STRING(KW_TEST_PASSWORD)));
        kw_test_network_free(f.network);
    }
}

/* --- users with certificates ---------------------------------------------------------------------------------------------------- */

static void x5_02_somebody_elses_signature_is_refused_on_a_curve(void **state)
{
    (void)state;
    for (size_t k = 1; k < KIND_COUNT; k += 4) { /* ECDSA, EdDSA */
        fixture f;
        const char *unused;
        begin(&f, &KINDS[k]);
        kw_client_identity forged = f.by_certificate;
        kw_test_network_write(f.network, "mallory", person("mallory", &KINDS[k]), &unused, &forged.user_key_file);
        kw_client *client = client_of(&f, NULL, KW_MESSAGE_SECURITY_MODE_INVALID, false);
        assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_GOOD);
        assert_status(kw_client_activate(client, &forged), KW_BAD_USER_SIGNATURE_INVALID);
        assert_status(kw_client_activate(client, &f.by_certificate), KW_GOOD);
        leave(&f);
        kw_test_network_free(f.network);
    }
}

/* Proven by a key that the user has, under another policy than that of the token. */
static void x5_05_an_rsa_key_is_no_user_on_a_curve(void **state)
{
    (void)state;
    const kw_security_policy *rsa = kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
    const kw_application_identity *user = kw_test_user_identity("frank", 2048);
    fixture f;
    begin(&f, &KINDS[1]);
    kw_test_world *world = f.network->world;
    kw_test_trust_add(&world->user_trust, user);
    kw_test_client *client =
        kw_test_client_new(world, &(kw_test_client_options){.policy = kw_security_policy_by_name(KW_STRING("ECC_nistP256")),
                                                            .identity = application("client", &KINDS[1])});
    kw_test_session session = kw_test_created(client);
    const kw_x509_identity_token token = {.policy_id = kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE)->policy_id,
                                          .certificate_data = kw_certificate_chain(user->certificate)};
    const kw_bytes parts[] = {kw_test_leaf(world, session.server_certificate), session.nonce};
    kw_test_user by_hand = kw_test_user_of(KW_TYPE_X509_IDENTITY_TOKEN, &token);
    by_hand.signature.algorithm = kw_string_from(rsa->asym_signature_uri);
    assert_status(kw_asym_sign(rsa, user->key, parts, 2, world->arena, &by_hand.signature.signature), KW_GOOD);
    assert_status(kw_test_activate(client, &session, by_hand), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, f.user)), KW_GOOD);
    kw_test_network_free(f.network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cs_21_and_tp_06_every_policy_mode_token_and_secret_passes),
        cmocka_unit_test(tp_06_and_tp_07_user_token_policies_fit_the_endpoint),
        cmocka_unit_test(rt_08_and_rt_12_and_rt_14_and_az_07_tokens_are_had_with_keys_of_every_kind),
        cmocka_unit_test(x5_02_somebody_elses_signature_is_refused_on_a_curve),
        cmocka_unit_test(x5_05_an_rsa_key_is_no_user_on_a_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
