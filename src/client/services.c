/* Shorthands for one node each. */
#include "base/try.h"
#include "client/client_internal.h"

#include <string.h>

#define ATTRIBUTE_VALUE 13

static kw_status no_answer(kw_client *client)
{
    return kw_client_fail(client, KW_BAD_UNKNOWN_RESPONSE, "the server's answer does not fit the question");
}

kw_status kw_client_read(kw_client *client, const kw_node_id *node, uint32_t attribute, kw_arena *arena, kw_data_value *out)
{
    kw_read_value_id what = {.node_id = *node, .attribute_id = attribute};
    kw_read_request request = {.timestamps_to_return =
                                   attribute == ATTRIBUTE_VALUE ? KW_TIMESTAMPS_TO_RETURN_BOTH : KW_TIMESTAMPS_TO_RETURN_NEITHER,
                               .nodes_to_read = &what,
                               .nodes_to_read_count = 1};
    kw_read_response *response = NULL;
    KW_TRY(kw_client_service(client, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, arena, (void **)&response));
    if (response->results_count != 1) {
        return no_answer(client);
    }
    *out = response->results[0];
    return out->has_status ? out->status : KW_GOOD;
}

kw_status kw_client_write(kw_client *client, const kw_node_id *node, uint32_t attribute, const kw_data_value *value)
{
    kw_arena *arena = kw_arena_new(KW_CLIENT_ARENA);
    kw_write_value what = {.node_id = *node, .attribute_id = attribute, .value = *value};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    kw_write_response *response = NULL;
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = kw_client_service(client, KW_TYPE_WRITE_REQUEST, &request, KW_TYPE_WRITE_RESPONSE, arena, (void **)&response);
    if (!kw_status_is_bad(status)) {
        status = response->results_count == 1 ? response->results[0] : no_answer(client);
    }
    kw_arena_free(arena);
    return status;
}

/* --- Browse --------------------------------------------------------------------------------------------------------------- */

typedef struct gathering {
    kw_arena *arena;
    kw_reference_description *items;
    size_t count, room, max;
} gathering;

static kw_status gather(gathering *g, const kw_browse_result *result)
{
    for (size_t i = 0; i < result->references_count && (g->max == 0 || g->count < g->max); i++) {
        if (g->count == g->room) {
            const size_t room = g->room * 2 + 64;
            kw_reference_description *items = KW_ARENA_ARRAY(g->arena, kw_reference_description, room);
            if (items == NULL) {
                return KW_BAD_OUT_OF_MEMORY;
            }
            memcpy(items, g->items, g->count * sizeof(*items));
            g->items = items;
            g->room = room;
        }
        g->items[g->count++] = result->references[i];
    }
    return result->status_code;
}

static kw_status browse_next(kw_client *client, kw_arena *arena, kw_bytes point, bool release, kw_browse_result *out)
{
    kw_browse_next_request request = {
        .release_continuation_points = release, .continuation_points = &point, .continuation_points_count = 1};
    kw_browse_next_response *response = NULL;
    KW_TRY(kw_client_service(client, KW_TYPE_BROWSE_NEXT_REQUEST, &request, KW_TYPE_BROWSE_NEXT_RESPONSE, arena, (void **)&response));
    if (release) {
        return KW_GOOD;
    }
    if (response->results_count != 1) {
        return no_answer(client);
    }
    *out = response->results[0];
    return KW_GOOD;
}

kw_status kw_client_browse(kw_client *client, const kw_browse_description *what, size_t max, kw_arena *arena,
                           kw_reference_description **out, size_t *count)
{
    kw_browse_description node = *what;
    kw_browse_request request = {.nodes_to_browse = &node, .nodes_to_browse_count = 1};
    kw_browse_response *response = NULL;
    kw_reference_description none;
    gathering g = {.arena = arena, .items = &none, .max = max};
    KW_TRY(kw_client_service(client, KW_TYPE_BROWSE_REQUEST, &request, KW_TYPE_BROWSE_RESPONSE, arena, (void **)&response));
    if (response->results_count != 1) {
        return no_answer(client);
    }
    kw_browse_result result = response->results[0];
    KW_TRY(gather(&g, &result));
    while (result.continuation_point.len > 0) {
        const bool release = max != 0 && g.count >= max;
        const size_t before = g.count;
        KW_TRY(browse_next(client, arena, result.continuation_point, release, &result));
        if (release) {
            break;
        }
        KW_TRY(gather(&g, &result));
        if (g.count == before) { /* a server that goes on without end (attack A-186) */
            return no_answer(client);
        }
    }
    *out = g.count > 0 ? g.items : NULL;
    *count = g.count;
    return KW_GOOD;
}

/* --- Call, namespaces ------------------------------------------------------------------------------------------------------- */

kw_status kw_client_call(kw_client *client, const kw_node_id *object, const kw_node_id *method, const kw_variant *inputs,
                         size_t input_count, kw_arena *arena, kw_call_method_result *out)
{
    kw_call_method_request what = {
        .object_id = *object, .method_id = *method, .input_arguments = (kw_variant *)inputs, .input_arguments_count = input_count};
    kw_call_request request = {.methods_to_call = &what, .methods_to_call_count = 1};
    kw_call_response *response = NULL;
    KW_TRY(kw_client_service(client, KW_TYPE_CALL_REQUEST, &request, KW_TYPE_CALL_RESPONSE, arena, (void **)&response));
    if (response->results_count != 1) {
        return no_answer(client);
    }
    *out = response->results[0];
    return out->status_code;
}

kw_status kw_client_namespace(kw_client *client, const char *uri, uint16_t *index)
{
    const kw_node_id array = KW_NODE_ID(0, 2255); /* NamespaceArray */
    if (client->namespaces == NULL) {
        kw_data_value value = {.has_value = false};
        KW_TRY(kw_client_read(client, &array, ATTRIBUTE_VALUE, client->arena, &value));
        if (value.value.type != KW_BUILTIN_STRING || !value.value.is_array) {
            return no_answer(client);
        }
        client->namespaces = value.value.data;
        client->namespace_count = value.value.count;
    }
    for (size_t i = 0; i < client->namespace_count && i < UINT16_MAX; i++) {
        if (kw_string_equals(client->namespaces[i], uri)) {
            *index = (uint16_t)i;
            return KW_GOOD;
        }
    }
    return KW_BAD_NOT_FOUND;
}
