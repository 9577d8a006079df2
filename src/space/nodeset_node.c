/* One node of a NodeSet2 file, with its attributes and references. */
#include "base/try.h"
#include "space/nodeset_internal.h"

#include <keyway/node_ids.h>

#include <string.h>

#define PERMISSIONS_MAX 256u

kw_node_class kw_load_class(kw_string name)
{
    static const struct {
        const char *name;
        kw_node_class node_class;
    } ROWS[] = {{"UAObject", KW_NODE_CLASS_OBJECT},
                {"UAVariable", KW_NODE_CLASS_VARIABLE},
                {"UAMethod", KW_NODE_CLASS_METHOD},
                {"UAObjectType", KW_NODE_CLASS_OBJECT_TYPE},
                {"UAVariableType", KW_NODE_CLASS_VARIABLE_TYPE},
                {"UAReferenceType", KW_NODE_CLASS_REFERENCE_TYPE},
                {"UADataType", KW_NODE_CLASS_DATA_TYPE},
                {"UAView", KW_NODE_CLASS_VIEW}};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (kw_string_equals(name, ROWS[i].name)) {
            return ROWS[i].node_class;
        }
    }
    return KW_NODE_CLASS_UNSPECIFIED;
}

/* --- attributes ------------------------------------------------------------------------------------------------------------------ */

static kw_status read_flag(kw_nodeset_load *load, const kw_xml *xml, const char *name, bool *out)
{
    return kw_load_boolean(load, xml->line, kw_xml_get(xml, name), out);
}

static kw_status read_u32(kw_nodeset_load *load, const kw_xml *xml, const char *name, uint32_t *out)
{
    return kw_load_u32(load, xml->line, kw_xml_get(xml, name), out);
}

static kw_status read_permission(kw_nodeset_load *load, const kw_xml *row, kw_node_permission *out)
{
    kw_node_id role = KW_NODE_ID_NULL;
    KW_TRY(kw_load_id(load, row->line, row->text, &role));
    if (role.kind != KW_NODE_ID_NUMERIC) {
        return kw_load_refuse(load, row->line, "'%.*s': only Roles with a numeric NodeId can be given here", KW_SHORT_ARGS(row->text));
    }
    *out = (kw_node_permission){.role_ns = role.ns, .role_id = role.id.numeric};
    return read_u32(load, row, "Permissions", &out->permissions);
}

