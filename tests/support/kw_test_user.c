#include "support/kw_test_user.h"

#include "support/test.h"
#include "ua/codec.h"

#include <stdio.h>
#include <string.h>

/* --- policies ---------------------------------------------------------------------------------------------------------- */

const kw_endpoint_description *kw_test_endpoint(kw_test_client *client, const kw_test_session *session)
{
    const kw_create_session_response *created = session->created;
    for (size_t i = 0; i < created->server_endpoints_count; i++) {
        const kw_endpoint_description *e = &created->server_endpoints[i];
        if (e->security_mode == client->mode && kw_string_equals(e->security_policy_uri, client->policy->uri)) {
            return e;
        }
    }
    fail_msg("%s", "the endpoint in use is not among ServerEndpoints");
    return NULL;
}

static const kw_user_token_policy *find(kw_test_client *client, const kw_test_session *session, kw_user_token_type type, bool clear)
{
    const kw_endpoint_description *e = kw_test_endpoint(client, session);
    for (size_t i = 0; i < e->user_identity_tokens_count; i++) {
        const kw_user_token_policy *p = &e->user_identity_tokens[i];
        if (p->token_type == type && kw_string_equals(p->security_policy_uri, KW_POLICY_NONE.uri) == clear) {
            return p;
        }
    }
    fail_msg("%s", "no such UserTokenPolicy");
    return NULL;
}

const kw_user_token_policy *kw_test_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type)
{
    return find(client, session, type, false);
}

const kw_user_token_policy *kw_test_clear_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type)
{
    return find(client, session, type, true);
}

/* --- tokens -------------------------------------------------------------------------------------------------------------- */

static const kw_security_policy *secret_policy(const kw_test_client *client)
{
    return client->policy->is_none ? kw_security_policy_by_name(KW_STRING("Basic256Sha256")) : client->policy;
}

kw_test_user kw_test_user_of(const kw_type *type, const void *token)
{
    return (kw_test_user){.token = kw_extension_object_of(type, token)};
}

kw_test_user kw_test_nobody(void)
{
    return (kw_test_user){.token = {.encoding = KW_EXTENSION_NONE}};
}

kw_test_user kw_test_anonymous(kw_test_client *client, const kw_test_session *session)
{
    kw_anonymous_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_anonymous_identity_token);
    token->policy_id = kw_test_policy(client, session, KW_USER_TOKEN_TYPE_ANONYMOUS)->policy_id;
    return kw_test_user_of(KW_TYPE_ANONYMOUS_IDENTITY_TOKEN, token);
}

kw_bytes kw_test_seal(kw_test_client *client, const kw_test_session *session, kw_secret_format format, kw_bytes secret)
{
    const kw_test_world *world = client->world;
    kw_bytes sealed = KW_BYTES_NULL;
    assert_status(kw_secret_seal(format, secret_policy(client), world->env.identity->certificate, session->nonce, secret, world->clock->utc,
                                 &world->random.random, world->arena, &sealed),
                  KW_GOOD);
    return sealed;
}

static const kw_user_token_policy *policy_for(kw_test_client *client, const kw_test_session *session, kw_secret_format format,
                                              kw_user_token_type type)
{
    return format == KW_SECRET_CLEAR ? kw_test_clear_policy(client, session, type) : kw_test_policy(client, session, type);
}

kw_user_name_identity_token *kw_test_user_name_token(kw_test_client *client, const kw_test_session *session, kw_secret_format format,
                                                     const char *name, const char *password)
{
    kw_user_name_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_user_name_identity_token);
    const bool is_legacy = format == KW_SECRET_LEGACY || format == KW_SECRET_LEGACY_LONG;
    token->policy_id = policy_for(client, session, format, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id;
    token->user_name = kw_string_from(name);
    token->password = kw_test_seal(client, session, format, kw_string_from(password));
    token->encryption_algorithm = is_legacy ? kw_string_from(secret_policy(client)->asym_encryption_uri) : KW_BYTES_NULL;
    return token;
}

kw_test_user kw_test_user_name_as(kw_test_client *client, const kw_test_session *session, kw_secret_format format, const char *name,
                                  const char *password)
{
    return kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, kw_test_user_name_token(client, session, format, name, password));
}

