/* Passwords and tokens as the Client of the library sends them, and to whom. OPC 10000-4, 7.40. */
#include "identity/secret_format.h"
#include "support/kw_test_rogue.h"
#include "support/test.h"

#define DAY (24 * 3600 * KW_TICKS_PER_S)

enum { LEGACY_PASSWORD_MAX = 64, SECRET_MAX = 4096 };

static const kw_security_policy *policy_named(const char *name)
{
    return kw_security_policy_by_name(kw_string_from(name));
}

/* --- what was sent ------------------------------------------------------------------------------------------------------------- */

static const void *last_token(const kw_test_rogue *rogue, const kw_type *type)
{
    const kw_test_request *request = kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST);
    assert_non_null(request);
    const void *token = kw_extension_object_get(&((const kw_activate_session_request *)request->value)->user_identity_token, type);
    assert_non_null(token);
    return token;
}

static const kw_user_name_identity_token *last_name(const kw_test_rogue *rogue)
{
    return last_token(rogue, KW_TYPE_USER_NAME_IDENTITY_TOKEN);
}

static const kw_issued_identity_token *last_issued(const kw_test_rogue *rogue)
{
    return last_token(rogue, KW_TYPE_ISSUED_IDENTITY_TOKEN);
}

/* Sealed in this format for the server, with the nonce of the Session; what is in it. */
static void assert_sealed(const kw_test_rogue *rogue, const kw_security_policy *policy, kw_secret_format wanted, kw_bytes sealed,
                          kw_bytes secret)
{
    kw_secret found = KW_SECRET_NONE;
    kw_secret_facts facts;
    const char *why = NULL;
    const kw_secret_open how = {.policy = policy,
                                .receiver = rogue->identity,
                                .nonce = kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST)->nonce,
                                .now = rogue->network->world->clock->utc,
                                .window_s = 60,
                                .max_len = SECRET_MAX,
                                .allow_legacy = true};
    assert_status(kw_secret_unseal(&how, sealed, &found, &facts, &why), KW_GOOD);
    assert_int_equal(facts.format, wanted);
    assert_true(kw_bytes_equal(kw_secret_bytes(&found), secret));
    kw_secret_clear(&found);
}

/* --- who may have it ------------------------------------------------------------------------------------------------------------ */

typedef struct stranger {
    const char *name, *host, *uri; /* uri: what its endpoints say; NULL: what its certificate says */
    int64_t from, until;           /* days from now */
    bool is_trusted;
    kw_status refused;
} stranger;

static const stranger STRANGERS[] = {
    {"unknown", "localhost", NULL, -1, 365, false, KW_BAD_CERTIFICATE_UNTRUSTED},
    {"expired", "localhost", NULL, -30, -1, true, KW_BAD_CERTIFICATE_TIME_INVALID},
    {"early", "localhost", NULL, 1, 365, true, KW_BAD_CERTIFICATE_TIME_INVALID},
    {"elsewhere", "other.example", NULL, -1, 365, true, KW_BAD_CERTIFICATE_HOST_NAME_INVALID},
    {"somebody", "localhost", KW_TEST_SERVER, -1, 365, true, KW_BAD_CERTIFICATE_URI_INVALID},
};
enum { STRANGER_COUNT = sizeof(STRANGERS) / sizeof(STRANGERS[0]) };

static kw_application_identity make_stranger(const kw_test_network *network, const stranger *s)
{
    kw_application_identity who;
    const char *uri = (const char *)kw_arena_format(network->world->arena, "urn:keyway:test:%s%c", s->name, '\0').data;
    const kw_certificate_request request = {.application_uri = uri,
                                            .common_name = s->name,
                                            .hosts = &s->host,
                                            .host_count = 1,
                                            .not_before = network->world->clock->utc + s->from * DAY,
                                            .not_after = network->world->clock->utc + s->until * DAY};
    assert_status(kw_private_key_generate(KW_KEY_RSA, 2048, &who.key), KW_GOOD);
    assert_status(kw_certificate_create(&request, who.key, &KW_RANDOM_SYSTEM, &who.certificate), KW_GOOD);
    return who;
}

