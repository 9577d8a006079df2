/* Reading attributes. OPC 10000-3, 5. */
#include "base/try.h"
#include "space/locale.h"
#include "space/space_internal.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#include <string.h>

enum {
    NODE_ID = 1,
    NODE_CLASS,
    BROWSE_NAME,
    DISPLAY_NAME,
    DESCRIPTION,
    WRITE_MASK,
    USER_WRITE_MASK,
    IS_ABSTRACT,
    SYMMETRIC,
    INVERSE_NAME,
    CONTAINS_NO_LOOPS,
    EVENT_NOTIFIER,
    VALUE,
    DATA_TYPE,
    VALUE_RANK,
    ARRAY_DIMENSIONS,
    ACCESS_LEVEL,
    USER_ACCESS_LEVEL,
    MINIMUM_SAMPLING_INTERVAL,
    HISTORIZING,
    EXECUTABLE,
    USER_EXECUTABLE,
    DATA_TYPE_DEFINITION,
    ROLE_PERMISSIONS,
    USER_ROLE_PERMISSIONS,
    ACCESS_RESTRICTIONS,
    ACCESS_LEVEL_EX
};

#define ALL_CLASSES 0xFFu
#define VALUES (KW_NODE_CLASS_VARIABLE | KW_NODE_CLASS_VARIABLE_TYPE)
#define TYPES (KW_NODE_CLASS_OBJECT_TYPE | KW_NODE_CLASS_VARIABLE_TYPE | KW_NODE_CLASS_REFERENCE_TYPE | KW_NODE_CLASS_DATA_TYPE)
#define ACCESS_READ 1u
#define ACCESS_WRITE 2u
#define ACCESS_WRITE_STATUS 0x20u
#define ACCESS_WRITE_TIMESTAMP 0x40u
/* Bits of WriteMask. OPC 10000-3, 8.60. */
#define WRITE_MASK_ROLE_PERMISSIONS (1u << 23)
#define WRITE_MASK_ACCESS_RESTRICTIONS (1u << 24)

/* In which NodeClasses an attribute exists, by its id. */
static const uint8_t CLASSES[ACCESS_LEVEL_EX + 1] = {
    [NODE_ID] = ALL_CLASSES,
    [NODE_CLASS] = ALL_CLASSES,
    [BROWSE_NAME] = ALL_CLASSES,
    [DISPLAY_NAME] = ALL_CLASSES,
    [DESCRIPTION] = ALL_CLASSES,
    [WRITE_MASK] = ALL_CLASSES,
    [USER_WRITE_MASK] = ALL_CLASSES,
    [IS_ABSTRACT] = TYPES,
    [SYMMETRIC] = KW_NODE_CLASS_REFERENCE_TYPE,
    [INVERSE_NAME] = KW_NODE_CLASS_REFERENCE_TYPE,
    [CONTAINS_NO_LOOPS] = KW_NODE_CLASS_VIEW,
    [EVENT_NOTIFIER] = KW_NODE_CLASS_OBJECT | KW_NODE_CLASS_VIEW,
    [VALUE] = VALUES,
    [DATA_TYPE] = VALUES,
    [VALUE_RANK] = VALUES,
    [ARRAY_DIMENSIONS] = VALUES,
    [ACCESS_LEVEL] = KW_NODE_CLASS_VARIABLE,
    [USER_ACCESS_LEVEL] = KW_NODE_CLASS_VARIABLE,
    [MINIMUM_SAMPLING_INTERVAL] = KW_NODE_CLASS_VARIABLE,
    [HISTORIZING] = KW_NODE_CLASS_VARIABLE,
    [EXECUTABLE] = KW_NODE_CLASS_METHOD,
    [USER_EXECUTABLE] = KW_NODE_CLASS_METHOD,
    [DATA_TYPE_DEFINITION] = KW_NODE_CLASS_DATA_TYPE,
    [ROLE_PERMISSIONS] = ALL_CLASSES,
    [USER_ROLE_PERMISSIONS] = ALL_CLASSES,
    [ACCESS_RESTRICTIONS] = ALL_CLASSES,
    [ACCESS_LEVEL_EX] = KW_NODE_CLASS_VARIABLE,
};

