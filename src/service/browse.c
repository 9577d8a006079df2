/* Browse and BrowseNext. OPC 10000-4, 5.9.2 and 5.9.3. */
#include "base/try.h"
#include "service/service.h"
#include "space/locale.h"
#include "space/node.h"
#include "ua/codec.h"

#include <stdlib.h>
#include <string.h>

#define POINT_ARENA ((size_t)64 << 10)
#define POINT_LEN 8

enum {
    RESULT_REFERENCE_TYPE = 1,
    RESULT_IS_FORWARD = 2,
    RESULT_NODE_CLASS = 4,
    RESULT_BROWSE_NAME = 8,
    RESULT_DISPLAY_NAME = 16,
    RESULT_TYPE_DEFINITION = 32
};

/* Where a Browse stopped: what was asked, and how far it came. Owned by the Session. */
typedef struct continuation {
    struct continuation *next;
    uint64_t id;
    kw_arena *arena; /* of what */
    kw_browse_description what;
    uint32_t max_references;
    size_t cursor;
} continuation;

typedef struct continuation_list {
    continuation *first;
    uint32_t count;
    uint64_t last_id;
} continuation_list;

/* --- continuation points ------------------------------------------------------------------------------------------------------- */

static void free_point(continuation *c)
{
    kw_arena_free(c->arena);
    free(c);
}

static void free_list(void *data)
{
    continuation_list *list = data;
    while (list->first != NULL) {
        continuation *c = list->first;
        list->first = c->next;
        free_point(c);
    }
    free(list);
}

static continuation_list *list_of(kw_session *session)
{
    continuation_list *list = kw_session_attachment(session);
    if (list == NULL && (list = calloc(1, sizeof(*list))) != NULL) {
        kw_session_attach(session, list, free_list);
    }
    return list;
}

static kw_status keep_point(kw_request *request, const kw_browse_description *what, uint32_t max_references, size_t cursor, kw_bytes *id)
{
    if (request->session == NULL) {
        return KW_BAD_NO_CONTINUATION_POINTS; /* nobody keeps it */
    }
    continuation_list *list = list_of(request->session);
    if (list == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (list->count >= request->context->limits->max_browse_continuation_points) {
        return KW_BAD_NO_CONTINUATION_POINTS;
    }
    uint64_t *handed_out = KW_ARENA_NEW(request->arena, uint64_t);
    continuation *c = calloc(1, sizeof(*c));
    if (c == NULL || handed_out == NULL || (c->arena = kw_arena_new(POINT_ARENA)) == NULL ||
        kw_status_is_bad(kw_ua_copy(c->arena, KW_TYPE_BROWSE_DESCRIPTION, what, &c->what))) {
        if (c != NULL) {
            free_point(c);
        }
        return KW_BAD_OUT_OF_MEMORY;
    }
    c->id = ++list->last_id;
    c->max_references = max_references;
    c->cursor = cursor;
    c->next = list->first;
    list->first = c;
    list->count++;
    *handed_out = c->id;
    *id = (kw_bytes){(const uint8_t *)handed_out, POINT_LEN};
    return KW_GOOD;
}

/* Out of the list: a continuation point is good once. NULL: there is none of that id in this Session. */
static continuation *take_point(kw_session *session, kw_bytes id)
{
    continuation_list *list = session != NULL ? kw_session_attachment(session) : NULL;
    uint64_t wanted;
    if (list == NULL || id.len != POINT_LEN) {
        return NULL;
    }
    memcpy(&wanted, id.data, POINT_LEN);
    for (continuation **link = &list->first; *link != NULL; link = &(*link)->next) {
        if ((*link)->id == wanted) {
            continuation *c = *link;
            *link = c->next;
            list->count--;
            return c;
        }
    }
    return NULL;
}

/* --- one reference ---------------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const kw_space *space, const kw_browse_description *what, const kw_reference_view *r)
{
    if (what->browse_direction != KW_BROWSE_DIRECTION_BOTH && r->is_forward != (what->browse_direction == KW_BROWSE_DIRECTION_FORWARD)) {
        return false;
    }
    if (kw_node_id_is_null(&what->reference_type_id)) {
        return true;
    }
    return what->include_subtypes ? kw_space_is_subtype(space, &r->type, &what->reference_type_id)
                                  : kw_node_id_equal(&r->type, &what->reference_type_id);
}

static bool is_visible(const kw_space *space, const kw_access *access, const kw_node_id *id)
{
    kw_node_ref node;
    return kw_space_find(space, id, &node) && kw_node_is_visible(space, access, &node);
}

static kw_reference_description describe(const kw_space *space, const kw_access *access, const kw_browse_description *what,
                                         const kw_reference_view *r, const kw_node_ref *target)
{
    kw_reference_description d = {.node_id = {.node_id = target->id}};
    const uint8_t node_class = kw_node_class_of(target);
    if ((what->result_mask & RESULT_REFERENCE_TYPE) != 0) {
        d.reference_type_id = r->type;
    }
    if ((what->result_mask & RESULT_IS_FORWARD) != 0) {
        d.is_forward = r->is_forward;
    }
    if ((what->result_mask & RESULT_NODE_CLASS) != 0) {
        d.node_class = node_class;
    }
    if ((what->result_mask & RESULT_BROWSE_NAME) != 0) {
        d.browse_name = kw_node_browse_name(space, target);
    }
    if ((what->result_mask & RESULT_DISPLAY_NAME) != 0) {
        d.display_name = kw_space_localize(space, access, kw_node_display_name(space, target));
    }
    if ((what->result_mask & RESULT_TYPE_DEFINITION) != 0 && (node_class == KW_NODE_CLASS_OBJECT || node_class == KW_NODE_CLASS_VARIABLE)) {
        kw_node_id type;
        if (kw_space_target(space, target, 40 /* HasTypeDefinition */, true, &type) && is_visible(space, access, &type)) {
            d.type_definition.node_id = type;
        }
    }
    return d;
}