/* Nothing of what proves a user has left the Client: not in a token, not in clear. */
static void assert_kept(const kw_test_rogue *rogue)
{
    assert_null(kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST));
    assert_false(kw_test_network_has_sent(rogue->network, KW_STRING(KW_TEST_PASSWORD)));
    assert_false(kw_test_network_has_sent(rogue->network, KW_STRING(KW_TEST_USER)));
}

static void try_stranger(kw_test_network *network, const stranger *s, const kw_client_config *config)
{
    const kw_application_identity who = make_stranger(network, s);
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_test_rogue_be(rogue, &who, s->uri);
    if (s->is_trusted) {
        kw_test_trust_add(&network->trust, &who);
    }
    kw_client *client = kw_test_network_client(network, config);
    kw_status status = kw_client_connect(client, KW_TEST_NETWORK_URL);
    if (!kw_status_is_bad(status)) { /* on None that is in order, as long as there is nothing to hide */
        assert_true(kw_client_endpoint(client)->security_mode == KW_MESSAGE_SECURITY_MODE_NONE);
        status = kw_client_activate(client, &KW_TEST_OPERATOR);
    }
    assert_status(status, s->refused);
    assert_string_not_equal(kw_client_error(client), "");
    assert_kept(rogue);
    kw_client_disconnect(client);
    kw_certificate_release(who.certificate);
    kw_private_key_release(who.key);
}

static void try_strangers(const kw_client_config *config)
{
    for (size_t i = 0; i < STRANGER_COUNT; i++) {
        kw_test_network *network = kw_test_network_new(NULL);
        try_stranger(network, &STRANGERS[i], config);
        kw_test_network_free(network);
    }
}

static void es_12_no_secret_for_a_certificate_that_is_not_good(void **state)
{
    (void)state;
    try_strangers(&(kw_client_config){.mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT});
}

/* The channel did not look at the certificate; the secret would be encrypted for it all the same. */
static void es_12_nor_on_a_channel_without_security(void **state)
{
    (void)state;
    try_strangers(&(kw_client_config){.policy = "None"});
}

static void es_12_a_good_certificate_gets_it(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_test_network_open(*state, &(kw_client_config){.policy = "None"});
    assert_sealed(rogue, policy_named("Basic256Sha256"), KW_SECRET_LEGACY, last_name(rogue)->password, KW_STRING(KW_TEST_PASSWORD));
    assert_true(kw_test_network_has_sent(*state, KW_STRING(KW_TEST_USER))); /* so that looking for it means something */
    assert_false(kw_test_network_has_sent(*state, KW_STRING(KW_TEST_PASSWORD)));
}

/* Nobody is not a secret. */
static void es_12_and_an_01_nobody_may_go_to_a_stranger(void **state)
{
    kw_test_network *network = *state;
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_test_rogue_be(rogue, kw_test_identity("stranger", 2048), NULL);
    kw_client *client = kw_test_network_connect(network, &(kw_client_config){.policy = "None"});
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_BAD_CERTIFICATE_UNTRUSTED);
}

