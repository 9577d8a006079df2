/*
 * The UserTokenPolicies of an endpoint. OPC 10000-4, 7.41.
 *
 * PolicyIds are put together from what the policy says, so that one id never stands for two contents (TP-01).
 */
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/identity_internal.h"
#include "identity/json.h"

#define ISSUER_SUFFIX_BYTES 6u

typedef struct kw_policy_list {
    kw_identity_gate *gate;
    const kw_snapshot *snapshot;
    kw_arena *arena;
    kw_user_token_policy *items;
    size_t count;
} kw_policy_list;

/* "jwt_Basic256Sha256_1f2e…", "username_clear". */
static kw_string id_of(const kw_policy_list *list, const char *kind, const kw_security_policy *secret, kw_string suffix)
{
    const char *protection = secret->is_none ? "clear" : secret->name;
    return kw_arena_format(list->arena, "%s_%s%s%.*s", kind, protection, suffix.len > 0 ? "_" : "", KW_STRING_ARGS(suffix));
}

static kw_status add(kw_policy_list *list, kw_user_token_policy policy)
{
    if (policy.policy_id.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    list->items[list->count++] = policy;
    return KW_GOOD;
}

static kw_status add_secret(kw_policy_list *list, kw_user_token_type type, const char *kind, const kw_security_policy *secret)
{
    return add(list, (kw_user_token_policy){.policy_id = id_of(list, kind, secret, KW_BYTES_NULL),
                                            .token_type = type,
                                            .security_policy_uri = kw_string_from(secret->uri)});
}

/* --- access tokens ---------------------------------------------------------------------------------------------------- */

static bool is_published(const kw_trusted_issuer *issuer)
{
    return !kw_bytes_is_empty(issuer->about.authority_url);
}

/* Another name of one that is in the list already. */
static bool is_alias(const kw_trusted_issuer *issuer)
{
    return !kw_bytes_is_empty(issuer->about.alias_of);
}

static bool has_unpublished(const kw_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->issuer_count; i++) {
        if (!is_published(&snapshot->issuers[i]) && !is_alias(&snapshot->issuers[i])) {
            return true;
        }
    }
    return false;
}

/* JW-01: where a Client gets a token, as JSON. `about` NULL: only for whom it must be. */
static kw_string issuer_endpoint(const kw_policy_list *list, const kw_issuer *about)
{
    kw_string text = KW_BYTES_NULL;
    json_t *o = json_object();
    bool is_complete = o != NULL && kw_json_set_string(o, "ua:resourceId", list->gate->config.audience);
    if (about != NULL) {
        const kw_string profile =
            kw_bytes_is_empty(about->authority_profile) ? KW_STRING(KW_AUTHORITY_PROFILE_OPCUA) : about->authority_profile;
        is_complete = is_complete && kw_json_set_string(o, "ua:authorityUrl", about->authority_url) &&
                      kw_json_set_string(o, "ua:authorityProfileUri", profile) &&
                      (kw_bytes_is_empty(about->token_endpoint) || kw_json_set_string(o, "ua:tokenEndpoint", about->token_endpoint));
    }
    if (is_complete) {
        text = kw_json_dump(o, list->arena);
    }
    json_decref(o);
    return text;
}

/* A few bytes of the hash of the issuer's URI, in hex: the same on every node. */
static kw_string issuer_suffix(kw_arena *arena, kw_string uri)
{
    uint8_t hash[KW_HASH_MAX];
    if (kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &uri, 1, hash))) {
        return KW_BYTES_NULL;
    }
    kw_string text = KW_STRING("");
    for (size_t i = 0; i < ISSUER_SUFFIX_BYTES; i++) {
        text = kw_arena_format(arena, "%.*s%02x", KW_STRING_ARGS(text), hash[i]);
    }
    return text;
}

static kw_status add_issuer(kw_policy_list *list, const kw_security_policy *secret, const kw_issuer *about, kw_string suffix)
{
    const kw_string where = issuer_endpoint(list, about);
    if (where.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return add(list, (kw_user_token_policy){.policy_id = id_of(list, "jwt", secret, suffix),
                                            .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
                                            .issued_token_type = KW_STRING(KW_TOKEN_TYPE_JWT),
                                            .issuer_endpoint_url = where,
                                            .security_policy_uri = kw_string_from(secret->uri)});
}

static size_t count_issuers(const kw_snapshot *snapshot)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->issuer_count; i++) {
        count += !is_alias(&snapshot->issuers[i]);
    }
    return count;
}

static kw_status add_issuers(kw_policy_list *list, const kw_security_policy *secret)
{
    const kw_snapshot *snapshot = list->snapshot;
    const bool are_several = count_issuers(snapshot) > 1;
    for (size_t i = 0; i < snapshot->issuer_count; i++) {
        const kw_issuer *about = &snapshot->issuers[i].about;
        if (is_published(&snapshot->issuers[i]) && !is_alias(&snapshot->issuers[i])) {
            KW_TRY(add_issuer(list, secret, about, are_several ? issuer_suffix(list->arena, about->uri) : KW_BYTES_NULL));
        }
    }
    return has_unpublished(snapshot) ? add_issuer(list, secret, NULL, KW_BYTES_NULL) : KW_GOOD;
}

/* --- the list --------------------------------------------------------------------------------------------------------- */

static kw_status add_secrets(kw_policy_list *list, const kw_security_policy *secret)
{
    const kw_identity_config *config = &list->gate->config;
    if (config->allow_user_name) {
        KW_TRY(add_secret(list, KW_USER_TOKEN_TYPE_USER_NAME, "username", secret));
    }
    if (config->allow_x509 && atomic_load(&list->gate->user_trust) != NULL && !secret->is_none) { /* never without a signature */
        KW_TRY(add_secret(list, KW_USER_TOKEN_TYPE_CERTIFICATE, "certificate", secret));
    }
    return config->allow_issued ? add_issuers(list, secret) : KW_GOOD;
}

/* UN-02, UN-05, IT-06, X5-03, TP-06: every secret names its SecurityPolicy; on None that of the configuration. */
static kw_status fill(kw_policy_list *list, const kw_security_policy *channel_policy, kw_message_security_mode mode)
{
    const kw_identity_config *config = &list->gate->config;
    const kw_security_policy *secret = channel_policy->is_none ? config->secret_policy : channel_policy;
    if (config->allow_anonymous) {
        KW_TRY(add(list, (kw_user_token_policy){.policy_id = KW_STRING("anonymous"), .token_type = KW_USER_TOKEN_TYPE_ANONYMOUS}));
    }
    if (secret != NULL && !secret->is_none) {
        KW_TRY(add_secrets(list, secret));
    }
    return kw_clear_secret_is_allowed(config, mode) ? add_secrets(list, &KW_POLICY_NONE) : KW_GOOD;
}

kw_status kw_identity_gate_policies(kw_identity_gate *gate, const kw_security_policy *channel_policy, kw_message_security_mode mode,
                                    kw_arena *arena, kw_user_token_policy **out, size_t *count)
{
    kw_policy_list list = {.gate = gate, .arena = arena};
    KW_TRY(kw_identity_gate_recall(gate, &list.snapshot));
    const size_t most = 1 + 2 * (2 + list.snapshot->issuer_count + 1);
    list.items = KW_ARENA_ARRAY(arena, kw_user_token_policy, most);
    kw_status status = list.items != NULL ? fill(&list, channel_policy, mode) : KW_BAD_OUT_OF_MEMORY;
    kw_snapshot_release(list.snapshot);
    if (!kw_status_is_bad(status)) {
        *out = list.items;
        *count = list.count;
    }
    return status;
}
