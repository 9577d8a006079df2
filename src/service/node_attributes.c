/* NodeAttributes of AddNodes, as a description of a node. OPC 10000-4, 7.24. */
#include "base/try.h"
#include "service/node_management.h"

#include <keyway/node_ids.h>

enum { /* NodeAttributesMask */
       ACCESS_LEVEL = 1 << 0,
       ARRAY_DIMENSIONS = 1 << 1,
       CONTAINS_NO_LOOPS = 1 << 3,
       DATA_TYPE = 1 << 4,
       DESCRIPTION = 1 << 5,
       DISPLAY_NAME = 1 << 6,
       EVENT_NOTIFIER = 1 << 7,
       EXECUTABLE = 1 << 8,
       HISTORIZING = 1 << 9,
       INVERSE_NAME = 1 << 10,
       IS_ABSTRACT = 1 << 11,
       MINIMUM_SAMPLING_INTERVAL = 1 << 12,
       SYMMETRIC = 1 << 15,
       USER_ACCESS_LEVEL = 1 << 16,
       USER_EXECUTABLE = 1 << 17,
       USER_WRITE_MASK = 1 << 18,
       VALUE_RANK = 1 << 19,
       WRITE_MASK = 1 << 20,
       VALUE = 1 << 21
};

#define OF_ALL (DISPLAY_NAME | DESCRIPTION | WRITE_MASK | USER_WRITE_MASK)
#define OF_VALUES (VALUE | DATA_TYPE | VALUE_RANK | ARRAY_DIMENSIONS)
#define WRITE_MASK_BITS 0x3FFFFFFu
/* CurrentRead, CurrentWrite, StatusWrite, TimestampWrite: nobody keeps the history of such a node. */
#define ACCESS_LEVELS 0x63u
#define SUBSCRIBE_TO_EVENTS 1u
#define RANK_ANY (-2)

/* --- one NodeClass each --------------------------------------------------------------------------------------------------------------- */

/* What all the structures begin with. The User… Attributes follow from permissions, whatever a Client says. */
#define TAKE_COMMON(a, spec)                                                                                                               \
    do {                                                                                                                                   \
        if (((a)->specified_attributes & DISPLAY_NAME) != 0) {                                                                             \
            (spec)->display_name = (a)->display_name;                                                                                      \
        }                                                                                                                                  \
        if (((a)->specified_attributes & DESCRIPTION) != 0) {                                                                              \
            (spec)->description = (a)->description;                                                                                        \
        }                                                                                                                                  \
        if (((a)->specified_attributes & WRITE_MASK) != 0) {                                                                               \
            (spec)->write_mask = (a)->write_mask;                                                                                          \
        }                                                                                                                                  \
    } while (0)

/* What Variables and VariableTypes have in common. */
#define TAKE_VALUE(a, spec)                                                                                                                \
    do {                                                                                                                                   \
        if (((a)->specified_attributes & VALUE) != 0) {                                                                                    \
            (spec)->value = (a)->value;                                                                                                    \
        }                                                                                                                                  \
        if (((a)->specified_attributes & DATA_TYPE) != 0) {                                                                                \
            (spec)->data_type = (a)->data_type;                                                                                            \
        }                                                                                                                                  \
        if (((a)->specified_attributes & VALUE_RANK) != 0) {                                                                               \
            (spec)->has_value_rank = true;                                                                                                 \
            (spec)->value_rank = (a)->value_rank;                                                                                          \
        }                                                                                                                                  \
        if (((a)->specified_attributes & ARRAY_DIMENSIONS) != 0) {                                                                         \
            (spec)->dimensions = (a)->array_dimensions;                                                                                    \
            (spec)->dimension_count = (a)->array_dimensions_count;                                                                         \
        }                                                                                                                                  \
    } while (0)

static uint32_t take_object(const void *attributes, kw_node_spec *spec)
{
    const kw_object_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    if ((a->specified_attributes & EVENT_NOTIFIER) != 0) {
        spec->event_notifier = a->event_notifier;
    }
    return a->specified_attributes;
}

