/* Values of any described type, made from a seed. */
#ifndef KW_TESTS_UA_RANDOM_H
#define KW_TESTS_UA_RANDOM_H

#include <keyway/arena.h>
#include <keyway/types.h>

typedef struct kw_ua_random {
    uint64_t state; /* the seed at first */
    kw_arena *arena;
    uint32_t depth; /* levels so far; deep values stay small */
} kw_ua_random;

uint32_t kw_ua_random_next(kw_ua_random *r);
/* Fill *out (type->size bytes). Every value can be encoded, and decodes to an equal one. */
void kw_ua_random_value(kw_ua_random *r, const kw_type *type, void *out);

#endif
