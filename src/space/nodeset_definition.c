/* DataTypeDefinitions. A structure has the fields of what it is derived from first (OPC 10000-3, 8.48), so all types must be there. */
#include "base/try.h"
#include "space/nodeset_internal.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <string.h>

#define DEPTH_MAX 32u /* of structures derived from each other */
#define FIELDS_MAX 4096u
#define DEFINITION_MAX ((size_t)1 << 26)

typedef struct definition_field {
    kw_structure_field structure;
    kw_enum_field enumeration;
    bool allows_subtypes;
} definition_field;

typedef struct kw_definition_plan {
    kw_node_id data_type;
    const char *file;
    uint32_t line;
    bool is_union, is_option_set, has_values; /* values: an enumeration, or the bits of an option set */
    definition_field *fields;
    size_t field_count;
    struct kw_definition_plan *next;
} kw_definition_plan;

/* --- as it is read ------------------------------------------------------------------------------------------------------------ */

static kw_status keep_text(kw_arena *arena, kw_localized_text *text)
{
    const kw_localized_text from = *text;
    text->locale = kw_arena_copy(arena, from.locale);
    text->text = kw_arena_copy(arena, from.text);
    return (from.text.data != NULL && text->text.data == NULL) || (from.locale.data != NULL && text->locale.data == NULL)
               ? KW_BAD_OUT_OF_MEMORY
               : KW_GOOD;
}

static kw_status keep_texts(kw_nodeset_load *load, definition_field *f)
{
    kw_structure_field *s = &f->structure;
    kw_node_id id = s->data_type;
    uint32_t *dimensions = KW_ARENA_ARRAY(load->kept, uint32_t, s->array_dimensions_count);
    s->name = kw_arena_copy(load->kept, s->name);
    if (s->name.data == NULL || dimensions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (s->array_dimensions_count > 0) {
        memcpy(dimensions, s->array_dimensions, s->array_dimensions_count * sizeof(*dimensions));
    }
    s->array_dimensions = s->array_dimensions_count > 0 ? dimensions : NULL;
    KW_TRY(kw_ua_copy(load->kept, kw_type_builtin(KW_BUILTIN_NODE_ID), &id, &s->data_type));
    KW_TRY(keep_text(load->kept, &s->description));
    return keep_text(load->kept, &f->enumeration.display_name);
}

static kw_status read_shape(kw_nodeset_load *load, const kw_xml *xml, definition_field *f)
{
    kw_structure_field *s = &f->structure;
    int64_t rank = -1;
    KW_TRY(kw_load_id(load, xml->line, kw_xml_get(xml, "DataType"), &s->data_type));
    KW_TRY(kw_load_integer(load, xml->line, kw_xml_get(xml, "ValueRank"), -3, INT8_MAX, &rank));
    KW_TRY(kw_load_dimensions(load, xml->line, kw_xml_get(xml, "ArrayDimensions"), &s->array_dimensions, &s->array_dimensions_count));
    KW_TRY(kw_load_u32(load, xml->line, kw_xml_get(xml, "MaxStringLength"), &s->max_string_length));
    KW_TRY(kw_load_boolean(load, xml->line, kw_xml_get(xml, "IsOptional"), &s->is_optional));
    s->value_rank = (int32_t)rank;
    return kw_load_boolean(load, xml->line, kw_xml_get(xml, "AllowSubTypes"), &f->allows_subtypes);
}

static kw_status read_field(kw_nodeset_load *load, const kw_xml *xml, kw_definition_plan *plan, definition_field *f)
{
    const kw_string name = kw_xml_get(xml, "Name"), value = kw_xml_get(xml, "Value");
    if (name.len == 0) {
        return kw_load_refuse(load, xml->line, "a Field has no Name");
    }
    f->structure.name = name;
    f->structure.data_type = KW_NODE_ID(0, KW_ID_BASE_DATA_TYPE);
    f->enumeration.value = -1;
    plan->has_values = plan->has_values || value.data != NULL;
    KW_TRY(read_shape(load, xml, f));
    KW_TRY(kw_load_integer(load, xml->line, value, INT64_MIN, INT64_MAX, &f->enumeration.value));
    KW_TRY(kw_load_localized(load, xml, "Description", &f->structure.description));
    KW_TRY(kw_load_localized(load, xml, "DisplayName", &f->enumeration.display_name));
    KW_TRY(keep_texts(load, f));
    f->enumeration.name = f->structure.name;
    f->enumeration.description = f->structure.description;
    if (f->enumeration.display_name.text.data == NULL) {
        f->enumeration.display_name.text = f->structure.name;
    }
    return KW_GOOD;
}

static kw_status read_fields(kw_nodeset_load *load, const kw_xml *xml, kw_definition_plan *plan)
{
    size_t count = 0;
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        count += kw_xml_is(x, "Field") ? 1 : 0;
    }
    if (count > FIELDS_MAX) {
        return kw_load_refuse(load, xml->line, "more than %u Fields", FIELDS_MAX);
    }
    plan->fields = KW_ARENA_ARRAY(load->kept, definition_field, count);
    if (plan->fields == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        if (kw_xml_is(x, "Field")) {
            KW_TRY(read_field(load, x, plan, &plan->fields[plan->field_count++]));
        }
    }
    return KW_GOOD;
}

