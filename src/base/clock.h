/* Time and randomness are parameters of the core, never globals. */
#ifndef KW_BASE_CLOCK_H
#define KW_BASE_CLOCK_H

#include <keyway/bytes.h>

/* 100 ns ticks since 1601-01-01T00:00Z, the DateTime of OPC UA. */
#define KW_TICKS_PER_MS ((int64_t)10000)
#define KW_TICKS_PER_S ((int64_t)10000000)
#define KW_TICKS_UNIX_EPOCH ((int64_t)116444736000000000)

typedef struct kw_clock {
    int64_t (*utc)(void *ctx);        /* DateTime ticks, wall clock, may jump */
    uint64_t (*monotonic)(void *ctx); /* milliseconds, never goes back: all timers and time-outs */
    void *ctx;
} kw_clock;

extern const kw_clock KW_CLOCK_SYSTEM;

static inline int64_t kw_clock_utc(const kw_clock *c)
{
    return c->utc(c->ctx);
}
static inline uint64_t kw_clock_ms(const kw_clock *c)
{
    return c->monotonic(c->ctx);
}
/* Seconds since 1970, for JWT and certificates; saturating both ways. */
int64_t kw_datetime_to_unix(int64_t ticks);
int64_t kw_datetime_from_unix(int64_t seconds);

typedef struct kw_random {
    /* Bad_UnexpectedError when the source fails: the caller gives up, it never goes on with weak bytes. Thread safe. */
    kw_status (*fill)(void *ctx, uint8_t *out, size_t len);
    void *ctx;
} kw_random;

/* getrandom(2). */
extern const kw_random KW_RANDOM_SYSTEM;

static inline kw_status kw_random_fill(const kw_random *r, uint8_t *out, size_t len)
{
    return r->fill(r->ctx, out, len);
}

#endif
