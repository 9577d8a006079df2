/* UserIdentityTokens as a Client makes them. OPC 10000-4, 7.40. */
#include "base/try.h"
#include "client/client_internal.h"
#include "identity/channel_bound.h"
#include "identity/secret_format.h"

#define LEGACY_PASSWORD_MAX 64 /* UN-10 */
#define KEYS_FIT 1000          /* more than any rank */
#define JWT_TOKEN_TYPE "http://opcfoundation.org/UA/UserToken#JWT"

/* IT-07, UN-04: without a policy of its own, the channel's applies. NULL: one that we do not know. */
static const kw_security_policy *effective_policy(const kw_user_token_policy *policy, const kw_security_policy *channel_policy)
{
    return policy->security_policy_uri.len > 0 ? kw_security_policy_by_uri(policy->security_policy_uri) : channel_policy;
}

/* TP-07: the Server's Certificate of this channel must be of use under the policy of the token. */
static bool fits_channel(const kw_security_policy *policy, const kw_security_policy *channel_policy)
{
    return channel_policy == NULL || channel_policy->is_none || policy->is_none ||
           (policy->certificate_keys & channel_policy->certificate_keys) != 0;
}

bool kw_client_can_seal(const kw_client *client, const kw_security_policy *policy)
{
    const kw_public_key *server = client->server_certificate != NULL ? kw_certificate_public_key(client->server_certificate) : NULL;
    if (policy->ephemeral == KW_EPHEMERAL_NONE) {
        return true;
    }
    return client->identity.key != NULL && server != NULL &&
           (policy->certificate_keys & 1u << kw_private_key_type(client->identity.key)) != 0 &&
           (policy->certificate_keys & 1u << kw_public_key_type(server)) != 0;
}

/* Good enough for the secret or signature of this kind of user on this channel. */
static bool is_safe(const kw_client *client, const kw_user_token_policy *p, const kw_security_policy *channel_policy)
{
    const kw_security_policy *policy = effective_policy(p, channel_policy);
    const bool is_encrypted = client->endpoint->security_mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    /* A secret in clear goes only through an encrypted channel (attack A-123); a certificate must be able to sign. */
    if (policy == NULL || (policy->is_none && (p->token_type == KW_USER_TOKEN_TYPE_CERTIFICATE || !is_encrypted))) {
        return false;
    }
    /* Deprecated: asked for by nobody but the server, or whoever changed what it said. */
    return fits_channel(policy, channel_policy) && (!policy->is_deprecated || policy == channel_policy);
}

/* A policy that the keys at hand are for goes before all others; one that they are not for remains, to say what is missing. */
static int rank_of(const kw_client *client, const kw_security_policy *policy, const kw_certificate *user)
{
    const bool is_of_use = user != NULL ? (policy->certificate_keys & 1u << kw_public_key_type(kw_certificate_public_key(user))) != 0
                                        : kw_client_can_seal(client, policy);
    return (is_of_use ? KEYS_FIT : 0) + policy->rank;
}

/* NULL: there is none, or it cannot be read, which is found out where it is needed. */
static kw_certificate *certificate_of(const kw_client_identity *identity)
{
    kw_certificate *certificate = NULL;
    if (identity->kind == KW_USER_TOKEN_TYPE_CERTIFICATE && identity->user_certificate_file != NULL) {
        (void)kw_certificate_load_file(identity->user_certificate_file, &certificate);
    }
    return certificate;
}

static bool is_for(const kw_user_token_policy *p, kw_user_token_type kind)
{
    const bool is_other_token =
        kind == KW_USER_TOKEN_TYPE_ISSUED_TOKEN && p->issued_token_type.len > 0 && !kw_string_equals(p->issued_token_type, JWT_TOKEN_TYPE);
    return p->token_type == kind && !is_other_token;
}

const kw_user_token_policy *kw_client_choose_token_policy(const kw_client *client, const kw_user_token_policy *policies, size_t count,
                                                          const kw_client_identity *identity)
{
    const kw_security_policy *channel_policy = kw_security_policy_by_uri(client->endpoint->security_policy_uri);
    const kw_user_token_policy *best = NULL;
    int best_rank = -1;
    kw_certificate *user = certificate_of(identity);
    for (size_t i = 0; i < count; i++) {
        const kw_user_token_policy *p = &policies[i];
        if (!is_for(p, identity->kind)) {
            continue;
        }
        if (identity->kind == KW_USER_TOKEN_TYPE_ANONYMOUS) {
            return p;
        }
        const int rank = is_safe(client, p, channel_policy) ? rank_of(client, effective_policy(p, channel_policy), user) : -1;
        if (rank > best_rank) {
            best_rank = rank;
            best = p;
        }
    }
    kw_certificate_release(user);
    return best;
}

