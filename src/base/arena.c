#include <keyway/arena.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((size_t)16)
#define FIRST_BLOCK ((size_t)8192)
#define BLOCK_MAX ((size_t)1 << 20)

typedef struct block block;
struct block {
    block *next;
    size_t size, used; /* of data */
    _Alignas(16) uint8_t data[];
};

struct kw_arena {
    block *first, *last;
    size_t limit; /* sum of the blocks' sizes */
    size_t total, used;
    kw_budget *budget; /* NULL: none */
};

void kw_budget_init(kw_budget *budget, size_t max)
{
    atomic_init(&budget->used, 0);
    budget->max = max;
}

static bool spend(kw_budget *budget, size_t size)
{
    if (budget == NULL) {
        return true;
    }
    if (atomic_fetch_add(&budget->used, size) > budget->max - size || size > budget->max) {
        atomic_fetch_sub(&budget->used, size);
        return false;
    }
    return true;
}

static void refund(kw_budget *budget, size_t size)
{
    if (budget != NULL) {
        atomic_fetch_sub(&budget->used, size);
    }
}

static block *new_block(kw_budget *budget, size_t size)
{
    if (size > SIZE_MAX - sizeof(block) || !spend(budget, size)) {
        return NULL;
    }
    block *b = malloc(sizeof(block) + size);
    if (b == NULL) {
        refund(budget, size);
        return NULL;
    }
    b->next = NULL;
    b->size = size;
    b->used = 0;
    return b;
}

kw_arena *kw_arena_new(size_t limit)
{
    return kw_arena_new_within(limit, NULL);
}

kw_arena *kw_arena_new_within(size_t limit, kw_budget *budget)
{
    kw_arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL) {
        return NULL;
    }
    arena->limit = limit;
    arena->budget = budget;
    arena->first = arena->last = new_block(budget, limit < FIRST_BLOCK ? limit : FIRST_BLOCK);
    if (arena->first == NULL) {
        free(arena);
        return NULL;
    }
    arena->total = arena->first->size;
    return arena;
}

static void free_blocks(kw_budget *budget, block *b)
{
    while (b != NULL) {
        block *next = b->next;
        refund(budget, b->size);
        free(b);
        b = next;
    }
}

void kw_arena_free(kw_arena *arena)
{
    if (arena != NULL) {
        free_blocks(arena->budget, arena->first);
        free(arena);
    }
}

void kw_arena_reset(kw_arena *arena)
{
    free_blocks(arena->budget, arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->last = arena->first;
    arena->total = arena->first->size;
    arena->used = 0;
}

size_t kw_arena_used(const kw_arena *arena)
{
    return arena->used;
}

/* A block that holds `size`, doubling up to BLOCK_MAX, within the limit. */
static bool grow(kw_arena *arena, size_t size)
{
    const size_t left = arena->limit - arena->total;
    size_t want = arena->last->size < BLOCK_MAX / 2 ? arena->last->size * 2 : BLOCK_MAX;
    want = want < size ? size : want;
    want = want > left ? left : want;
    block *b = want >= size ? new_block(arena->budget, want) : NULL;
    if (b == NULL) {
        return false;
    }
    arena->last->next = b;
    arena->last = b;
    arena->total += want;
    return true;
}

void *kw_arena_alloc(kw_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    const size_t rounded = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (arena->last->size - arena->last->used < rounded && !grow(arena, rounded)) {
        return NULL;
    }
    uint8_t *p = arena->last->data + arena->last->used;
    arena->last->used += rounded;
    arena->used += rounded;
    memset(p, 0, rounded);
    return p;
}

void *kw_arena_array(kw_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : kw_arena_alloc(arena, bytes);
}

kw_bytes kw_arena_copy(kw_arena *arena, kw_bytes bytes)
{
    if (bytes.data == NULL) {
        return KW_BYTES_NULL;
    }
    uint8_t *p = kw_arena_alloc(arena, bytes.len);
    if (p == NULL) {
        return KW_BYTES_NULL;
    }
    memcpy(p, bytes.data, bytes.len);
    return (kw_bytes){p, bytes.len};
}

char *kw_arena_cstring(kw_arena *arena, kw_string s)
{
    char *p = s.len < SIZE_MAX ? kw_arena_alloc(arena, s.len + 1) : NULL;
    if (p != NULL && s.len > 0) {
        memcpy(p, s.data, s.len);
    }
    return p;
}

kw_string kw_arena_format(kw_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = len >= 0 ? kw_arena_alloc(arena, (size_t)len + 1) : NULL;
    if (p != NULL) {
        vsnprintf(p, (size_t)len + 1, format, again);
    }
    va_end(again);
    return p != NULL ? (kw_string){(const uint8_t *)p, (size_t)len} : KW_BYTES_NULL;
}
