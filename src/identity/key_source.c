#include "identity/key_source.h"

#include "base/map.h"
#include "identity/key_fetch.h"

#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 5000u
#define FETCH_ARENA ((size_t)16 << 20) /* metadata and keys of 1 MiB each, and copies of their texts */
#define WAITERS_MAX 1u                 /* beside who fetches; the pool has few threads */
#define DOUBLINGS_MAX 16u

/* What this process knows of an issuer beside its row. Times are monotonic ms: nobody sets that clock. */
typedef struct issuer_state {
    bool is_fetching;
    unsigned waiting;
    bool was_tried;
    uint64_t tried;
    unsigned failures; /* in a row */
    char *failure;     /* that the row has */
    bool was_confirmed;
    int64_t confirmed;   /* when the place of the keys last gave them; negative: before the machine started */
    int64_t row_fetched; /* of the row from which `confirmed` was worked out */
} issuer_state;

struct kw_key_source {
    kw_key_rules rules;
    kw_store *store;
    const kw_clock *clock;
    const kw_log *log;
    const kw_fetch *fetch;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t fetched;
    kw_map *states; /* URI -> issuer_state */
};

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

kw_status kw_key_source_new(const kw_key_rules *rules, kw_store *store, const kw_clock *clock, const kw_log *log, kw_key_source **out)
{
    kw_key_source *source = calloc(1, sizeof(*source));
    kw_map *states = kw_map_new();
    if (source == NULL || states == NULL) {
        kw_map_free(states);
        free(source);
        return KW_BAD_OUT_OF_MEMORY;
    }
    source->rules = *rules;
    source->store = store;
    source->clock = clock;
    source->log = log;
    source->states = states;
    pthread_mutex_init(&source->lock, NULL);
    pthread_cond_init(&source->fetched, NULL);
    *out = source;
    return KW_GOOD;
}

static void state_free(issuer_state *state)
{
    free(state->failure);
    free(state);
}

void kw_key_source_free(kw_key_source *source)
{
    size_t cursor = 0;
    void *state = NULL;
    if (source == NULL) {
        return;
    }
    while (kw_map_next(source->states, &cursor, NULL, &state)) {
        state_free(state);
    }
    kw_map_free(source->states);
    pthread_cond_destroy(&source->fetched);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

void kw_key_source_set_fetch(kw_key_source *source, const kw_fetch *fetch)
{
    source->fetch = fetch;
}

/* --- what is known (under the lock) ---------------------------------------------------------------------------------------------- */

static int64_t now_of(const kw_key_source *source)
{
    return (int64_t)kw_clock_ms(source->clock);
}

/* The row tells in wall-clock time when the keys were fetched: once, it is turned into a time that does not jump. */
static void take_row(const kw_key_source *source, issuer_state *state, const kw_issuer *issuer)
{
    if (issuer->fetched == 0 || issuer->fetched == state->row_fetched) {
        return;
    }
    const int64_t ago = (kw_clock_utc(source->clock) - issuer->fetched) / KW_TICKS_PER_MS;
    /* In the future: the clock was set back, nobody knows how old they are. Good, and due. */
    const int64_t confirmed = now_of(source) - (ago >= 0 ? ago : (int64_t)source->rules.refresh_s * 1000);
    if (!state->was_confirmed || confirmed > state->confirmed) { /* what was seen here counts, and what other nodes saw later */
        state->confirmed = confirmed;
    }
    state->was_confirmed = true;
    state->row_fetched = issuer->fetched;
}

/* As many as the administrator named; NULL: out of memory. */
static issuer_state *state_of(kw_key_source *source, const kw_issuer *issuer)
{
    issuer_state *state = kw_map_get(source->states, issuer->uri);
    if (state == NULL) {
        state = calloc(1, sizeof(*state));
        if (state == NULL || kw_status_is_bad(kw_map_put(source->states, issuer->uri, state, NULL))) {
            free(state);
            return NULL;
        }
    }
    take_row(source, state, issuer);
    return state;
}

static bool was_tried_within(const kw_key_source *source, const issuer_state *state, uint64_t seconds)
{
    return state->was_tried && kw_clock_ms(source->clock) - state->tried < seconds * 1000;
}

static bool is_older_than(const kw_key_source *source, const issuer_state *state, uint32_t seconds)
{
    return !state->was_confirmed || now_of(source) - state->confirmed >= (int64_t)seconds * 1000;
}

bool kw_key_source_is_fresh(kw_key_source *source, const kw_issuer *issuer)
{
    if (!kw_issuer_is_fetched(issuer)) {
        return true;
    }
    pthread_mutex_lock(&source->lock);
    const issuer_state *state = state_of(source, issuer);
    const bool is_fresh = state != NULL && !is_older_than(source, state, source->rules.max_age_s);
    pthread_mutex_unlock(&source->lock);
    return is_fresh;
}

/* --- fetching ---------------------------------------------------------------------------------------------------------------------- */

/* Without the lock. *why: in the arena. */
static kw_status fetch_and_store(const kw_key_source *source, const kw_issuer *issuer, kw_arena *arena, const char **why)
{
    kw_bytes keys = KW_BYTES_NULL;
    kw_status status = kw_issuer_fetch_keys(source->fetch, source->clock, issuer, FETCH_TIMEOUT_MS, arena, &keys, why);
    if (kw_status_is_bad(status)) {
        return status;
    }
    *why = "the store did not take them";
    return kw_store_issuer_fetched(source->store, issuer, keys);
}

/* True: it is not what the row says already. */
static bool is_news(const issuer_state *state, const char *why)
{
    return state->failure == NULL || strcmp(state->failure, why) != 0;
}

static void tell(const kw_key_source *source, const issuer_state *state, const kw_issuer *issuer, kw_status status, const char *why)
{
    KW_LOG(source->log, KW_LOG_WARN, "keys of an issuer could not be fetched", kw_field_str("issuer", issuer->uri),
           kw_field_status("status", status), kw_field_text("why", why));
    if (is_news(state, why)) {
        (void)kw_store_issuer_failed(source->store, issuer, kw_string_from(why)); /* the log has it, if the store has not */
    }
}

static void note(const kw_key_source *source, issuer_state *state, kw_status status, const char *why)
{
    if (!kw_status_is_bad(status)) {
        state->failures = 0;
        state->confirmed = now_of(source);
        state->was_confirmed = true;
    } else {
        state->failures++;
    }
    if (!kw_status_is_bad(status) || is_news(state, why)) {
        free(state->failure);
        state->failure = kw_status_is_bad(status) ? strdup(why) : NULL;
    }
}

/* Called and left with the lock, which it gives up meanwhile: is_fetching keeps the state for this call alone. */
static void fetch_now(kw_key_source *source, issuer_state *state, const kw_issuer *issuer)
{
    const char *why = "out of memory";
    state->is_fetching = true;
    state->was_tried = true;
    state->tried = kw_clock_ms(source->clock);
    pthread_mutex_unlock(&source->lock);
    kw_arena *arena = kw_arena_new(FETCH_ARENA);
    const kw_status status = arena != NULL ? fetch_and_store(source, issuer, arena, &why) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        tell(source, state, issuer, status, why);
    }
    pthread_mutex_lock(&source->lock);
    note(source, state, status, why);
    kw_arena_free(arena);
    state->is_fetching = false;
    pthread_cond_broadcast(&source->fetched);
}

