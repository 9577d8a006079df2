/*
 * Secrets: passwords, tokens, key material.
 *
 * A kw_secret owns its bytes: locked in memory where the system allows, left out of core dumps, wiped on clear.
 * It has no printer on purpose; logs take lengths at most. An owner that needed less room than it asked for may lower `len`.
 */
#ifndef KW_BASE_SECRET_H
#define KW_BASE_SECRET_H

#include <keyway/bytes.h>

typedef struct kw_secret {
    uint8_t *data;
    size_t len;
} kw_secret;

#define KW_SECRET_NONE ((kw_secret){NULL, 0})

kw_status kw_secret_init(kw_secret *s, size_t len); /* zeroed; Bad_OutOfMemory */
kw_status kw_secret_copy(kw_secret *s, kw_bytes bytes);
void kw_secret_clear(kw_secret *s); /* idempotent */
static inline kw_bytes kw_secret_bytes(const kw_secret *s)
{
    return (kw_bytes){s->data, s->len};
}
/* Time depends on the lengths only. */
bool kw_secret_equal(kw_bytes a, kw_bytes b);
void kw_wipe(void *data, size_t len);

#endif
