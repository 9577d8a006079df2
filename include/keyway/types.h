/**
 * The built-in types of OPC UA, and the generated structures on top of them.
 *
 * Values borrow: strings and byte strings point into the message (or arena, or literal) they came from.
 * Naming of what is generated (from schema/, at build time, into <keyway/generated_types.h>):
 *   DataType CreateSessionRequest -> struct kw_create_session_request, descriptor KW_TYPE_CREATE_SESSION_REQUEST
 *   field NodesToRead             -> `size_t nodes_to_read_count; kw_read_value_id *nodes_to_read;` (an array)
 *   enumeration value             -> KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT; the type is `typedef int32_t kw_message_security_mode`
 *   optional field (mask)         -> a pointer, NULL when absent; an optional array is absent when its pointer is NULL
 *   union                         -> `uint32_t switch_value; union { … } value;` (0: none)
 * Derived structures repeat their base's fields first. NULL pointer with count 0 is the null array, any other pointer with count 0 the empty one.
 *
 * OPC 10000-6, 5.2; OPC 10000-3, 8.
 */
#ifndef KEYWAY_TYPES_H
#define KEYWAY_TYPES_H

#include <keyway/bytes.h>

typedef int64_t kw_date_time; /* 100 ns ticks since 1601-01-01 UTC; 0 not set */
#define KW_DATE_TIME_MAX INT64_MAX

typedef struct kw_guid {
    uint32_t data1;
    uint16_t data2, data3;
    uint8_t data4[8];
} kw_guid;

typedef enum kw_node_id_kind { KW_NODE_ID_NUMERIC = 0, KW_NODE_ID_STRING = 3, KW_NODE_ID_GUID = 4, KW_NODE_ID_OPAQUE = 5 } kw_node_id_kind;

typedef struct kw_node_id {
    uint16_t ns;
    uint8_t kind; /* kw_node_id_kind */
    union {
        uint32_t numeric;
        kw_string string; /* STRING; OPAQUE keeps its bytes here too */
        kw_guid guid;
    } id;
} kw_node_id;

#define KW_NODE_ID_NULL ((kw_node_id){0})
#define KW_NODE_ID(ns_, numeric_) ((kw_node_id){.ns = (uint16_t)(ns_), .kind = KW_NODE_ID_NUMERIC, .id.numeric = (numeric_)})
#define KW_NODE_ID_TEXT(ns_, literal_) ((kw_node_id){.ns = (uint16_t)(ns_), .kind = KW_NODE_ID_STRING, .id.string = KW_STRING(literal_)})

typedef struct kw_expanded_node_id {
    kw_node_id node_id;
    kw_string namespace_uri; /* null: node_id.ns counts */
    uint32_t server_index;   /* 0: the local server */
} kw_expanded_node_id;

typedef struct kw_qualified_name {
    uint16_t ns;
    kw_string name;
} kw_qualified_name;

typedef struct kw_localized_text {
    kw_string locale, text;
} kw_localized_text;

typedef struct kw_type kw_type;

/** Decoded when the type is known (type and value set), opaque otherwise (type_id, encoding and body as they came). */
typedef struct kw_extension_object {
    kw_node_id type_id; /* of the encoding (binary: …_Encoding_DefaultBinary); ignored on encode when type is set */
    enum { KW_EXTENSION_NONE = 0, KW_EXTENSION_BINARY = 1, KW_EXTENSION_XML = 2 } encoding;
    kw_bytes body;
    const kw_type *type;
    void *value;
} kw_extension_object;

/** The built-in type ids; they are also the first descriptors of the type table. */
typedef enum kw_builtin {
    KW_BUILTIN_NULL = 0,
    KW_BUILTIN_BOOLEAN = 1, /* bool */
    KW_BUILTIN_SBYTE = 2,
    KW_BUILTIN_BYTE = 3,
    KW_BUILTIN_INT16 = 4,
    KW_BUILTIN_UINT16 = 5,
    KW_BUILTIN_INT32 = 6,
    KW_BUILTIN_UINT32 = 7,
    KW_BUILTIN_INT64 = 8,
    KW_BUILTIN_UINT64 = 9,
    KW_BUILTIN_FLOAT = 10,
    KW_BUILTIN_DOUBLE = 11,
    KW_BUILTIN_STRING = 12,
    KW_BUILTIN_DATE_TIME = 13,
    KW_BUILTIN_GUID = 14,
    KW_BUILTIN_BYTE_STRING = 15,
    KW_BUILTIN_XML_ELEMENT = 16,
    KW_BUILTIN_NODE_ID = 17,
    KW_BUILTIN_EXPANDED_NODE_ID = 18,
    KW_BUILTIN_STATUS_CODE = 19,
    KW_BUILTIN_QUALIFIED_NAME = 20,
    KW_BUILTIN_LOCALIZED_TEXT = 21,
    KW_BUILTIN_EXTENSION_OBJECT = 22,
    KW_BUILTIN_DATA_VALUE = 23,
    KW_BUILTIN_VARIANT = 24,
    KW_BUILTIN_DIAGNOSTIC_INFO = 25
} kw_builtin;

