/* What a user agreed to: kept as JSON until the client comes for it, then made into tokens. */
#include "authority/grant.h"
#include "authority/oauth_internal.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/json.h"

#define HASH_LEN 32
#define TEXT_MAX 65536
#define ID_TOKEN_LIFETIME_S 300

kw_status kw_oauth_hash(kw_oauth_call *call, kw_string text, kw_bytes *out)
{
    uint8_t *hash = kw_arena_alloc(call->arena, KW_HASH_MAX);
    if (hash == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = (kw_bytes){hash, HASH_LEN};
    return kw_hash_of(KW_HASH_SHA256, &text, 1, hash);
}

kw_status kw_oauth_agreement_write(kw_oauth_call *call, const kw_oauth_agreement *agreement, kw_string *out)
{
    const kw_wanted_roles all = {.count = 0};
    const int64_t now = kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock));
    kw_string user;
    KW_TRY(kw_grant_detail_write(&agreement->user, &all, agreement->scope, call->arena, &user));
    json_t *o = json_object();
    const bool is_whole = o != NULL && kw_json_set_string(o, "user", user) && kw_json_set_string(o, "nonce", agreement->nonce) &&
                          kw_json_set_string(o, "resource", agreement->resource) &&
                          json_object_set_new(o, "signedIn", json_integer((json_int_t)now)) == 0;
    *out = is_whole ? kw_json_dump(o, call->arena) : KW_BYTES_NULL;
    json_decref(o);
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status read(kw_string text, kw_arena *arena, kw_oauth_agreement *out)
{
    kw_wanted_roles all;
    kw_string user = KW_BYTES_NULL;
    json_t *o = kw_json_parse_object(text);
    const bool is_whole = o != NULL && kw_json_take_string(o, "user", TEXT_MAX, arena, &user) &&
                          kw_json_take_string(o, "nonce", TEXT_MAX, arena, &out->nonce) &&
                          kw_json_take_string(o, "resource", TEXT_MAX, arena, &out->resource);
    out->signed_in = json_integer_value(json_object_get(o, "signedIn"));
    json_decref(o);
    return is_whole ? kw_grant_detail_read(user, arena, &out->user, &all, &out->scope) : KW_BAD_DECODING_ERROR;
}

static kw_status id_token(kw_oauth_call *call, const kw_oauth_client *client, const kw_oauth_agreement *a, kw_string *out)
{
    const int64_t now = kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock));
    json_t *o = json_pack("{s:I,s:I,s:I}", "iat", (json_int_t)now, "exp", (json_int_t)now + ID_TOKEN_LIFETIME_S, "auth_time",
                          (json_int_t)a->signed_in);
    const bool is_whole = o != NULL && kw_json_set_string(o, "iss", call->oauth->issuer) && kw_json_set_string(o, "sub", a->user.name) &&
                          kw_json_set_string(o, "aud", client->id) && kw_json_set_string(o, "nonce", a->nonce) &&
                          kw_json_set_string(o, "preferred_username", a->user.name);
    const kw_string claims = is_whole ? kw_json_dump(o, call->arena) : KW_BYTES_NULL;
    json_decref(o);
    return claims.data != NULL ? kw_authority_sign(call->oauth->authority, claims, call->arena, out) : KW_BAD_OUT_OF_MEMORY;
}

static void issue(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, const kw_oauth_agreement *a,
                  kw_string resource, const char *grant_type, kw_string origin)
{
    kw_token_wish wish = {.resource = resource, .scope = a->scope};
    json_t *more = json_object();
    if (kw_oauth_has_word(a->scope, KW_STRING("openid"))) {
        kw_string token = KW_BYTES_NULL;
        const kw_status status = id_token(call, client, a, &token);
        if (kw_status_is_bad(status) || !kw_json_set_string(more, "id_token", token)) {
            kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
            json_decref(more);
            return;
        }
    }
    if (!kw_oauth_begin_grant(call, client, who, origin, &wish, more)) {
        json_decref(more);
        return;
    }
    kw_oauth_issue(call, client, who, &wish, grant_type, more);
}

/* What was agreed to cannot be widened: another resource than the one at sign-in is refused. */
static bool find_resource(kw_oauth_call *call, const kw_oauth_client *client, const kw_oauth_agreement *a, kw_string *resource)
{
    kw_string asked;
    if (!kw_oauth_parameter(call, "resource", &asked)) {
        return false;
    }
    if (a->resource.len > 0 && asked.len > 0 && !kw_bytes_equal(a->resource, asked)) {
        kw_oauth_answer_error(call, 400, "invalid_target", "the user agreed to another resource");
        return false;
    }
    return kw_oauth_target_of(call, client, a->resource.len > 0 ? a->resource : asked, resource);
}

void kw_oauth_agreement_fulfil(kw_oauth_call *call, const kw_oauth_client *client, kw_string text, const char *grant_type, kw_string origin)
{
    kw_oauth_agreement a = {.signed_in = 0};
    kw_identity *who = NULL;
    kw_string resource;
    kw_status status = read(text, call->arena, &a);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_INTERNAL_ERROR);
        return;
    }
    if (!find_resource(call, client, &a, &resource)) {
        return;
    }
    status = kw_oauth_look_again(call, client, &a.user, &who);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return;
    }
    issue(call, client, who, &a, resource, grant_type, origin);
    kw_identity_release(who);
}
