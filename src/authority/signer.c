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

static kw_status take_key(kw_signer *signer, const kw_signing_key *row)
{
    KW_TRY(kw_private_key_load(row->private_key, KW_BYTES_NULL, &signer->key));
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

static kw_status load_active(kw_signer *signer, kw_store *store)
{
    kw_signing_key *keys = NULL;
    size_t count = 0;
    kw_arena *arena = kw_arena_new(KEYS_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = kw_store_key_list(store, arena, &keys, &count);
    kw_status found = KW_BAD_NOT_FOUND;
    for (size_t i = 0; !kw_status_is_bad(status) && i < count; i++) {
        if (keys[i].is_active && kw_status_is_bad(found)) {
            found = take_key(signer, &keys[i]);
        }
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
    }
    kw_arena_free(arena);
    return kw_status_is_bad(status) ? status : found;
}

kw_status kw_signer_get(kw_signer *signer, kw_store *store, kw_arena *arena, kw_signer_view *out)
{
    kw_status status = KW_GOOD;
    const uint64_t version = kw_store_version_lately(store, KW_AUTHORITY_LATELY_MS);
    pthread_mutex_lock(&signer->lock);
    if (!signer->is_loaded || signer->version != version) {
        forget(signer);
        signer->version = version;
        status = load_active(signer, store);
    }
    if (!kw_status_is_bad(status)) {
        *out = (kw_signer_view){kw_private_key_retain(signer->key), kw_arena_copy(arena, kw_string_from(signer->kid)),
                                kw_arena_copy(arena, kw_string_from(signer->alg)),
                                kw_arena_copy(arena, (kw_bytes){signer->certificate, signer->certificate_len})};
    }
    pthread_mutex_unlock(&signer->lock);
    return status;
}
