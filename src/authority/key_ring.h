/*
 * The life of signing keys. A key is made some time before it signs, so that whoever verifies has it by then (next); it signs (active)
 * until a later one does; it verifies (retired) until the last token that it signed has expired, and is forgotten. One that is revoked
 * verifies nothing any more, at once.
 *
 * The times in the store say all of it: no node has to be there at a change, and none is told. What must be made, dropped or published
 * is done by whichever node comes first.
 */
#ifndef KW_AUTHORITY_KEY_RING_H
#define KW_AUTHORITY_KEY_RING_H

#include "crypto/seal.h"
#include "store/store.h"

/* Where the keys come from that private keys are sealed with; asked whenever they are needed. From any thread. */
typedef struct kw_key_safe {
    kw_status (*load)(void *ctx, kw_seal_keys *out);
    void *ctx;
} kw_key_safe;

/* All borrowed. */
typedef struct kw_key_ring {
    kw_store *store;
    const kw_clock *clock;
    const kw_random *random;
    const kw_key_safe *safe; /* NULL: private keys are kept as they are */
    kw_string service_uri;
    const kw_string *further; /* ServiceUris of more services that sign with these keys */
    size_t further_count;
    kw_string alg;       /* of new keys: one of KW_JWT_ALGORITHMS */
    int64_t rotation;    /* ticks for which a key signs; 0: until told */
    int64_t overlap;     /* ticks for which it is published before */
    uint32_t lifetime_s; /* of tokens, unless their resource has its own */
    uint32_t late_s;     /* for which a token may be taken after it has expired */
} kw_key_ring;

typedef enum kw_key_state { KW_KEY_NEXT, KW_KEY_ACTIVE, KW_KEY_RETIRED, KW_KEY_REVOKED } kw_key_state;

typedef struct kw_key_life {
    kw_key_state state;
    int64_t signs_until; /* DateTime: retired since, or a next one is there; 0: not known */
    int64_t gone_from;   /* DateTime: it verifies nothing from then on, and is dropped; 0: not known */
} kw_key_life;

/* Of keys[index] of the store's list, at this time. Pure. */
kw_key_life kw_key_life_of(const kw_signing_key *keys, size_t count, size_t index, int64_t now);
/* The one that signs; NULL: none. */
const kw_signing_key *kw_key_active(const kw_signing_key *keys, size_t count, int64_t now);
/* When that changes next; INT64_MAX: never, as it looks now. */
int64_t kw_key_next_change(const kw_signing_key *keys, size_t count, int64_t now);

/* --- private keys at rest (all block) ------------------------------------------------------------------------------------------ */
/*
 * Bad_ConfigurationError: it is sealed and there is no safe; Bad_SecurityChecksFailed: with a key that is not in it; what the safe
 * says.
 */
kw_status kw_key_open(const kw_key_safe *safe, const kw_signing_key *row, kw_secret *pem);
/* Can those that sign now or later be opened? As kw_key_open. */
kw_status kw_key_ring_check(const kw_key_ring *ring);
/* All that are there are sealed with the first key of the safe from now on; *count: how many were not. As kw_key_open. */
kw_status kw_key_ring_reseal(const kw_key_ring *ring, size_t *count);

/* --- changes (all block; slow) ------------------------------------------------------------------------------------------------- */
/*
 * A new key, published now, that signs after the overlap; the first of all, or with `at_once`, signs now (then it is the next one, if
 * there is one of the wanted algorithm). *id: which, in the arena. Bad_InvalidState: there is a next one already; Bad_NotSupported:
 * the algorithm; as kw_key_open.
 */
kw_status kw_key_ring_rotate(const kw_key_ring *ring, bool at_once, kw_arena *arena, kw_string *id);
/*
 * Nothing that this key has signed is good any more. If it is the one that signs, the next one does now, or a new one. Bad_NotFound.
 * *replaced: what became of that, when the key is revoked.
 */
kw_status kw_key_ring_revoke(const kw_key_ring *ring, kw_string id, kw_status *replaced);
/* Whatever the time asks for: a key where none signs, the next one, an end of those that are over, sealing, publishing. */
kw_status kw_key_ring_look_after(const kw_key_ring *ring);

#endif
