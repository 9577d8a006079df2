#include "authority/grant.h"

#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/jwt.h"

#include <string.h>

#define ID_LEN 16
#define SECRET_LEN 32
#define TOKEN_LEN (ID_LEN + SECRET_LEN)
#define TOKEN_TEXT_LEN 64 /* as base64url */

static const char *const WHY_UNKNOWN = "the refresh token is unknown, expired or revoked";
static const char *const WHY_REUSED = "the refresh token was used before: all that came from it are void";

/* --- tokens ----------------------------------------------------------------------------------------------------------------- */

/* Neither half of a token stands in the store or in the trail. */
static kw_status name_of(const uint8_t token[TOKEN_LEN], kw_arena *arena, kw_string *id, uint8_t secret_hash[SECRET_LEN])
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes first = {token, ID_LEN}, second = {token + ID_LEN, SECRET_LEN};
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &second, 1, hash));
    memcpy(secret_hash, hash, SECRET_LEN);
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &first, 1, hash));
    *id = kw_base64url_encode(arena, (kw_bytes){hash, ID_LEN});
    return id->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static bool parse(kw_string text, kw_arena *arena, uint8_t token[TOKEN_LEN])
{
    kw_bytes bytes;
    if (text.len != TOKEN_TEXT_LEN || kw_status_is_bad(kw_base64url_decode(text, arena, &bytes)) || bytes.len != TOKEN_LEN) {
        return false;
    }
    memcpy(token, bytes.data, TOKEN_LEN);
    kw_wipe((void *)bytes.data, bytes.len);
    return true;
}

static kw_status put_token(kw_token_call *t, const uint8_t token[TOKEN_LEN], size_t index)
{
    const kw_string text = kw_base64url_encode(t->call->arena, (kw_bytes){token, TOKEN_LEN});
    return text.data != NULL ? kw_token_call_put_text(t, index, text) : KW_BAD_OUT_OF_MEMORY;
}

/* A right does not outlive what it comes from. */
static kw_date_time end_of(const kw_token_call *t, const kw_identity *who)
{
    const kw_date_time end = kw_clock_utc(t->authority->env->clock) + (int64_t)t->authority->config.refresh_lifetime_s * KW_TICKS_PER_S;
    return who->expires != 0 && who->expires < end ? who->expires : end;
}

/* --- giving ----------------------------------------------------------------------------------------------------------------- */

static kw_status keep(kw_token_call *t, const kw_identity *who, const kw_wanted_roles *wanted, const uint8_t token[TOKEN_LEN],
                      kw_date_time expires)
{
    uint8_t hash[SECRET_LEN];
    kw_refresh_grant row = {.application = t->call->context->application_uri,
                            .subject = who->name.len > 0 ? who->name : who->certificate_thumbprint,
                            .account = who->kind == KW_USER_TOKEN_TYPE_USER_NAME ? who->name : KW_BYTES_NULL,
                            .resource = t->resource,
                            .expires = expires};
    KW_TRY(name_of(token, t->call->arena, &row.id, hash));
    KW_TRY(kw_grant_detail_write(who, wanted, t->call->arena, &row.detail));
    row.secret_hash = (kw_bytes){hash, sizeof(hash)};
    t->grant = row.id;
    return kw_store_refresh_grant_add(t->authority->env->store, &row, KW_GRANTS_PER_SUBJECT);
}

kw_status kw_grant_give(kw_token_call *t, const kw_identity *who, const kw_wanted_roles *wanted, size_t index)
{
    uint8_t token[TOKEN_LEN];
    const kw_date_time expires = end_of(t, who);
    KW_TRY(kw_token_call_put_time(t, index + 1, expires));
    if (t->authority->config.refresh_lifetime_s == 0) {
        return kw_token_call_put_text(t, index, KW_BYTES_NULL);
    }
    KW_TRY(kw_random_fill(t->authority->env->random, token, sizeof(token)));
    kw_status status = keep(t, who, wanted, token, expires);
    if (!kw_status_is_bad(status)) {
        status = put_token(t, token, index);
    }
    kw_wipe(token, sizeof(token));
    return status;
}

