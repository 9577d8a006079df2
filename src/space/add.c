/* Nodes of the application, and functions and values behind nodes of the tables. */
#include "base/try.h"
#include "space/locale.h"
#include "space/space_internal.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 100u
#define VALUE_MAX ((size_t)64 << 20)
#define ACCESS_READ 1u
#define ACCESS_WRITE 2u

/* --- values ---------------------------------------------------------------------------------------------------------------------- */

kw_status kw_node_store_value(kw_node *node, const kw_data_value *value)
{
    kw_writer w;
    kw_writer_init(&w, VALUE_MAX);
    const kw_status status = kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_VARIANT), &value->value);
    kw_stored_value *copy = !kw_status_is_bad(status) ? malloc(sizeof(*copy) + w.len) : NULL; /* exactly what is needed */
    if (copy != NULL) {
        *copy = (kw_stored_value){.written = value->source_timestamp, .status = value->status, .len = (uint32_t)w.len};
        memcpy(copy->bytes, w.data, w.len);
        free(node->behind.value);
        node->behind.value = copy;
    }
    kw_writer_clear(&w);
    return kw_status_is_bad(status) ? status : copy != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status store_now(kw_space *space, kw_node *node, const kw_variant *value)
{
    return kw_node_store_value(node, &(kw_data_value){.value = *value, .source_timestamp = kw_clock_utc(space->clock)});
}

/* --- own nodes ----------------------------------------------------------------------------------------------------------------- */

static void *dup_array(const void *from, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    return copy != NULL && size > 0 ? memcpy(copy, from, size) : copy;
}

static kw_status dup_localized(const kw_localized_text *from, kw_localized_text *to)
{
    KW_TRY(kw_text_dup(from->locale, &to->locale));
    return kw_text_dup(from->text, &to->text);
}

static kw_status dup_definition(const kw_extension_object *from, kw_node_more *more)
{
    uint8_t *former = more->definition;
    kw_writer w;
    kw_writer_init(&w, VALUE_MAX);
    kw_status status = kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_EXTENSION_OBJECT), from);
    if (!kw_status_is_bad(status)) {
        more->definition = dup_array(w.data, w.len);
        more->definition_len = w.len;
        status = more->definition != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
        free(former);
    }
    kw_writer_clear(&w);
    return status;
}

kw_status kw_node_store_definition(kw_node *node, const kw_extension_object *definition)
{
    kw_node_more *more = kw_node_more_of(node);
    return more != NULL ? dup_definition(definition, more) : KW_BAD_OUT_OF_MEMORY;
}

static bool has_definition(const kw_node_spec *spec)
{
    return spec->definition.type != NULL || spec->definition.encoding != KW_EXTENSION_NONE;
}

/* A text that only repeats the BrowseName is kept once. */
static bool has_display_name(const kw_node_spec *spec)
{
    return spec->display_name.text.data != NULL &&
           (spec->display_name.locale.len > 0 || !kw_bytes_equal(spec->display_name.text, spec->browse_name.name));
}

static bool has_more(const kw_node_spec *spec)
{
    return has_display_name(spec) || spec->description.text.data != NULL || spec->inverse_name.text.data != NULL ||
           spec->permission_count > 0 || spec->write_mask != 0 || spec->restrictions != 0 || spec->dimension_count > 0 ||
           spec->has_minimum_sampling_interval || has_definition(spec);
}

static kw_status fill_texts(kw_node_more *more, const kw_node_spec *spec)
{
    if (has_display_name(spec)) {
        KW_TRY(dup_localized(&spec->display_name, &more->display_name));
    }
    KW_TRY(dup_localized(&spec->description, &more->description));
    return dup_localized(&spec->inverse_name, &more->inverse_name);
}

