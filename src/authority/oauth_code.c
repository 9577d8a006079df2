/* From the sign-in page to a token: RFC 6749, 4.1.3; RFC 7636; OpenID Connect Core, 3.1.3. */
#include "authority/grant.h"
#include "authority/oauth_internal.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/json.h"

#define CODE_BYTES 32
#define CODE_LIFETIME_S 60
#define HASH_LEN 32
#define TEXT_MAX 65536
#define VERIFIER_MIN 43u
#define VERIFIER_MAX 128u

/* What a code stands for beside the columns of its row. */
typedef struct agreement {
    kw_string user; /* as kw_grant_detail_write has it, with the scope */
    kw_string scope, nonce, resource;
    int64_t signed_in; /* seconds since 1970 */
} agreement;

static kw_status hash_of(kw_string text, kw_arena *arena, kw_bytes *out)
{
    uint8_t *hash = kw_arena_alloc(arena, KW_HASH_MAX);
    if (hash == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = (kw_bytes){hash, HASH_LEN};
    return kw_hash_of(KW_HASH_SHA256, &text, 1, hash);
}

/* --- making -------------------------------------------------------------------------------------------------------------------- */

static kw_status write_agreement(const agreement *a, kw_arena *arena, kw_string *out)
{
    json_t *o = json_object();
    const bool is_whole = o != NULL && kw_json_set_string(o, "user", a->user) && kw_json_set_string(o, "nonce", a->nonce) &&
                          kw_json_set_string(o, "resource", a->resource) &&
                          json_object_set_new(o, "signedIn", json_integer((json_int_t)a->signed_in)) == 0;
    *out = is_whole ? kw_json_dump(o, arena) : KW_BYTES_NULL;
    json_decref(o);
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_oauth_code_make(kw_oauth_call *call, const kw_oauth_request *request, const kw_identity *who, kw_string *code)
{
    const kw_server_env *env = call->oauth->env;
    const int64_t now = kw_clock_utc(env->clock);
    const kw_wanted_roles all = {.count = 0};
    uint8_t bytes[CODE_BYTES];
    agreement a = {.nonce = request->nonce, .resource = request->resource, .signed_in = kw_datetime_to_unix(now)};
    kw_oauth_code row = {.client = request->client.id,
                         .redirect_uri = request->redirect_uri,
                         .challenge = request->challenge,
                         .account = who->kind == KW_USER_TOKEN_TYPE_USER_NAME ? who->name : KW_BYTES_NULL,
                         .expires = now + CODE_LIFETIME_S * KW_TICKS_PER_S};
    KW_TRY(kw_grant_detail_write(who, &all, request->scope, call->arena, &a.user));
    KW_TRY(write_agreement(&a, call->arena, &row.detail));
    KW_TRY(kw_random_fill(env->random, bytes, sizeof(bytes)));
    *code = kw_base64url_encode(call->arena, (kw_bytes){bytes, sizeof(bytes)});
    KW_TRY(hash_of(*code, call->arena, &row.hash));
    return kw_store_oauth_code_add(env->store, &row);
}

/* --- using --------------------------------------------------------------------------------------------------------------------- */

static kw_status read_agreement(kw_string text, kw_arena *arena, agreement *out)
{
    json_t *o = kw_json_parse_object(text);
    const bool is_whole = o != NULL && kw_json_take_string(o, "user", TEXT_MAX, arena, &out->user) &&
                          kw_json_take_string(o, "nonce", TEXT_MAX, arena, &out->nonce) &&
                          kw_json_take_string(o, "resource", TEXT_MAX, arena, &out->resource);
    out->signed_in = json_integer_value(json_object_get(o, "signedIn"));
    json_decref(o);
    return is_whole ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static bool verifier_fits(kw_oauth_call *call, kw_string verifier, kw_string challenge)
{
    kw_bytes hash;
    if (verifier.len < VERIFIER_MIN || verifier.len > VERIFIER_MAX || kw_status_is_bad(hash_of(verifier, call->arena, &hash))) {
        return false;
    }
    const kw_string text = kw_base64url_encode(call->arena, hash);
    return text.len == challenge.len && kw_secret_equal(text, challenge);
}

static const char *find_fault(kw_oauth_call *call, const kw_oauth_client *client, const kw_oauth_code *row, kw_string redirect_uri,
                              kw_string verifier)
{
    if (!kw_bytes_equal(row->client, client->id)) {
        return "the code is of another client";
    }
    if (!kw_bytes_equal(row->redirect_uri, redirect_uri)) {
        return "redirect_uri is not that of the sign-in";
    }
    return verifier_fits(call, verifier, row->challenge) ? NULL : "code_verifier does not fit";
}

static bool refuse(kw_oauth_call *call, const kw_oauth_client *client, const char *why)
{
    kw_oauth_answer_error(call, 400, "invalid_grant", "the code is not good, or not for this client");
    (void)kw_oauth_record(call, "TokenRefused", KW_BAD_IDENTITY_TOKEN_REJECTED, KW_BYTES_NULL, client->id, KW_BYTES_NULL,
                          "authorization_code", why);
    return false;
}

static bool take_code(kw_oauth_call *call, const kw_oauth_client *client, kw_oauth_code *row)
{
    kw_string code, redirect_uri, verifier;
    kw_bytes hash;
    bool is_reused = false;
    if (!kw_oauth_parameter(call, "code", &code) || !kw_oauth_parameter(call, "redirect_uri", &redirect_uri) ||
        !kw_oauth_parameter(call, "code_verifier", &verifier)) {
        return false;
    }
    kw_status status = hash_of(code, call->arena, &hash);
    status = kw_status_is_bad(status) ? status : kw_store_oauth_code_take(call->oauth->env->store, hash, call->arena, row, &is_reused);
    if (status == KW_BAD_NOT_FOUND) {
        return refuse(call, client, "the code is unknown or has expired");
    }
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return false;
    }
    const char *fault = is_reused ? "the code was used before" : find_fault(call, client, row, redirect_uri, verifier);
    return fault == NULL || refuse(call, client, fault);
}

/* --- the ID token ---------------------------------------------------------------------------------------------------------------- */

static kw_status id_token(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, const agreement *a, kw_string *out)
{
    const int64_t now = kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock));
    json_t *o = json_object();
    const bool is_whole = o != NULL && kw_json_set_string(o, "iss", call->oauth->issuer) && kw_json_set_string(o, "sub", who->name) &&
                          kw_json_set_string(o, "aud", client->id) && json_object_set_new(o, "iat", json_integer((json_int_t)now)) == 0 &&
                          json_object_set_new(o, "exp", json_integer((json_int_t)now + 300)) == 0 &&
                          json_object_set_new(o, "auth_time", json_integer((json_int_t)a->signed_in)) == 0 &&
                          kw_json_set_string(o, "nonce", a->nonce) && kw_json_set_string(o, "preferred_username", who->name);
    const kw_string claims = is_whole ? kw_json_dump(o, call->arena) : KW_BYTES_NULL;
    json_decref(o);
    return claims.data != NULL ? kw_authority_sign(call->oauth->authority, claims, call->arena, out) : KW_BAD_OUT_OF_MEMORY;
}

