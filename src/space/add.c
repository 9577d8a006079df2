/* Nodes of the application, and functions and values behind nodes of the tables. */
#include "base/try.h"
#include "space/locale.h"
#include "space/space_internal.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX ((size_t)64 << 20)
#define ACCESS_READ 1u
#define ACCESS_WRITE 2u

static kw_status copy_node_id(kw_space *space, const kw_node_id *from, kw_node_id *to)
{
    return kw_ua_copy(space->arena, kw_type_builtin(KW_BUILTIN_NODE_ID), from, to);
}

kw_status kw_node_add_reference(kw_node *node, const kw_node_id *type, bool is_forward, const kw_node_id *target)
{
    if (node->reference_count == node->reference_room) {
        const size_t room = node->reference_room * 2 + 2;
        kw_own_reference *more = realloc(node->references, room * sizeof(*more));
        if (more == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        node->references = more;
        node->reference_room = room;
    }
    node->references[node->reference_count++] = (kw_own_reference){*type, *target, is_forward};
    return KW_GOOD;
}

/* Both ends get the reference; the ids are copied once. An end that is a type of the tables need not know its instances. */
static kw_status join(kw_space *space, kw_node *source, const kw_node_id *type, kw_node *target)
{
    kw_node_id type_copy;
    KW_TRY(copy_node_id(space, type, &type_copy));
    KW_TRY(kw_node_add_reference(source, &type_copy, true, &target->id));
    return kw_node_add_reference(target, &type_copy, false, &source->id);
}

kw_status kw_space_add_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, const kw_node_id *target)
{
    kw_node *from = kw_space_own(space, source);
    kw_node *to = kw_space_own(space, target);
    return from != NULL && to != NULL ? join(space, from, type, to) : KW_BAD_NODE_ID_UNKNOWN;
}

kw_status kw_node_store_value(kw_node *node, const kw_variant *value, kw_date_time when)
{
    kw_writer w;
    kw_writer_init(&w, VALUE_MAX);
    const kw_status status = kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_VARIANT), value);
    uint8_t *copy = !kw_status_is_bad(status) ? malloc(w.len) : NULL; /* exactly what is needed: there may be a million of them */
    if (copy != NULL) {
        memcpy(copy, w.data, w.len);
        free(node->value);
        node->value = copy;
        node->value_len = w.len;
        node->written = when;
    }
    kw_writer_clear(&w);
    return kw_status_is_bad(status) ? status : copy != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* --- own nodes ----------------------------------------------------------------------------------------------------------------- */

static kw_status copy_permissions(kw_space *space, kw_node *node, const kw_node_spec *spec)
{
    kw_node_permission *permissions = KW_ARENA_ARRAY(space->arena, kw_node_permission, spec->permission_count);
    if (permissions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < spec->permission_count; i++) {
        permissions[i] = spec->permissions[i];
    }
    node->permissions = permissions;
    node->permission_count = (uint32_t)spec->permission_count;
    return KW_GOOD;
}

static kw_status fill_names(kw_space *space, kw_node *node, const kw_node_spec *spec)
{
    node->browse_name = (kw_qualified_name){spec->browse_name.ns, kw_arena_copy(space->arena, spec->browse_name.name)};
    node->display_name =
        (kw_localized_text){kw_arena_copy(space->arena, spec->display_name.locale), kw_arena_copy(space->arena, spec->display_name.text)};
    if (node->display_name.text.data == NULL) {
        node->display_name.text = node->browse_name.name;
    }
    return node->browse_name.name.len > 0 ? KW_GOOD : KW_BAD_BROWSE_NAME_INVALID;
}

