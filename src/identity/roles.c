/* Roles from mapping rules, never straight from a claim. OPC 10000-18, 4.4; requirements RO-02 … RO-13. */
#include "base/try.h"
#include "identity/identity_internal.h"
#include "identity/user_chain.h"

#include <strings.h>

#define ROLE_ANONYMOUS 15644u
#define TRANSPORT_PROFILE "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary" /* the one there is */

static bool is_user_certificate(const kw_proof *proof)
{
    return proof->found->kind == KW_USER_TOKEN_TYPE_CERTIFICATE && proof->user_certificate != NULL;
}

/* The channel has authenticated the Client's application (RO-13), or whoever makes the claim has. */
static bool has_trusted_application(const kw_identity_claim *claim)
{
    const bool is_secured = claim->mode == KW_MESSAGE_SECURITY_MODE_SIGN || claim->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    return claim->is_application_proven || (is_secured && claim->client_certificate != NULL);
}

static bool is_application(const kw_identity_claim *claim, kw_string uri)
{
    return has_trusted_application(claim) && !kw_bytes_is_empty(claim->application_uri) && kw_bytes_equal(claim->application_uri, uri);
}

static bool is_prefixed(kw_string text, kw_string prefix)
{
    return text.len > prefix.len + 1 && text.data[prefix.len] == '/' && kw_bytes_equal((kw_string){text.data, prefix.len}, prefix);
}

/* The issuer that a rule `iss/role` names: the longest one that fits; null: the rule is for any issuer. */
static kw_string issuer_of_rule(const kw_snapshot *snapshot, kw_string value)
{
    kw_string longest = KW_BYTES_NULL;
    for (size_t i = 0; i < snapshot->issuer_count; i++) {
        const kw_string uri = snapshot->issuers[i].about.uri;
        if (uri.len > longest.len && is_prefixed(value, uri)) {
            longest = uri;
        }
    }
    return longest;
}

/* A rule for `iss/role` is for that issuer alone: another one cannot reach it by a role of this spelling. */
static bool claims_value(const kw_proof *proof, const kw_string *claimed, size_t count, kw_string value)
{
    const kw_string issuer = issuer_of_rule(proof->snapshot, value);
    kw_string wanted = value;
    if (issuer.len > 0) {
        if (!kw_bytes_equal(issuer, proof->found->issuer)) {
            return false;
        }
        wanted = (kw_string){value.data + issuer.len + 1, value.len - issuer.len - 1};
    }
    for (size_t i = 0; i < count; i++) {
        if (!kw_bytes_is_empty(wanted) && kw_bytes_equal(claimed[i], wanted)) {
            return true;
        }
    }
    return false;
}

static bool rule_matches(const kw_proof *proof, const kw_role_rule *rule)
{
    const kw_identity *who = proof->found;
    switch (rule->criteria) {
    case KW_CRITERIA_USER_NAME: /* only names that were proven here: a token's `sub` is not one */
        return who->kind == KW_USER_TOKEN_TYPE_USER_NAME && !kw_bytes_is_empty(rule->value) && kw_bytes_equal(who->name, rule->value);
    case KW_CRITERIA_THUMBPRINT: /* RO-10 */
        return is_user_certificate(proof) &&
               kw_user_chain_has_thumbprint(atomic_load(&proof->gate->user_trust), proof->user_certificate, rule->value);
    case KW_CRITERIA_ROLE:
        return (who->kind == KW_USER_TOKEN_TYPE_ISSUED_TOKEN || !kw_bytes_is_empty(who->directory_id)) &&
               claims_value(proof, who->claimed_roles, who->claimed_role_count, rule->value);
    case KW_CRITERIA_GROUP_ID: /* of an issuer, or of the directory; users of the store have none */
        return claims_value(proof, who->groups, who->group_count, rule->value);
    case KW_CRITERIA_ANONYMOUS:
        return who->kind == KW_USER_TOKEN_TYPE_ANONYMOUS;
    case KW_CRITERIA_AUTHENTICATED_USER: /* RO-12 */
        return who->kind != KW_USER_TOKEN_TYPE_ANONYMOUS;
    case KW_CRITERIA_APPLICATION:
        return is_application(proof->claim, rule->value);
    case KW_CRITERIA_X509_SUBJECT:
        return is_user_certificate(proof) && kw_user_subject_matches(proof->user_certificate, rule->value);
    case KW_CRITERIA_TRUSTED_APPLICATION:
        return has_trusted_application(proof->claim);
    }
    return false;
}