static bool wait_for_other(kw_key_source *source, issuer_state *state)
{
    if (state->waiting >= WAITERS_MAX) {
        return false;
    }
    state->waiting++;
    while (state->is_fetching) { /* not for long: a fetch has its time-out */
        pthread_cond_wait(&source->fetched, &source->lock);
    }
    state->waiting--;
    return true;
}

bool kw_key_source_renew(kw_key_source *source, const kw_issuer *issuer)
{
    bool done = false;
    if (source->fetch == NULL || !kw_issuer_is_fetched(issuer)) {
        return false;
    }
    pthread_mutex_lock(&source->lock);
    issuer_state *state = state_of(source, issuer);
    if (state != NULL && state->is_fetching) {
        done = wait_for_other(source, state);
    } else if (state != NULL && !was_tried_within(source, state, source->rules.retry_s)) {
        fetch_now(source, state, issuer);
        done = true;
    }
    pthread_mutex_unlock(&source->lock);
    return done;
}

/* --- ahead of need ------------------------------------------------------------------------------------------------------------------ */

/* The longer it fails, the rarer it is tried; never rarer than if it worked. */
static uint64_t pause_of(const kw_key_rules *rules, unsigned failures)
{
    if (failures == 0) {
        return 0;
    }
    const unsigned doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;
    const uint64_t pause = (uint64_t)rules->retry_s << doublings;
    return pause < rules->refresh_s ? pause : rules->refresh_s;
}

static bool is_due(const kw_key_source *source, const issuer_state *state)
{
    return !state->is_fetching && is_older_than(source, state, source->rules.refresh_s) &&
           !was_tried_within(source, state, pause_of(&source->rules, state->failures));
}

bool kw_key_source_renew_due(kw_key_source *source, const kw_snapshot *snapshot)
{
    bool found = false;
    pthread_mutex_lock(&source->lock);
    for (size_t i = 0; source->fetch != NULL && !found && i < snapshot->issuer_count; i++) {
        const kw_issuer *issuer = &snapshot->issuers[i].about;
        issuer_state *state = kw_issuer_is_fetched(issuer) ? state_of(source, issuer) : NULL;
        if (state != NULL && is_due(source, state)) {
            fetch_now(source, state, issuer);
            found = true;
        }
    }
    pthread_mutex_unlock(&source->lock);
    return found;
}
