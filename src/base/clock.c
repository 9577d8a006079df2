#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t system_utc(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &t);
    return KW_TICKS_UNIX_EPOCH + (int64_t)t.tv_sec * KW_TICKS_PER_S + t.tv_nsec / 100;
}

static uint64_t system_monotonic(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const kw_clock KW_CLOCK_SYSTEM = {system_utc, system_monotonic, NULL};

int64_t kw_datetime_to_unix(int64_t ticks)
{
    /* Rounded towards the past, also before 1601. Any number of ticks is few enough seconds not to wrap. */
    const int64_t whole = ticks / KW_TICKS_PER_S - (ticks % KW_TICKS_PER_S < 0);
    return whole - KW_TICKS_UNIX_EPOCH / KW_TICKS_PER_S;
}

int64_t kw_datetime_from_unix(int64_t seconds)
{
    const int64_t epoch = KW_TICKS_UNIX_EPOCH / KW_TICKS_PER_S;
    if (seconds > INT64_MAX / KW_TICKS_PER_S - epoch) {
        return INT64_MAX;
    }
    if (seconds < INT64_MIN / KW_TICKS_PER_S - epoch) {
        return INT64_MIN;
    }
    return (seconds + epoch) * KW_TICKS_PER_S;
}

static kw_status system_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    while (len > 0) {
        const ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno != EINTR) {
            return KW_BAD_UNEXPECTED_ERROR;
        }
        out += got > 0 ? got : 0;
        len -= got > 0 ? (size_t)got : 0;
    }
    return KW_GOOD;
}

const kw_random KW_RANDOM_SYSTEM = {system_fill, NULL};