/* RO-08: without a rule that matches nobody has the Role. */
static bool identity_matches(const kw_proof *proof, const kw_role *role)
{
    for (size_t i = 0; i < role->rule_count; i++) {
        if (rule_matches(proof, &role->rules[i])) {
            return true;
        }
    }
    return false;
}

/* RO-09. A list of applications can be held only against an authenticated one: on None it could be anybody. */
static bool application_passes(const kw_identity_claim *claim, const kw_role *role)
{
    bool is_listed = false;
    for (size_t i = 0; i < role->application_count; i++) {
        is_listed = is_listed || is_application(claim, role->applications[i]);
    }
    if (!role->applications_exclude) {
        return is_listed;
    }
    return role->application_count == 0 || (has_trusted_application(claim) && !is_listed);
}

/* A URL without the differences that mean nothing: the case of letters, a slash at its end. */
static bool is_same_url(kw_string a, kw_string b)
{
    const size_t a_len = a.len - (a.len > 0 && a.data[a.len - 1] == '/');
    const size_t b_len = b.len - (b.len > 0 && b.data[b.len - 1] == '/');
    return a_len == b_len && (a_len == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a_len) == 0);
}

/* What the rule does not name may be anything. The URL is what the Client says; policy and mode are what its channel has. */
static bool is_endpoint(const kw_identity_claim *claim, const kw_role_endpoint *e)
{
    return (kw_bytes_is_empty(e->url) || is_same_url(e->url, claim->endpoint_url)) &&
           (e->security_mode == 0 || e->security_mode == claim->mode) &&
           (kw_bytes_is_empty(e->security_policy_uri) || kw_string_equals(e->security_policy_uri, claim->channel_policy->uri)) &&
           (kw_bytes_is_empty(e->transport_profile_uri) || kw_string_equals(e->transport_profile_uri, TRANSPORT_PROFILE));
}

static bool endpoint_passes(const kw_identity_claim *claim, const kw_role *role)
{
    bool is_listed = false;
    for (size_t i = 0; i < role->endpoint_count; i++) {
        is_listed = is_listed || is_endpoint(claim, &role->endpoints[i]);
    }
    return is_listed != role->endpoints_exclude;
}

/* false: the Role lives in a namespace that this Server does not have. */
static bool namespace_index(const kw_namespace_list *namespaces, kw_string uri, uint16_t *ns)
{
    if (kw_bytes_is_empty(uri)) {
        *ns = 0;
        return true;
    }
    for (size_t i = 0; i < namespaces->count && i <= UINT16_MAX; i++) {
        if (kw_bytes_equal(namespaces->uris[i], uri)) {
            *ns = (uint16_t)i;
            return true;
        }
    }
    return false;
}

static kw_status grant_anonymous_only(kw_proof *proof)
{
    kw_granted_role *granted = KW_ARENA_NEW(proof->arena, kw_granted_role);
    if (granted == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *granted = (kw_granted_role){.id = ROLE_ANONYMOUS, .name = KW_STRING("Anonymous")};
    proof->found->roles = granted;
    proof->found->role_count = 1;
    return KW_GOOD;
}

kw_status kw_roles_grant(kw_proof *proof)
{
    const kw_snapshot *snapshot = proof->snapshot;
    proof->found->store_version = snapshot->version;
    if (proof->found->must_change_password || proof->found->is_restricted) { /* UM-19, IT-15 */
        return grant_anonymous_only(proof);
    }
    kw_granted_role *granted = KW_ARENA_ARRAY(proof->arena, kw_granted_role, snapshot->role_count + 1);
    if (granted == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_namespace_list *namespaces = atomic_load(&proof->gate->namespaces);
    size_t count = 0;
    granted[count++] = (kw_granted_role){.id = ROLE_ANONYMOUS, .name = KW_STRING("Anonymous")}; /* RO-02: always */
    for (size_t i = 0; i < snapshot->role_count; i++) {
        const kw_role *role = &snapshot->roles[i];
        uint16_t ns;
        if (!namespace_index(namespaces, role->namespace_uri, &ns) || (ns == 0 && role->node_id == ROLE_ANONYMOUS)) {
            continue;
        }
        if (identity_matches(proof, role) && application_passes(proof->claim, role) && endpoint_passes(proof->claim, role)) {
            granted[count++] = (kw_granted_role){.ns = ns, .id = role->node_id, .name = role->name};
        }
    }
    proof->found->roles = granted;
    proof->found->role_count = count;
    return KW_GOOD;
}