static void issue(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, const agreement *a, kw_string resource)
{
    json_t *more = json_object();
    if (kw_oauth_has_word(a->scope, KW_STRING("openid"))) {
        kw_string token = KW_BYTES_NULL;
        const kw_status status = id_token(call, client, who, a, &token);
        if (kw_status_is_bad(status) || !kw_json_set_string(more, "id_token", token)) {
            kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
            json_decref(more);
            return;
        }
    }
    if (!kw_oauth_add_refresh_token(call, client, who, resource, a->scope, more)) {
        json_decref(more);
        return;
    }
    kw_oauth_issue(call, client, who, resource, a->scope, "authorization_code", more);
}

/* What was agreed to cannot be widened: another resource than the one at sign-in is refused. */
static bool find_resource(kw_oauth_call *call, const kw_oauth_client *client, const agreement *a, kw_string *resource)
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

void kw_oauth_grant_code(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_oauth_code row;
    agreement a = {.signed_in = 0};
    kw_identity was = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS}, *who = NULL;
    kw_wanted_roles all;
    kw_string resource;
    if (!take_code(call, client, &row)) {
        return;
    }
    kw_status status = read_agreement(row.detail, call->arena, &a);
    status = kw_status_is_bad(status) ? status : kw_grant_detail_read(a.user, call->arena, &was, &all, &a.scope);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_INTERNAL_ERROR);
        return;
    }
    if (!find_resource(call, client, &a, &resource)) {
        return;
    }
    status = kw_oauth_look_again(call, client, &was, &who);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return;
    }
    issue(call, client, who, &a, resource);
    kw_identity_release(who);
}