/* --- values of attributes --------------------------------------------------------------------------------------------------- */

/* A scalar in the arena. */
static kw_status put(kw_arena *arena, kw_builtin type, const void *value, kw_data_value *out)
{
    const size_t size = kw_type_builtin(type)->size;
    void *copy = kw_arena_alloc(arena, size);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(copy, value, size);
    out->has_value = true;
    out->value = kw_variant_scalar(type, copy);
    return KW_GOOD;
}

static kw_status put_u32(kw_arena *arena, uint32_t v, kw_data_value *out)
{
    return put(arena, KW_BUILTIN_UINT32, &v, out);
}

static kw_status put_i32(kw_arena *arena, int32_t v, kw_data_value *out)
{
    return put(arena, KW_BUILTIN_INT32, &v, out);
}

static kw_status put_byte(kw_arena *arena, uint32_t v, kw_data_value *out)
{
    const uint8_t byte = (uint8_t)v;
    return put(arena, KW_BUILTIN_BYTE, &byte, out);
}

static kw_status put_bool(kw_arena *arena, bool v, kw_data_value *out)
{
    return put(arena, KW_BUILTIN_BOOLEAN, &v, out);
}

static kw_status put_text(const kw_space *space, const kw_access *access, kw_localized_text text, kw_arena *arena, kw_data_value *out)
{
    const kw_localized_text chosen = kw_space_localize(space, access, text);
    return put(arena, KW_BUILTIN_LOCALIZED_TEXT, &chosen, out);
}

/* --- Variables ---------------------------------------------------------------------------------------------------------------- */

static kw_node_id data_type_of(const kw_space *space, const kw_node_ref *node)
{
    if (node->table == NULL) {
        const kw_node *data_type = kw_nodes_at(&space->store, node->own->data_type);
        return data_type != NULL ? data_type->id : KW_NODE_ID_NULL;
    }
    return KW_NODE_ID(node->table->data_type_model == KW_MODEL_GDS ? space->gds : 0, node->table->data_type);
}

static const kw_node_more *more_of(const kw_node_ref *node)
{
    return node->own != NULL ? node->own->more : NULL;
}

static const kw_live_value *live_of(const kw_node_ref *node)
{
    return node->own != NULL ? node->own->live : NULL;
}

static bool has_flag(const kw_node_ref *node, uint8_t flag)
{
    return node->table == NULL && (node->own->flags & flag) != 0;
}

/* What the table allows counts only where something here can carry it out. */
static uint32_t access_level_of(const kw_node_ref *node)
{
    const kw_live_value *live = live_of(node);
    if (node->table == NULL) {
        return node->own != NULL ? node->own->access_level : 0;
    }
    const bool takes_writes = live != NULL && (live->write != NULL || live->write_later != NULL);
    return (node->table->access_level & ACCESS_READ) | (takes_writes ? ACCESS_WRITE : 0u);
}

static uint8_t user_access_level_of(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    const uint32_t permissions = kw_node_permissions(space, access, node);
    const uint32_t writes = ACCESS_WRITE | ACCESS_WRITE_STATUS | ACCESS_WRITE_TIMESTAMP;
    const uint32_t allowed =
        ((permissions & KW_PERMISSION_READ) != 0 ? ACCESS_READ : 0u) | ((permissions & KW_PERMISSION_WRITE) != 0 ? writes : 0u);
    return (uint8_t)(access_level_of(node) & allowed);
}

bool kw_node_is_abstract(const kw_node_ref *node)
{
    return node->table != NULL ? node->table->is_abstract : has_flag(node, NODE_IS_ABSTRACT);
}

