/*
 * A hash map from a byte key (copied) to a pointer (borrowed). SipHash-like keyed hashing, so that keys from outside cannot
 * be made to collide; open addressing; grows; never shrinks. Not thread safe.
 */
#ifndef KW_BASE_MAP_H
#define KW_BASE_MAP_H

#include <keyway/bytes.h>

typedef struct kw_map kw_map;

kw_map *kw_map_new(void);
void kw_map_free(kw_map *map); /* keys only; the values are the caller's */
size_t kw_map_count(const kw_map *map);
void *kw_map_get(const kw_map *map, kw_bytes key); /* NULL: not there */
/* Replaces; the former value goes to *former when it is not NULL. Bad_OutOfMemory leaves the map as it was. */
kw_status kw_map_put(kw_map *map, kw_bytes key, void *value, void **former);
void *kw_map_remove(kw_map *map, kw_bytes key); /* the removed value or NULL */
/* Start with *cursor = 0; false at the end. The current entry may be removed while iterating, nothing else may change. */
bool kw_map_next(const kw_map *map, size_t *cursor, kw_bytes *key, void **value);

/* The hash of the map, for tables of another shape: k0 and k1 are random and secret. */
uint64_t kw_keyed_hash(uint64_t k0, uint64_t k1, kw_bytes key);

#endif
