#include "authority/grant.h"

#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/jwt.h"

#include <string.h>

#define ID_LEN 16
#define SECRET_LEN 32
#define TOKEN_LEN (ID_LEN + SECRET_LEN)
#define TOKEN_TEXT_LEN 64 /* as base64url */
#define LATE_S 3600       /* after its end a token may be taken where clocks differ */

static const char *const WHY_UNKNOWN = "the refresh token is unknown, expired or revoked";
static const char *const WHY_REUSED = "the refresh token was used before: all that came from it are void";

/* --- tokens ----------------------------------------------------------------------------------------------------------------- */

/* Neither half of a token stands in the store or in the trail. */
static kw_status name_of(const uint8_t key[ID_LEN], kw_arena *arena, kw_string *id)
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes first = {key, ID_LEN};
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &first, 1, hash));
    *id = kw_base64url_encode(arena, (kw_bytes){hash, ID_LEN});
    return id->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status hash_secret(const uint8_t token[TOKEN_LEN], uint8_t out[SECRET_LEN])
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes second = {token + ID_LEN, SECRET_LEN};
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &second, 1, hash));
    memcpy(out, hash, SECRET_LEN);
    return KW_GOOD;
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

static kw_status write_token(kw_grant_context *c, const uint8_t token[TOKEN_LEN], kw_string *out)
{
    *out = kw_base64url_encode(c->arena, (kw_bytes){token, TOKEN_LEN});
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* A right does not outlive what it comes from. */
static kw_date_time end_of(const kw_grant_context *c, const kw_identity *who)
{
    const kw_date_time end = kw_clock_utc(c->authority->env->clock) + (int64_t)c->authority->config.refresh_lifetime_s * KW_TICKS_PER_S;
    return who->expires != 0 && who->expires < end ? who->expires : end;
}

kw_status kw_grant_begin(kw_grant_context *c, kw_string origin)
{
    static const char DOMAIN[] = "the grant of ";
    const kw_bytes parts[] = {kw_string_from(DOMAIN), origin};
    uint8_t hash[KW_HASH_MAX];
    if (origin.len == 0) {
        KW_TRY(kw_random_fill(c->authority->env->random, c->grant_key, ID_LEN));
    } else {
        KW_TRY(kw_hash_of(KW_HASH_SHA256, parts, 2, hash));
        memcpy(c->grant_key, hash, ID_LEN);
    }
    return name_of(c->grant_key, c->arena, &c->grant);
}

/* --- giving ----------------------------------------------------------------------------------------------------------------- */

static kw_status keep(kw_grant_context *c, const kw_identity *who, const kw_wanted_roles *wanted, const uint8_t token[TOKEN_LEN],
                      kw_date_time expires)
{
    uint8_t hash[SECRET_LEN];
    kw_refresh_grant row = {.id = c->grant,
                            .application = c->owner,
                            .subject = who->name.len > 0 ? who->name : who->certificate_thumbprint,
                            .account = who->kind == KW_USER_TOKEN_TYPE_USER_NAME ? who->name : KW_BYTES_NULL,
                            .resource = c->resource,
                            .expires = expires};
    KW_TRY(hash_secret(token, hash));
    KW_TRY(kw_grant_detail_write(who, wanted, c->scope, c->arena, &row.detail));
    row.secret_hash = (kw_bytes){hash, sizeof(hash)};
    return kw_store_refresh_grant_add(c->authority->env->store, &row, KW_GRANTS_PER_SUBJECT);
}

kw_status kw_grant_give(kw_grant_context *c, const kw_identity *who, const kw_wanted_roles *wanted, kw_string *token, kw_date_time *expires)
{
    uint8_t bytes[TOKEN_LEN];
    *expires = end_of(c, who);
    *token = KW_BYTES_NULL;
    if (c->authority->config.refresh_lifetime_s == 0) {
        return KW_GOOD;
    }
    memcpy(bytes, c->grant_key, ID_LEN);
    KW_TRY(kw_random_fill(c->authority->env->random, bytes + ID_LEN, SECRET_LEN));
    kw_status status = keep(c, who, wanted, bytes, *expires);
    if (!kw_status_is_bad(status)) {
        status = write_token(c, bytes, token);
    }
    kw_wipe(bytes, sizeof(bytes));
    return status;
}

/* --- using ------------------------------------------------------------------------------------------------------------------ */

static kw_status reject(const char **why, const char *reason)
{
    *why = reason;
    return KW_BAD_IDENTITY_TOKEN_REJECTED;
}

static kw_status look_up(kw_grant_context *c, kw_string token, kw_grant *out)
{
    uint8_t bytes[TOKEN_LEN];
    kw_string id = KW_BYTES_NULL;
    if (!parse(token, c->arena, bytes)) {
        return KW_BAD_NOT_FOUND;
    }
    memcpy(c->grant_key, bytes, ID_LEN);
    kw_status status = name_of(bytes, c->arena, &id);
    status = kw_status_is_bad(status) ? status : hash_secret(bytes, out->secret_hash);
    kw_wipe(bytes, sizeof(bytes));
    KW_TRY(status);
    KW_TRY(kw_store_refresh_grant_get(c->authority->env->store, id, c->arena, &out->row));
    c->grant = out->row.id;
    c->subject = out->row.subject;
    return KW_GOOD;
}

/* Another Client, or for another Server: whoever that is has no business with it. Its owner goes on. */
static bool is_for(const kw_grant_context *c, const kw_grant *grant)
{
    return kw_bytes_equal(grant->row.application, c->owner) && (c->is_any_resource || kw_bytes_equal(grant->row.resource, c->resource));
}

kw_status kw_grant_find(kw_grant_context *c, kw_string token, kw_grant *out, const char **why)
{
    *out = (kw_grant){.row = {.id = KW_BYTES_NULL}};
    const kw_status status = look_up(c, token, out);
    if (status == KW_BAD_NOT_FOUND) {
        return reject(why, WHY_UNKNOWN);
    }
    KW_TRY(status);
    if (!kw_secret_equal(out->row.secret_hash, (kw_bytes){out->secret_hash, SECRET_LEN})) { /* */
        KW_TRY(kw_grant_end(c));
        return reject(why, WHY_REUSED);
    }
    if (!is_for(c, out)) {
        return reject(why, "the refresh token is for another Client or resource");
    }
    KW_TRY(kw_grant_detail_read(out->row.detail, c->arena, &out->was, &out->wanted, &out->scope));
    out->was.application_uri = c->application_uri;
    return KW_GOOD;
}

static kw_status rotate(kw_grant_context *c, const kw_grant *grant, const uint8_t next[TOKEN_LEN], kw_date_time expires, const char **why)
{
    uint8_t hash[SECRET_LEN];
    bool is_reused = false;
    KW_TRY(hash_secret(next, hash));
    const kw_status status = kw_store_refresh_grant_rotate(c->authority->env->store, c->grant, (kw_bytes){grant->secret_hash, SECRET_LEN},
                                                           (kw_bytes){hash, sizeof(hash)}, expires, &is_reused);
    if (status == KW_BAD_NOT_FOUND) {
        return reject(why, WHY_UNKNOWN);
    }
    KW_TRY(status);
    if (is_reused) {
        KW_TRY(kw_grant_end(c));
        return reject(why, WHY_REUSED);
    }
    return KW_GOOD;
}

kw_status kw_grant_renew(kw_grant_context *c, const kw_grant *grant, const kw_identity *who, kw_string *next, kw_date_time *expires,
                         const char **why)
{
    uint8_t bytes[TOKEN_LEN];
    *expires = end_of(c, who);
    memcpy(bytes, c->grant_key, ID_LEN);
    KW_TRY(kw_random_fill(c->authority->env->random, bytes + ID_LEN, SECRET_LEN));
    kw_status status = rotate(c, grant, bytes, *expires, why);
    if (!kw_status_is_bad(status)) {
        status = write_token(c, bytes, next);
    }
    kw_wipe(bytes, sizeof(bytes));
    return status;
}

/* --- ending ----------------------------------------------------------------------------------------------------------------- */

kw_revoked_token kw_grant_revocation(kw_string service_uri, kw_string id, uint32_t token_lifetime_s, kw_date_time now)
{
    const uint32_t longest = token_lifetime_s > KW_TOKEN_LIFETIME_MAX_S ? token_lifetime_s : KW_TOKEN_LIFETIME_MAX_S;
    return (kw_revoked_token){.issuer = service_uri, .id = id, .expires = now + ((int64_t)longest + LATE_S) * KW_TICKS_PER_S};
}

kw_status kw_grant_end(const kw_grant_context *c)
{
    const kw_authority *authority = c->authority;
    /* Servers know the tokens of a further service under the name of the first. */
    const kw_string issuer = authority->config.alias_of.len > 0 ? authority->config.alias_of : authority->config.service_uri;
    const kw_revoked_token row =
        kw_grant_revocation(issuer, c->grant, authority->config.token_lifetime_s, kw_clock_utc(authority->env->clock));
    return kw_store_grant_revoke(authority->env->store, &row);
}
