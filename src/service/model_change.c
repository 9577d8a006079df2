/* Those who watch the address space learn that it is another one: ModelChangeEvents and NodeVersion. OPC 10000-3, 9.32. */
#include "base/try.h"
#include "service/node_management.h"
#include "space/event.h"

#include <keyway/node_ids.h>

kw_status kw_model_changes_init(kw_model_changes *changes, kw_request *request, size_t room)
{
    *changes = (kw_model_changes){
        .request = request, .rows = KW_ARENA_ARRAY(request->arena, kw_model_change_structure_data_type, room), .room = room};
    return changes->rows != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

void kw_model_changes_add(kw_model_changes *changes, const kw_node_ref *node, uint8_t verb)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (kw_node_id_equal(&changes->rows[i].affected, &node->id)) {
            changes->rows[i].verb |= verb;
            return;
        }
    }
    if (changes->count == changes->room) {
        return;
    }
    kw_model_change_structure_data_type *row = &changes->rows[changes->count++];
    *row = (kw_model_change_structure_data_type){.affected = node->id, .verb = verb};
    kw_space_target(changes->request->context->space, node, KW_ID_HAS_TYPE_DEFINITION, true, &row->affected_type);
}

static void raise(const kw_model_changes *changes)
{
    kw_request *request = changes->request;
    kw_extension_object *objects = KW_ARENA_ARRAY(request->arena, kw_extension_object, changes->count);
    kw_node_id *affected = KW_ARENA_ARRAY(request->arena, kw_node_id, changes->count);
    kw_event event = {.type = KW_ID_GENERAL_MODEL_CHANGE_EVENT_TYPE,
                      .source_node = KW_NODE_ID(0, KW_ID_SERVER),
                      .source_name = KW_STRING("Server"),
                      .time = kw_clock_utc(request->context->clock),
                      .message = KW_STRING("the address space has changed"),
                      .severity = 100};
    if (objects == NULL || affected == NULL || kw_status_is_bad(kw_random_fill(request->context->random, event.id, sizeof(event.id)))) {
        return;
    }
    for (size_t i = 0; i < changes->count; i++) {
        objects[i] = kw_extension_object_of(KW_TYPE_MODEL_CHANGE_STRUCTURE_DATA_TYPE, &changes->rows[i]);
        affected[i] = changes->rows[i].affected;
    }
    const kw_event_field field = {"Changes", kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, changes->count)};
    event.fields = &field;
    event.field_count = 1;
    event.affected = affected;
    event.affected_count = changes->count;
    kw_space_raise(request->context->space, &event);
}

void kw_model_changes_tell(const kw_model_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        kw_space_new_version(changes->request->context->space, &changes->rows[i].affected);
    }
    raise(changes);
}
