/* Private keys at rest. */
#include "authority/authority_internal.h"
#include "base/try.h"

#define SAFE_ARENA ((size_t)16 << 20)

/* What a sealed key belongs to: no other row can take it over. */
static kw_bytes context_of(const kw_signing_key *row, kw_arena *arena)
{
    return kw_arena_format(arena, "signing key\n%.*s\n%.*s", KW_STRING_ARGS(row->id), KW_STRING_ARGS(row->alg));
}

static kw_status unseal(const kw_seal_keys *keys, const kw_signing_key *row, kw_secret *pem)
{
    kw_arena *arena = kw_arena_new(SAFE_ARENA);
    const kw_bytes context = arena != NULL ? context_of(row, arena) : KW_BYTES_NULL;
    const kw_status status = context.data != NULL ? kw_unseal(keys, context, row->private_key, pem) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return status == KW_BAD_NOT_FOUND ? KW_BAD_SECURITY_CHECKS_FAILED : status;
}

kw_status kw_key_open(const kw_key_safe *safe, const kw_signing_key *row, kw_secret *pem)
{
    kw_seal_keys keys;
    if (!kw_is_sealed(row->private_key)) {
        return kw_secret_copy(pem, row->private_key);
    }
    if (safe == NULL) {
        return KW_BAD_CONFIGURATION_ERROR;
    }
    KW_TRY(safe->load(safe->ctx, &keys));
    const kw_status status = unseal(&keys, row, pem);
    kw_seal_keys_clear(&keys);
    return status;
}

kw_status kw_key_close(const kw_key_ring *ring, const kw_signing_key *row, kw_bytes pem, kw_arena *arena, kw_bytes *out)
{
    kw_seal_keys keys;
    *out = pem;
    if (ring->safe == NULL) {
        return KW_GOOD;
    }
    KW_TRY(ring->safe->load(ring->safe->ctx, &keys));
    const kw_bytes context = context_of(row, arena);
    const kw_status status = context.data != NULL ? kw_seal(&keys, context, pem, ring->random, arena, out) : KW_BAD_OUT_OF_MEMORY;
    kw_seal_keys_clear(&keys);
    return status;
}

/* --- all that are there ----------------------------------------------------------------------------------------------------------- */

static kw_status check(const kw_key_ring *ring, const kw_signing_key *keys, size_t count)
{
    const int64_t now = kw_clock_utc(ring->clock);
    kw_status status = KW_GOOD;
    for (size_t i = 0; i < count && !kw_status_is_bad(status); i++) {
        const kw_key_state state = kw_key_life_of(keys, count, i, now).state;
        if (state == KW_KEY_NEXT || state == KW_KEY_ACTIVE) {
            kw_secret pem = KW_SECRET_NONE;
            status = kw_key_open(ring->safe, &keys[i], &pem);
            kw_secret_clear(&pem);
        }
    }
    return status;
}

kw_status kw_key_ring_check(const kw_key_ring *ring)
{
    kw_signing_key *keys = NULL;
    size_t count = 0;
    kw_arena *arena = kw_arena_new(SAFE_ARENA);
    kw_status status = arena != NULL ? kw_store_key_list(ring->store, arena, &keys, &count) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = check(ring, keys, count);
    }
    kw_keys_wipe(keys, count);
    kw_arena_free(arena);
    return status;
}

static kw_status reseal_one(const kw_key_ring *ring, const kw_signing_key *row, kw_arena *arena)
{
    kw_secret pem = KW_SECRET_NONE;
    kw_bytes sealed;
    KW_TRY(kw_key_open(ring->safe, row, &pem));
    kw_status status = kw_key_close(ring, row, kw_secret_bytes(&pem), arena, &sealed);
    kw_secret_clear(&pem);
    if (!kw_status_is_bad(status)) {
        status = kw_store_key_reseal(ring->store, row->id, row->private_key, sealed);
    }
    return status == KW_BAD_NOT_FOUND ? KW_GOOD : status; /* revoked, or sealed by another node meanwhile */
}

static kw_status reseal(const kw_key_ring *ring, const kw_seal_keys *safe, kw_arena *arena, size_t *count)
{
    kw_signing_key *keys = NULL;
    size_t key_count = 0;
    const int64_t now = kw_clock_utc(ring->clock);
    kw_status status = kw_store_key_list(ring->store, arena, &keys, &key_count);
    for (size_t i = 0; i < key_count && !kw_status_is_bad(status); i++) {
        if (keys[i].private_key.len > 0 && !kw_is_sealed_with_first(safe, keys[i].private_key)) {
            status = reseal_one(ring, &keys[i], arena);
            *count += !kw_status_is_bad(status);
            if (status == KW_BAD_SECURITY_CHECKS_FAILED && kw_key_life_of(keys, key_count, i, now).state == KW_KEY_RETIRED) {
                status = KW_GOOD; /* it will never sign again */
            }
        }
    }
    kw_keys_wipe(keys, key_count);
    return status;
}

kw_status kw_key_ring_reseal(const kw_key_ring *ring, size_t *count)
{
    kw_seal_keys safe;
    *count = 0;
    if (ring->safe == NULL) {
        return KW_BAD_CONFIGURATION_ERROR;
    }
    KW_TRY(ring->safe->load(ring->safe->ctx, &safe));
    kw_arena *arena = kw_arena_new(SAFE_ARENA);
    const kw_status status = arena != NULL ? reseal(ring, &safe, arena, count) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    kw_seal_keys_clear(&safe);
    return status;
}
