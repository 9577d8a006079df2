#include "base/rate.h"

#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_KEYS 10000u
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

typedef struct bucket {
    struct bucket *older, *newer; /* by their last use */
    uint64_t full_at;             /* monotonic ns: when the last turn that was taken is back */
    uint64_t quiet_until;         /* monotonic ms */
    size_t len;
    uint8_t key[];
} bucket;

struct kw_rate {
    pthread_mutex_t lock;
    const kw_clock *clock;
    uint64_t turn, all; /* ns that one turn, and that all of them, take to come back; 0: no limit */
    uint32_t max_keys;
    kw_map *map; /* key -> bucket */
    bucket *oldest, *newest;
};

/* --- life -------------------------------------------------------------------------------------------------------------------- */

kw_status kw_rate_new(const kw_rate_config *config, const kw_clock *clock, kw_rate **out)
{
    kw_rate *rate = calloc(1, sizeof(*rate));
    kw_map *map = kw_map_new();
    if (rate == NULL || map == NULL || pthread_mutex_init(&rate->lock, NULL) != 0) {
        kw_map_free(map);
        free(rate);
        return KW_BAD_OUT_OF_MEMORY;
    }
    rate->clock = clock;
    rate->turn = config->per_second > 0 ? NS_PER_S / config->per_second : 0;
    rate->all = rate->turn * (config->burst > 0 ? config->burst : 1);
    rate->max_keys = config->max_keys > 0 ? config->max_keys : DEFAULT_KEYS;
    rate->map = map;
    *out = rate;
    return KW_GOOD;
}

void kw_rate_free(kw_rate *rate)
{
    if (rate == NULL) {
        return;
    }
    for (bucket *b = rate->oldest, *newer; b != NULL; b = newer) {
        newer = b->newer;
        free(b);
    }
    kw_map_free(rate->map);
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

/* --- the table --------------------------------------------------------------------------------------------------------------- */

static void unlink_bucket(kw_rate *rate, bucket *b)
{
    *(b->older != NULL ? &b->older->newer : &rate->oldest) = b->newer;
    *(b->newer != NULL ? &b->newer->older : &rate->newest) = b->older;
}

static void link_newest(kw_rate *rate, bucket *b)
{
    b->older = rate->newest;
    b->newer = NULL;
    *(rate->newest != NULL ? &rate->newest->newer : &rate->oldest) = b;
    rate->newest = b;
}

static void forget_oldest(kw_rate *rate)
{
    bucket *b = rate->oldest;
    unlink_bucket(rate, b);
    kw_map_remove(rate->map, (kw_bytes){b->key, b->len});
    free(b);
}

/* NULL: no memory. */
static bucket *need(kw_rate *rate, kw_bytes key)
{
    bucket *b = kw_map_get(rate->map, key);
    if (b != NULL) {
        unlink_bucket(rate, b);
        link_newest(rate, b);
        return b;
    }
    if (kw_map_count(rate->map) >= rate->max_keys) {
        forget_oldest(rate);
    }
    b = calloc(1, sizeof(*b) + key.len);
    if (b == NULL || kw_status_is_bad(kw_map_put(rate->map, key, b, NULL))) {
        free(b);
        return NULL;
    }
    b->len = key.len;
    if (key.len > 0) {
        memcpy(b->key, key.data, key.len);
    }
    link_newest(rate, b);
    return b;
}

/* --- turns ------------------------------------------------------------------------------------------------------------------- */

/* Empty: with one turn more it would take longer to fill than it takes to fill all of it. */
static bool has_turn(const kw_rate *rate, bucket *b, kw_rate_refusal *refusal)
{
    const uint64_t ms = kw_clock_ms(rate->clock), now = ms * NS_PER_MS;
    const uint64_t full_at = (b->full_at > now ? b->full_at : now) + rate->turn;
    if (full_at - now <= rate->all) {
        return true;
    }
    refusal->retry_s = (uint32_t)((full_at - now - rate->all + NS_PER_S - 1) / NS_PER_S);
    refusal->deserves_report = ms >= b->quiet_until;
    if (refusal->deserves_report) {
        b->quiet_until = ms + KW_RATE_QUIET_MS;
    }
    return false;
}

static void take_turn(const kw_rate *rate, bucket *b)
{
    const uint64_t now = kw_clock_ms(rate->clock) * NS_PER_MS;
    b->full_at = (b->full_at > now ? b->full_at : now) + rate->turn;
}

bool kw_rate_take(kw_rate *rate, kw_bytes key, kw_rate_refusal *refusal)
{
    if (rate->turn == 0) {
        return true;
    }
    pthread_mutex_lock(&rate->lock);
    bucket *b = need(rate, key);
    bool is_taken = false;
    if (b == NULL) {
        *refusal = (kw_rate_refusal){.retry_s = 1};
    } else if (has_turn(rate, b, refusal)) {
        take_turn(rate, b);
        is_taken = true;
    }
    pthread_mutex_unlock(&rate->lock);
    return is_taken;
}

bool kw_rate_has(kw_rate *rate, kw_bytes key, kw_rate_refusal *refusal)
{
    pthread_mutex_lock(&rate->lock);
    bucket *b = kw_map_get(rate->map, key);
    const bool has = b == NULL || has_turn(rate, b, refusal);
    pthread_mutex_unlock(&rate->lock);
    return has;
}

bool kw_rate_knows(kw_rate *rate, kw_bytes key)
{
    pthread_mutex_lock(&rate->lock);
    const bool knows = kw_map_get(rate->map, key) != NULL;
    pthread_mutex_unlock(&rate->lock);
    return knows;
}

size_t kw_rate_count(kw_rate *rate)
{
    pthread_mutex_lock(&rate->lock);
    const size_t count = kw_map_count(rate->map);
    pthread_mutex_unlock(&rate->lock);
    return count;
}
