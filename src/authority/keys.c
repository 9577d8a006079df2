/* Making signing keys, and telling the Servers on the same store to believe them. */
#include "authority/authority_internal.h"
#include "base/try.h"

#define KEYS_ARENA ((size_t)16 << 20)
#define WEB_ISSUER "authority.web_issuer" /* setting: what the web knows the service by */
#define RSA_BITS 2048
#define KEY_DAYS 730
#define TICKS_PER_DAY (INT64_C(86400) * KW_TICKS_PER_S)

static kw_status make_pair(kw_string alg, kw_string service_uri, const kw_clock *clock, const kw_random *random, kw_arena *arena,
                           kw_private_key **key, kw_certificate **certificate)
{
    const bool is_ec = kw_string_equals(alg, "ES256");
    if (!is_ec && !kw_string_equals(alg, "RS256") && !kw_string_equals(alg, "PS256")) {
        return KW_BAD_NOT_SUPPORTED;
    }
    const int64_t now = kw_clock_utc(clock);
    const char *uri = kw_arena_cstring(arena, service_uri);
    const kw_certificate_request request = {.application_uri = uri,
                                            .common_name = "Keyway tokens",
                                            .not_before = now - TICKS_PER_DAY / 24,
                                            .not_after = now + KEY_DAYS * TICKS_PER_DAY};
    KW_TRY(kw_private_key_generate(is_ec ? KW_KEY_EC_P256 : KW_KEY_RSA, RSA_BITS, key));
    return kw_certificate_create(&request, *key, random, certificate);
}

static kw_status store_pair(kw_store *store, kw_string alg, const kw_private_key *key, const kw_certificate *certificate, kw_arena *arena)
{
    kw_secret pem = KW_SECRET_NONE;
    KW_TRY(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem));
    const kw_signing_key row = {.id = kw_arena_copy(arena, kw_string_from(kw_certificate_thumbprint_hex(certificate))),
                                .alg = alg,
                                .private_key = kw_secret_bytes(&pem),
                                .certificate = kw_certificate_der(certificate),
                                .not_before = kw_certificate_not_before(certificate),
                                .not_after = kw_certificate_not_after(certificate)};
    const kw_status status = kw_store_key_add(store, &row);
    kw_secret_clear(&pem);
    return status;
}

/* Every key of the store as a JWK Set: tokens signed with a former key stay good until they expire. */
kw_status kw_authority_public_keys(kw_store *store, kw_arena *arena, kw_string *out)
{
    kw_signing_key *keys = NULL;
    size_t count = 0;
    kw_string text = KW_STRING("{\"keys\":[");
    KW_TRY(kw_store_key_list(store, arena, &keys, &count));
    for (size_t i = 0; i < count; i++) {
        kw_certificate *certificate = NULL;
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
        KW_TRY(kw_certificate_parse(keys[i].certificate, &certificate));
        const kw_jwk jwk = {.kid = keys[i].id, .alg = keys[i].alg, .key = kw_certificate_public_key(certificate)};
        const kw_string json = kw_jwk_to_json(arena, &jwk);
        kw_certificate_release(certificate);
        text = kw_arena_format(arena, "%.*s%s%.*s", KW_STRING_ARGS(text), i > 0 ? "," : "", KW_STRING_ARGS(json));
    }
    *out = kw_arena_format(arena, "%.*s]}", KW_STRING_ARGS(text));
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* The row of this issuer as it is, or a new one. */
static kw_status issuer_row(kw_store *store, kw_string uri, kw_arena *arena, kw_issuer *out)
{
    kw_issuer *issuers = NULL;
    size_t count = 0;
    *out = (kw_issuer){.uri = uri};
    KW_TRY(kw_store_issuer_list(store, arena, &issuers, &count));
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(issuers[i].uri, uri)) {
            *out = issuers[i];
        }
    }
    return KW_GOOD;
}

static kw_status publish_keys(kw_store *store, kw_string service_uri, kw_arena *arena)
{
    kw_issuer row;
    KW_TRY(issuer_row(store, service_uri, arena, &row));
    row.kind = KW_STRING("jwks");
    KW_TRY(kw_authority_public_keys(store, arena, &row.keys));
    return kw_store_issuer_put(store, &row);
}

