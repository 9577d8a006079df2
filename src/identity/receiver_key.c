#include "identity/receiver_key.h"

#include "base/arena.h"
#include "base/try.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ARENA 4096 /* one signature */

typedef enum key_state { KEY_FREE, KEY_TAKEN, KEY_USED_UP } key_state;

struct kw_receiver_key {
    atomic_uint references;
    _Atomic int state; /* key_state */
    const kw_security_policy *policy;
    kw_ephemeral_key *pair; /* NULL once it is used up; belongs to whoever took the key */
    kw_arena *arena;
    kw_bytes public, signature; /* in arena */
};

static kw_status fill(kw_receiver_key *key, const kw_application_identity *own)
{
    key->arena = kw_arena_new(ARENA);
    if (key->arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    key->public = kw_arena_copy(key->arena, kw_ephemeral_key_public(key->pair));
    if (key->public.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return kw_asym_sign(key->policy, own->key, &key->public, 1, key->arena, &key->signature);
}

static bool can_sign(const kw_security_policy *policy, const kw_application_identity *own)
{
    if (own->key == NULL || own->certificate == NULL) {
        return false;
    }
    const kw_public_key *public = kw_certificate_public_key(own->certificate);
    return kw_security_policy_takes_key(policy, kw_public_key_type(public), kw_public_key_bits(public));
}

kw_status kw_receiver_key_new(const kw_security_policy *policy, const kw_application_identity *own, kw_receiver_key **out)
{
    kw_ephemeral_key *pair = NULL;
    if (policy->ephemeral == KW_EPHEMERAL_NONE || !can_sign(policy, own)) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    KW_TRY(kw_ephemeral_key_generate(policy, &pair));
    return kw_receiver_key_of(policy, own, pair, out);
}

kw_status kw_receiver_key_of(const kw_security_policy *policy, const kw_application_identity *own, kw_ephemeral_key *pair,
                             kw_receiver_key **out)
{
    kw_receiver_key *key = can_sign(policy, own) ? calloc(1, sizeof(*key)) : NULL;
    if (key == NULL) {
        kw_ephemeral_key_free(pair);
        return can_sign(policy, own) ? KW_BAD_OUT_OF_MEMORY : KW_BAD_SECURITY_POLICY_REJECTED;
    }
    key->pair = pair;
    atomic_init(&key->references, 1);
    atomic_init(&key->state, KEY_FREE);
    key->policy = policy;
    const kw_status status = fill(key, own);
    if (kw_status_is_bad(status)) {
        kw_receiver_key_release(key);
        return status;
    }
    *out = key;
    return KW_GOOD;
}

kw_receiver_key *kw_receiver_key_retain(kw_receiver_key *key)
{
    if (key != NULL) {
        atomic_fetch_add(&key->references, 1);
    }
    return key;
}

void kw_receiver_key_release(kw_receiver_key *key)
{
    if (key != NULL && atomic_fetch_sub(&key->references, 1) == 1) {
        kw_ephemeral_key_free(key->pair);
        kw_arena_free(key->arena);
        free(key);
    }
}

const kw_security_policy *kw_receiver_key_policy(const kw_receiver_key *key)
{
    return key->policy;
}

kw_bytes kw_receiver_key_public(const kw_receiver_key *key)
{
    return key->public;
}

kw_bytes kw_receiver_key_signature(const kw_receiver_key *key)
{
    return key->signature;
}

bool kw_receiver_key_take(kw_receiver_use *use)
{
    int expected = KEY_FREE;
    use->is_taken = atomic_compare_exchange_strong(&use->key->state, &expected, KEY_TAKEN);
    return use->is_taken;
}

void kw_receiver_key_settle(kw_receiver_use *use, bool is_used_up)
{
    if (!use->is_taken) {
        return;
    }
    if (is_used_up) {
        kw_ephemeral_key_free(use->key->pair);
        use->key->pair = NULL;
    }
    use->is_taken = false;
    atomic_store(&use->key->state, is_used_up ? KEY_USED_UP : KEY_FREE);
}

kw_status kw_receiver_key_agree(const kw_receiver_key *key, kw_bytes sender, kw_secret *shared)
{
    return kw_ephemeral_key_agree(key->pair, sender, shared);
}
