/* What the files of the codec share. */
#ifndef KW_UA_CODEC_INTERNAL_H
#define KW_UA_CODEC_INTERNAL_H

#include "ua/codec.h"

/* Highest rank of a matrix that we take: real ones have three at most. */
#define KW_VARIANT_MAX_DIMENSIONS 32u

enum { KW_VARIANT_TYPE_MASK = 0x3F, KW_VARIANT_HAS_DIMENSIONS = 0x40, KW_VARIANT_IS_ARRAY = 0x80 };
enum { KW_NODE_ID_TWO_BYTE = 0, KW_NODE_ID_FOUR_BYTE = 1, KW_NODE_ID_NUMERIC_FULL = 2 }; /* the rest as in kw_node_id_kind */
enum { KW_NODE_ID_HAS_URI = 0x80, KW_NODE_ID_HAS_SERVER = 0x40 };
enum { KW_LOCALIZED_HAS_LOCALE = 1, KW_LOCALIZED_HAS_TEXT = 2 };
enum {
    KW_DATA_VALUE_HAS_VALUE = 0x01,
    KW_DATA_VALUE_HAS_STATUS = 0x02,
    KW_DATA_VALUE_HAS_SOURCE_TIMESTAMP = 0x04,
    KW_DATA_VALUE_HAS_SERVER_TIMESTAMP = 0x08,
    KW_DATA_VALUE_HAS_SOURCE_PICOSECONDS = 0x10,
    KW_DATA_VALUE_HAS_SERVER_PICOSECONDS = 0x20
};
enum {
    KW_DIAGNOSTIC_HAS_SYMBOLIC_ID = 0x01,
    KW_DIAGNOSTIC_HAS_NAMESPACE_URI = 0x02,
    KW_DIAGNOSTIC_HAS_LOCALIZED_TEXT = 0x04,
    KW_DIAGNOSTIC_HAS_LOCALE = 0x08,
    KW_DIAGNOSTIC_HAS_ADDITIONAL_INFO = 0x10,
    KW_DIAGNOSTIC_HAS_INNER_STATUS = 0x20,
    KW_DIAGNOSTIC_HAS_INNER = 0x40
};
#define KW_PICOSECONDS_MAX ((uint16_t)9999)

typedef struct kw_decoder {
    kw_reader *r; /* failures go here */
    kw_arena *arena;
    const kw_ua_limits *limits;
    uint32_t depth;
} kw_decoder;

/* One level deeper; false (and the reader failed) past the limit. Pair with d->depth--. */
bool kw_decoder_enter(kw_decoder *d);
/* Zeroed memory, or NULL and the reader failed. */
void *kw_decoder_alloc(kw_decoder *d, size_t count, size_t size);
/* A value into zeroed memory. */
void kw_decode_value(kw_decoder *d, const kw_type *type, void *out);
void kw_decode_array(kw_decoder *d, const kw_type *type, void **data, size_t *count);
void kw_decode_builtin(kw_decoder *d, kw_builtin type, void *out);
void kw_decode_node_id(kw_decoder *d, kw_node_id *out);
void kw_decode_expanded_node_id(kw_decoder *d, kw_expanded_node_id *out);
void kw_decode_variant(kw_decoder *d, kw_variant *out);
void kw_decode_extension_object(kw_decoder *d, kw_extension_object *out);
kw_bytes kw_decode_string(kw_decoder *d);

typedef struct kw_encoder {
    kw_writer *w; /* failures go here */
    uint32_t depth;
} kw_encoder;

bool kw_encoder_enter(kw_encoder *e);
void kw_encode_value(kw_encoder *e, const kw_type *type, const void *value);
void kw_encode_array(kw_encoder *e, const kw_type *type, const void *data, size_t count);
void kw_encode_builtin(kw_encoder *e, kw_builtin type, const void *value);
void kw_encode_node_id(kw_encoder *e, const kw_node_id *id);
void kw_encode_expanded_node_id(kw_encoder *e, const kw_expanded_node_id *id);
void kw_encode_variant(kw_encoder *e, const kw_variant *v);
void kw_encode_extension_object(kw_encoder *e, const kw_extension_object *object);

/* Is a value of this built-in type on the wire what it is in memory (on this machine)? Floats are not: NaN is made canonical. */
bool kw_builtin_is_plain(uint8_t builtin);
/* Do the dimensions, all above zero, multiply to the count? OPC 10000-6, 5.2.2.16; A-22. */
bool kw_dimensions_fit(const int32_t *dimensions, size_t dimension_count, size_t count);

#endif