void kw_node_value_type(const kw_space *space, const kw_node_ref *node, kw_node_id *data_type, int32_t *value_rank)
{
    *data_type = data_type_of(space, node);
    *value_rank = node->table != NULL ? node->table->value_rank : node->own->value_rank;
}

static kw_status read_stored(const kw_stored_value *stored, kw_arena *arena, kw_data_value *out)
{
    KW_TRY(kw_ua_decode_all((kw_bytes){stored->bytes, stored->len}, arena, NULL, kw_type_builtin(KW_BUILTIN_VARIANT), &out->value));
    out->has_value = true;
    out->has_status = stored->status != KW_GOOD;
    out->status = stored->status;
    out->has_source_timestamp = true;
    out->source_timestamp = stored->written;
    return KW_GOOD;
}

/* That it may be read is clear already. */
static kw_status read_value(kw_space *space, const kw_access *access, const kw_node_ref *node, kw_arena *arena, kw_data_value *out)
{
    const bool is_variable = kw_node_class_of(node) == KW_NODE_CLASS_VARIABLE;
    if (node->instances != NULL) {
        KW_TRY(kw_instance_read(node, arena, out));
    } else if (live_of(node) != NULL && live_of(node)->read != NULL) {
        KW_TRY(live_of(node)->read(live_of(node)->ctx, access, arena, out));
    } else if (node->own != NULL && node->own->behind.value != NULL) {
        KW_TRY(read_stored(node->own->behind.value, arena, out));
    } else if (node->table != NULL) { /* a Variable of an optional part that is not here has a null value */
        out->has_value = true;
        KW_TRY(kw_nodeset_value(node->table, space->gds, arena, &out->value));
        out->has_source_timestamp = is_variable;
        out->source_timestamp = space->started;
    } else if (is_variable) { /* nobody has given it one */
        out->has_value = true;
    } else {
        return KW_BAD_ATTRIBUTE_ID_INVALID; /* optional for a VariableType */
    }
    if (is_variable && !out->has_server_timestamp) {
        out->has_server_timestamp = true;
        out->server_timestamp = kw_clock_utc(space->clock);
    }
    if (is_variable && !out->has_source_timestamp) {
        out->has_source_timestamp = true;
        out->source_timestamp = out->server_timestamp;
    }
    return KW_GOOD;
}

static kw_status read_dimensions(const kw_node_ref *node, kw_arena *arena, kw_data_value *out)
{
    const kw_node_more *more = more_of(node);
    const uint32_t *given = node->table != NULL ? kw_nodeset_node_dimensions(node->table) : more != NULL ? more->dimensions : NULL;
    const size_t count = node->table != NULL ? node->table->dimension_count : more != NULL ? more->dimension_count : 0;
    out->has_value = true;
    out->value = KW_VARIANT_NULL;
    if (count == 0) {
        return KW_GOOD;
    }
    uint32_t *copy = KW_ARENA_ARRAY(arena, uint32_t, count);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(copy, given, count * sizeof(uint32_t));
    out->value = kw_variant_array(KW_BUILTIN_UINT32, copy, count);
    return KW_GOOD;
}

/* --- permissions as attributes --------------------------------------------------------------------------------------------------- */

/* As it is in force: inherited, or the default of the namespace, where the node says nothing itself. */
static kw_status read_permissions(const kw_space *space, const kw_node_ref *node, const kw_identity *whose, kw_arena *arena,
                                  kw_data_value *out)
{
    kw_permission_list list;
    kw_node_permission_list(space, node, &list);
    out->has_value = true;
    return kw_permission_list_value(&list, whose, arena, &out->value);
}