static kw_status attach(kw_space *space, kw_node *node, const kw_node_spec *spec, const kw_node_id *default_reference,
                        const kw_node_id *default_type)
{
    if (!kw_node_id_is_null(&spec->parent)) {
        kw_node *parent = kw_space_own(space, &spec->parent);
        if (parent == NULL) {
            return KW_BAD_PARENT_NODE_ID_INVALID;
        }
        node->parent = parent->is_overlay ? NULL : parent;
        KW_TRY(join(space, parent, kw_node_id_is_null(&spec->reference_type) ? default_reference : &spec->reference_type, node));
    }
    if (default_type != NULL) {
        const kw_node_id has_type = KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION);
        kw_node_id type;
        KW_TRY(copy_node_id(space, kw_node_id_is_null(&spec->type_definition) ? default_type : &spec->type_definition, &type));
        return kw_node_add_reference(node, &has_type, true, &type);
    }
    return KW_GOOD;
}

static kw_status new_node(kw_space *space, const kw_node_spec *spec, uint8_t node_class, const kw_node_id *default_reference,
                          const kw_node_id *default_type, kw_node **out)
{
    kw_node_ref existing, parent;
    if (kw_space_find(space, &spec->id, &existing)) {
        return KW_BAD_NODE_ID_EXISTS;
    }
    if (!kw_node_id_is_null(&spec->parent) && !kw_space_find(space, &spec->parent, &parent)) {
        return KW_BAD_PARENT_NODE_ID_INVALID;
    }
    kw_node *node = KW_ARENA_NEW(space->arena, kw_node);
    if (node == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    node->node_class = node_class;
    node->restrictions = spec->restrictions;
    node->ctx = spec->ctx;
    KW_TRY(copy_node_id(space, &spec->id, &node->id));
    KW_TRY(fill_names(space, node, spec));
    KW_TRY(copy_permissions(space, node, spec));
    KW_TRY(kw_space_put(space, node));
    *out = node;
    return attach(space, node, spec, default_reference, default_type);
}

kw_status kw_space_add_object(kw_space *space, const kw_node_spec *spec)
{
    static const kw_node_id REFERENCE = {.id.numeric = KW_ID_HAS_COMPONENT}, TYPE = {.id.numeric = KW_ID_BASE_OBJECT_TYPE};
    kw_node *node = NULL;
    return new_node(space, spec, KW_NODE_CLASS_OBJECT, &REFERENCE, &TYPE, &node);
}

kw_status kw_space_add_variable(kw_space *space, const kw_node_spec *spec)
{
    static const kw_node_id COMPONENT = {.id.numeric = KW_ID_HAS_COMPONENT}, PROPERTY = {.id.numeric = KW_ID_HAS_PROPERTY};
    static const kw_node_id TYPE = {.id.numeric = KW_ID_BASE_DATA_VARIABLE_TYPE}, PROPERTY_TYPE = {.id.numeric = KW_ID_PROPERTY_TYPE};
    kw_node *node = NULL;
    const bool is_property = kw_node_id_equal(&spec->type_definition, &PROPERTY_TYPE);
    KW_TRY(new_node(space, spec, KW_NODE_CLASS_VARIABLE, is_property ? &PROPERTY : &COMPONENT, &TYPE, &node));
    KW_TRY(copy_node_id(space, &spec->data_type, &node->data_type));
    node->value_rank = spec->value_rank == 0 ? -1 : spec->value_rank;
    node->access_level = (uint8_t)(ACCESS_READ | (spec->writable ? ACCESS_WRITE : 0u));
    node->read = spec->read;
    node->write = spec->write;
    return spec->read == NULL ? kw_node_store_value(node, &spec->value, kw_clock_utc(space->clock)) : KW_GOOD;
}

/* --- Methods --------------------------------------------------------------------------------------------------------------------- */

static kw_status add_arguments(kw_space *space, const kw_node *method, const char *name, const kw_argument_spec *specs, size_t count)
{
    kw_arena *scratch = kw_arena_new(1 << 20);
    kw_argument *arguments = scratch != NULL ? KW_ARENA_ARRAY(scratch, kw_argument, count) : NULL;
    kw_extension_object *objects = arguments != NULL ? KW_ARENA_ARRAY(scratch, kw_extension_object, count) : NULL;
    kw_status status = objects != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    for (size_t i = 0; objects != NULL && i < count; i++) {
        arguments[i] = (kw_argument){
            .name = kw_string_from(specs[i].name), .data_type = KW_NODE_ID(0, specs[i].data_type), .value_rank = specs[i].value_rank};
        if (specs[i].description != NULL) {
            arguments[i].description = (kw_localized_text){KW_STRING(KW_LOCALE_OWN), kw_string_from(specs[i].description)};
        }
        objects[i] = kw_extension_object_of(KW_TYPE_ARGUMENT, &arguments[i]);
    }
    if (!kw_status_is_bad(status)) { /* an id that nobody else takes: the Method's own with the property's name */
        const kw_string text = kw_node_id_format(scratch, &method->id);
        const kw_node_id id = {
            .ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(scratch, "%.*s.%s", KW_STRING_ARGS(text), name)};
        status = kw_space_add_variable(space, &(kw_node_spec){.id = id,
                                                              .parent = method->id,
                                                              .type_definition = KW_NODE_ID(0, KW_ID_PROPERTY_TYPE),
                                                              .browse_name = {0, kw_string_from(name)}, /* RT-30: ns 0 */
                                                              .restrictions = method->restrictions,
                                                              .data_type = KW_NODE_ID(0, KW_TYPE_ARGUMENT->data_type_id),
                                                              .value_rank = 1,
                                                              .value = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count)});
    }
    kw_arena_free(scratch);
    return status;
}

