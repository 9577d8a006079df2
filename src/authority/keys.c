/*
 * Telling those who verify tokens which keys to believe: the JWK Set, and the rows of the service among the issuers of the store.
 *
 * What is put into a row was worked out from what the store held; it goes there only if that is still so. Otherwise a node that was
 * slow could bring back a key that was revoked meanwhile.
 */
#include "authority/authority_internal.h"
#include "base/try.h"

#define KEYS_ARENA ((size_t)16 << 20)
#define WEB_ISSUER "authority.web_issuer" /* setting: what the web knows the service by */
#define TRIES 20

/* --- the JWK Set --------------------------------------------------------------------------------------------------------------- */

static bool verifies(const kw_signing_key *keys, size_t count, size_t index, int64_t now)
{
    const kw_key_life life = kw_key_life_of(keys, count, index, now);
    return life.state == KW_KEY_NEXT || life.state == KW_KEY_ACTIVE || (life.state == KW_KEY_RETIRED && now < life.gone_from);
}

static kw_status to_json(const kw_signing_key *key, kw_arena *arena, kw_string *out)
{
    kw_certificate *certificate = NULL;
    KW_TRY(kw_certificate_parse(key->certificate, &certificate));
    const kw_jwk jwk = {.kid = key->id, .alg = key->alg, .key = kw_certificate_public_key(certificate)};
    *out = kw_jwk_to_json(arena, &jwk);
    kw_certificate_release(certificate);
    return KW_GOOD;
}

/* Tokens signed with a former key stay good until they expire; what the next one will sign is good from its first moment. */
kw_status kw_authority_public_keys(kw_store *store, const kw_clock *clock, kw_arena *arena, kw_string *out)
{
    kw_signing_key *keys = NULL;
    size_t count = 0;
    kw_string text = KW_STRING("{\"keys\":["), json;
    const char *comma = "";
    const int64_t now = kw_clock_utc(clock);
    KW_TRY(kw_store_key_list(store, arena, &keys, &count));
    kw_keys_wipe(keys, count);
    for (size_t i = 0; i < count; i++) {
        if (verifies(keys, count, i, now)) {
            KW_TRY(to_json(&keys[i], arena, &json));
            text = kw_arena_format(arena, "%.*s%s%.*s", KW_STRING_ARGS(text), comma, KW_STRING_ARGS(json));
            comma = ",";
        }
    }
    *out = kw_arena_format(arena, "%.*s]}", KW_STRING_ARGS(text));
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* --- rows ---------------------------------------------------------------------------------------------------------------------- */

typedef struct row_change {
    kw_store *store;
    const kw_clock *clock;
    kw_string uri;                                              /* of the issuer */
    kw_string authority_url, authority_profile, token_endpoint; /* null: as they are */
    kw_string alias_of;                                         /* null: as it is */
} row_change;

/* The row of this issuer as it is, or a new one. */
static kw_status read_row(const row_change *c, kw_arena *arena, kw_issuer *out)
{
    kw_issuer *issuers = NULL;
    size_t count = 0;
    *out = (kw_issuer){.uri = c->uri};
    KW_TRY(kw_store_issuer_list(c->store, arena, &issuers, &count));
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(issuers[i].uri, c->uri)) {
            *out = issuers[i];
        }
    }
    return KW_GOOD;
}

static bool take(kw_string *to, kw_string from)
{
    const bool is_new = from.data != NULL && !kw_bytes_equal(*to, from);
    *to = is_new ? from : *to;
    return is_new;
}

static kw_status change_once(const row_change *c, kw_arena *arena)
{
    kw_issuer row;
    kw_string keys;
    const uint64_t version = kw_store_version(c->store);
    if (version == 0) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    KW_TRY(read_row(c, arena, &row));
    KW_TRY(kw_authority_public_keys(c->store, c->clock, arena, &keys));
    bool is_new = take(&row.kind, KW_STRING("jwks"));
    is_new |= take(&row.keys, keys);
    is_new |= take(&row.authority_url, c->authority_url);
    is_new |= take(&row.authority_profile, c->authority_profile);
    is_new |= take(&row.token_endpoint, c->token_endpoint);
    is_new |= take(&row.alias_of, c->alias_of);
    return is_new ? kw_store_issuer_put_at(c->store, &row, version) : KW_GOOD;
}