/* Of a node in another Server, or in a namespace that is not known here, this Server knows no more than how to name it. */
static bool describe_remote(const kw_space *space, const kw_access *access, const kw_browse_description *what, const kw_reference_view *r,
                            kw_reference_description *out)
{
    if (what->node_class_mask != 0 || !is_visible(space, access, &r->type)) {
        return false;
    }
    *out =
        (kw_reference_description){.node_id = {.node_id = r->target, .namespace_uri = r->namespace_uri, .server_index = r->server_index}};
    if ((what->result_mask & RESULT_REFERENCE_TYPE) != 0) {
        out->reference_type_id = r->type;
    }
    if ((what->result_mask & RESULT_IS_FORWARD) != 0) {
        out->is_forward = r->is_forward;
    }
    return true;
}

/* The next reference that goes into the result; false: no more. */
static bool next_result(const kw_space *space, const kw_access *access, const kw_browse_description *what, const kw_node_ref *node,
                        size_t *cursor, kw_reference_description *out)
{
    kw_reference_view r;
    while (kw_space_next_link(space, node, cursor, &r)) {
        kw_node_ref target;
        if (r.is_remote) {
            if (is_wanted(space, what, &r) && describe_remote(space, access, what, &r, out)) {
                return true;
            }
            continue;
        }
        if (!is_wanted(space, what, &r) || !kw_space_find(space, &r.target, &target)) {
            continue;
        }
        if (what->node_class_mask != 0 && (what->node_class_mask & kw_node_class_of(&target)) == 0) {
            continue;
        }
        if (kw_node_is_visible(space, access, &target) && is_visible(space, access, &r.type)) {
            *out = describe(space, access, what, &r, &target);
            return true;
        }
    }
    return false;
}

/* --- one node -------------------------------------------------------------------------------------------------------------------------- */

static kw_status check_description(const kw_space *space, const kw_access *access, const kw_browse_description *what)
{
    kw_node_ref type;
    if (what->browse_direction < KW_BROWSE_DIRECTION_FORWARD || what->browse_direction > KW_BROWSE_DIRECTION_BOTH) {
        return KW_BAD_BROWSE_DIRECTION_INVALID;
    }
    if (!kw_node_id_is_null(&what->reference_type_id) &&
        (!kw_space_find(space, &what->reference_type_id, &type) || kw_node_class_of(&type) != KW_NODE_CLASS_REFERENCE_TYPE ||
         !kw_node_is_visible(space, access, &type))) {
        return KW_BAD_REFERENCE_TYPE_ID_INVALID;
    }
    return KW_GOOD;
}

