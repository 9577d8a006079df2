#include "identity/snapshot.h"

#include "base/try.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_ARENA ((size_t)64 << 20)

static void snapshot_free(kw_snapshot *s)
{
    for (size_t i = 0; i < s->issuer_count; i++) {
        kw_jwks_release(s->issuers[i].keys);
    }
    kw_arena_free(s->arena);
    free(s);
}

static kw_status parse_keys(const kw_issuer *issuer, kw_jwks **out, const char **why)
{
    if (kw_bytes_is_empty(issuer->keys)) {
        *why = "no keys yet";
        return KW_BAD_NOT_FOUND;
    }
    if (!kw_string_equals(issuer->kind, "certificate")) { /* "jwks", or what was fetched for "jwks-url" and "discover" */
        return kw_jwks_parse(issuer->keys, out, why);
    }
    kw_certificate *certificate = NULL;
    *why = "unreadable certificate";
    KW_TRY(kw_certificate_parse(issuer->keys, &certificate));
    const kw_status status = kw_jwks_of_certificate(certificate, out);
    kw_certificate_release(certificate);
    return status;
}

static kw_status load_issuers(kw_snapshot *s, kw_store *store, const kw_log *log)
{
    kw_issuer *issuers = NULL;
    size_t count = 0;
    KW_TRY(kw_store_issuer_list(store, s->arena, &issuers, &count));
    s->issuers = KW_ARENA_ARRAY(s->arena, kw_trusted_issuer, count);
    if (s->issuers == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *why = "";
        kw_trusted_issuer *issuer = &s->issuers[s->issuer_count++];
        issuer->about = issuers[i];
        if (kw_status_is_bad(parse_keys(&issuers[i], &issuer->keys, &why))) {
            issuer->keys = NULL;
            KW_LOG(log, KW_LOG_WARN, "issuer without usable keys", kw_field_str("issuer", issuers[i].uri), kw_field_text("why", why));
        }
    }
    return KW_GOOD;
}

static int compare_users(const void *a, const void *b)
{
    return kw_bytes_compare(((const kw_known_user *)a)->name, ((const kw_known_user *)b)->name);
}

