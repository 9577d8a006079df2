#include "authority/targets.h"

#include "authority/authority_internal.h"
#include "base/try.h"

#define ARENA_MAX ((size_t)16 << 20)
#define TARGETS_MAX 256 /* more of them are looked up anew */

typedef struct target {
    kw_resource resource;
    kw_token_policy *rules;
    size_t rule_count;
} target;

static kw_status forget(kw_targets *targets)
{
    kw_map *map = kw_map_new();
    if (map == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_map_free(targets->by_uri);
    targets->by_uri = map;
    kw_arena_reset(targets->arena);
    return KW_GOOD;
}

kw_status kw_targets_init(kw_targets *targets)
{
    *targets = (kw_targets){.arena = kw_arena_new(ARENA_MAX), .by_uri = kw_map_new()};
    pthread_mutex_init(&targets->lock, NULL);
    return targets->arena != NULL && targets->by_uri != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

void kw_targets_clear(kw_targets *targets)
{
    kw_map_free(targets->by_uri);
    kw_arena_free(targets->arena);
    pthread_mutex_destroy(&targets->lock);
}

static kw_status load(kw_targets *targets, kw_store *store, kw_string uri, target **out)
{
    if (kw_map_count(targets->by_uri) >= TARGETS_MAX) {
        KW_TRY(forget(targets));
    }
    target *found = KW_ARENA_NEW(targets->arena, target);
    if (found == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_store_resource_get(store, uri, targets->arena, &found->resource)); /* RT-27 */
    KW_TRY(kw_store_policy_list(store, uri, targets->arena, &found->rules, &found->rule_count));
    *out = found;
    return kw_map_put(targets->by_uri, uri, found, NULL);
}

/* The lock is held: what is found stays while it is looked at. */
static kw_status look_up(kw_targets *targets, kw_store *store, kw_string uri, uint64_t version, target **out)
{
    if (targets->version != version || version == 0) {
        KW_TRY(forget(targets));
        targets->version = version;
    }
    *out = kw_map_get(targets->by_uri, uri);
    return *out != NULL ? KW_GOOD : load(targets, store, uri, out);
}

/* The names in the verdict borrow from the rules. */
static kw_status keep_names(kw_policy_verdict *verdict, kw_arena *arena)
{
    kw_string *names = KW_ARENA_ARRAY(arena, kw_string, verdict->roles.count);
    for (size_t i = 0; names != NULL && i < verdict->roles.count; i++) {
        names[i] = kw_arena_copy(arena, verdict->roles.names[i]);
    }
    verdict->roles.names = names;
    return names != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_targets_decide(kw_targets *targets, kw_store *store, kw_string resource, const kw_identity *who, kw_arena *arena,
                            kw_policy_verdict *verdict, uint32_t *lifetime_s)
{
    const uint64_t version = kw_store_version_lately(store, KW_AUTHORITY_LATELY_MS);
    target *found = NULL;
    pthread_mutex_lock(&targets->lock);
    kw_status status = look_up(targets, store, resource, version, &found);
    if (!kw_status_is_bad(status)) {
        *lifetime_s = found->resource.token_lifetime_s;
        status = kw_policy_decide(found->rules, found->rule_count, who, arena, verdict);
    }
    if (!kw_status_is_bad(status)) {
        status = keep_names(verdict, arena);
    }
    pthread_mutex_unlock(&targets->lock);
    return status;
}