kw_status kw_load_definition_plan(kw_nodeset_load *load, const kw_node_id *data_type, const kw_xml *definition)
{
    uint8_t buffer[64];
    kw_definition_plan *plan = KW_ARENA_NEW(load->kept, kw_definition_plan);
    if (plan == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    plan->file = load->head->file->name;
    plan->line = definition->line;
    KW_TRY(kw_ua_copy(load->kept, kw_type_builtin(KW_BUILTIN_NODE_ID), data_type, &plan->data_type));
    KW_TRY(kw_load_boolean(load, definition->line, kw_xml_get(definition, "IsUnion"), &plan->is_union));
    KW_TRY(kw_load_boolean(load, definition->line, kw_xml_get(definition, "IsOptionSet"), &plan->is_option_set));
    KW_TRY(read_fields(load, definition, plan));
    plan->next = load->plans;
    load->plans = plan;
    return kw_map_put(load->plans_by_id, kw_node_id_key(&plan->data_type, buffer, sizeof(buffer), load->arena), plan, NULL);
}

/* --- made whole -------------------------------------------------------------------------------------------------------------------- */

static const kw_node_id STRUCTURE = {.id.numeric = KW_ID_STRUCTURE};

static bool base_of(const kw_space *space, const kw_node_id *id, kw_node_id *out)
{
    kw_node_ref ref;
    return kw_space_find(space, id, &ref) && kw_space_target(space, &ref, KW_ID_HAS_SUBTYPE, false, out);
}

static const kw_definition_plan *plan_of(const kw_nodeset_load *load, const kw_node_id *id, kw_arena *arena)
{
    uint8_t buffer[64];
    return kw_map_get(load->plans_by_id, kw_node_id_key(id, buffer, sizeof(buffer), arena));
}

/* The Default Binary encoding of the DataType; null: it has none. */
static kw_node_id binary_encoding(const kw_space *space, const kw_node_id *data_type)
{
    kw_node_ref ref, encoding;
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_find(space, data_type, &ref) && kw_space_next_reference(space, &ref, &cursor, &r);) {
        if (r.is_forward && kw_node_id_equal(&r.type, &KW_NODE_ID(0, KW_ID_HAS_ENCODING)) && kw_space_find(space, &r.target, &encoding) &&
            kw_string_equals(kw_node_browse_name(space, &encoding).name, "Default Binary")) {
            return encoding.id;
        }
    }
    return KW_NODE_ID_NULL;
}

/* Room for what comes at the end of what there is. */
static kw_structure_field *more_fields(kw_arena *arena, kw_structure_definition *whole, size_t count)
{
    kw_structure_field *all = KW_ARENA_ARRAY(arena, kw_structure_field, whole->fields_count + count);
    if (all == NULL) {
        return NULL;
    }
    if (whole->fields_count > 0) {
        memcpy(all, whole->fields, whole->fields_count * sizeof(*all));
    }
    kw_structure_field *first = all + whole->fields_count;
    whole->fields = all;
    whole->fields_count += count;
    return first;
}

