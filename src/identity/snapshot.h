/*
 * What the store says about issuers, Roles and users (but no passwords), parsed once per version of the store. Immutable and counted, so that an attempt
 * works on one state from beginning to end while another process changes the store.
 */
#ifndef KW_IDENTITY_SNAPSHOT_H
#define KW_IDENTITY_SNAPSHOT_H

#include "base/log.h"
#include "identity/jwt.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct kw_trusted_issuer {
    kw_issuer about;
    kw_jwks *keys; /* NULL: none that can be used; its tokens are rejected */
} kw_trusted_issuer;

typedef struct kw_known_user {
    kw_string name;
    uint32_t configuration; /* KW_USER_… */
    kw_string description;
    int64_t created;
} kw_known_user;

typedef struct kw_snapshot {
    atomic_uint references;
    uint64_t version;
    kw_arena *arena;
    kw_trusted_issuer *issuers;
    size_t issuer_count;
    kw_role *roles;
    size_t role_count;
    kw_known_user *users; /* by name */
    size_t user_count;
    kw_revoked_token *revoked; /* by id */
    size_t revoked_count;
} kw_snapshot;

typedef struct kw_snapshot_cache {
    pthread_mutex_t lock;
    kw_snapshot *current; /* one reference */
} kw_snapshot_cache;

kw_status kw_snapshot_cache_init(kw_snapshot_cache *cache);
void kw_snapshot_cache_clear(kw_snapshot_cache *cache);
/* The state of the store now, with one reference. A store that cannot be read fails: nobody is let in on old knowledge. */
kw_status kw_snapshot_get(kw_snapshot_cache *cache, kw_store *store, const kw_log *log, const kw_snapshot **out);
/* What was read last, with one reference: does not wait for the store, but when nothing was read yet. */
kw_status kw_snapshot_recall(kw_snapshot_cache *cache, kw_store *store, const kw_log *log, const kw_snapshot **out);
void kw_snapshot_release(const kw_snapshot *snapshot);
/* By exact URI; NULL: not trusted. */
const kw_trusted_issuer *kw_snapshot_issuer(const kw_snapshot *snapshot, kw_string uri);
const kw_known_user *kw_snapshot_user(const kw_snapshot *snapshot, kw_string name); /* NULL: unknown */
/* Was the token with this `jti` taken back, or the grant that it came of, whose id stands before this character? `issuer`: canonical. */
#define KW_JTI_GRANT_END '.'
bool kw_snapshot_is_revoked(const kw_snapshot *snapshot, kw_string issuer, kw_string id);
const kw_role *kw_snapshot_role(const kw_snapshot *snapshot, kw_string name); /* NULL: unknown */

#endif
