/* UserNameIdentityToken: the proof is the password inside. OPC 10000-4, 7.40.4. */
#include "base/secret.h"
#include "base/try.h"
#include "identity/identity_internal.h"
#include "identity/password.h"

#define URI_RSA_OAEP "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
#define URI_RSA_OAEP_MGF1P "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"

static bool names_algorithm_of(const kw_security_policy *policy, kw_string algorithm)
{
    if (policy->asym_encryption == KW_ASYM_ENC_RSA_OAEP_SHA1 &&
        (kw_string_equals(algorithm, URI_RSA_OAEP) || kw_string_equals(algorithm, URI_RSA_OAEP_MGF1P))) {
        return true;
    }
    return policy->asym_encryption_uri != NULL && kw_string_equals(algorithm, policy->asym_encryption_uri);
}

/*
 * UN-09, A-122: the algorithm is the policy's; none in clear; either none or the policy's with an RsaEncryptedSecret; what stands
 * beside an EccEncryptedSecret says nothing (CB-07). Decided before any key is used.
 */
static bool algorithm_fits(const kw_security_policy *policy, const kw_user_name_identity_token *token)
{
    switch (kw_secret_format_of(policy, token->password)) {
    case KW_SECRET_CLEAR:
        return kw_bytes_is_empty(token->encryption_algorithm);
    case KW_SECRET_LEGACY:
        return names_algorithm_of(policy, token->encryption_algorithm);
    case KW_SECRET_ECC:
        return true;
    default:
        return kw_bytes_is_empty(token->encryption_algorithm) || names_algorithm_of(policy, token->encryption_algorithm);
    }
}

kw_status kw_proof_check_password(kw_proof *proof, kw_string name, kw_bytes password)
{
    kw_user user = {.name = KW_BYTES_NULL};
    const kw_status found = kw_store_user_get(proof->gate->store, name, proof->arena, &user);
    if (kw_status_is_bad(found) && found != KW_BAD_NOT_FOUND) {
        return kw_refuse(proof, KW_BAD_RESOURCE_UNAVAILABLE, "the store cannot be read");
    }
    proof->is_unknown = found == KW_BAD_NOT_FOUND;
    const bool may_enter = found != KW_BAD_NOT_FOUND && (user.configuration & KW_USER_DISABLED) == 0;
    const bool matches = kw_password_verify(may_enter ? user.password_hash : KW_BYTES_NULL, password);
    if (!matches || !may_enter) {
        const char *why = found == KW_BAD_NOT_FOUND ? "unknown user" : may_enter ? "wrong password" : "disabled user";
        return kw_refuse(proof, KW_BAD_USER_ACCESS_DENIED, why);
    }
    proof->found->must_change_password = (user.configuration & KW_USER_MUST_CHANGE_PASSWORD) != 0;
    proof->found->account_created = user.created;
    return KW_GOOD;
}

/* Whoever asks the directory has computed as much as for a user of the store: the time does not tell where a name is known. */
static kw_status check_user(kw_proof *proof, kw_string name, kw_bytes password)
{
    if (proof->claim->keeper != NULL) {
        kw_string subject; /* known by the name that was given */
        return kw_proof_ask_keeper(proof, name, password, &subject);
    }
    const kw_status status = kw_proof_check_password(proof, name, password);
    return proof->is_unknown && proof->gate->directory != NULL ? kw_proof_ask_directory(proof, name, password) : status;
}

static kw_status user_name_prove(kw_proof *proof, const void *data)
{
    const kw_user_name_identity_token *token = data;
    /* the name is taken byte by byte as it came, or not at all. */
    if (kw_bytes_is_empty(token->user_name) || token->user_name.len > KW_USER_NAME_MAX || !kw_utf8_is_valid(token->user_name, false)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "unusable user name");
    }
    if (!algorithm_fits(proof->effective, token)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "encryptionAlgorithm is not that of the UserTokenPolicy");
    }
    kw_secret password = KW_SECRET_NONE;
    const kw_secret_rule rule = {.max_len = KW_PASSWORD_MAX, .allow_legacy = true, .signers = KW_SIGNED_BY_APPLICATION};
    KW_TRY(kw_proof_open_secret(proof, &rule, token->password, &password));
    const kw_status status = check_user(proof, token->user_name, kw_secret_bytes(&password));
    kw_secret_clear(&password);
    proof->found->name = token->user_name;
    return status;
}

static bool user_name_same(const kw_identity *a, const kw_identity *b)
{
    return kw_bytes_equal(a->name, b->name) && kw_bytes_equal(a->directory_id, b->directory_id);
}

static void user_name_redact(void *data)
{
    ((kw_user_name_identity_token *)data)->password = KW_BYTES_NULL;
}

const kw_token_kind KW_TOKEN_USER_NAME = {
    .type = KW_USER_TOKEN_TYPE_USER_NAME,
    .data_type_id = 322,
    .prove = user_name_prove,
    .same = user_name_same,
    .redact = user_name_redact,
};
