/**
 * An arena: memory of one request, released as a whole.
 *
 * Grows in blocks up to `limit` bytes in all; past it (or when the heap is exhausted) allocation yields NULL,
 * which callers report as Bad_EncodingLimitsExceeded or Bad_OutOfMemory. Reset keeps the first block, so that a
 * warm arena does not touch the heap. Not thread safe: one owner at a time (a job may own it while its request is parked).
 */
#ifndef KEYWAY_ARENA_H
#define KEYWAY_ARENA_H

#include <keyway/bytes.h>

typedef struct kw_arena kw_arena;

KW_API kw_arena *kw_arena_new(size_t limit);
KW_API void kw_arena_free(kw_arena *arena); /* NULL is fine */
KW_API void kw_arena_reset(kw_arena *arena);
KW_API size_t kw_arena_used(const kw_arena *arena);

/* What many arenas may take together. Thread safe. */
typedef struct kw_budget {
    _Atomic size_t used;
    size_t max;
} kw_budget;

KW_API void kw_budget_init(kw_budget *budget, size_t max);
/* An arena whose blocks count against a budget as well; NULL when it is used up. */
KW_API kw_arena *kw_arena_new_within(size_t limit, kw_budget *budget);

/* Zeroed, aligned to 16. size 0 yields a unique non-NULL pointer. */
KW_API void *kw_arena_alloc(kw_arena *arena, size_t size);
/* count × size with overflow checked. */
KW_API void *kw_arena_array(kw_arena *arena, size_t count, size_t size);
/* Copies; null stays null. On exhaustion the result is null while the input was not. */
KW_API kw_bytes kw_arena_copy(kw_arena *arena, kw_bytes bytes);
KW_API char *kw_arena_cstring(kw_arena *arena, kw_string s);
/* printf into the arena; null on exhaustion. */
KW_API kw_string kw_arena_format(kw_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define KW_ARENA_NEW(arena, type) ((type *)kw_arena_alloc((arena), sizeof(type)))
#define KW_ARENA_ARRAY(arena, type, count) ((type *)kw_arena_array((arena), (count), sizeof(type)))

#endif