static kw_status copy_users(kw_snapshot *s, const kw_user *users, size_t count)
{
    s->users = KW_ARENA_ARRAY(s->arena, kw_known_user, count);
    if (s->users == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        s->users[i] = (kw_known_user){.name = kw_arena_copy(s->arena, users[i].name),
                                      .configuration = users[i].configuration,
                                      .description = kw_arena_copy(s->arena, users[i].description),
                                      .created = users[i].created};
        if (s->users[i].name.data == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
    }
    s->user_count = count;
    qsort(s->users, count, sizeof(kw_known_user), compare_users); /* engines differ about the order of texts */
    return KW_GOOD;
}

/* By way of another arena: hashes of passwords do not stay. */
static kw_status load_users(kw_snapshot *s, kw_store *store)
{
    kw_user *users = NULL;
    size_t count = 0;
    kw_arena *scratch = kw_arena_new(SNAPSHOT_ARENA);
    if (scratch == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = kw_store_user_list(store, scratch, &users, &count);
    if (!kw_status_is_bad(status)) {
        status = copy_users(s, users, count);
    }
    kw_arena_free(scratch);
    return status;
}

static int compare_revoked(const void *a, const void *b)
{
    const kw_revoked_token *left = a, *right = b;
    const int order = kw_bytes_compare(left->id, right->id);
    return order != 0 ? order : kw_bytes_compare(left->issuer, right->issuer);
}

static kw_status load_revoked(kw_snapshot *s, kw_store *store)
{
    KW_TRY(kw_store_revoked_list(store, s->arena, &s->revoked, &s->revoked_count));
    if (s->revoked_count > 0) {
        qsort(s->revoked, s->revoked_count, sizeof(kw_revoked_token), compare_revoked);
    }
    return KW_GOOD;
}

static bool has_row(const kw_snapshot *snapshot, kw_string issuer, kw_string id)
{
    const kw_revoked_token wanted = {.issuer = issuer, .id = id};
    return id.len > 0 && bsearch(&wanted, snapshot->revoked, snapshot->revoked_count, sizeof(wanted), compare_revoked) != NULL;
}

bool kw_snapshot_is_revoked(const kw_snapshot *snapshot, kw_string issuer, kw_string id)
{
    if (snapshot->revoked_count == 0 || id.len == 0) {
        return false;
    }
    const uint8_t *dot = memchr(id.data, KW_JTI_GRANT_END, id.len);
    const kw_string grant = {id.data, dot != NULL ? (size_t)(dot - id.data) : 0};
    return has_row(snapshot, issuer, id) || has_row(snapshot, issuer, grant);
}

static kw_status snapshot_load(kw_store *store, const kw_log *log, kw_snapshot **out)
{
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    kw_snapshot *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return status;
    }
    atomic_init(&s->references, 1);
    s->version = kw_store_version(store); /* before reading: a change in between shows at the next look */
    s->arena = kw_arena_new(SNAPSHOT_ARENA);
    if (s->arena == NULL) {
        goto failed;
    }
    KW_GOTO(failed, load_issuers(s, store, log));
    KW_GOTO(failed, kw_store_role_list(store, s->arena, &s->roles, &s->role_count));
    KW_GOTO(failed, load_users(s, store));
    KW_GOTO(failed, load_revoked(s, store));
    *out = s;
    return KW_GOOD;
failed:
    snapshot_free(s);
    return status;
}

kw_status kw_snapshot_cache_init(kw_snapshot_cache *cache)
{
    cache->current = NULL;
    return pthread_mutex_init(&cache->lock, NULL) == 0 ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

void kw_snapshot_cache_clear(kw_snapshot_cache *cache)
{
    kw_snapshot_release(cache->current);
    cache->current = NULL;
    pthread_mutex_destroy(&cache->lock);
}

void kw_snapshot_release(const kw_snapshot *snapshot)
{
    kw_snapshot *s = (kw_snapshot *)(uintptr_t)snapshot; /* only the count changes */
    if (s != NULL && atomic_fetch_sub(&s->references, 1) == 1) {
        snapshot_free(s);
    }
}

static kw_snapshot *current(kw_snapshot_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    kw_snapshot *found = cache->current;
    if (found != NULL) {
        atomic_fetch_add(&found->references, 1);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* Two that were read at once come in any order: the later state stays. */
static void keep(kw_snapshot_cache *cache, kw_snapshot *s)
{
    kw_snapshot *former = s;
    atomic_fetch_add(&s->references, 1); /* the cache's */
    pthread_mutex_lock(&cache->lock);
    if (cache->current == NULL || cache->current->version <= s->version) {
        former = cache->current;
        cache->current = s;
    }
    pthread_mutex_unlock(&cache->lock);
    kw_snapshot_release(former);
}

kw_status kw_snapshot_get(kw_snapshot_cache *cache, kw_store *store, const kw_log *log, const kw_snapshot **out)
{
    const uint64_t version = kw_store_version(store);
    kw_snapshot *s = current(cache);
    if (s == NULL || s->version != version) {
        kw_snapshot_release(s);
        s = NULL;
        KW_TRY(snapshot_load(store, log, &s));
        keep(cache, s);
    }
    *out = s;
    return KW_GOOD;
}

kw_status kw_snapshot_recall(kw_snapshot_cache *cache, kw_store *store, const kw_log *log, const kw_snapshot **out)
{
    const kw_snapshot *s = current(cache);
    if (s == NULL) {
        return kw_snapshot_get(cache, store, log, out);
    }
    *out = s;
    return KW_GOOD;
}

const kw_trusted_issuer *kw_snapshot_issuer(const kw_snapshot *snapshot, kw_string uri)
{
    for (size_t i = 0; i < snapshot->issuer_count; i++) {
        if (!kw_bytes_is_empty(uri) && kw_bytes_equal(snapshot->issuers[i].about.uri, uri)) {
            return &snapshot->issuers[i];
        }
    }
    return NULL;
}

const kw_known_user *kw_snapshot_user(const kw_snapshot *snapshot, kw_string name)
{
    const kw_known_user wanted = {.name = name};
    return bsearch(&wanted, snapshot->users, snapshot->user_count, sizeof(kw_known_user), compare_users);
}

const kw_role *kw_snapshot_role(const kw_snapshot *snapshot, kw_string name)
{
    for (size_t i = 0; i < snapshot->role_count; i++) {
        if (kw_bytes_equal(snapshot->roles[i].name, name)) {
            return &snapshot->roles[i];
        }
    }
    return NULL;
}