/* A token that ends with its channel would be as good as a password. */
static void es_12_no_token_and_no_signature_for_a_stranger_either(void **state)
{
    kw_test_network *network = *state;
    kw_client_identity holder = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE};
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = KW_STRING("header.claims.signature")};
    kw_test_network_write(network, "user", kw_test_user_identity("alice", 2048), &holder.user_certificate_file, &holder.user_key_file);
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_test_rogue_be(rogue, kw_test_identity("stranger", 2048), NULL);
    kw_client *client = kw_test_network_connect(network, &(kw_client_config){.policy = "None"});
    assert_status(kw_client_activate(client, &bearer), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_status(kw_client_activate(client, &holder), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_kept(rogue);
}

/* The Server that is trusted says where tokens are given; who is there is another question. */
static void es_12_no_password_for_an_authorization_service_that_is_not_trusted(void **state)
{
    kw_test_network *network = *state;
    kw_string token = KW_BYTES_NULL;
    kw_client *client = kw_test_network_connect(network, NULL);
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_test_rogue_be(rogue, kw_test_identity("stranger", 2048), NULL);
    assert_status(
        kw_client_request_token(client, "opc.tcp://localhost:4841", KW_TEST_SERVER, &KW_TEST_OPERATOR, network->world->arena, &token),
        KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_kept(rogue);
    assert_null(kw_test_rogue_last(rogue, KW_TYPE_CALL_REQUEST));
}

/* --- when it is encrypted, and by what ------------------------------------------------------------------------------------------- */

#define NONE KW_MESSAGE_SECURITY_MODE_NONE
#define SIGN KW_MESSAGE_SECURITY_MODE_SIGN
#define ENCRYPT KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT

/* The channel is of Basic256Sha256 where it has security. */
static const struct protection {
    kw_message_security_mode mode;
    const char *offered;   /* by the UserTokenPolicy; NULL: nothing is named */
    const char *protected; /* what the secret is encrypted by; "": in clear; NULL: it is not sent */
} PROTECTIONS[] = {
    {NONE, NULL, NULL},
    {NONE, "None", NULL},
    {NONE, "Basic256Sha256", "Basic256Sha256"},
    {NONE, "Aes256_Sha256_RsaPss", "Aes256_Sha256_RsaPss"},
    {NONE, "Basic128Rsa15", NULL},
    {SIGN, NULL, "Basic256Sha256"},
    {SIGN, "None", NULL},
    {SIGN, "Basic256Sha256", "Basic256Sha256"},
    {SIGN, "Aes128_Sha256_RsaOaep", "Aes128_Sha256_RsaOaep"},
    {SIGN, "Basic256", NULL},
    {ENCRYPT, NULL, "Basic256Sha256"},
    {ENCRYPT, "None", ""},
    {ENCRYPT, "Basic256Sha256", "Basic256Sha256"},
    {ENCRYPT, "Aes256_Sha256_RsaPss", "Aes256_Sha256_RsaPss"},
    {ENCRYPT, "Basic128Rsa15", NULL}, /* broken by now: not because a server says so */
};
enum { PROTECTION_COUNT = sizeof(PROTECTIONS) / sizeof(PROTECTIONS[0]) };

static void assert_protected(const kw_test_rogue *rogue, const struct protection *p, kw_secret_format format, kw_bytes sent,
                             kw_bytes secret)
{
    if (p->protected[0] == '\0') {
        assert_true(kw_bytes_equal(sent, secret));
    } else {
        assert_sealed(rogue, policy_named(p->protected), format, sent, secret);
    }
}

static void try_protection(kw_test_network *network, const struct protection *p)
{
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = KW_STRING("header.claims.signature")};
    const kw_status expected = p->protected != NULL ? KW_GOOD : KW_BAD_IDENTITY_TOKEN_INVALID;
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].security_policy_uri = p->offered != NULL ? kw_string_from(policy_named(p->offered)->uri) : KW_BYTES_NULL;
    }
    kw_client *client = kw_test_network_connect(network, &(kw_client_config){.mode = p->mode, .policy = p->mode == NONE ? "None" : NULL});
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), expected);
    if (p->protected != NULL) {
        assert_protected(rogue, p, KW_SECRET_LEGACY, last_name(rogue)->password, KW_TEST_OPERATOR.password);
    }
    assert_status(kw_client_activate(client, &bearer), expected);
    if (p->protected != NULL) {
        assert_protected(rogue, p, KW_SECRET_RSA, last_issued(rogue)->token_data, bearer.token);
    } else {
        assert_kept(rogue);
        assert_false(kw_test_network_has_sent(network, bearer.token));
    }
}