static uint32_t take_variable(const void *attributes, kw_node_spec *spec)
{
    const kw_variable_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    TAKE_VALUE(a, spec);
    if ((a->specified_attributes & ACCESS_LEVEL) != 0) {
        spec->has_access_level = true;
        spec->access_level = a->access_level;
    }
    if ((a->specified_attributes & MINIMUM_SAMPLING_INTERVAL) != 0) {
        spec->has_minimum_sampling_interval = true;
        spec->minimum_sampling_interval = a->minimum_sampling_interval;
    }
    spec->historizing = (a->specified_attributes & HISTORIZING) != 0 && a->historizing;
    return a->specified_attributes;
}

/* There is nothing behind it here: it is not executable, whatever a Client says. */
static uint32_t take_method(const void *attributes, kw_node_spec *spec)
{
    const kw_method_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    return a->specified_attributes;
}

static uint32_t take_object_type(const void *attributes, kw_node_spec *spec)
{
    const kw_object_type_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    spec->is_abstract = (a->specified_attributes & IS_ABSTRACT) != 0 && a->is_abstract;
    return a->specified_attributes;
}

static uint32_t take_variable_type(const void *attributes, kw_node_spec *spec)
{
    const kw_variable_type_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    TAKE_VALUE(a, spec);
    spec->is_abstract = (a->specified_attributes & IS_ABSTRACT) != 0 && a->is_abstract;
    return a->specified_attributes;
}

static uint32_t take_reference_type(const void *attributes, kw_node_spec *spec)
{
    const kw_reference_type_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    spec->is_abstract = (a->specified_attributes & IS_ABSTRACT) != 0 && a->is_abstract;
    spec->is_symmetric = (a->specified_attributes & SYMMETRIC) != 0 && a->symmetric;
    if ((a->specified_attributes & INVERSE_NAME) != 0) {
        spec->inverse_name = a->inverse_name;
    }
    return a->specified_attributes;
}

static uint32_t take_data_type(const void *attributes, kw_node_spec *spec)
{
    const kw_data_type_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    spec->is_abstract = (a->specified_attributes & IS_ABSTRACT) != 0 && a->is_abstract;
    return a->specified_attributes;
}

static uint32_t take_view(const void *attributes, kw_node_spec *spec)
{
    const kw_view_attributes *a = attributes;
    TAKE_COMMON(a, spec);
    spec->has_loops = (a->specified_attributes & CONTAINS_NO_LOOPS) != 0 && !a->contains_no_loops;
    if ((a->specified_attributes & EVENT_NOTIFIER) != 0) {
        spec->event_notifier = a->event_notifier;
    }
    return a->specified_attributes;
}

typedef struct class_row {
    kw_node_class node_class;
    const kw_type *type;
    uint32_t attributes;                                          /* that such a node has */
    uint32_t (*take)(const void *attributes, kw_node_spec *spec); /* the specifiedAttributes */
} class_row;