/* For a key that the Server gave out, signed by the application (RT-08, RT-14 too) or, where the secret is nothing, by the user. */
static kw_status seal_for_key(kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                              const kw_application_identity *signer, kw_bytes secret, kw_arena *arena, kw_bytes *sealed)
{
    const kw_secret_format format = client->dotnet_secrets ? KW_SECRET_ECC_DOTNET : KW_SECRET_ECC;
    if (context->receiver_key.len == 0) {
        return kw_client_fail(client, KW_BAD_SECURITY_POLICY_REJECTED, "the server gave no key to seal secrets for under %s", policy->name);
    }
    if (signer->key == NULL || signer->certificate == NULL) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_INVALID, "secrets under %s are signed: a certificate and its key are needed",
                              policy->name);
    }
    const kw_status status = kw_secret_seal_ecc(format, signer, policy, context->receiver_key, context->nonce, secret,
                                                kw_clock_utc(client->env.clock), client->env.random, arena, sealed);
    return kw_status_is_bad(status)
               ? kw_client_fail(client, status,
                                "nothing can be sealed for the key of the server under %s: is the certificate of that kind?", policy->name)
               : status;
}

static kw_secret_format format_for(const kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                                   bool is_issued, size_t len)
{
    if (policy->is_none) {
        return KW_SECRET_CLEAR;
    }
    const bool legacy = context->nonce.data != NULL && (is_issued ? client->legacy_issued_token : len <= LEGACY_PASSWORD_MAX);
    if (legacy) {
        return is_issued ? KW_SECRET_LEGACY_LONG : KW_SECRET_LEGACY;
    }
    return client->dotnet_secrets ? KW_SECRET_RSA_DOTNET : KW_SECRET_RSA;
}

static kw_status seal(kw_client *client, const kw_token_context *context, const kw_security_policy *policy, bool is_issued, kw_bytes secret,
                      kw_arena *arena, kw_bytes *sealed, kw_string *algorithm)
{
    const kw_secret_format format = format_for(client, context, policy, is_issued, secret.len);
    *algorithm = KW_BYTES_NULL;
    if (format == KW_SECRET_CLEAR) {
        *sealed = kw_arena_copy(arena, secret);
        return KW_GOOD;
    }
    if (policy->ephemeral != KW_EPHEMERAL_NONE) {
        return seal_for_key(client, context, policy, &client->identity, secret, arena, sealed);
    }
    if (context->receiver == NULL) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_INVALID, "the server shows no certificate to encrypt the secret for");
    }
    const bool is_request = context->nonce.data == NULL && context->binding == NULL;
    if (is_request && format == KW_SECRET_RSA && client->identity.key != NULL) { /* RT-08, RT-14 */
        return kw_secret_seal_signed(&client->identity, policy, context->receiver, secret, kw_clock_utc(client->env.clock),
                                     client->env.random, arena, sealed);
    }
    if (format == KW_SECRET_LEGACY || format == KW_SECRET_LEGACY_LONG) {
        *algorithm = kw_string_from(policy->asym_encryption_uri);
    }
    return kw_secret_seal(format, policy, context->receiver, context->nonce, secret, kw_clock_utc(client->env.clock), client->env.random,
                          arena, sealed);
}

static kw_status user_name_token(kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                                 const kw_client_identity *identity, kw_arena *arena, kw_extension_object *token)
{
    kw_user_name_identity_token *t = KW_ARENA_NEW(arena, kw_user_name_identity_token);
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->policy_id = context->policy->policy_id;
    t->user_name = identity->user_name;
    KW_TRY(seal(client, context, policy, false, identity->password, arena, &t->password, &t->encryption_algorithm));
    *token = kw_extension_object_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, t);
    return KW_GOOD;
}

static kw_status issued_token(kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                              const kw_client_identity *identity, kw_arena *arena, kw_extension_object *token)
{
    kw_string algorithm; /* IT-25: null in an IssuedIdentityToken, but peers that know only the legacy block look at it */
    kw_issued_identity_token *t = KW_ARENA_NEW(arena, kw_issued_identity_token);
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->policy_id = context->policy->policy_id;
    KW_TRY(seal(client, context, policy, true, identity->token, arena, &t->token_data, &algorithm));
    t->encryption_algorithm = client->legacy_issued_token ? algorithm : KW_BYTES_NULL;
    *token = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, t);
    return KW_GOOD;
}

