/* Which function a Call means. OPC 10000-4, 5.12.2. */
#include "space/space_internal.h"

#include <keyway/node_ids.h>

#define TYPE_DEPTH_MAX 64

static bool is_component(const kw_space *space, const kw_reference_view *r)
{
    static const kw_node_id HAS_COMPONENT = {.id.numeric = KW_ID_HAS_COMPONENT};
    return r->is_forward && kw_space_is_subtype(space, &r->type, &HAS_COMPONENT);
}

static bool has_method(const kw_space *space, const kw_node_ref *owner, const kw_node_id *method_id)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, owner, &cursor, &r);) {
        if (kw_node_id_equal(&r.target, method_id) && is_component(space, &r)) {
            return true;
        }
    }
    return false;
}

/* Does the type of the Object, or one above it, declare this Method? */
static bool type_has_method(const kw_space *space, const kw_node_ref *object, const kw_node_id *method_id)
{
    kw_node_id type;
    kw_node_ref ref;
    bool more = kw_space_target(space, object, KW_ID_HAS_TYPE_DEFINITION, true, &type);
    for (int depth = 0; more && depth < TYPE_DEPTH_MAX && kw_space_find(space, &type, &ref); depth++) {
        if (has_method(space, &ref, method_id)) {
            return true;
        }
        more = kw_space_target(space, &ref, KW_ID_HAS_SUBTYPE, false, &type);
    }
    return false;
}

/* The Object's own Method of the same name as the declared one. */
static bool find_by_name(const kw_space *space, const kw_node_ref *object, const kw_node_ref *declared, kw_node_ref *out)
{
    const kw_qualified_name wanted = kw_node_browse_name(space, declared);
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, object, &cursor, &r);) {
        if (is_component(space, &r) && kw_space_find(space, &r.target, out) && kw_node_class_of(out) == KW_NODE_CLASS_METHOD) {
            const kw_qualified_name name = kw_node_browse_name(space, out);
            if (kw_qualified_name_equal(&name, &wanted)) {
                return true;
            }
        }
    }
    return false;
}

kw_status kw_space_find_method(const kw_space *space, const kw_node_ref *object, const kw_node_id *method_id, kw_method_view *out)
{
    kw_node_ref method;
    if (!kw_space_find(space, method_id, &method)) {
        return KW_BAD_METHOD_INVALID;
    }
    if (kw_node_class_of(&method) != KW_NODE_CLASS_METHOD) {
        return KW_BAD_METHOD_INVALID;
    }
    if (!has_method(space, object, method_id)) {
        kw_node_ref instance;
        if (!type_has_method(space, object, method_id) || !find_by_name(space, object, &method, &instance)) {
            return KW_BAD_METHOD_INVALID;
        }
        method = instance;
    }
    *out = (kw_method_view){.method = method};
    const kw_behind_method *behind = method.own != NULL ? method.own->behind.method : NULL;
    if (behind != NULL) {
        out->call = behind->call;
        out->is_sessionless = behind->is_sessionless;
        out->ctx = behind->ctx;
        out->input_count = behind->input_count;
        out->output_count = behind->output_count;
    }
    return KW_GOOD;
}

kw_status kw_method_check_input(const kw_method_view *method, size_t index, const kw_variant *value)
{
    const kw_argument_type *expected = &method->method.own->behind.method->inputs[index];
    const bool is_structure = kw_builtin_of_data_type(expected->data_type.id.numeric) == KW_BUILTIN_EXTENSION_OBJECT;
    if (value->type == KW_BUILTIN_NULL && is_structure && expected->value_rank == -1) { /* a null structure has no type */
        return KW_GOOD;
    }
    return kw_value_fits(value, &expected->data_type, expected->value_rank) ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}