static void it_05_and_it_07_and_it_21_and_un_01_and_as_20_channel_and_policy_of_the_token_decide_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROTECTION_COUNT; i++) {
        kw_test_network *network = kw_test_network_new(NULL);
        try_protection(network, &PROTECTIONS[i]);
        kw_test_network_free(network);
    }
}

/* --- tokens ----------------------------------------------------------------------------------------------------------------------- */

static kw_test_rogue *rogue_with_any_token(kw_test_network *network)
{
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].issued_token_type = KW_BYTES_NULL;
    }
    return rogue;
}

static void it_02_and_it_04_and_it_08_text_stays_utf_8_and_binary_stays_as_it_is(void **state)
{
    static const uint8_t BINARY[] = {0x00, 0xFF, 0xC3, 0x28, 0x0A, 0x00, 0x80, 0xFE};
    const kw_bytes tokens[] = {KW_STRING("Schl\xC3\xBCssel \xE2\x9C\x93"), {BINARY, sizeof(BINARY)}};
    kw_test_rogue *rogue = rogue_with_any_token(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    for (size_t i = 0; i < 2; i++) {
        const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = tokens[i]};
        assert_status(kw_client_activate(client, &bearer), KW_GOOD);
        assert_sealed(rogue, policy_named("Basic256Sha256"), KW_SECRET_RSA, last_issued(rogue)->token_data, tokens[i]);
    }
}

static void it_10_and_it_22_in_clear_the_token_is_all_there_is(void **state)
{
    static const uint8_t BINARY[] = {0x00, 0xFF, 0xC3, 0x28};
    const kw_bytes tokens[] = {KW_STRING("header.claims.signature"), {BINARY, sizeof(BINARY)}};
    kw_test_rogue *rogue = rogue_with_any_token(*state);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].security_policy_uri = kw_string_from(KW_POLICY_NONE.uri);
    }
    kw_client *client = kw_test_network_connect(*state, NULL);
    for (size_t i = 0; i < 2; i++) {
        const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = tokens[i]};
        assert_status(kw_client_activate(client, &bearer), KW_GOOD);
        assert_true(kw_bytes_equal(last_issued(rogue)->token_data, tokens[i]));
        assert_int_equal(last_issued(rogue)->encryption_algorithm.len, 0);
    }
}

static void it_25_an_issued_token_names_no_algorithm(void **state)
{
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = KW_STRING("header.claims.signature")};
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &bearer), KW_GOOD);
    assert_int_equal(last_issued(rogue)->encryption_algorithm.len, 0);
    assert_true(kw_string_equals(last_issued(rogue)->policy_id, "token"));
}

/* For servers that know nothing but the legacy block; only where the configuration says so. */
static void it_04_and_it_25_the_legacy_block_and_its_algorithm_by_configuration_alone(void **state)
{
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = KW_STRING("header.claims.signature")};
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, &(kw_client_config){.legacy_issued_token = true});
    assert_status(kw_client_activate(client, &bearer), KW_GOOD);
    assert_int_equal(kw_secret_format_of(policy_named("Basic256Sha256"), last_issued(rogue)->token_data), KW_SECRET_LEGACY);
    assert_true(kw_string_equals(last_issued(rogue)->encryption_algorithm, policy_named("Basic256Sha256")->asym_encryption_uri));
}

/* A policy for tokens of another kind is not one for ours. */
static void it_18_a_token_goes_where_its_kind_is_taken(void **state)
{
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = KW_STRING("header.claims.signature")};
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].issued_token_type = KW_STRING("http://docs.oasis-open.org/wss/oasis-wss-kerberos-token-profile-1.1");
    }
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &bearer), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_kept(rogue);
}

/* --- passwords -------------------------------------------------------------------------------------------------------------------- */

