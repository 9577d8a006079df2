/* The access token itself. OPC 10000-6, 6.5.2. */
#include "authority/authority_internal.h"
#include "base/try.h"
#include "identity/snapshot.h"

#include <jansson.h>
#include <stdlib.h>

#define JTI_BYTES 16

static json_t *json_of(kw_string s)
{
    return json_stringn((const char *)s.data, s.len);
}

static json_t *role_claim(const kw_identity *identity)
{
    json_t *roles = json_array();
    for (size_t i = 0; i < identity->role_count; i++) {
        if (kw_role_is_worth_a_claim(identity->roles[i].ns, identity->roles[i].id)) {
            json_array_append_new(roles, json_of(identity->roles[i].name));
        }
    }
    return roles;
}

/* JW-05: sub is unique within iss. An application that speaks for itself is named by its ApplicationUri. */
static kw_string subject_of(const kw_identity *identity)
{
    return identity->kind == KW_USER_TOKEN_TYPE_ANONYMOUS ? identity->application_uri : identity->name;
}

static void add_wishes(json_t *claims, const kw_token_wish *wish, kw_arena *arena)
{
    if (wish->client_id.len > 0) {
        json_object_set_new(claims, "client_id", json_of(wish->client_id));
    }
    if (wish->scope.len > 0) {
        json_object_set_new(claims, "scope", json_of(wish->scope));
    }
    if (wish->actor.len > 0) {
        json_object_set_new(claims, "act", json_pack("{s:o}", "sub", json_of(wish->actor)));
    }
    if (wish->certificate_hash.len > 0) {
        json_object_set_new(claims, "cnf", json_pack("{s:o}", "x5t#S256", json_of(kw_base64url_encode(arena, wish->certificate_hash))));
    }
}

/* Whoever has revoked the grant needs to know none of its tokens. */
static kw_string jti_of(kw_string grant, kw_bytes unique, kw_arena *arena)
{
    const kw_string text = kw_base64url_encode(arena, unique);
    return grant.len == 0 || text.len == 0
               ? text
               : kw_arena_format(arena, "%.*s%c%.*s", KW_STRING_ARGS(grant), KW_JTI_GRANT_END, KW_STRING_ARGS(text));
}

static kw_status claims_of(const kw_authority *authority, const kw_identity *identity, const kw_token_wish *wish, int64_t issued,
                           int64_t expires, kw_arena *arena, kw_string *out)
{
    uint8_t unique[JTI_BYTES];
    KW_TRY(kw_random_fill(authority->env->random, unique, sizeof(unique)));
    const kw_string jti = jti_of(wish->grant, (kw_bytes){unique, sizeof(unique)}, arena);
    const kw_string issuer = wish->issuer.len > 0 ? wish->issuer : authority->config.service_uri;
    json_t *claims = json_pack("{s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:o}", "iss", json_of(issuer), "sub", json_of(subject_of(identity)), "aud",
                               json_of(wish->resource), "iat", (json_int_t)issued, "nbf", (json_int_t)issued, "exp", (json_int_t)expires,
                               "jti", json_of(jti), "roles", role_claim(identity));
    if (claims != NULL) {
        add_wishes(claims, wish, arena);
    }
    char *text = claims != NULL ? json_dumps(claims, JSON_COMPACT) : NULL;
    json_decref(claims);
    if (text == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_arena_copy(arena, kw_string_from(text));
    free(text);
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_authority_sign(kw_authority *authority, kw_string claims, kw_arena *arena, kw_string *token)
{
    kw_signer_view signer;
    KW_TRY(kw_signer_get(authority, arena, &signer));
    const kw_status status = kw_jwt_sign(signer.alg, signer.kid, signer.key, claims, arena, token);
    kw_private_key_release(signer.key);
    return status;
}

kw_status kw_authority_mint_as(kw_authority *authority, const kw_identity *identity, const kw_token_wish *wish, kw_arena *arena,
                               kw_string *token, kw_date_time *expires)
{
    kw_policy_verdict verdict;
    uint32_t lifetime = 0;
    kw_identity allowed;
    kw_string claims;
    if (!kw_authority_serves(authority, wish->resource)) {
        return KW_BAD_NOT_FOUND;
    }
    KW_TRY(kw_targets_decide(&authority->targets, authority->env->store, wish->resource, identity, arena, &verdict, &lifetime));
    if (!verdict.is_allowed) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    KW_TRY(kw_roles_narrow(identity, &verdict.roles, arena, &allowed));
    lifetime = lifetime != 0 ? lifetime : authority->config.token_lifetime_s;
    lifetime = verdict.lifetime_s != 0 && verdict.lifetime_s < lifetime ? verdict.lifetime_s : lifetime;
    const int64_t issued = kw_datetime_to_unix(kw_clock_utc(authority->env->clock));
    int64_t until = issued + lifetime;
    if (identity->expires != 0 && kw_datetime_to_unix(identity->expires) < until) { /* a right does not outlive what it comes from */
        until = kw_datetime_to_unix(identity->expires);
    }
    KW_TRY(claims_of(authority, &allowed, wish, issued, until, arena, &claims));
    *expires = kw_datetime_from_unix(until);
    return kw_authority_sign(authority, claims, arena, token);
}

kw_status kw_authority_mint(kw_authority *authority, const kw_identity *identity, kw_string resource, kw_arena *arena, kw_string *token,
                            kw_date_time *expires)
{
    return kw_authority_mint_as(authority, identity, &(kw_token_wish){.resource = resource}, arena, token, expires);
}