static kw_status read_restrictions(const kw_space *space, const kw_node_ref *node, kw_arena *arena, kw_data_value *out)
{
    const uint16_t value = kw_node_restriction_source(space, node).restrictions;
    return put(arena, KW_BUILTIN_UINT16, &value, out);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------- */

static bool is_executable(const kw_space *space, const kw_node_ref *node)
{
    kw_node_id owner;
    kw_node_ref ref;
    if (node->own != NULL && node->own->behind.method != NULL && node->own->behind.method->call != NULL) {
        return true;
    }
    /* A Method of an ObjectType is a description. */
    return kw_space_target(space, node, KW_ID_HAS_COMPONENT, false, &owner) && kw_space_find(space, &owner, &ref) &&
           kw_node_class_of(&ref) == KW_NODE_CLASS_OBJECT_TYPE;
}

static kw_status read_definition(const kw_space *space, const kw_node_ref *node, kw_arena *arena, kw_data_value *out)
{
    kw_extension_object definition = {.type = NULL};
    if (node->table != NULL) {
        KW_TRY(kw_nodeset_definition(node->table, space->gds, arena, &definition));
    } else if (more_of(node) != NULL && more_of(node)->definition != NULL) {
        KW_TRY(kw_ua_decode_all((kw_bytes){more_of(node)->definition, more_of(node)->definition_len}, arena, NULL,
                                kw_type_builtin(KW_BUILTIN_EXTENSION_OBJECT), &definition));
    }
    if (definition.type == NULL && definition.encoding == KW_EXTENSION_NONE) {
        return KW_BAD_ATTRIBUTE_ID_INVALID; /* optional, and this DataType has none */
    }
    return put(arena, KW_BUILTIN_EXTENSION_OBJECT, &definition, out);
}

static kw_status read_of_variable(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_arena *arena,
                                  kw_data_value *out)
{
    const kw_nodeset_node *table = node->table;
    const kw_node_id data_type = data_type_of(space, node);
    const double interval = has_flag(node, NODE_TIMED) ? more_of(node)->minimum_sampling_interval : 0;
    switch (attribute) {
    case DATA_TYPE:
        return put(arena, KW_BUILTIN_NODE_ID, &data_type, out);
    case VALUE_RANK:
        return put_i32(arena, table != NULL ? table->value_rank : node->own->value_rank, out);
    case ARRAY_DIMENSIONS:
        return read_dimensions(node, arena, out);
    case ACCESS_LEVEL:
        return put_byte(arena, access_level_of(node), out);
    case USER_ACCESS_LEVEL:
        return put_byte(arena, user_access_level_of(space, access, node), out);
    case ACCESS_LEVEL_EX:
        return put_u32(arena, access_level_of(node), out);
    case MINIMUM_SAMPLING_INTERVAL:
        return put(arena, KW_BUILTIN_DOUBLE, &interval, out);
    default: /* HISTORIZING */
        return put_bool(arena, has_flag(node, NODE_HISTORIZING), out);
    }
}

static kw_localized_text inverse_name_of(const kw_node_ref *node)
{
    if (node->table != NULL) {
        return (kw_localized_text){KW_STRING(KW_LOCALE_OWN), kw_nodeset_text(node->table->inverse_name)};
    }
    return more_of(node) != NULL ? more_of(node)->inverse_name : (kw_localized_text){KW_BYTES_NULL, KW_BYTES_NULL};
}

/* Of ns 0, all events come from the Server Object: SubscribeToEvents. */
static uint8_t event_notifier_of(const kw_node_ref *node)
{
    if (node->table != NULL) {
        return kw_node_id_equal(&node->id, &KW_NODE_ID(0, KW_ID_SERVER)) ? 1 : 0;
    }
    return node->own->event_notifier;
}

static kw_status read_of_class(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_arena *arena,
                               kw_data_value *out)
{
    const kw_nodeset_node *table = node->table;
    switch (attribute) {
    case IS_ABSTRACT:
        return put_bool(arena, kw_node_is_abstract(node), out);
    case SYMMETRIC:
        return put_bool(arena, table != NULL ? table->is_symmetric : has_flag(node, NODE_IS_SYMMETRIC), out);
    case INVERSE_NAME:
        return put_text(space, access, inverse_name_of(node), arena, out);
    case CONTAINS_NO_LOOPS:
        return put_bool(arena, !has_flag(node, NODE_HAS_LOOPS), out);
    case EVENT_NOTIFIER:
        return put_byte(arena, event_notifier_of(node), out);
    case EXECUTABLE:
        return put_bool(arena, is_executable(space, node), out);
    case USER_EXECUTABLE:
        return put_bool(arena, is_executable(space, node) && (kw_node_permissions(space, access, node) & KW_PERMISSION_CALL) != 0, out);
    case DATA_TYPE_DEFINITION:
        return read_definition(space, node, arena, out);
    default:
        return read_of_variable(space, access, node, attribute, arena, out);
    }
}

static kw_localized_text description_of(const kw_node_ref *node)
{
    const kw_node_more *more = more_of(node);
    return more != NULL ? more->description : (kw_localized_text){KW_BYTES_NULL, KW_BYTES_NULL};
}

/* What is made when somebody looks keeps nothing. */
/* What was asked for counts only where something here can carry it out. */
static uint32_t write_mask_of(const kw_node_ref *node)
{
    const uint32_t texts = KW_WRITE_MASK_DESCRIPTION | KW_WRITE_MASK_DISPLAY_NAME |
                           (kw_node_class_of(node) == KW_NODE_CLASS_REFERENCE_TYPE ? KW_WRITE_MASK_INVERSE_NAME : 0u);
    const bool is_own = node->table == NULL && node->instances == NULL;
    const uint32_t given = is_own && more_of(node) != NULL ? more_of(node)->write_mask & texts : 0;
    return node->instances == NULL ? given | WRITE_MASK_ROLE_PERMISSIONS | WRITE_MASK_ACCESS_RESTRICTIONS : given;
}

static uint32_t user_write_mask_of(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    const uint32_t permissions = kw_node_permissions(space, access, node);
    const uint32_t allowed = ((permissions & KW_PERMISSION_WRITE_ROLE_PERMISSIONS) != 0 ? WRITE_MASK_ROLE_PERMISSIONS : 0u) |
                             ((permissions & KW_PERMISSION_WRITE_ATTRIBUTE) != 0 ? ~WRITE_MASK_ROLE_PERMISSIONS : 0u);
    return write_mask_of(node) & allowed;
}

static kw_status read_common(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_arena *arena,
                             kw_data_value *out)
{
    const kw_qualified_name browse_name = kw_node_browse_name(space, node);
    switch (attribute) {
    case NODE_ID:
        return put(arena, KW_BUILTIN_NODE_ID, &node->id, out);
    case NODE_CLASS:
        return put_i32(arena, kw_node_class_of(node), out);
    case BROWSE_NAME:
        return put(arena, KW_BUILTIN_QUALIFIED_NAME, &browse_name, out);
    case DISPLAY_NAME:
        return put_text(space, access, kw_node_display_name(space, node), arena, out);
    case DESCRIPTION:
        return put_text(space, access, description_of(node), arena, out);
    case WRITE_MASK:
        return put_u32(arena, write_mask_of(node), out);
    case USER_WRITE_MASK:
        return put_u32(arena, user_write_mask_of(space, access, node), out);
    case USER_ROLE_PERMISSIONS:
        return read_permissions(space, node, access->identity, arena, out);
    case ACCESS_RESTRICTIONS:
        return read_restrictions(space, node, arena, out);
    default:
        return read_of_class(space, access, node, attribute, arena, out);
    }
}

/* The permission that reading an attribute asks for. */
static uint32_t right_to_read(uint32_t attribute)
{
    return attribute == VALUE              ? KW_PERMISSION_READ
           : attribute == ROLE_PERMISSIONS ? KW_PERMISSION_READ_ROLE_PERMISSIONS
                                           : KW_PERMISSION_BROWSE;
}

static bool has_attribute(const kw_node_ref *node, uint32_t attribute)
{
    return attribute >= NODE_ID && attribute <= ACCESS_LEVEL_EX && (CLASSES[attribute] & kw_node_class_of(node)) != 0;
}

/*
 * May these eyes learn what the node is like, apart from what it holds? For who has `right` it is no secret, nor for who may browse.
 * Otherwise the answer is what it is for a node of which one may know nothing.
 */
static kw_status check_known(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t right)
{
    const bool has_right = (kw_node_permissions(space, access, node) & right) != 0;
    return has_right || kw_node_is_visible(space, access, node) ? KW_GOOD : kw_node_check(space, access, node, right);
}

kw_status kw_node_read(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_arena *arena,
                       kw_data_value *out)
{
    *out = (kw_data_value){.has_value = false};
    KW_TRY(check_known(space, access, node, right_to_read(attribute)));
    if (!has_attribute(node, attribute)) {
        return KW_BAD_ATTRIBUTE_ID_INVALID;
    }
    if (attribute == VALUE && kw_node_class_of(node) == KW_NODE_CLASS_VARIABLE && (access_level_of(node) & ACCESS_READ) == 0) {
        return KW_BAD_NOT_READABLE;
    }
    KW_TRY(kw_node_check(space, access, node, right_to_read(attribute)));
    if (attribute == VALUE) {
        KW_TRY(read_value(space, access, node, arena, out));
        return kw_space_localize_value(space, access, arena, &out->value);
    }
    if (attribute == ROLE_PERMISSIONS) {
        return read_permissions(space, node, NULL, arena, out);
    }
    return read_common(space, access, node, attribute, arena, out);
}

/* --- writing -------------------------------------------------------------------------------------------------------------------------- */

static kw_status whole_value(kw_space *space, const kw_access *access, const kw_node_ref *node, kw_string range, const kw_data_value *given,
                             kw_arena *arena, kw_data_value *out)
{
    *out = *given;
    if (range.len == 0) {
        return KW_GOOD;
    }
    kw_data_value current = {.has_value = false};
    KW_TRY(read_value(space, access, node, arena, &current));
    return kw_range_replace(range, &current.value, &given->value, arena, &out->value);
}

/* Status and timestamps, where the Variable keeps those of who writes. Its own server is who says when it came. */
static kw_status check_extras(const kw_node_ref *node, uint32_t attribute, const kw_data_value *value)
{
    const uint32_t level = attribute == VALUE ? access_level_of(node) : 0;
    const bool is_own = node->own != NULL && node->own->live == NULL; /* callbacks get the value alone */
    if (value->has_status && value->status != KW_GOOD && (!is_own || (level & ACCESS_WRITE_STATUS) == 0)) {
        return KW_BAD_WRITE_NOT_SUPPORTED;
    }
    if (value->has_source_timestamp && (!is_own || (level & ACCESS_WRITE_TIMESTAMP) == 0)) {
        return KW_BAD_WRITE_NOT_SUPPORTED;
    }
    return value->has_server_timestamp ? KW_BAD_WRITE_NOT_SUPPORTED : KW_GOOD;
}

/* The permission that writing an attribute asks for. OPC 10000-3, 8.55. */
static uint32_t right_to_write(uint32_t attribute)
{
    switch (attribute) {
    case VALUE:
        return KW_PERMISSION_WRITE;
    case ROLE_PERMISSIONS:
        return KW_PERMISSION_WRITE_ROLE_PERMISSIONS;
    case HISTORIZING:
        return KW_PERMISSION_WRITE_HISTORIZING;
    default:
        return KW_PERMISSION_WRITE_ATTRIBUTE;
    }
}

static bool is_right(uint32_t attribute)
{
    return attribute == ROLE_PERMISSIONS || attribute == ACCESS_RESTRICTIONS;
}

/* Its bit in WriteMask; 0: it is no text. */
static uint32_t text_bit(uint32_t attribute)
{
    return attribute == DISPLAY_NAME   ? KW_WRITE_MASK_DISPLAY_NAME
           : attribute == DESCRIPTION  ? KW_WRITE_MASK_DESCRIPTION
           : attribute == INVERSE_NAME ? KW_WRITE_MASK_INVERSE_NAME
                                       : 0;
}

static bool is_writable(const kw_node_ref *node, uint32_t attribute)
{
    if (text_bit(attribute) != 0) {
        return (write_mask_of(node) & text_bit(attribute)) != 0;
    }
    if (is_right(attribute)) {
        return write_mask_of(node) != 0;
    }
    return attribute == VALUE && kw_node_class_of(node) == KW_NODE_CLASS_VARIABLE && (access_level_of(node) & ACCESS_WRITE) != 0;
}

/* Everything that stands between a Write and the attribute. */
static kw_status check_write(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute,
                             const kw_data_value *value)
{
    KW_TRY(check_known(space, access, node, right_to_write(attribute))); /* who may not see it learns nothing from the answers below */
    if (!has_attribute(node, attribute)) {
        return KW_BAD_ATTRIBUTE_ID_INVALID;
    }
    if (!is_writable(node, attribute)) {
        return KW_BAD_NOT_WRITABLE;
    }
    KW_TRY(kw_node_check(space, access, node, right_to_write(attribute)));
    KW_TRY(check_extras(node, attribute, value));
    return value->has_value ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

/* *whole: what the Value is to be from now on. */
static kw_status new_value(kw_space *space, const kw_access *access, const kw_node_ref *node, kw_string index_range,
                           const kw_data_value *value, kw_arena *arena, kw_data_value *whole)
{
    KW_TRY(whole_value(space, access, node, index_range, value, arena, whole));
    const kw_node_id data_type = data_type_of(space, node);
    const int32_t rank = node->table != NULL ? node->table->value_rank : node->own->value_rank;
    return kw_value_fits(&whole->value, &data_type, rank) ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

kw_status kw_node_write(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_string index_range,
                        const kw_data_value *value, kw_arena *arena)
{
    kw_data_value whole;
    KW_TRY(check_write(space, access, node, attribute, value));
    if (is_right(attribute)) {
        return index_range.len > 0 ? KW_BAD_WRITE_NOT_SUPPORTED
                                   : kw_node_write_rights(space, node, attribute == ROLE_PERMISSIONS, &value->value, arena);
    }
    if (text_bit(attribute) != 0) {
        return index_range.len > 0 ? KW_BAD_WRITE_NOT_SUPPORTED : kw_node_write_text(node, text_bit(attribute), &value->value);
    }
    KW_TRY(new_value(space, access, node, index_range, value, arena, &whole));
    const kw_live_value *live = live_of(node);
    if (node->own == NULL || (live != NULL && live->write_later != NULL)) { /* only kw_node_write_start can wait */
        return KW_BAD_NOT_SUPPORTED;
    }
    if (live != NULL && live->write != NULL) {
        return live->write(live->ctx, access, &whole);
    }
    if (!whole.has_source_timestamp) {
        whole.source_timestamp = kw_clock_utc(space->clock);
    }
    whole.status = whole.has_status ? whole.status : KW_GOOD;
    return kw_node_store_value((kw_node *)node->own, &whole);
}

kw_status kw_node_write_start(kw_space *space, const kw_node_ref *node, uint32_t attribute, kw_string index_range,
                              const kw_data_value *value, kw_write *write)
{
    const kw_live_value *live = live_of(node);
    if (attribute != VALUE || live == NULL || live->write_later == NULL) {
        return kw_node_write(space, write->access, node, attribute, index_range, value, write->arena);
    }
    KW_TRY(kw_ua_copy(write->arena, kw_type_builtin(KW_BUILTIN_NODE_ID), &node->id, &write->node_id)); /* the node may go before */
    KW_TRY(check_write(space, write->access, node, attribute, value));
    KW_TRY(new_value(space, write->access, node, index_range, value, write->arena, &write->value));
    live->write_later(live->ctx, write);
    return KW_GOOD_COMPLETES_ASYNCHRONOUSLY;
}