/* --- using ------------------------------------------------------------------------------------------------------------------ */

static kw_status reject(const char **why, const char *reason)
{
    *why = reason;
    return KW_BAD_IDENTITY_TOKEN_REJECTED;
}

static kw_status look_up(kw_token_call *t, kw_string token, kw_grant *out)
{
    uint8_t bytes[TOKEN_LEN];
    kw_string id = KW_BYTES_NULL;
    if (!parse(token, t->call->arena, bytes)) {
        return KW_BAD_NOT_FOUND;
    }
    memcpy(out->id, bytes, ID_LEN);
    const kw_status status = name_of(bytes, t->call->arena, &id, out->secret_hash);
    kw_wipe(bytes, sizeof(bytes));
    KW_TRY(status);
    KW_TRY(kw_store_refresh_grant_get(t->authority->env->store, id, t->call->arena, &out->row));
    t->grant = out->row.id;
    t->subject = out->row.subject;
    return KW_GOOD;
}

/* Another Client, or for another Server: whoever that is has no business with it. Its owner goes on. */
static bool is_for(const kw_token_call *t, const kw_grant *grant)
{
    return kw_bytes_equal(grant->row.application, t->call->context->application_uri) && kw_bytes_equal(grant->row.resource, t->resource);
}

kw_status kw_grant_find(kw_token_call *t, kw_string token, kw_grant *out, const char **why)
{
    *out = (kw_grant){.row = {.id = KW_BYTES_NULL}};
    const kw_status status = look_up(t, token, out);
    if (status == KW_BAD_NOT_FOUND) {
        return reject(why, WHY_UNKNOWN);
    }
    KW_TRY(status);
    if (!kw_secret_equal(out->row.secret_hash, (kw_bytes){out->secret_hash, SECRET_LEN})) { /* */
        KW_TRY(kw_grant_end(t, out));
        return reject(why, WHY_REUSED);
    }
    if (!is_for(t, out)) {
        return reject(why, "the refresh token is for another Client or resource");
    }
    KW_TRY(kw_grant_detail_read(out->row.detail, t->call->arena, &out->was, &out->wanted));
    out->was.application_uri = t->call->context->application_uri;
    return KW_GOOD;
}

static kw_status rotate(kw_token_call *t, const kw_grant *grant, const uint8_t next[TOKEN_LEN], kw_date_time expires, const char **why)
{
    uint8_t hash[SECRET_LEN];
    kw_string id = KW_BYTES_NULL;
    bool is_reused = false;
    KW_TRY(name_of(next, t->call->arena, &id, hash));
    const kw_status status = kw_store_refresh_grant_rotate(t->authority->env->store, id, (kw_bytes){grant->secret_hash, SECRET_LEN},
                                                           (kw_bytes){hash, sizeof(hash)}, expires, &is_reused);
    if (status == KW_BAD_NOT_FOUND) {
        return reject(why, WHY_UNKNOWN);
    }
    KW_TRY(status);
    return is_reused ? reject(why, WHY_REUSED) : KW_GOOD;
}

kw_status kw_grant_renew(kw_token_call *t, const kw_grant *grant, const kw_identity *who, size_t index, const char **why)
{
    uint8_t next[TOKEN_LEN];
    const kw_date_time expires = end_of(t, who);
    memcpy(next, grant->id, ID_LEN);
    KW_TRY(kw_random_fill(t->authority->env->random, next + ID_LEN, SECRET_LEN));
    KW_TRY(kw_token_call_put_time(t, index + 1, expires));
    kw_status status = rotate(t, grant, next, expires, why);
    if (!kw_status_is_bad(status)) {
        status = put_token(t, next, index);
    }
    kw_wipe(next, sizeof(next));
    return status;
}

kw_status kw_grant_end(kw_token_call *t, const kw_grant *grant)
{
    const kw_status status = kw_store_refresh_grant_remove(t->authority->env->store, grant->row.id);
    return status == KW_BAD_NOT_FOUND ? KW_GOOD : status; /* somebody else has ended it */
}
