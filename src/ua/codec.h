/*
 * UA binary: encode and decode any described type.
 *
 * Decoding is zero-copy for String, ByteString and XmlElement (they borrow from the message) and takes all other memory from
 * the arena. Every length is compared with the bytes left and with the limits before anything is allocated; nesting of Variant,
 * DataValue, ExtensionObject and DiagnosticInfo together is bounded. OPC 10000-6, 5.2.
 */
#ifndef KW_UA_CODEC_H
#define KW_UA_CODEC_H

#include "base/arena.h"
#include "base/cursor.h"

#include <keyway/types.h>

typedef struct kw_ua_limits {
    uint32_t max_string;  /* bytes of a String, ByteString or XmlElement */
    uint32_t max_array;   /* elements of any array */
    uint32_t max_nesting; /* levels; the 101st is refused by default */
} kw_ua_limits;

/* max_string 16 MiB, max_array 1,000,000, max_nesting 100. */
extern const kw_ua_limits KW_UA_LIMITS_DEFAULT;

/*
 * Decode one value of `type` from `r` into *out (type->size bytes). ExtensionObjects whose encoding id is known are decoded in
 * place (a malformed body is an error); others stay opaque. Limits NULL: the default ones. *out is undefined on failure.
 * Bad_DecodingError (malformed), Bad_EncodingLimitsExceeded (a limit, or the arena is full).
 */
kw_status kw_ua_decode(kw_reader *r, kw_arena *arena, const kw_ua_limits *limits, const kw_type *type, void *out);
/* The same, and the bytes must be used up exactly: Bad_DecodingError otherwise. */
kw_status kw_ua_decode_all(kw_bytes bytes, kw_arena *arena, const kw_ua_limits *limits, const kw_type *type, void *out);

/* Append. Returns the writer's status: Bad_EncodingLimitsExceeded when its maximum (or the nesting) is reached. */
kw_status kw_ua_encode(kw_writer *w, const kw_type *type, const void *value);
/* A message body: the NodeId of the binary encoding, then the structure. */
kw_status kw_ua_encode_message(kw_writer *w, const kw_type *type, const void *value);
/* The leading NodeId of a message body. A type that is not numeric ns 0 yields KW_GOOD and id 0. */
kw_status kw_ua_decode_message_id(kw_reader *r, kw_arena *arena, uint32_t *binary_id);

/* A deep copy into the arena, borrowing nothing. Bad_EncodingLimitsExceeded / Bad_OutOfMemory when the arena is full. */
kw_status kw_ua_copy(kw_arena *arena, const kw_type *type, const void *value, void *out);
/* Same value, deeply; null and empty strings and arrays differ. */
bool kw_ua_equal(const kw_type *type, const void *a, const void *b);

/* Wrap a structure (borrowed) so that it can travel in a Variant or an ExtensionObject field. */
kw_extension_object kw_extension_object_of(const kw_type *type, const void *value);
/* The decoded body if it is of this type, else NULL. */
const void *kw_extension_object_get(const kw_extension_object *object, const kw_type *type);

#endif