/* The name that the web knows the service by, if it has one, goes with the same keys. */
static kw_status publish_keys_on_web(kw_store *store, kw_arena *arena)
{
    kw_string issuer;
    const kw_status status = kw_store_setting_get(store, KW_STRING(WEB_ISSUER), arena, &issuer);
    if (kw_status_is_bad(status)) {
        return status == KW_BAD_NOT_FOUND ? KW_GOOD : status;
    }
    return publish_keys(store, issuer, arena);
}

static kw_status publish_web(kw_store *store, kw_string service_uri, kw_string issuer, kw_arena *arena)
{
    kw_issuer row;
    kw_string keys, known;
    KW_TRY(issuer_row(store, issuer, arena, &row));
    KW_TRY(kw_authority_public_keys(store, arena, &keys));
    const kw_status found = kw_store_setting_get(store, KW_STRING(WEB_ISSUER), arena, &known);
    if (!kw_status_is_bad(found) && !kw_bytes_equal(known, issuer)) { /* it moved: nothing is issued under the former name any more */
        (void)kw_store_issuer_remove(store, known);
    }
    if (kw_status_is_bad(found) || !kw_bytes_equal(known, issuer)) {
        KW_TRY(kw_store_setting_put(store, KW_STRING(WEB_ISSUER), issuer));
    }
    if (kw_bytes_equal(row.keys, keys) && kw_bytes_equal(row.authority_url, issuer) && kw_bytes_equal(row.alias_of, service_uri)) {
        return KW_GOOD;
    }
    row.kind = KW_STRING("jwks");
    row.keys = keys;
    row.authority_url = issuer;
    row.authority_profile = KW_STRING("http://opcfoundation.org/UA/Authorization#OAuth2");
    row.token_endpoint = KW_STRING("/token");
    row.alias_of = service_uri;
    return kw_store_issuer_put(store, &row);
}

kw_status kw_authority_publish_web(kw_store *store, kw_string service_uri, kw_string issuer)
{
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    const kw_status status = arena != NULL ? publish_web(store, service_uri, issuer, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return status;
}

kw_status kw_authority_create_key(kw_store *store, kw_string service_uri, kw_string alg, const kw_clock *clock, const kw_random *random)
{
    kw_private_key *key = NULL;
    kw_certificate *certificate = NULL;
    kw_status status;
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_GOTO(done, make_pair(alg, service_uri, clock, random, arena, &key, &certificate));
    KW_GOTO(done, store_pair(store, alg, key, certificate, arena));
    KW_GOTO(done, publish_keys(store, service_uri, arena));
    KW_GOTO(done, publish_keys_on_web(store, arena));
done:
    kw_private_key_release(key);
    kw_certificate_release(certificate);
    kw_arena_free(arena);
    return status;
}

kw_status kw_authority_publish_url(kw_authority *authority, kw_string url)
{
    kw_issuer row;
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = issuer_row(authority->env->store, authority->config.service_uri, arena, &row);
    if (!kw_status_is_bad(status) && row.keys.len == 0) {
        status = publish_keys(authority->env->store, authority->config.service_uri, arena);
        if (!kw_status_is_bad(status)) {
            status = issuer_row(authority->env->store, authority->config.service_uri, arena, &row);
        }
    }
    const kw_string profile = KW_STRING("http://opcfoundation.org/UA/Authorization#OPCUA");
    const kw_string application = kw_space_namespaces(kw_server_space(authority->server), &(size_t){0})[1];
    /* The Object by a name that holds at any server: its namespace by URI. */
    const kw_string object =
        kw_arena_format(arena, "nsu=%.*s;s=%.*s", KW_STRING_ARGS(application), KW_STRING_ARGS(authority->object.id.string));
    if (!kw_status_is_bad(status) && !(kw_bytes_equal(row.authority_url, url) && kw_bytes_equal(row.token_endpoint, object))) {
        row.authority_url = url;
        row.authority_profile = profile;
        row.token_endpoint = object;
        status = kw_store_issuer_put(authority->env->store, &row);
    }
    kw_arena_free(arena);
    return status;
}
