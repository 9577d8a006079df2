#include "authority/token_requests.h"

#include "base/map.h"
#include "base/try.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_ARENA 8192 /* a resource and a PolicyId: what was found in the store and in the policies is short */

typedef struct entry {
    struct entry *next_of_session;
    struct entry *older, *newer;
    kw_guid id;
    kw_guid session;
    uint64_t ends; /* monotonic ms */
    kw_arena *arena;
    kw_token_request request; /* in arena */
} entry;

struct kw_token_requests {
    const kw_clock *clock;
    const kw_random *random;
    kw_timers *timers;
    kw_timer timer;     /* of the oldest */
    kw_map *by_session; /* 16 bytes of the SessionId -> entry, the first of its Session */
    entry *oldest, *newest;
    size_t count;
};

static kw_bytes key_of(const kw_guid *session)
{
    return (kw_bytes){(const uint8_t *)session, sizeof(*session)};
}

/* --- in and out ------------------------------------------------------------------------------------------------------------- */

static void watch_oldest(kw_token_requests *r)
{
    if (r->oldest != NULL) {
        kw_timer_start(r->timers, &r->timer, r->oldest->ends);
    } else {
        kw_timer_stop(&r->timer);
    }
}

static void free_entry(entry *e)
{
    kw_receiver_key_release(e->request.key);
    kw_arena_free(e->arena);
    free(e);
}

static void unlink_age(kw_token_requests *r, entry *e)
{
    *(e->older != NULL ? &e->older->newer : &r->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &r->newest) = e->older;
    r->count--;
    watch_oldest(r);
}

/* The map has room for what it had before: replacing a value cannot fail. */
static void unlink_session(kw_token_requests *r, entry *e)
{
    entry *first = kw_map_get(r->by_session, key_of(&e->session));
    if (first != e) {
        while (first->next_of_session != e) {
            first = first->next_of_session;
        }
        first->next_of_session = e->next_of_session;
    } else if (e->next_of_session == NULL) {
        kw_map_remove(r->by_session, key_of(&e->session));
    } else {
        (void)kw_map_put(r->by_session, key_of(&e->session), e->next_of_session, NULL);
    }
}

static void drop(kw_token_requests *r, entry *e)
{
    unlink_session(r, e);
    unlink_age(r, e);
    free_entry(e);
}

static void on_timer(kw_timer *timer)
{
    kw_token_requests *r = (kw_token_requests *)((char *)timer - offsetof(kw_token_requests, timer));
    const uint64_t now = kw_clock_ms(r->clock);
    while (r->oldest != NULL && r->oldest->ends <= now) {
        drop(r, r->oldest);
    }
}

kw_token_requests *kw_token_requests_new(const kw_clock *clock, const kw_random *random, kw_timers *timers)
{
    kw_token_requests *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return NULL;
    }
    r->clock = clock;
    r->random = random;
    r->timers = timers;
    r->timer.fire = on_timer;
    r->by_session = kw_map_new();
    if (r->by_session == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void kw_token_requests_free(kw_token_requests *r)
{
    if (r != NULL) {
        while (r->oldest != NULL) {
            drop(r, r->oldest);
        }
        kw_map_free(r->by_session);
        free(r);
    }
}

size_t kw_token_requests_count(const kw_token_requests *r)
{
    return r->count;
}

/* --- adding ----------------------------------------------------------------------------------------------------------------- */

static kw_status copy_request(kw_arena *arena, const kw_token_request *from, kw_token_request *out)
{
    *out = (kw_token_request){.resource = kw_arena_copy(arena, from->resource),
                              .policy_id = kw_arena_copy(arena, from->policy_id),
                              .requestor_data = kw_arena_copy(arena, from->requestor_data),
                              .service_data = kw_arena_copy(arena, from->service_data)};
    const bool is_whole = out->resource.len == from->resource.len && out->policy_id.len == from->policy_id.len &&
                          out->requestor_data.len == from->requestor_data.len && out->service_data.len == from->service_data.len;
    if (!is_whole) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    out->key = kw_receiver_key_retain(from->key);
    return KW_GOOD;
}

static kw_status new_entry(const kw_token_requests *r, const kw_guid *session, const kw_token_request *request, entry **out)
{
    entry *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    e->session = *session;
    e->ends = kw_clock_ms(r->clock) + KW_TOKEN_REQUEST_MS;
    e->arena = kw_arena_new(ENTRY_ARENA);
    kw_status status = e->arena != NULL ? copy_request(e->arena, request, &e->request) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) { /* not to be guessed */
        status = kw_random_fill(r->random, (uint8_t *)&e->id, sizeof(e->id));
    }
    if (kw_status_is_bad(status)) {
        free_entry(e);
        return status;
    }
    *out = e;
    return KW_GOOD;
}

static bool has_room(const kw_token_requests *r, const kw_guid *session)
{
    size_t count = 0;
    for (const entry *e = kw_map_get(r->by_session, key_of(session)); e != NULL; e = e->next_of_session) {
        count++;
    }
    return count < KW_TOKEN_REQUESTS_PER_SESSION && r->count < KW_TOKEN_REQUESTS_MAX;
}

kw_status kw_token_requests_add(kw_token_requests *r, const kw_node_id *session, const kw_token_request *request, kw_guid *id)
{
    entry *e = NULL;
    void *former = NULL;
    if (!has_room(r, &session->id.guid)) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    KW_TRY(new_entry(r, &session->id.guid, request, &e));
    const kw_status status = kw_map_put(r->by_session, key_of(&e->session), e, &former);
    if (kw_status_is_bad(status)) {
        free_entry(e);
        return status;
    }
    e->next_of_session = former;
    e->older = r->newest;
    *(r->newest != NULL ? &r->newest->newer : &r->oldest) = e;
    r->newest = e;
    r->count++;
    watch_oldest(r);
    *id = e->id;
    return KW_GOOD;
}

/* --- using ------------------------------------------------------------------------------------------------------------------ */

kw_status kw_token_requests_take(kw_token_requests *r, const kw_node_id *session, const kw_guid *id, kw_arena *arena, kw_token_request *out)
{
    entry *e = kw_map_get(r->by_session, key_of(&session->id.guid));
    while (e != NULL && !kw_guid_equal(&e->id, id)) {
        e = e->next_of_session;
    }
    if (e == NULL) {
        return KW_BAD_NOT_FOUND;
    }
    const kw_status status = e->ends > kw_clock_ms(r->clock) ? copy_request(arena, &e->request, out) : KW_BAD_NOT_FOUND;
    drop(r, e);
    return status;
}

void kw_token_requests_drop_session(kw_token_requests *r, const kw_node_id *session)
{
    for (entry *e; (e = kw_map_get(r->by_session, key_of(&session->id.guid))) != NULL;) {
        drop(r, e);
    }
}