static void un_06_and_un_09_and_un_10_a_long_password_goes_as_encrypted_secret(void **state)
{
    char text[LEGACY_PASSWORD_MAX + 2];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    for (size_t len = LEGACY_PASSWORD_MAX; len <= LEGACY_PASSWORD_MAX + 1; len++) {
        const bool is_long = len > LEGACY_PASSWORD_MAX;
        kw_client_identity who = KW_TEST_OPERATOR;
        who.password = (kw_bytes){(const uint8_t *)text, len};
        assert_status(kw_client_activate(client, &who), KW_GOOD);
        assert_sealed(rogue, policy_named("Basic256Sha256"), is_long ? KW_SECRET_RSA : KW_SECRET_LEGACY, last_name(rogue)->password,
                      who.password);
        const char *algorithm = policy_named("Basic256Sha256")->asym_encryption_uri;
        assert_true(is_long ? last_name(rogue)->encryption_algorithm.len == 0
                            : kw_string_equals(last_name(rogue)->encryption_algorithm, algorithm));
    }
}

static void un_03_and_un_09_in_clear_the_password_is_its_bytes(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].security_policy_uri = kw_string_from(KW_POLICY_NONE.uri);
    }
    kw_client *client = kw_test_network_connect(*state, NULL);
    kw_client_identity who = KW_TEST_OPERATOR;
    who.password = KW_STRING("P\xC3\xA4ssw\xC3\xB6rt");
    assert_status(kw_client_activate(client, &who), KW_GOOD);
    assert_true(kw_bytes_equal(last_name(rogue)->password, who.password));
    assert_int_equal(last_name(rogue)->encryption_algorithm.len, 0);
}

/* Of two policies the one that protects, whatever their order. */
static void un_01_and_it_05_the_policy_that_protects_is_taken(void **state)
{
    for (size_t clear = 1; clear <= 2; clear++) {
        kw_test_rogue *rogue = kw_test_rogue_new(*state);
        const kw_user_token_policy protected = rogue->policies[1];
        rogue->policies[3 - clear] = protected;
        rogue->policies[clear] = protected;
        rogue->policies[clear].policy_id = KW_STRING("clear");
        rogue->policies[clear].security_policy_uri = kw_string_from(KW_POLICY_NONE.uri);
        kw_test_network_open(*state, NULL);
        assert_true(kw_string_equals(last_name(rogue)->policy_id, "name"));
    }
}

/* --- by whose keys ---------------------------------------------------------------------------------------------------------------- */

/* RSA for both kinds of user, as ever, and a curve that ranks higher; nothing of it is in the order. */
static kw_test_rogue *rogue_with_a_curve(kw_test_network *network)
{
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    rogue->policies[0] = rogue->policies[1];
    rogue->policies[0].policy_id = KW_STRING("name on a curve");
    rogue->policies[0].security_policy_uri = kw_string_from(policy_named("ECC_nistP256")->uri);
    rogue->policies[3] = rogue->policies[2];
    rogue->policies[3].policy_id = KW_STRING("certificate on a curve");
    rogue->policies[3].security_policy_uri = rogue->policies[0].security_policy_uri;
    return rogue;
}

static kw_client *client_without_key(kw_test_network *network)
{
    const kw_client_config config = {.policy = "None", .trust_directory = network->trust.folder};
    kw_client *client = NULL;
    const char *why = NULL;
    assert_status(kw_client_new_on(&network->env, &config, &client, &why), KW_GOOD);
    network->clients[network->client_count++] = client;
    assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_GOOD);
    return client;
}

static void cs_21_and_un_01_a_policy_that_the_keys_are_not_for_is_left_alone(void **state)
{
    kw_test_network *network = *state;
    kw_client_config on_a_curve = {.policy = "None"};
    kw_test_network_write(network, "curve", kw_test_identity_of("client", KW_KEY_EC_P256), &on_a_curve.certificate_file,
                          &on_a_curve.key_file);
    kw_test_rogue *rogue = rogue_with_a_curve(network);
    for (int i = 0; i < 3; i++) {
        const kw_client_config config =
            i == 0 ? (kw_client_config){.policy = "None"} : on_a_curve; /* the server's key is none of a curve */
        kw_client *client = i < 2 ? kw_test_network_connect(network, &config) : client_without_key(network);
        assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
        assert_text(last_name(rogue)->policy_id, "name");
        assert_sealed(rogue, policy_named("Basic256Sha256"), KW_SECRET_LEGACY, last_name(rogue)->password, KW_STRING(KW_TEST_PASSWORD));
    }
}