static kw_status fill_more(kw_node *node, const kw_node_spec *spec)
{
    kw_node_more *more = has_more(spec) ? kw_node_more_of(node) : NULL;
    if (more == NULL) {
        return has_more(spec) ? KW_BAD_OUT_OF_MEMORY : KW_GOOD;
    }
    KW_TRY(fill_texts(more, spec));
    more->permissions = dup_array(spec->permissions, spec->permission_count * sizeof(*spec->permissions));
    more->dimensions = dup_array(spec->dimensions, spec->dimension_count * sizeof(*spec->dimensions));
    if (more->permissions == NULL || more->dimensions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    more->permission_count = (uint32_t)spec->permission_count;
    more->dimension_count = (uint32_t)spec->dimension_count;
    more->write_mask = spec->write_mask;
    more->restrictions |= spec->restrictions;
    more->minimum_sampling_interval = spec->minimum_sampling_interval;
    return has_definition(spec) ? dup_definition(&spec->definition, more) : KW_GOOD;
}

static uint8_t flags_of(const kw_node_spec *spec)
{
    return (uint8_t)((spec->is_abstract ? NODE_IS_ABSTRACT : 0) | (spec->is_symmetric ? NODE_IS_SYMMETRIC : 0) |
                     (spec->has_loops ? NODE_HAS_LOOPS : 0) | (spec->historizing ? NODE_HISTORIZING : 0) |
                     (spec->has_minimum_sampling_interval ? NODE_TIMED : 0));
}

static kw_status fill_value(kw_space *space, kw_node *node, const kw_node_spec *spec)
{
    kw_node *data_type = kw_nodes_intern(&space->store, &spec->data_type);
    if (data_type == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    data_type->flags |= NODE_IS_KEPT;
    node->data_type = data_type->self;
    node->value_rank = (int8_t)(spec->value_rank == 0 && !spec->has_value_rank ? -1 : spec->value_rank);
    node->access_level = (uint16_t)(spec->has_access_level ? spec->access_level : ACCESS_READ | (spec->writable ? ACCESS_WRITE : 0u));
    if (spec->read != NULL || spec->write != NULL || spec->ctx != NULL) {
        kw_live_value *live = kw_node_live_of(node);
        if (live == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        *live = (kw_live_value){.read = spec->read, .write = spec->write, .ctx = spec->ctx};
    }
    return spec->read == NULL && spec->value.type != KW_BUILTIN_NULL ? store_now(space, node, &spec->value) : KW_GOOD;
}

static bool has_value(kw_node_class node_class)
{
    return node_class == KW_NODE_CLASS_VARIABLE || node_class == KW_NODE_CLASS_VARIABLE_TYPE;
}

static kw_status fill(kw_space *space, kw_node *node, kw_node_class node_class, const kw_node_spec *spec)
{
    KW_TRY(kw_nodes_name(&space->store, node, &spec->browse_name));
    KW_TRY(fill_more(node, spec));
    node->flags |= flags_of(spec);
    node->event_notifier = spec->event_notifier;
    if (has_value(node_class)) {
        KW_TRY(fill_value(space, node, spec));
    }
    node->node_class = (uint8_t)node_class; /* from here on it is there */
    return KW_GOOD;
}

static kw_status check_shape(const kw_node_spec *spec)
{
    const bool is_rank = spec->value_rank >= -3 && spec->value_rank <= INT8_MAX;
    const bool is_matched = spec->dimension_count == 0 || (spec->value_rank > 0 && spec->dimension_count == (size_t)spec->value_rank);
    return is_rank && is_matched ? KW_GOOD : KW_BAD_NODE_ATTRIBUTES_INVALID;
}

/* Who asks for the rights of a node climbs to those it has them from. */
static bool is_deep(const kw_space *space, const kw_node *parent)
{
    size_t depth = 0;
    for (const kw_node *above = parent; above != NULL; above = kw_nodes_at(&space->store, above->parent)) {
        depth++;
    }
    return depth >= DEPTH_MAX;
}

static kw_status check_new(const kw_space *space, kw_node_class node_class, const kw_node_spec *spec)
{
    kw_node_ref found;
    if (node_class == KW_NODE_CLASS_UNSPECIFIED || node_class > KW_NODE_CLASS_VIEW || (node_class & (node_class - 1)) != 0) {
        return KW_BAD_NODE_CLASS_INVALID;
    }
    if (spec->id.kind == KW_NODE_ID_NUMERIC && spec->id.id.numeric == 0) {
        return KW_BAD_NODE_ID_INVALID;
    }
    if (kw_space_find(space, &spec->id, &found)) {
        return KW_BAD_NODE_ID_EXISTS;
    }
    if (!kw_node_id_is_null(&spec->parent) && (!kw_space_find(space, &spec->parent, &found) || found.instances != NULL)) {
        return KW_BAD_PARENT_NODE_ID_INVALID;
    }
    if (!kw_node_id_is_null(&spec->parent) && is_deep(space, found.own)) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    return check_shape(spec);
}

static kw_status attach(kw_space *space, kw_node *node, const kw_node_spec *spec)
{
    const kw_node_id has_type = KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION);
    if (!kw_node_id_is_null(&spec->type_definition)) {
        KW_TRY(kw_space_join(space, node, &has_type, kw_nodes_intern(&space->store, &spec->type_definition)));
    }
    if (kw_node_id_is_null(&spec->parent)) {
        return KW_GOOD;
    }
    kw_node *parent = kw_nodes_intern(&space->store, &spec->parent);
    node->parent = parent != NULL && parent->node_class != 0 ? parent->self : 0;
    if (kw_node_id_is_null(&spec->reference_type)) {
        return KW_GOOD;
    }
    return kw_space_join_new(space, parent, &spec->reference_type, node);
}

kw_status kw_space_add_node(kw_space *space, kw_node_class node_class, const kw_node_spec *spec)
{
    KW_TRY(check_new(space, node_class, spec));
    kw_node *node = kw_nodes_intern(&space->store, &spec->id);
    if (node == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = fill(space, node, node_class, spec);
    if (!kw_status_is_bad(status)) {
        status = attach(space, node, spec);
    }
    if (kw_status_is_bad(status)) { /* as it was before */
        if (node->node_class != 0) {
            (void)kw_space_remove(space, &spec->id);
        } else {
            kw_nodes_strip(&space->store, node);
            kw_nodes_tidy(&space->store, node);
        }
    }
    return status;
}

/* With what the three of the application take for granted. */
static kw_status add_usual(kw_space *space, kw_node_class node_class, const kw_node_spec *spec, uint32_t reference_type, uint32_t type)
{
    kw_node_spec whole = *spec;
    if (kw_node_id_is_null(&whole.reference_type)) {
        whole.reference_type = KW_NODE_ID(0, reference_type);
    }
    if (kw_node_id_is_null(&whole.type_definition)) {
        whole.type_definition = KW_NODE_ID(0, type);
    }
    return kw_space_add_node(space, node_class, &whole);
}

kw_status kw_space_add_object(kw_space *space, const kw_node_spec *spec)
{
    return add_usual(space, KW_NODE_CLASS_OBJECT, spec, KW_ID_HAS_COMPONENT, KW_ID_BASE_OBJECT_TYPE);
}

kw_status kw_space_add_variable(kw_space *space, const kw_node_spec *spec)
{
    const bool is_property = kw_node_id_equal(&spec->type_definition, &KW_NODE_ID(0, KW_ID_PROPERTY_TYPE));
    return add_usual(space, KW_NODE_CLASS_VARIABLE, spec, is_property ? KW_ID_HAS_PROPERTY : KW_ID_HAS_COMPONENT,
                     KW_ID_BASE_DATA_VARIABLE_TYPE);
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
                                                              .restrictions = method->more != NULL ? method->more->restrictions : 0,
                                                              .data_type = KW_NODE_ID(0, KW_TYPE_ARGUMENT->data_type_id),
                                                              .value_rank = 1,
                                                              .value = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count)});
    }
    kw_arena_free(scratch);
    return status;
}