static const class_row CLASSES[] = {
    {KW_NODE_CLASS_OBJECT, KW_TYPE_OBJECT_ATTRIBUTES, OF_ALL | EVENT_NOTIFIER, take_object},
    {KW_NODE_CLASS_VARIABLE, KW_TYPE_VARIABLE_ATTRIBUTES,
     OF_ALL | OF_VALUES | ACCESS_LEVEL | USER_ACCESS_LEVEL | MINIMUM_SAMPLING_INTERVAL | HISTORIZING, take_variable},
    {KW_NODE_CLASS_METHOD, KW_TYPE_METHOD_ATTRIBUTES, OF_ALL | EXECUTABLE | USER_EXECUTABLE, take_method},
    {KW_NODE_CLASS_OBJECT_TYPE, KW_TYPE_OBJECT_TYPE_ATTRIBUTES, OF_ALL | IS_ABSTRACT, take_object_type},
    {KW_NODE_CLASS_VARIABLE_TYPE, KW_TYPE_VARIABLE_TYPE_ATTRIBUTES, OF_ALL | OF_VALUES | IS_ABSTRACT, take_variable_type},
    {KW_NODE_CLASS_REFERENCE_TYPE, KW_TYPE_REFERENCE_TYPE_ATTRIBUTES, OF_ALL | IS_ABSTRACT | SYMMETRIC | INVERSE_NAME, take_reference_type},
    {KW_NODE_CLASS_DATA_TYPE, KW_TYPE_DATA_TYPE_ATTRIBUTES, OF_ALL | IS_ABSTRACT, take_data_type},
    {KW_NODE_CLASS_VIEW, KW_TYPE_VIEW_ATTRIBUTES, OF_ALL | CONTAINS_NO_LOOPS | EVENT_NOTIFIER, take_view},
};

/* No structure at all: every Attribute has its default. */
static kw_status take(const kw_add_nodes_item *item, kw_node_spec *spec)
{
    const kw_extension_object *given = &item->node_attributes;
    if (given->type == NULL && given->encoding == KW_EXTENSION_NONE) {
        return KW_GOOD;
    }
    for (size_t i = 0; i < sizeof(CLASSES) / sizeof(CLASSES[0]); i++) {
        const void *attributes = CLASSES[i].node_class == item->node_class ? kw_extension_object_get(given, CLASSES[i].type) : NULL;
        if (attributes != NULL) {
            return (CLASSES[i].take(attributes, spec) & ~CLASSES[i].attributes) == 0 ? KW_GOOD : KW_BAD_NODE_ATTRIBUTES_INVALID;
        }
    }
    return KW_BAD_NODE_ATTRIBUTES_INVALID;
}

/* --- do they make sense? ---------------------------------------------------------------------------------------------------------------- */

/* What nobody specified is as in the VariableType. */
static kw_status complete_value(const kw_space *space, const kw_node_ref *type, kw_node_spec *spec)
{
    kw_node_id data_type = KW_NODE_ID(0, KW_ID_BASE_DATA_TYPE);
    int32_t rank = RANK_ANY;
    kw_node_ref node;
    if (type != NULL) {
        kw_node_value_type(space, type, &data_type, &rank);
    }
    if (kw_node_id_is_null(&spec->data_type)) {
        spec->data_type = data_type;
    }
    if (!spec->has_value_rank) {
        spec->has_value_rank = true;
        spec->value_rank = rank;
    }
    const bool is_fine = kw_space_find(space, &spec->data_type, &node) && kw_node_class_of(&node) == KW_NODE_CLASS_DATA_TYPE &&
                         kw_space_is_subtype(space, &spec->data_type, &data_type) &&
                         (spec->value.type == KW_BUILTIN_NULL || kw_value_fits(&spec->value, &spec->data_type, spec->value_rank));
    return is_fine ? KW_GOOD : KW_BAD_NODE_ATTRIBUTES_INVALID;
}

kw_status kw_node_attributes_take(const kw_space *space, const kw_add_nodes_item *item, const kw_node_ref *type, kw_node_spec *spec)
{
    KW_TRY(take(item, spec));
    if (spec->historizing || (spec->write_mask & ~WRITE_MASK_BITS) != 0 || (spec->access_level & ~ACCESS_LEVELS) != 0 ||
        (spec->event_notifier & ~SUBSCRIBE_TO_EVENTS) != 0 ||
        (spec->has_minimum_sampling_interval && !(spec->minimum_sampling_interval >= -1))) { /* also NaN */
        return KW_BAD_NODE_ATTRIBUTES_INVALID;
    }
    const bool has_value = item->node_class == KW_NODE_CLASS_VARIABLE || item->node_class == KW_NODE_CLASS_VARIABLE_TYPE;
    return has_value ? complete_value(space, type, spec) : KW_GOOD;
}
