#include "ua/nodeset.h"

#include "base/try.h"
#include "ua/codec.h"
#include "ua/namespaces.h"

const kw_nodeset_node *kw_nodeset_find(uint8_t model, uint32_t id)
{
    if (model >= KW_MODEL_COUNT) {
        return NULL;
    }
    const kw_nodeset *set = &kw_nodesets[model];
    size_t low = 0, high = set->node_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (set->nodes[middle].id == id) {
            return &set->nodes[middle];
        }
        if (set->nodes[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const kw_nodeset_reference *kw_nodeset_added_references(uint8_t model, uint32_t core_id, size_t *count)
{
    const kw_nodeset *set = &kw_nodesets[model];
    size_t low = 0, high = set->addition_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const kw_nodeset_addition *addition = &set->additions[middle];
        if (addition->id == core_id) {
            *count = addition->reference_count;
            return set->references + addition->first_reference;
        }
        if (addition->id < core_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    return NULL;
}

static kw_status decode_slice(kw_nodeset_slice slice, uint16_t gds_index, kw_arena *arena, const kw_type *type, void *out)
{
    const uint16_t map[KW_MODEL_COUNT] = {0, gds_index};
    KW_TRY(kw_ua_decode_all(kw_nodeset_text(slice), arena, NULL, type, out));
    kw_ua_map_namespaces(type, out, map, KW_MODEL_COUNT);
    return KW_GOOD;
}

kw_status kw_nodeset_value(const kw_nodeset_node *node, uint16_t gds_index, kw_arena *arena, kw_variant *out)
{
    if (node->value.len == 0) {
        *out = KW_VARIANT_NULL;
        return KW_GOOD;
    }
    return decode_slice(node->value, gds_index, arena, KW_TYPE_VARIANT, out);
}

kw_status kw_nodeset_definition(const kw_nodeset_node *node, uint16_t gds_index, kw_arena *arena, kw_extension_object *out)
{
    if (node->definition.len == 0) {
        *out = (kw_extension_object){0};
        return KW_GOOD;
    }
    return decode_slice(node->definition, gds_index, arena, KW_TYPE_EXTENSION_OBJECT, out);
}