static kw_status read_permissions(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    const kw_xml *list = kw_xml_child(xml, "RolePermissions");
    kw_node_permission *rows = KW_ARENA_ARRAY(load->arena, kw_node_permission, PERMISSIONS_MAX);
    bool has_none = false;
    size_t count = 0;
    if (rows == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(read_flag(load, xml, "HasNoPermissions", &has_none));
    for (const kw_xml *row = list != NULL ? list->first : NULL; row != NULL; row = row->next) {
        if (count == PERMISSIONS_MAX) {
            return kw_load_refuse(load, row->line, "more than %u RolePermissions", PERMISSIONS_MAX);
        }
        KW_TRY(read_permission(load, row, &rows[count++]));
    }
    if (has_none && count == 0) { /* a row that gives nothing: without any it would be open */
        rows[count++] = (kw_node_permission){.role_id = KW_ID_WELL_KNOWN_ROLE_ANONYMOUS};
    }
    spec->permissions = rows;
    spec->permission_count = count;
    return KW_GOOD;
}

/* What every node has. */
static kw_status read_common(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    uint32_t restrictions = 0;
    const kw_string name = kw_xml_get(xml, "BrowseName");
    if (name.len == 0) {
        return kw_load_refuse(load, xml->line, "<%.*s> has no BrowseName", KW_SHORT_ARGS(xml->tag));
    }
    KW_TRY(kw_load_name(load, xml->line, name, &spec->browse_name));
    KW_TRY(kw_load_localized(load, xml, "DisplayName", &spec->display_name));
    KW_TRY(kw_load_localized(load, xml, "Description", &spec->description));
    KW_TRY(read_u32(load, xml, "WriteMask", &spec->write_mask));
    KW_TRY(read_u32(load, xml, "AccessRestrictions", &restrictions));
    spec->restrictions = (uint16_t)restrictions;
    return read_permissions(load, xml, spec);
}

static kw_status read_shape(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    uint32_t *dimensions = NULL;
    int64_t rank = -1;
    spec->data_type = KW_NODE_ID(0, KW_ID_BASE_DATA_TYPE);
    KW_TRY(kw_load_id(load, xml->line, kw_xml_get(xml, "DataType"), &spec->data_type));
    KW_TRY(kw_load_integer(load, xml->line, kw_xml_get(xml, "ValueRank"), -3, INT8_MAX, &rank));
    KW_TRY(kw_load_dimensions(load, xml->line, kw_xml_get(xml, "ArrayDimensions"), &dimensions, &spec->dimension_count));
    spec->value_rank = (int32_t)rank;
    spec->has_value_rank = true;
    spec->dimensions = dimensions;
    if (spec->dimension_count > 0 && rank > 0 && spec->dimension_count != (size_t)rank) {
        return kw_load_refuse(load, xml->line, "ValueRank %d, but %zu ArrayDimensions", (int)rank, spec->dimension_count);
    }
    spec->dimension_count = rank > 0 ? spec->dimension_count : 0; /* they mean nothing there */
    return KW_GOOD;
}

static kw_status read_value(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    const kw_xml *value = kw_xml_child(xml, "Value");
    KW_TRY(read_shape(load, xml, spec));
    return value != NULL ? kw_load_value_read(load, value, &spec->value) : KW_GOOD;
}

static kw_status read_variable(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    const kw_string interval = kw_xml_get(xml, "MinimumSamplingInterval");
    spec->has_access_level = true;
    spec->access_level = 1;
    spec->has_minimum_sampling_interval = interval.data != NULL;
    KW_TRY(read_u32(load, xml, "AccessLevel", &spec->access_level));
    KW_TRY(kw_load_double(load, xml->line, interval, &spec->minimum_sampling_interval));
    KW_TRY(read_flag(load, xml, "Historizing", &spec->historizing));
    return read_value(load, xml, spec);
}

static kw_status read_notifier(kw_nodeset_load *load, const kw_xml *xml, kw_node_spec *spec)
{
    int64_t notifier = 0;
    KW_TRY(kw_load_integer(load, xml->line, kw_xml_get(xml, "EventNotifier"), 0, UINT8_MAX, &notifier));
    spec->event_notifier = (uint8_t)notifier;
    return KW_GOOD;
}

static kw_status read_of_class(kw_nodeset_load *load, const kw_xml *xml, kw_node_class node_class, kw_node_spec *spec)
{
    bool contains_no_loops = false;
    switch (node_class) {
    case KW_NODE_CLASS_OBJECT:
        return read_notifier(load, xml, spec);
    case KW_NODE_CLASS_VARIABLE:
        return read_variable(load, xml, spec);
    case KW_NODE_CLASS_VIEW:
        KW_TRY(read_flag(load, xml, "ContainsNoLoops", &contains_no_loops));
        spec->has_loops = !contains_no_loops;
        return read_notifier(load, xml, spec);
    case KW_NODE_CLASS_VARIABLE_TYPE:
        KW_TRY(read_flag(load, xml, "IsAbstract", &spec->is_abstract));
        return read_value(load, xml, spec);
    case KW_NODE_CLASS_REFERENCE_TYPE:
        KW_TRY(read_flag(load, xml, "IsAbstract", &spec->is_abstract));
        KW_TRY(read_flag(load, xml, "Symmetric", &spec->is_symmetric));
        return kw_load_localized(load, xml, "InverseName", &spec->inverse_name);
    case KW_NODE_CLASS_METHOD:
        return KW_GOOD;
    default:
        return read_flag(load, xml, "IsAbstract", &spec->is_abstract);
    }
}

/* --- references ------------------------------------------------------------------------------------------------------------------ */

/* Files bring the NamespaceMetadata of their namespaces, or not. */
static void note_metadata(kw_nodeset_load *load, const kw_node_spec *spec, const kw_node_id *type, const kw_node_id *target)
{
    if (!kw_node_id_equal(type, &KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION)) ||
        !kw_node_id_equal(target, &KW_NODE_ID(0, KW_ID_NAMESPACE_METADATA_TYPE))) {
        return;
    }
    const uint16_t index = kw_space_namespace_find(load->space, spec->browse_name.name);
    if (index != UINT16_MAX) {
        load->has_metadata[index] = true;
    }
}