kw_test_user kw_test_user_name(kw_test_client *client, const kw_test_session *session, const char *name, const char *password)
{
    return kw_test_user_name_as(client, session, KW_SECRET_LEGACY, name, password);
}

kw_test_user kw_test_operator(kw_test_client *client, const kw_test_session *session)
{
    return kw_test_user_name(client, session, KW_TEST_USER, KW_TEST_PASSWORD);
}

kw_test_user kw_test_certificate(kw_test_client *client, const kw_test_session *session, const kw_application_identity *user)
{
    kw_test_world *world = client->world;
    const kw_security_policy *policy = secret_policy(client);
    kw_x509_identity_token *token = KW_ARENA_NEW(world->arena, kw_x509_identity_token);
    token->policy_id = kw_test_policy(client, session, KW_USER_TOKEN_TYPE_CERTIFICATE)->policy_id;
    token->certificate_data = kw_certificate_chain(user->certificate);
    kw_test_user made = kw_test_user_of(KW_TYPE_X509_IDENTITY_TOKEN, token);
    const kw_bytes parts[] = {kw_test_leaf(world, session->server_certificate), session->nonce};
    made.signature.algorithm = kw_string_from(policy->asym_signature_uri);
    assert_status(kw_asym_sign(policy, user->key, parts, 2, world->arena, &made.signature.signature), KW_GOOD);
    return made;
}

kw_issued_identity_token *kw_test_issued_token(kw_test_client *client, const kw_test_session *session, kw_secret_format format,
                                               kw_string jwt)
{
    kw_issued_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_issued_identity_token);
    token->policy_id = policy_for(client, session, format, KW_USER_TOKEN_TYPE_ISSUED_TOKEN)->policy_id;
    token->token_data = kw_test_seal(client, session, format, jwt);
    return token;
}

kw_test_user kw_test_issued_as(kw_test_client *client, const kw_test_session *session, kw_secret_format format, kw_string token)
{
    return kw_test_user_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, kw_test_issued_token(client, session, format, token));
}

kw_test_user kw_test_issued(kw_test_client *client, const kw_test_session *session, kw_string token)
{
    return kw_test_issued_as(client, session, KW_SECRET_RSA, token);
}

/* --- JSON Web Tokens ------------------------------------------------------------------------------------------------------- */

kw_string kw_test_claims(kw_test_world *world, const kw_test_issuer *issuer, const char *subject, int lifetime_s, const char *more)
{
    const long long now = kw_datetime_to_unix(world->clock->utc);
    return kw_arena_format(world->arena, "{\"iss\":\"%.*s\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld%s}",
                           KW_STRING_ARGS(issuer->uri), subject, KW_TEST_SERVER, now, now + lifetime_s, more);
}

kw_string kw_test_jwt_with(kw_test_world *world, const char *header, kw_string claims, const char *alg, const kw_private_key *key)
{
    kw_arena *a = world->arena;
    const kw_string first = kw_base64url_encode(a, kw_string_from(header));
    const kw_string second = kw_base64url_encode(a, claims);
    const kw_string input = kw_arena_format(a, "%.*s.%.*s", KW_STRING_ARGS(first), KW_STRING_ARGS(second));
    kw_bytes signature = KW_BYTES_NULL;
    if (key != NULL) {
        assert_status(kw_jose_sign(kw_string_from(alg), key, input, a, &signature), KW_GOOD);
    }
    const kw_string third = key != NULL ? kw_base64url_encode(a, signature) : KW_STRING("");
    return kw_arena_format(a, "%.*s.%.*s", KW_STRING_ARGS(input), KW_STRING_ARGS(third));
}

kw_string kw_test_jwt(kw_test_world *world, const kw_test_issuer *issuer, kw_string claims)
{
    return kw_test_jwt_with(world, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", claims, "ES256", issuer->key);
}

kw_string kw_test_token(kw_test_world *world, const kw_test_issuer *issuer, const char *subject, int lifetime_s)
{
    return kw_test_jwt(world, issuer, kw_test_claims(world, issuer, subject, lifetime_s, ""));
}