static kw_status change_row(const row_change *c)
{
    kw_status status = KW_BAD_INVALID_STATE;
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (int i = 0; i < TRIES && status == KW_BAD_INVALID_STATE; i++) {
        kw_arena_reset(arena);
        status = change_once(c, arena);
    }
    kw_arena_free(arena);
    return status;
}

/* --- public -------------------------------------------------------------------------------------------------------------------- */

/* The name that the web knows the service by, if it has one, goes with the same keys. */
static kw_status publish_on_web(const kw_key_ring *ring, kw_arena *arena)
{
    kw_string issuer;
    const kw_status status = kw_store_setting_get(ring->store, KW_STRING(WEB_ISSUER), arena, &issuer);
    if (kw_status_is_bad(status)) {
        return status == KW_BAD_NOT_FOUND ? KW_GOOD : status;
    }
    return change_row(&(row_change){.store = ring->store, .clock = ring->clock, .uri = issuer});
}

kw_status kw_keys_publish(const kw_key_ring *ring)
{
    KW_TRY(change_row(&(row_change){.store = ring->store, .clock = ring->clock, .uri = ring->service_uri}));
    for (size_t i = 0; i < ring->further_count; i++) {
        KW_TRY(
            change_row(&(row_change){.store = ring->store, .clock = ring->clock, .uri = ring->further[i], .alias_of = ring->service_uri}));
    }
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    const kw_status status = arena != NULL ? publish_on_web(ring, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return status;
}

/* It moved: nothing is issued under the former name any more. */
static kw_status take_web_name(kw_store *store, kw_string issuer, kw_arena *arena)
{
    kw_string known;
    const kw_status found = kw_store_setting_get(store, KW_STRING(WEB_ISSUER), arena, &known);
    if (!kw_status_is_bad(found) && kw_bytes_equal(known, issuer)) {
        return KW_GOOD;
    }
    if (!kw_status_is_bad(found)) {
        (void)kw_store_issuer_remove(store, known);
    }
    return kw_store_setting_put(store, KW_STRING(WEB_ISSUER), issuer);
}

kw_status kw_authority_publish_web(kw_store *store, const kw_clock *clock, kw_string service_uri, kw_string issuer)
{
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    const kw_status status = arena != NULL ? take_web_name(store, issuer, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    KW_TRY(status);
    return change_row(&(row_change){.store = store,
                                    .clock = clock,
                                    .uri = issuer,
                                    .authority_url = issuer,
                                    .authority_profile = KW_STRING("http://opcfoundation.org/UA/Authorization#OAuth2"),
                                    .token_endpoint = KW_STRING("/token"),
                                    .alias_of = service_uri});
}

kw_status kw_authority_publish_url(kw_authority *authority, kw_string url)
{
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_string application = kw_space_namespaces(kw_server_space(authority->server), &(size_t){0})[1];
    /* The Object by a name that holds at any server: its namespace by URI. */
    const kw_string object =
        kw_arena_format(arena, "nsu=%.*s;s=%.*s", KW_STRING_ARGS(application), KW_STRING_ARGS(authority->object.id.string));
    const kw_status status = change_row(&(row_change){.store = authority->env->store,
                                                      .clock = authority->env->clock,
                                                      .uri = authority->config.service_uri,
                                                      .authority_url = url,
                                                      .authority_profile = KW_STRING("http://opcfoundation.org/UA/Authorization#OPCUA"),
                                                      .token_endpoint = object,
                                                      .alias_of = authority->config.alias_of});
    kw_arena_free(arena);
    return status;
}
