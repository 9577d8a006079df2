/**
 * StatusCode: the error type of the whole library.
 *
 * A function that can fail returns a kw_status; results go out by pointer and are untouched on failure.
 * The codes themselves (KW_GOOD, KW_BAD_…) are generated from schema/status_codes.csv.
 *
 * OPC 10000-4, 7.39.
 */
#ifndef KEYWAY_STATUS_H
#define KEYWAY_STATUS_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t kw_status;

#include <keyway/status_codes.h> /* generated: #define KW_BAD_TIMEOUT ((kw_status)0x800A0000u), … */

#ifndef KW_API
#define KW_API __attribute__((visibility("default")))
#endif

/** Severity bits 31..30: 00 good, 01 uncertain, 10 bad. */
static inline bool kw_status_is_bad(kw_status status)
{
    return (status & 0x80000000u) != 0;
}

static inline bool kw_status_is_good(kw_status status)
{
    return (status & 0xC0000000u) == 0;
}

/** The symbolic name as the standard writes it ("Bad_Timeout"); "Bad_0x8…"-like text for a code it does not name. Static storage for named codes; for unknown ones a per-thread buffer. */
KW_API const char *kw_status_name(kw_status status);

/** The code with this symbolic name ("Bad_Timeout"); false, and *out untouched, when there is none. */
KW_API bool kw_status_from_name(const char *name, kw_status *out);

#endif
