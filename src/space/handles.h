/*
 * A set of 32-bit handles, found by what is behind them: four bytes a slot, whatever they stand for. The owner hashes and compares.
 */
#ifndef KW_SPACE_HANDLES_H
#define KW_SPACE_HANDLES_H

#include <keyway/bytes.h>

typedef struct kw_handles {
    uint32_t *slots; /* 0: empty */
    size_t room;     /* a power of two, or 0 */
    size_t count;
} kw_handles;

typedef uint64_t (*kw_handle_hash)(const void *owner, uint32_t handle);
typedef bool (*kw_handle_is)(const void *owner, uint32_t handle, const void *key);

void kw_handles_clear(kw_handles *handles);
/* 0: none. */
uint32_t kw_handles_find(const kw_handles *handles, uint64_t hash, kw_handle_is is, const void *owner, const void *key);
/* A handle that is not in it. Bad_OutOfMemory. */
kw_status kw_handles_add(kw_handles *handles, uint32_t handle, kw_handle_hash hash_of, const void *owner);
void kw_handles_remove(kw_handles *handles, uint32_t handle, kw_handle_hash hash_of, const void *owner);

#endif
