/* View Service Set: TranslateBrowsePathsToNodeIds, RegisterNodes, UnregisterNodes (Browse is in browse.c). OPC 10000-4, 5.9. */
#include "base/try.h"
#include "service/service.h"
#include "space/node.h"

#define PATH_MAX_ELEMENTS 100
#define TARGETS_MAX 1000 /* of one path, and of each step on the way */

/* --- TranslateBrowsePathsToNodeIds ------------------------------------------------------------------------------------------ */

typedef struct node_list {
    kw_node_ref *nodes;
    size_t count;
} node_list;

static bool matches_element(const kw_space *space, const kw_relative_path_element *element, const kw_reference_view *r)
{
    if (r->is_forward == element->is_inverse) {
        return false;
    }
    if (kw_node_id_is_null(&element->reference_type_id)) {
        return true;
    }
    return element->include_subtypes ? kw_space_is_subtype(space, &r->type, &element->reference_type_id)
                                     : kw_node_id_equal(&r->type, &element->reference_type_id);
}

static bool contains(const node_list *list, const kw_node_id *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (kw_node_id_equal(&list->nodes[i].id, id)) {
            return true;
        }
    }
    return false;
}

static bool may_follow(const kw_space *space, const kw_access *access, const kw_reference_view *r, const kw_node_ref *target)
{
    kw_node_ref type;
    return kw_node_is_visible(space, access, target) && kw_space_find(space, &r->type, &type) && kw_node_is_visible(space, access, &type);
}

/* One step of the path from every node reached so far. What may not be seen is not there (attack A-198). */
static kw_status step(kw_request *request, const kw_access *access, const kw_relative_path_element *element, const node_list *from,
                      node_list *to)
{
    const kw_space *space = request->context->space;
    to->nodes = KW_ARENA_ARRAY(request->arena, kw_node_ref, TARGETS_MAX);
    to->count = 0;
    if (to->nodes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < from->count; i++) {
        kw_reference_view r;
        for (size_t cursor = 0; kw_space_next_reference(space, &from->nodes[i], &cursor, &r);) {
            kw_node_ref target;
            if (!matches_element(space, element, &r) || !kw_space_find(space, &r.target, &target)) {
                continue;
            }
            const kw_qualified_name name = kw_node_browse_name(space, &target);
            const bool is_it = element->target_name.name.len == 0 || kw_qualified_name_equal(&name, &element->target_name);
            if (!is_it || !may_follow(space, access, &r, &target) || contains(to, &target.id)) {
                continue;
            }
            if (to->count == TARGETS_MAX) {
                return KW_BAD_TOO_MANY_MATCHES;
            }
            to->nodes[to->count++] = target;
        }
    }
    return to->count > 0 ? KW_GOOD : KW_BAD_NO_MATCH;
}

static kw_status translate_one(kw_request *request, const kw_access *access, const kw_browse_path *path, kw_browse_path_result *out)
{
    const kw_space *space = request->context->space;
    kw_node_ref start;
    if (!kw_space_find(space, &path->starting_node, &start) || !kw_node_is_visible(space, access, &start)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    if (path->relative_path.elements_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (path->relative_path.elements_count > PATH_MAX_ELEMENTS) { /* attack A-32 */
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    node_list here = {&start, 1}, there;
    for (size_t i = 0; i < path->relative_path.elements_count; i++) {
        const kw_relative_path_element *element = &path->relative_path.elements[i];
        if (element->target_name.name.len == 0 && i + 1 < path->relative_path.elements_count) { /* the last one may: all targets */
            return KW_BAD_BROWSE_NAME_INVALID;
        }
        KW_TRY(step(request, access, element, &here, &there));
        here = there;
    }
    out->targets = KW_ARENA_ARRAY(request->arena, kw_browse_path_target, here.count);
    if (out->targets == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    out->targets_count = here.count;
    for (size_t i = 0; i < here.count; i++) {
        out->targets[i] = (kw_browse_path_target){.target_id = {.node_id = here.nodes[i].id}, .remaining_path_index = UINT32_MAX};
    }
    return KW_GOOD;
}

static kw_status translate_all(kw_request *request)
{
    const kw_translate_browse_paths_to_node_ids_request *body = request->body;
    kw_translate_browse_paths_to_node_ids_response *response = request->response;
    const kw_access access = kw_request_access(request);
    if (body->browse_paths_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->browse_paths_count > request->context->limits->max_nodes_per_translate) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    response->results = KW_ARENA_ARRAY(request->arena, kw_browse_path_result, body->browse_paths_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->browse_paths_count;
    for (size_t i = 0; i < body->browse_paths_count; i++) {
        response->results[i].status_code = translate_one(request, &access, &body->browse_paths[i], &response->results[i]);
    }
    return KW_GOOD;
}

void kw_service_translate_browse_paths(kw_request *request)
{
    request->finish(request, translate_all(request));
}

/* --- RegisterNodes, UnregisterNodes ------------------------------------------------------------------------------------------ */

/* NodeIds are as quick as they can be already: they are handed back as they came. */
void kw_service_register_nodes(kw_request *request)
{
    const kw_register_nodes_request *body = request->body;
    kw_register_nodes_response *response = request->response;
    kw_status status = KW_GOOD;
    if (body->nodes_to_register_count == 0) {
        status = KW_BAD_NOTHING_TO_DO;
    } else if (body->nodes_to_register_count > request->context->limits->max_nodes_per_register) {
        status = KW_BAD_TOO_MANY_OPERATIONS;
    } else {
        response->registered_node_ids = body->nodes_to_register;
        response->registered_node_ids_count = body->nodes_to_register_count;
    }
    request->finish(request, status);
}

void kw_service_unregister_nodes(kw_request *request)
{
    const kw_unregister_nodes_request *body = request->body;
    const bool is_too_much = body->nodes_to_unregister_count > request->context->limits->max_nodes_per_register;
    request->finish(request, body->nodes_to_unregister_count == 0 ? KW_BAD_NOTHING_TO_DO
                             : is_too_much                        ? KW_BAD_TOO_MANY_OPERATIONS
                                                                  : KW_GOOD);
}
