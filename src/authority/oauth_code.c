/* From the sign-in page to a token: RFC 6749, 4.1.3; RFC 7636; OpenID Connect Core, 3.1.3. */
#include "authority/oauth_internal.h"
#include "base/secret.h"
#include "base/try.h"

#define CODE_BYTES 32
#define CODE_LIFETIME_S 60
#define VERIFIER_MIN 43u
#define VERIFIER_MAX 128u

/* --- making -------------------------------------------------------------------------------------------------------------------- */

kw_status kw_oauth_code_make(kw_oauth_call *call, const kw_oauth_request *request, const kw_identity *who, kw_string *code)
{
    const kw_server_env *env = call->oauth->env;
    uint8_t bytes[CODE_BYTES];
    const kw_oauth_agreement agreement = {.user = *who, .scope = request->scope, .nonce = request->nonce, .resource = request->resource};
    kw_oauth_code row = {.client = request->client.id,
                         .redirect_uri = request->redirect_uri,
                         .challenge = request->challenge,
                         .account = who->kind == KW_USER_TOKEN_TYPE_USER_NAME ? who->name : KW_BYTES_NULL,
                         .expires = kw_clock_utc(env->clock) + CODE_LIFETIME_S * KW_TICKS_PER_S};
    KW_TRY(kw_oauth_agreement_write(call, &agreement, &row.detail));
    KW_TRY(kw_random_fill(env->random, bytes, sizeof(bytes)));
    *code = kw_base64url_encode(call->arena, (kw_bytes){bytes, sizeof(bytes)});
    KW_TRY(kw_oauth_hash(call, *code, &row.hash));
    return kw_store_oauth_code_add(env->store, &row);
}

/* --- using --------------------------------------------------------------------------------------------------------------------- */

static bool verifier_fits(kw_oauth_call *call, kw_string verifier, kw_string challenge)
{
    kw_bytes hash;
    if (verifier.len < VERIFIER_MIN || verifier.len > VERIFIER_MAX || kw_status_is_bad(kw_oauth_hash(call, verifier, &hash))) {
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
    kw_oauth_record(call, "TokenRefused", KW_BAD_IDENTITY_TOKEN_REJECTED, KW_BYTES_NULL, client->id, KW_BYTES_NULL, "authorization_code",
                    why);
    return false;
}

/* RFC 6749, 4.1.2 and 10.5: of two who came with it one is a thief, and nobody can tell which. */
static bool refuse_reused(kw_oauth_call *call, const kw_oauth_client *client, kw_string code)
{
    const kw_status status = kw_oauth_end_grant(call, client, code);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return false;
    }
    return refuse(call, client, "the code was used before: all that came from it are void");
}

static bool take_code(kw_oauth_call *call, const kw_oauth_client *client, kw_string *code, kw_oauth_code *row)
{
    kw_string redirect_uri, verifier;
    kw_bytes hash;
    bool is_reused = false;
    if (!kw_oauth_parameter(call, "code", code) || !kw_oauth_parameter(call, "redirect_uri", &redirect_uri) ||
        !kw_oauth_parameter(call, "code_verifier", &verifier)) {
        return false;
    }
    kw_status status = kw_oauth_hash(call, *code, &hash);
    status = kw_status_is_bad(status) ? status : kw_store_oauth_code_take(call->oauth->env->store, hash, call->arena, row, &is_reused);
    if (status == KW_BAD_NOT_FOUND) {
        return refuse(call, client, "the code is unknown or has expired");
    }
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return false;
    }
    if (is_reused) {
        return refuse_reused(call, client, *code);
    }
    const char *fault = find_fault(call, client, row, redirect_uri, verifier);
    return fault == NULL || refuse(call, client, fault);
}

void kw_oauth_grant_code(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_oauth_code row;
    kw_string code;
    if (take_code(call, client, &code, &row)) {
        kw_oauth_agreement_fulfil(call, client, row.detail, "authorization_code", code);
    }
}
