#include "authority/authority_internal.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_ARENA ((size_t)4 << 20)

void kw_signer_init(kw_signer *signer)
{
    *signer = (kw_signer){.is_loaded = false};
    pthread_mutex_init(&signer->lock, NULL);
}

static void forget(kw_signer *signer)
{
    kw_private_key_release(signer->key);
    free(signer->kid);
    free(signer->alg);
    free(signer->certificate);
    signer->key = NULL;
    signer->kid = signer->alg = NULL;
    signer->certificate = NULL;
    signer->certificate_len = 0;
    signer->is_loaded = false;
}

void kw_signer_clear(kw_signer *signer)
{
    forget(signer);
    pthread_mutex_destroy(&signer->lock);
}

static kw_status load_key(const kw_key_safe *safe, const kw_signing_key *row, kw_private_key **out)
{
    kw_secret pem = KW_SECRET_NONE;
    KW_TRY(kw_key_open(safe, row, &pem));
    const kw_status status = kw_private_key_load(kw_secret_bytes(&pem), KW_BYTES_NULL, out);
    kw_secret_clear(&pem);
    return status;
}

/* The same key stays as it is: most changes of the store are about something else. */
static kw_status take_key(kw_signer *signer, const kw_key_safe *safe, const kw_signing_key *row)
{
    if (signer->is_loaded && kw_string_equals(row->id, signer->kid)) {
        return KW_GOOD;
    }
    forget(signer);
    KW_TRY(load_key(safe, row, &signer->key));
    signer->kid = strndup((const char *)row->id.data, row->id.len);
    signer->alg = strndup((const char *)row->alg.data, row->alg.len);
    signer->certificate = malloc(row->certificate.len > 0 ? row->certificate.len : 1);
    if (signer->kid == NULL || signer->alg == NULL || signer->certificate == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(signer->certificate, row->certificate.data, row->certificate.len);
    signer->certificate_len = row->certificate.len;
    signer->is_loaded = true;
    return KW_GOOD;
}

static kw_status load_active(kw_signer *signer, const kw_authority *authority, int64_t now)
{
    const kw_key_safe *safe = authority->config.keys != NULL ? authority->config.keys->safe : NULL;
    kw_signing_key *keys = NULL;
    size_t count = 0;
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = kw_store_key_list(authority->env->store, arena, &keys, &count);
    if (!kw_status_is_bad(status)) {
        const kw_signing_key *active = kw_key_active(keys, count, now);
        signer->from = now;
        signer->until = kw_key_next_change(keys, count, now);
        status = active != NULL ? take_key(signer, safe, active) : KW_BAD_NOT_FOUND;
    }
    kw_keys_wipe(keys, count);
    kw_arena_free(arena);
    return status;
}

/* Also after a clock that was set back. */
static bool is_current(const kw_signer *signer, uint64_t version, int64_t now)
{
    return signer->is_loaded && signer->version == version && now >= signer->from && now < signer->until;
}

kw_status kw_signer_get(kw_authority *authority, kw_arena *arena, kw_signer_view *out)
{
    kw_signer *signer = &authority->signer;
    kw_status status = KW_GOOD;
    const uint64_t version = kw_store_version_lately(authority->env->store, KW_AUTHORITY_LATELY_MS);
    const int64_t now = kw_clock_utc(authority->env->clock);
    pthread_mutex_lock(&signer->lock);
    if (!is_current(signer, version, now)) {
        signer->version = version;
        status = load_active(signer, authority, now);
        if (kw_status_is_bad(status)) {
            forget(signer);
        }
    }
    if (!kw_status_is_bad(status)) {
        *out = (kw_signer_view){kw_private_key_retain(signer->key), kw_arena_copy(arena, kw_string_from(signer->kid)),
                                kw_arena_copy(arena, kw_string_from(signer->alg)),
                                kw_arena_copy(arena, (kw_bytes){signer->certificate, signer->certificate_len})};
    }
    pthread_mutex_unlock(&signer->lock);
    return status;
}