static kw_status add_fields(kw_arena *arena, const kw_definition_plan *plan, kw_structure_definition *whole)
{
    kw_structure_field *field = more_fields(arena, whole, plan->field_count);
    for (size_t i = 0; field != NULL && i < plan->field_count; i++) {
        field[i] = plan->fields[i].structure;
        if (plan->fields[i].allows_subtypes) { /* then this is what IsOptional says, 8.51 */
            field[i].is_optional = true;
        }
    }
    return field != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* A base of the tables, which has those of its own bases already. */
static kw_status add_table_fields(const kw_space *space, kw_arena *arena, const kw_node_id *id, kw_structure_definition *whole)
{
    kw_node_ref ref;
    kw_extension_object object = {.type = NULL};
    if (!kw_space_find(space, id, &ref) || ref.table == NULL) {
        return KW_GOOD;
    }
    KW_TRY(kw_nodeset_definition(ref.table, space->gds, arena, &object));
    const kw_structure_definition *base = kw_extension_object_get(&object, KW_TYPE_STRUCTURE_DEFINITION);
    kw_structure_field *field = base != NULL ? more_fields(arena, whole, base->fields_count) : NULL;
    for (size_t i = 0; field != NULL && i < base->fields_count; i++) {
        field[i] = base->fields[i];
    }
    return base == NULL || field != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* All of the bases, the outermost first; then its own. A base without a definition has no fields of its own. */
static kw_status fill_structure(kw_nodeset_load *load, kw_arena *arena, const kw_definition_plan *plan, kw_structure_definition *whole)
{
    const kw_definition_plan *chain[DEPTH_MAX];
    size_t depth = 0, planned = 0;
    kw_node_id id = plan->data_type;
    (void)base_of(load->space, &id, &whole->base_data_type);
    for (bool more = true; more; more = base_of(load->space, &id, &id)) {
        kw_node_ref ref;
        const kw_definition_plan *p = plan_of(load, &id, arena);
        if (depth++ == DEPTH_MAX) {
            return kw_load_refuse(load, plan->line, "this DataType is derived from itself, or of more than %u others", DEPTH_MAX);
        }
        if (p != NULL) {
            chain[planned++] = p;
        } else if (kw_space_find(load->space, &id, &ref) && ref.table != NULL) {
            KW_TRY(add_table_fields(load->space, arena, &id, whole));
            break;
        }
    }
    while (planned > 0) {
        KW_TRY(add_fields(arena, chain[--planned], whole));
    }
    return KW_GOOD;
}

static kw_structure_type structure_type(const kw_definition_plan *plan, const kw_structure_definition *whole)
{
    bool has_optional = false, has_subtypes = false;
    for (size_t i = 0; i < plan->field_count; i++) {
        has_subtypes = has_subtypes || plan->fields[i].allows_subtypes;
    }
    for (size_t i = 0; i < whole->fields_count; i++) {
        has_optional = has_optional || whole->fields[i].is_optional;
    }
    if (plan->is_union) {
        return has_subtypes ? KW_STRUCTURE_TYPE_UNION_WITH_SUBTYPED_VALUES : KW_STRUCTURE_TYPE_UNION;
    }
    if (has_subtypes) {
        return KW_STRUCTURE_TYPE_STRUCTURE_WITH_SUBTYPED_VALUES;
    }
    return has_optional ? KW_STRUCTURE_TYPE_STRUCTURE_WITH_OPTIONAL_FIELDS : KW_STRUCTURE_TYPE_STRUCTURE;
}

static kw_status store(const kw_nodeset_load *load, const kw_definition_plan *plan, const kw_type *type, const void *definition)
{
    const kw_extension_object object = kw_extension_object_of(type, definition);
    kw_node *node = kw_nodes_find(&load->space->store, &plan->data_type);
    return node != NULL ? kw_node_store_definition(node, &object) : KW_BAD_NODE_ID_UNKNOWN;
}

static kw_status finish_structure(kw_nodeset_load *load, kw_arena *arena, const kw_definition_plan *plan)
{
    kw_structure_definition whole = {.default_encoding_id = binary_encoding(load->space, &plan->data_type)};
    KW_TRY(fill_structure(load, arena, plan, &whole));
    whole.structure_type = structure_type(plan, &whole);
    return store(load, plan, KW_TYPE_STRUCTURE_DEFINITION, &whole);
}

static kw_status finish_enumeration(kw_nodeset_load *load, kw_arena *arena, const kw_definition_plan *plan)
{
    kw_enum_definition whole = {plan->field_count, KW_ARENA_ARRAY(arena, kw_enum_field, plan->field_count)};
    if (whole.fields == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < plan->field_count; i++) {
        whole.fields[i] = plan->fields[i].enumeration;
    }
    return store(load, plan, KW_TYPE_ENUM_DEFINITION, &whole);
}

static kw_status finish_one(kw_nodeset_load *load, kw_arena *arena, const kw_definition_plan *plan)
{
    const bool is_structure = kw_space_is_subtype(load->space, &plan->data_type, &STRUCTURE);
    return plan->has_values || plan->is_option_set || !is_structure ? finish_enumeration(load, arena, plan)
                                                                    : finish_structure(load, arena, plan);
}

kw_status kw_load_definitions_finish(kw_nodeset_load *load)
{
    kw_arena *arena = kw_arena_new(DEFINITION_MAX);
    kw_status status = arena != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    for (const kw_definition_plan *plan = load->plans; plan != NULL && !kw_status_is_bad(status); plan = plan->next) {
        kw_arena_reset(arena);
        load->file_name = plan->file;
        status = finish_one(load, arena, plan);
        status = kw_status_is_bad(status) ? kw_load_fail(load, plan->line, status) : status;
    }
    kw_arena_free(arena);
    return status;
}