static kw_status add_reference(kw_nodeset_load *load, const kw_node_spec *spec, const kw_xml *xml)
{
    kw_node_id type = KW_NODE_ID_NULL;
    kw_expanded_node_id target = {.server_index = 0};
    bool is_forward = true;
    kw_status status = KW_GOOD;
    const kw_string reference_type = kw_xml_get(xml, "ReferenceType");
    if (reference_type.len == 0) {
        return kw_load_refuse(load, xml->line, "a Reference has no ReferenceType");
    }
    KW_TRY(kw_load_id(load, xml->line, reference_type, &type));
    KW_TRY(kw_load_expanded_id(load, xml->line, xml->text, &target));
    KW_TRY(read_flag(load, xml, "IsForward", &is_forward));
    if (target.namespace_uri.len > 0) {
        status = kw_space_add_remote_reference(load->space, &spec->id, &type, is_forward, &target);
    } else {
        note_metadata(load, spec, &type, &target.node_id);
        status =
            kw_space_add_reference(load->space, is_forward ? &spec->id : &target.node_id, &type, is_forward ? &target.node_id : &spec->id);
    }
    load->report->references += status == KW_GOOD ? 1 : 0;
    return status == KW_BAD_DUPLICATE_REFERENCE_NOT_ALLOWED ? KW_GOOD : status; /* the other end named it already */
}

static kw_status add_references(kw_nodeset_load *load, const kw_node_spec *spec, const kw_xml *xml)
{
    const kw_xml *list = kw_xml_child(xml, "References");
    for (const kw_xml *x = list != NULL ? list->first : NULL; x != NULL; x = x->next) {
        const kw_status status = add_reference(load, spec, x);
        if (kw_status_is_bad(status)) {
            return kw_load_fail(load, x->line, status);
        }
    }
    return KW_GOOD;
}

/* --- the node ---------------------------------------------------------------------------------------------------------------------- */

/* The first who says what a node is wins in ns 0 alone, where our own tables do. */
static kw_status refuse_twice(kw_nodeset_load *load, const kw_xml *xml)
{
    (void)kw_load_refuse(load, xml->line, "there is a node %.*s already; it may stand in one place of one file",
                         KW_SHORT_ARGS(kw_xml_get(xml, "NodeId")));
    return KW_BAD_NODE_ID_EXISTS;
}

static kw_status add_node(kw_nodeset_load *load, const kw_xml *xml, kw_node_class node_class, kw_node_spec *spec)
{
    const kw_xml *definition = kw_xml_child(xml, "Definition");
    KW_TRY(read_common(load, xml, spec));
    KW_TRY(read_of_class(load, xml, node_class, spec));
    KW_TRY(kw_space_add_node(load->space, node_class, spec));
    load->report->nodes++;
    KW_TRY(add_references(load, spec, xml));
    return definition != NULL && node_class == KW_NODE_CLASS_DATA_TYPE ? kw_load_definition_plan(load, &spec->id, definition) : KW_GOOD;
}

kw_status kw_load_add(kw_nodeset_load *load, const kw_xml *xml)
{
    kw_node_spec spec = {.value_rank = 0};
    kw_node_ref there;
    const kw_string id = kw_xml_get(xml, "NodeId");
    if (id.len == 0) {
        return kw_load_refuse(load, xml->line, "<%.*s> has no NodeId", KW_SHORT_ARGS(xml->tag));
    }
    KW_TRY(kw_load_id(load, xml->line, id, &spec.id));
    if (kw_space_find(load->space, &spec.id, &there)) {
        return spec.id.ns == 0 ? KW_GOOD : refuse_twice(load, xml);
    }
    const kw_status status = add_node(load, xml, kw_load_class(xml->name), &spec);
    return kw_status_is_bad(status) ? kw_load_fail(load, xml->line, status) : KW_GOOD;
}