static void x5_02_a_user_signs_under_the_policy_that_the_key_is_for(void **state)
{
    kw_test_network *network = *state;
    kw_client_identity alice = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE}, carol = alice;
    kw_test_network_write(network, "alice", kw_test_user_identity("alice", 2048), &alice.user_certificate_file, &alice.user_key_file);
    kw_test_network_write(network, "carol", kw_test_user_identity_of("carol", KW_KEY_EC_P256), &carol.user_certificate_file,
                          &carol.user_key_file);
    const kw_test_rogue *rogue = rogue_with_a_curve(network);
    kw_client *client = kw_test_network_connect(network, &(kw_client_config){.policy = "None"});
    assert_status(kw_client_activate(client, &alice), KW_GOOD);
    assert_text(((const kw_x509_identity_token *)last_token(rogue, KW_TYPE_X509_IDENTITY_TOKEN))->policy_id, "certificate");
    assert_status(kw_client_activate(client, &carol), KW_GOOD);
    assert_text(((const kw_x509_identity_token *)last_token(rogue, KW_TYPE_X509_IDENTITY_TOKEN))->policy_id, "certificate on a curve");
}

/* Where nothing else is taken, the Client says what it would need, and sends nothing. */
static void cs_21_without_a_key_there_is_no_secret_on_a_curve(void **state)
{
    kw_test_rogue *rogue = rogue_with_a_curve(*state);
    rogue->policies[1] = rogue->policies[0];
    kw_client *client = client_without_key(*state);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_BAD_SECURITY_POLICY_REJECTED);
    assert_string_not_equal(kw_client_error(client), "");
    assert_kept(rogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(es_12_no_secret_for_a_certificate_that_is_not_good),
        cmocka_unit_test(es_12_nor_on_a_channel_without_security),
        KW_TEST_ON_NETWORK(es_12_a_good_certificate_gets_it),
        KW_TEST_ON_NETWORK(es_12_and_an_01_nobody_may_go_to_a_stranger),
        KW_TEST_ON_NETWORK(es_12_no_token_and_no_signature_for_a_stranger_either),
        KW_TEST_ON_NETWORK(es_12_no_password_for_an_authorization_service_that_is_not_trusted),
        cmocka_unit_test(it_05_and_it_07_and_it_21_and_un_01_and_as_20_channel_and_policy_of_the_token_decide_together),
        KW_TEST_ON_NETWORK(it_02_and_it_04_and_it_08_text_stays_utf_8_and_binary_stays_as_it_is),
        KW_TEST_ON_NETWORK(it_10_and_it_22_in_clear_the_token_is_all_there_is),
        KW_TEST_ON_NETWORK(it_25_an_issued_token_names_no_algorithm),
        KW_TEST_ON_NETWORK(it_04_and_it_25_the_legacy_block_and_its_algorithm_by_configuration_alone),
        KW_TEST_ON_NETWORK(it_18_a_token_goes_where_its_kind_is_taken),
        KW_TEST_ON_NETWORK(un_06_and_un_09_and_un_10_a_long_password_goes_as_encrypted_secret),
        KW_TEST_ON_NETWORK(un_03_and_un_09_in_clear_the_password_is_its_bytes),
        KW_TEST_ON_NETWORK(un_01_and_it_05_the_policy_that_protects_is_taken),
        KW_TEST_ON_NETWORK(cs_21_and_un_01_a_policy_that_the_keys_are_not_for_is_left_alone),
        KW_TEST_ON_NETWORK(x5_02_a_user_signs_under_the_policy_that_the_key_is_for),
        KW_TEST_ON_NETWORK(cs_21_without_a_key_there_is_no_secret_on_a_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