kw_status kw_space_add_method(kw_space *space, const kw_node_spec *spec)
{
    static const kw_node_id COMPONENT = {.id.numeric = KW_ID_HAS_COMPONENT};
    kw_node *node = NULL;
    KW_TRY(new_node(space, spec, KW_NODE_CLASS_METHOD, &COMPONENT, NULL, &node));
    kw_argument_type *inputs = KW_ARENA_ARRAY(space->arena, kw_argument_type, spec->input_count);
    if (inputs == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < spec->input_count; i++) {
        inputs[i] = (kw_argument_type){KW_NODE_ID(0, spec->inputs[i].data_type), spec->inputs[i].value_rank};
    }
    node->call = spec->call;
    node->is_sessionless = spec->is_sessionless;
    node->inputs = inputs;
    node->input_count = spec->input_count;
    node->output_count = spec->output_count;
    if (spec->input_count > 0) {
        KW_TRY(add_arguments(space, node, "InputArguments", spec->inputs, spec->input_count));
    }
    return spec->output_count > 0 ? add_arguments(space, node, "OutputArguments", spec->outputs, spec->output_count) : KW_GOOD;
}

/* --- behind the tables -------------------------------------------------------------------------------------------------------------- */

kw_status kw_space_bind_value(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write write, void *ctx)
{
    kw_node *node = kw_space_own(space, id);
    if (node == NULL) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    node->read = read;
    node->write = write;
    node->ctx = ctx;
    return KW_GOOD;
}

kw_status kw_space_bind_value_later(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write_later write, void *ctx)
{
    KW_TRY(kw_space_bind_value(space, id, read, NULL, ctx));
    kw_node *node = kw_space_own(space, id);
    node->write_later = write;
    if (!node->is_overlay && write != NULL) {
        node->access_level |= ACCESS_WRITE;
    }
    return KW_GOOD;
}

kw_status kw_space_restrict(kw_space *space, const kw_node_id *id, uint16_t restrictions)
{
    kw_node *node = kw_space_own(space, id);
    if (node == NULL) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    node->restrictions |= restrictions;
    return KW_GOOD;
}