static kw_status browse_from(kw_request *request, const kw_access *access, const kw_browse_description *what, uint32_t max_references,
                             size_t cursor, kw_browse_result *out)
{
    const kw_space *space = request->context->space;
    const uint32_t own_max = request->context->limits->max_references_per_node;
    const size_t max = max_references != 0 && max_references < own_max ? max_references : own_max;
    kw_node_ref node;
    if (!kw_space_find(space, &what->node_id, &node)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    KW_TRY(kw_node_check(space, access, &node, KW_PERMISSION_BROWSE));
    KW_TRY(check_description(space, access, what));
    size_t room = max < 32 ? max : 32, count = 0;
    kw_reference_description *list = KW_ARENA_ARRAY(request->arena, kw_reference_description, room);
    kw_reference_description next;
    size_t before = cursor;
    while (list != NULL && next_result(space, access, what, &node, &cursor, &next)) {
        if (count == max) { /* there is more */
            KW_TRY(keep_point(request, what, max_references, before, &out->continuation_point));
            break;
        }
        if (count == room) {
            kw_reference_description *more = KW_ARENA_ARRAY(request->arena, kw_reference_description, room * 2);
            if (more != NULL) {
                memcpy(more, list, count * sizeof(*list));
            }
            list = more;
            room *= 2;
        }
        if (list != NULL) {
            list[count++] = next;
        }
        before = cursor;
    }
    out->references = list;
    out->references_count = count;
    return list != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status browse_all(kw_request *request)
{
    const kw_browse_request *body = request->body;
    kw_browse_response *response = request->response;
    const kw_access access = kw_request_access(request);
    if (!kw_node_id_is_null(&body->view.view_id)) {
        return KW_BAD_VIEW_ID_UNKNOWN;
    }
    if (body->nodes_to_browse_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->nodes_to_browse_count > request->context->limits->max_nodes_per_browse) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    response->results = KW_ARENA_ARRAY(request->arena, kw_browse_result, body->nodes_to_browse_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->nodes_to_browse_count;
    for (size_t i = 0; i < body->nodes_to_browse_count; i++) {
        kw_browse_result *out = &response->results[i];
        out->status_code = browse_from(request, &access, &body->nodes_to_browse[i], body->requested_max_references_per_node, 0, out);
        if (kw_status_is_bad(out->status_code)) {
            *out = (kw_browse_result){.status_code = out->status_code};
        }
    }
    return KW_GOOD;
}

void kw_service_browse(kw_request *request)
{
    request->finish(request, browse_all(request));
}

/* --- BrowseNext --------------------------------------------------------------------------------------------------------------------------- */

static kw_status next_one(kw_request *request, const kw_access *access, kw_bytes id, bool release, kw_browse_result *out)
{
    continuation *c = take_point(request->session, id);
    kw_status status = KW_GOOD;
    if (c == NULL) {
        return KW_BAD_CONTINUATION_POINT_INVALID;
    }
    if (!release) {
        status = browse_from(request, access, &c->what, c->max_references, c->cursor, out);
    }
    free_point(c);
    return status;
}

static kw_status next_all(kw_request *request)
{
    const kw_browse_next_request *body = request->body;
    kw_browse_next_response *response = request->response;
    const kw_access access = kw_request_access(request);
    if (body->continuation_points_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->continuation_points_count > request->context->limits->max_nodes_per_browse) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    response->results = KW_ARENA_ARRAY(request->arena, kw_browse_result, body->continuation_points_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->continuation_points_count;
    for (size_t i = 0; i < body->continuation_points_count; i++) {
        kw_browse_result *out = &response->results[i];
        const kw_status status = next_one(request, &access, body->continuation_points[i], body->release_continuation_points, out);
        if (kw_status_is_bad(status)) {
            *out = (kw_browse_result){.status_code = status};
        }
    }
    return KW_GOOD;
}

void kw_service_browse_next(kw_request *request)
{
    request->finish(request, next_all(request));
}