static kw_behind_method *new_behind(size_t input_count, size_t output_count)
{
    kw_behind_method *behind = calloc(1, sizeof(*behind) + input_count * sizeof(behind->inputs[0]));
    if (behind != NULL) {
        behind->input_count = (uint32_t)input_count;
        behind->output_count = (uint32_t)output_count;
    }
    return behind;
}

kw_status kw_space_add_method(kw_space *space, const kw_node_spec *spec)
{
    kw_behind_method *behind = new_behind(spec->input_count, spec->output_count);
    if (behind == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = add_usual(space, KW_NODE_CLASS_METHOD, spec, KW_ID_HAS_COMPONENT, 0);
    if (kw_status_is_bad(status)) {
        free(behind);
        return status;
    }
    kw_node *node = kw_nodes_find(&space->store, &spec->id);
    for (size_t i = 0; i < spec->input_count; i++) {
        behind->inputs[i] = (kw_argument_type){KW_NODE_ID(0, spec->inputs[i].data_type), spec->inputs[i].value_rank};
    }
    behind->call = spec->call;
    behind->ctx = spec->ctx;
    behind->is_sessionless = spec->is_sessionless;
    node->behind.method = behind;
    if (spec->input_count > 0) {
        KW_TRY(add_arguments(space, node, "InputArguments", spec->inputs, spec->input_count));
    }
    return spec->output_count > 0 ? add_arguments(space, node, "OutputArguments", spec->outputs, spec->output_count) : KW_GOOD;
}

/* --- behind the tables -------------------------------------------------------------------------------------------------------------- */

static kw_status bind(kw_space *space, const kw_node_id *id, const kw_live_value *value)
{
    kw_node *node = kw_space_own(space, id);
    if (node == NULL) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    kw_live_value *live = kw_node_live_of(node);
    if (live == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *live = *value;
    if (node->node_class != 0 && value->write_later != NULL) {
        node->access_level |= ACCESS_WRITE;
    }
    return KW_GOOD;
}

kw_status kw_space_bind_value(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write write, void *ctx)
{
    return bind(space, id, &(kw_live_value){.read = read, .write = write, .ctx = ctx});
}

kw_status kw_space_bind_value_later(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write_later write, void *ctx)
{
    return bind(space, id, &(kw_live_value){.read = read, .write_later = write, .ctx = ctx});
}

kw_status kw_space_restrict(kw_space *space, const kw_node_id *id, uint16_t restrictions)
{
    kw_node *node = kw_space_own(space, id);
    if (node == NULL) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    kw_node_more *more = kw_node_more_of(node);
    if (more == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    more->restrictions |= restrictions;
    return KW_GOOD;
}

kw_status kw_space_set_value(kw_space *space, const kw_node_id *id, const kw_variant *value)
{
    kw_node_ref ref;
    kw_node *node = kw_space_own(space, id);
    if (node == NULL || !kw_space_find(space, id, &ref)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    return has_value((kw_node_class)kw_node_class_of(&ref)) ? store_now(space, node, value) : KW_BAD_ATTRIBUTE_ID_INVALID;
}

/* The Argument array of a property; none is an empty list. */
static kw_status arguments_of(kw_space *space, const kw_node_ref *method, const char *name, kw_arena *scratch, kw_variant *out)
{
    kw_reference_view r;
    *out = KW_VARIANT_NULL;
    for (size_t cursor = 0; kw_space_next_reference(space, method, &cursor, &r);) {
        kw_node_ref property;
        if (!r.is_forward || !kw_node_id_equal(&r.type, &KW_NODE_ID(0, KW_ID_HAS_PROPERTY)) ||
            !kw_space_find(space, &r.target, &property) || !kw_string_equals(kw_node_browse_name(space, &property).name, name)) {
            continue;
        }
        if (property.table != NULL) {
            return kw_nodeset_value(property.table, space->gds, scratch, out);
        }
        const kw_stored_value *stored = kw_node_class_of(&property) == KW_NODE_CLASS_VARIABLE ? property.own->behind.value : NULL;
        return stored != NULL
                   ? kw_ua_decode_all((kw_bytes){stored->bytes, stored->len}, scratch, NULL, kw_type_builtin(KW_BUILTIN_VARIANT), out)
                   : KW_GOOD;
    }
    return KW_GOOD;
}

/* The id in memory that stays as long as the space. */
static kw_status keep_data_type(kw_space *space, const kw_node_id *id, kw_node_id *out)
{
    kw_node *kept = kw_nodes_intern(&space->store, id);
    if (kept == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kept->flags |= NODE_IS_KEPT;
    *out = kept->id;
    return KW_GOOD;
}

static kw_status take_inputs(kw_space *space, kw_behind_method *behind, const kw_variant *arguments)
{
    const kw_extension_object *objects = arguments->data;
    for (size_t i = 0; i < arguments->count; i++) {
        const kw_argument *argument =
            arguments->type == KW_BUILTIN_EXTENSION_OBJECT ? kw_extension_object_get(&objects[i], KW_TYPE_ARGUMENT) : NULL;
        if (argument == NULL) {
            return KW_BAD_TYPE_MISMATCH;
        }
        KW_TRY(keep_data_type(space, &argument->data_type, &behind->inputs[i].data_type));
        behind->inputs[i].value_rank = argument->value_rank;
    }
    return KW_GOOD;
}

static kw_status behind_described(kw_space *space, const kw_node_ref *ref, kw_arena *scratch, kw_behind_method **out)
{
    kw_variant inputs, outputs;
    KW_TRY(arguments_of(space, ref, "InputArguments", scratch, &inputs));
    KW_TRY(arguments_of(space, ref, "OutputArguments", scratch, &outputs));
    kw_behind_method *behind = new_behind(inputs.count, outputs.count);
    if (behind == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = take_inputs(space, behind, &inputs);
    if (kw_status_is_bad(status)) {
        free(behind);
        return status;
    }
    *out = behind;
    return KW_GOOD;
}

static kw_status describe(kw_space *space, kw_node *node, const kw_node_ref *ref)
{
    kw_arena *scratch = kw_arena_new(1 << 20);
    const kw_status status = scratch != NULL ? behind_described(space, ref, scratch, &node->behind.method) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(scratch);
    return status;
}

kw_status kw_space_bind_method(kw_space *space, const kw_node_id *id, kw_method_call call, void *ctx)
{
    kw_node_ref ref;
    kw_node *node = kw_space_own(space, id);
    if (node == NULL || !kw_space_find(space, id, &ref) || kw_node_class_of(&ref) != KW_NODE_CLASS_METHOD) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    if (node->behind.method == NULL) {
        KW_TRY(describe(space, node, &ref));
    }
    node->behind.method->call = call;
    node->behind.method->ctx = ctx;
    return KW_GOOD;
}
