/**
 * A borrowed run of bytes, used for String, ByteString and XmlElement alike.
 *
 * data == NULL is the null value of the standard; data != NULL with len == 0 is the empty one.
 * A kw_string holds UTF-8 and is not terminated. Nothing here owns memory: each structure says what it borrows from.
 */
#ifndef KEYWAY_BYTES_H
#define KEYWAY_BYTES_H

#include <keyway/status.h>

#include <stddef.h>

typedef struct kw_bytes {
    const uint8_t *data;
    size_t len;
} kw_bytes;

typedef kw_bytes kw_string;

#define KW_BYTES_NULL ((kw_bytes){NULL, 0})
/** A kw_string of a literal. */
#define KW_STRING(literal) ((kw_string){(const uint8_t *)("" literal), sizeof(literal) - 1})
/** For printf's "%.*s". */
#define KW_STRING_ARGS(s) ((int)(s).len), ((s).data != NULL ? (const char *)(s).data : "")

/** Borrow a C string; NULL becomes the null String. */
KW_API kw_string kw_string_from(const char *text);
/** Null and empty are equal here; compare data for NULL where the difference matters. Not constant time: see kw_secret_equal. */
KW_API bool kw_bytes_equal(kw_bytes a, kw_bytes b);
KW_API bool kw_string_equals(kw_string s, const char *text);
/** Shorter first, then memcmp order; <0, 0, >0. */
KW_API int kw_bytes_compare(kw_bytes a, kw_bytes b);
static inline bool kw_bytes_is_empty(kw_bytes b)
{
    return b.len == 0;
}
/** Strict UTF-8 (no overlong forms, surrogates, or code points past U+10FFFF); with allow_nul false an embedded NUL is refused too. */
KW_API bool kw_utf8_is_valid(kw_string s, bool allow_nul);

#endif
