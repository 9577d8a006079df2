#include "base/map.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS ((size_t)16)

typedef struct slot {
    uint8_t *key; /* NULL: empty; TOMBSTONE: removed */
    size_t len;
    uint64_t hash;
    void *value;
} slot;

struct kw_map {
    slot *slots;
    size_t mask, count, used; /* used: with tombstones */
    uint64_t k0, k1;
};

/* --- SipHash-1-3: keyed, so that nobody outside can choose keys that collide ------------------------------------------ */

static uint64_t rotate(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t kw_keyed_hash(uint64_t k0, uint64_t k1, kw_bytes key)
{
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d), k0 ^ UINT64_C(0x6c7967656e657261),
                     k1 ^ UINT64_C(0x7465646279746573)};
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        uint64_t word;
        memcpy(&word, key.data + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.len << 56;
    for (size_t j = 0; i + j < key.len; j++) {
        last |= (uint64_t)key.data[i + j] << (8 * j);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_of(const kw_map *map, kw_bytes key)
{
    return kw_keyed_hash(map->k0, map->k1, key);
}

/* --- the table: linear probing; what was removed leaves a tombstone, so that an iteration may remove as it goes ------------- */

static uint8_t TOMBSTONE[1];

static bool is_live(const slot *s)
{
    return s->key != NULL && s->key != TOMBSTONE;
}

kw_map *kw_map_new(void)
{
    kw_map *map = calloc(1, sizeof(*map));
    uint8_t seed[16];
    if (map == NULL || kw_status_is_bad(kw_random_fill(&KW_RANDOM_SYSTEM, seed, sizeof(seed)))) {
        free(map);
        return NULL;
    }
    memcpy(&map->k0, seed, 8);
    memcpy(&map->k1, seed + 8, 8);
    map->slots = calloc(FIRST_SLOTS, sizeof(slot));
    map->mask = FIRST_SLOTS - 1;
    if (map->slots == NULL) {
        free(map);
        return NULL;
    }
    return map;
}

void kw_map_free(kw_map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i <= map->mask; i++) {
        if (is_live(&map->slots[i])) {
            free(map->slots[i].key);
        }
    }
    free(map->slots);
    free(map);
}

size_t kw_map_count(const kw_map *map)
{
    return map->count;
}

/* The slot with this key, or the one where it would go. */
static slot *find(const kw_map *map, kw_bytes key, uint64_t hash)
{
    slot *reusable = NULL;
    for (size_t i = hash & map->mask;; i = (i + 1) & map->mask) {
        slot *s = &map->slots[i];
        if (s->key == NULL) {
            return reusable != NULL ? reusable : s;
        }
        if (s->key == TOMBSTONE) {
            reusable = reusable != NULL ? reusable : s;
        } else if (s->hash == hash && s->len == key.len && (key.len == 0 || memcmp(s->key, key.data, key.len) == 0)) {
            return s;
        }
    }
}

void *kw_map_get(const kw_map *map, kw_bytes key)
{
    const slot *s = find(map, key, hash_of(map, key));
    return is_live(s) ? s->value : NULL;
}

/* Twice the room, or the same without its tombstones. */
static bool rebuild(kw_map *map)
{
    const size_t mask = map->count * 2 > map->mask ? map->mask * 2 + 1 : map->mask;
    slot *slots = calloc(mask + 1, sizeof(slot));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i <= map->mask; i++) {
        if (is_live(&map->slots[i])) {
            size_t j = map->slots[i].hash & mask;
            while (slots[j].key != NULL) {
                j = (j + 1) & mask;
            }
            slots[j] = map->slots[i];
        }
    }
    free(map->slots);
    map->slots = slots;
    map->mask = mask;
    map->used = map->count;
    return true;
}

kw_status kw_map_put(kw_map *map, kw_bytes key, void *value, void **former)
{
    const uint64_t hash = hash_of(map, key);
    slot *s = find(map, key, hash);
    if (former != NULL) {
        *former = is_live(s) ? s->value : NULL;
    }
    if (is_live(s)) {
        s->value = value;
        return KW_GOOD;
    }
    if ((map->used + 1) * 4 > (map->mask + 1) * 3) {
        if (!rebuild(map)) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        s = find(map, key, hash);
    }
    uint8_t *copy = malloc(key.len > 0 ? key.len : 1);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (key.len > 0) {
        memcpy(copy, key.data, key.len);
    }
    map->used += s->key == NULL;
    *s = (slot){copy, key.len, hash, value};
    map->count++;
    return KW_GOOD;
}

void *kw_map_remove(kw_map *map, kw_bytes key)
{
    slot *s = find(map, key, hash_of(map, key));
    if (!is_live(s)) {
        return NULL;
    }
    void *value = s->value;
    free(s->key);
    *s = (slot){TOMBSTONE, 0, 0, NULL};
    map->count--;
    return value;
}

bool kw_map_next(const kw_map *map, size_t *cursor, kw_bytes *key, void **value)
{
    while (*cursor <= map->mask) {
        const slot *s = &map->slots[(*cursor)++];
        if (is_live(s)) {
            if (key != NULL) {
                *key = (kw_bytes){s->key, s->len};
            }
            if (value != NULL) {
                *value = s->value;
            }
            return true;
        }
    }
    return false;
}