static kw_status load_user(kw_client *client, const kw_client_identity *identity, kw_application_identity *user)
{
    if (identity->user_certificate_file == NULL || identity->user_key_file == NULL ||
        kw_status_is_bad(kw_certificate_load_file(identity->user_certificate_file, &user->certificate))) {
        return kw_client_fail(client, KW_BAD_CONFIGURATION_ERROR, "a user certificate (PEM or DER) and its key are needed");
    }
    if (kw_status_is_bad(kw_private_key_load_file(identity->user_key_file, KW_BYTES_NULL, &user->key))) {
        return kw_client_fail(client, KW_BAD_CONFIGURATION_ERROR,
                              "%s is not a usable private key (missing, or readable by others: chmod 600)", identity->user_key_file);
    }
    return KW_GOOD;
}

/* In a Session beside the token; without one inside, as a secret of nothing that the user signed (RT-10 … RT-12). */
static kw_status sign_as_user(kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                              const kw_application_identity *user, kw_arena *arena, kw_bytes *data, kw_signature_data *signature)
{
    if (context->binding != NULL) { /* AZ-13 */
        *data = kw_arena_copy(arena, kw_certificate_chain(user->certificate));
        signature->algorithm = kw_string_from(policy->asym_signature_uri);
        return kw_channel_bound_sign(context->binding, KW_BOUND_USER, policy, user->key, arena, &signature->signature);
    }
    if (context->nonce.data == NULL && policy->ephemeral != KW_EPHEMERAL_NONE) {
        return seal_for_key(client, context, policy, user, KW_BYTES_NULL, arena, data);
    }
    if (context->nonce.data == NULL && context->receiver != NULL) {
        return kw_secret_seal_signed(user, policy, context->receiver, KW_BYTES_NULL, kw_clock_utc(client->env.clock), client->env.random,
                                     arena, data);
    }
    const kw_bytes parts[] = {context->receiver != NULL ? kw_certificate_der(context->receiver) : KW_BYTES_NULL, context->nonce};
    *data = kw_arena_copy(arena, kw_certificate_chain(user->certificate));
    signature->algorithm = kw_string_from(policy->asym_signature_uri);
    return kw_asym_sign(policy, user->key, parts, 2, arena, &signature->signature);
}

static kw_status x509_token(kw_client *client, const kw_token_context *context, const kw_security_policy *policy,
                            const kw_client_identity *identity, kw_arena *arena, kw_extension_object *token, kw_signature_data *signature)
{
    kw_application_identity user = {NULL, NULL};
    kw_x509_identity_token *t = KW_ARENA_NEW(arena, kw_x509_identity_token);
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = load_user(client, identity, &user);
    if (!kw_status_is_bad(status)) {
        status = sign_as_user(client, context, policy, &user, arena, &t->certificate_data, signature);
        status = kw_status_is_bad(status) ? kw_client_fail(client, status, "the user's key cannot sign under %s", policy->name) : KW_GOOD;
    }
    kw_certificate_release(user.certificate);
    kw_private_key_release(user.key);
    t->policy_id = context->policy->policy_id;
    *token = kw_extension_object_of(KW_TYPE_X509_IDENTITY_TOKEN, t);
    return status;
}

kw_status kw_client_build_token(kw_client *client, const kw_token_context *context, const kw_client_identity *identity, kw_arena *arena,
                                kw_extension_object *token, kw_signature_data *signature)
{
    const kw_security_policy *policy = effective_policy(context->policy, context->channel_policy);
    *signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
    if (policy == NULL) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    switch (identity->kind) {
    case KW_USER_TOKEN_TYPE_USER_NAME:
        return user_name_token(client, context, policy, identity, arena, token);
    case KW_USER_TOKEN_TYPE_ISSUED_TOKEN:
        return issued_token(client, context, policy, identity, arena, token);
    case KW_USER_TOKEN_TYPE_CERTIFICATE:
        return x509_token(client, context, policy, identity, arena, token, signature);
    default: {
        kw_anonymous_identity_token *t = KW_ARENA_NEW(arena, kw_anonymous_identity_token);
        if (t == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        t->policy_id = context->policy->policy_id;
        *token = kw_extension_object_of(KW_TYPE_ANONYMOUS_IDENTITY_TOKEN, t);
        return KW_GOOD;
    }
    }
}