kw_status kw_space_set_value(kw_space *space, const kw_node_id *id, const kw_variant *value)
{
    kw_node *node = kw_space_own(space, id);
    return node != NULL ? kw_node_store_value(node, value, kw_clock_utc(space->clock)) : KW_BAD_NODE_ID_UNKNOWN;
}

/* The Argument array of a property of the tables; none is an empty list. */
static kw_status table_arguments(kw_space *space, const kw_node_ref *method, const char *name, kw_arena *scratch, kw_variant *out)
{
    kw_reference_view r;
    *out = KW_VARIANT_NULL;
    for (size_t cursor = 0; kw_space_next_reference(space, method, &cursor, &r);) {
        kw_node_ref property;
        if (r.is_forward && r.type.id.numeric == KW_ID_HAS_PROPERTY && kw_space_find(space, &r.target, &property) &&
            property.table != NULL && kw_string_equals(kw_nodeset_text(property.table->browse_name), name)) {
            return kw_nodeset_value(property.table, space->gds, scratch, out);
        }
    }
    return KW_GOOD;
}

static kw_status take_inputs(kw_space *space, kw_node *node, const kw_variant *arguments)
{
    const kw_extension_object *objects = arguments->data;
    kw_argument_type *inputs = KW_ARENA_ARRAY(space->arena, kw_argument_type, arguments->count);
    if (inputs == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < arguments->count; i++) {
        const kw_argument *argument = kw_extension_object_get(&objects[i], KW_TYPE_ARGUMENT);
        if (argument == NULL) {
            return KW_BAD_TYPE_MISMATCH;
        }
        inputs[i] = (kw_argument_type){argument->data_type, argument->value_rank}; /* numeric ids: nothing is borrowed */
    }
    node->inputs = inputs;
    node->input_count = arguments->count;
    return KW_GOOD;
}

static kw_status read_signature(kw_space *space, kw_node *node, const kw_node_ref *ref, kw_arena *scratch)
{
    kw_variant arguments;
    KW_TRY(table_arguments(space, ref, "InputArguments", scratch, &arguments));
    KW_TRY(take_inputs(space, node, &arguments));
    KW_TRY(table_arguments(space, ref, "OutputArguments", scratch, &arguments));
    node->output_count = arguments.count;
    return KW_GOOD;
}

kw_status kw_space_bind_method(kw_space *space, const kw_node_id *id, kw_method_call call, void *ctx)
{
    kw_node_ref ref;
    kw_node *node = kw_space_own(space, id);
    if (node == NULL || !kw_space_find(space, id, &ref)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    node->call = call;
    node->ctx = ctx;
    if (ref.table == NULL) {
        return KW_GOOD;
    }
    kw_arena *scratch = kw_arena_new(1 << 20);
    const kw_status status = scratch != NULL ? read_signature(space, node, &ref, scratch) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(scratch);
    return status;
}

/* --- removing ----------------------------------------------------------------------------------------------------------------------- */

static void drop_references_to(kw_node *node, const kw_node_id *target)
{
    size_t kept = 0;
    for (size_t i = 0; i < node->reference_count; i++) {
        if (!kw_node_id_equal(&node->references[i].target, target)) {
            node->references[kept++] = node->references[i];
        }
    }
    node->reference_count = kept;
}

kw_status kw_space_remove(kw_space *space, const kw_node_id *id)
{
    uint8_t buffer[512];
    kw_node_ref ref;
    if (!kw_space_find(space, id, &ref) || ref.table != NULL || ref.instances != NULL) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    kw_node *node = (kw_node *)ref.own;
    for (size_t i = 0; i < node->reference_count; i++) {
        kw_node_ref other;
        if (kw_space_find(space, &node->references[i].target, &other) && other.own != NULL) {
            drop_references_to((kw_node *)other.own, id);
        }
    }
    kw_map_remove(space->nodes, kw_node_id_key(id, buffer, sizeof(buffer), NULL));
    free(node->value);
    free(node->references);
    return KW_GOOD;
}