/**
 * `data` points to one value of the C type of `type` when it is a scalar, to `count` of them when it is an array.
 * Enumerations travel as Int32, structures as ExtensionObject.
 */
typedef struct kw_variant {
    uint8_t type; /* kw_builtin; KW_BUILTIN_NULL: no value */
    bool is_array;
    size_t count; /* arrays only; a null array has data NULL */
    const void *data;
    size_t dimension_count; /* 0: no ArrayDimensions */
    const int32_t *dimensions;
} kw_variant;

#define KW_VARIANT_NULL ((kw_variant){0})

typedef struct kw_data_value {
    bool has_value, has_status, has_source_timestamp, has_server_timestamp, has_source_picoseconds, has_server_picoseconds;
    kw_variant value;
    kw_status status;
    kw_date_time source_timestamp, server_timestamp;
    uint16_t source_picoseconds, server_picoseconds;
} kw_data_value;

typedef struct kw_diagnostic_info kw_diagnostic_info;
struct kw_diagnostic_info {
    bool has_symbolic_id, has_namespace_uri, has_locale, has_localized_text, has_additional_info, has_inner_status_code;
    int32_t symbolic_id, namespace_uri, locale, localized_text; /* indexes into ResponseHeader.stringTable */
    kw_string additional_info;
    kw_status inner_status_code;
    kw_diagnostic_info *inner; /* NULL: none */
};

typedef enum kw_type_kind {
    KW_KIND_BUILTIN,
    KW_KIND_ENUM,
    KW_KIND_STRUCTURE,
    KW_KIND_OPTIONAL, /* structure with an UInt32 mask of optional fields first */
    KW_KIND_UNION
} kw_type_kind;

typedef struct kw_type_field {
    const char *name; /* as in the standard: "NodesToRead" */
    const kw_type *type;
    uint32_t offset;       /* of the value, or of the pointer when array or optional */
    uint32_t count_offset; /* arrays: of the size_t count */
    bool is_array;
    bool is_optional; /* bit number = order among the optional fields */
} kw_type_field;

/** A descriptor: constant data, one for each built-in type, enumeration and structure. */
struct kw_type {
    const char *name; /* as in the standard */
    uint8_t kind;     /* kw_type_kind */
    uint8_t
        builtin; /* the built-in type that it travels as in a Variant: its own, INT32 for enumerations, EXTENSION_OBJECT for structures */
    uint16_t field_count;
    uint32_t size;          /* sizeof the C type */
    uint32_t min_wire_size; /* the fewest bytes that one value takes on the wire (≥ 1 unless the structure has no fields) */
    uint32_t data_type_id;  /* ns 0 */
    uint32_t binary_id;     /* ns 0 id of the Default Binary encoding; 0: none */
    const kw_type_field *fields;
    const struct kw_enum_value {
        const char *name;
        int32_t value;
    } * enum_values; /* enumerations: ended by a NULL name */
};

/** Descriptor of a built-in type, NULL for KW_BUILTIN_NULL and past 25. */
KW_API const kw_type *kw_type_builtin(kw_builtin id);
/** The structure or enumeration with this ns 0 DataType id; NULL: unknown. */
KW_API const kw_type *kw_type_by_data_type(uint32_t data_type_id);
/** The structure whose Default Binary encoding has this ns 0 id; NULL: unknown. */
KW_API const kw_type *kw_type_by_binary_id(uint32_t binary_id);
/**
 * The built-in type that values of this ns 0 DataType are in a Variant: Double for Duration, Int32 for enumerations,
 * ExtensionObject for structures, Variant (any) for BaseDataType, Number, Integer and UInteger; KW_BUILTIN_NULL: unknown.
 */
KW_API kw_builtin kw_builtin_of_data_type(uint32_t data_type_id);
/** All descriptors that are generated (structures and enumerations), for tests and tools. */
KW_API size_t kw_type_count(void);
KW_API const kw_type *kw_type_at(size_t index);

#include <keyway/generated_types.h>

KW_API bool kw_guid_equal(const kw_guid *a, const kw_guid *b);
KW_API bool kw_node_id_equal(const kw_node_id *a, const kw_node_id *b);
KW_API bool kw_node_id_is_null(const kw_node_id *id);
KW_API bool kw_qualified_name_equal(const kw_qualified_name *a, const kw_qualified_name *b);

/** A scalar Variant that borrows *data. */
KW_API kw_variant kw_variant_scalar(kw_builtin type, const void *data);
KW_API kw_variant kw_variant_array(kw_builtin type, const void *data, size_t count);
/** The scalar of the wanted type, or NULL. */
KW_API const void *kw_variant_get(const kw_variant *v, kw_builtin type);

#endif
