/* A request and its response. */
#include "base/try.h"
#include "client/client_internal.h"

#define REQUEST_MAX ((size_t)64 << 20)

static void fill_header(kw_client *client, const kw_node_id *token, kw_request_header *header)
{
    header->authentication_token = token != NULL ? *token : KW_NODE_ID_NULL;
    header->timestamp = kw_clock_utc(&KW_CLOCK_SYSTEM);
    header->request_handle = ++client->request_handle;
    header->timeout_hint = client->timeout_ms;
}

static kw_status decode_response(kw_client *client, const kw_link *link, uint32_t handle, const kw_type *response_type, kw_arena *arena,
                                 void **response)
{
    uint32_t id = 0;
    /* What the caller keeps must not point into the link's buffer. */
    const kw_bytes body = kw_arena_copy(arena, link->reply);
    kw_reader r = kw_reader_of(body);
    KW_TRY(kw_ua_decode_message_id(&r, arena, &id));
    const bool is_fault = id == KW_TYPE_SERVICE_FAULT->binary_id;
    if (!is_fault && id != response_type->binary_id) {
        return kw_client_fail(client, KW_BAD_UNKNOWN_RESPONSE, "the server answered with something else (type i=%u)", id);
    }
    const kw_type *type = is_fault ? KW_TYPE_SERVICE_FAULT : response_type;
    void *value = kw_arena_alloc(arena, response_type->size > type->size ? response_type->size : type->size);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = kw_ua_decode(&r, arena, NULL, type, value);
    if (kw_status_is_bad(status) || kw_reader_left(&r) != 0) {
        return kw_client_fail(client, KW_BAD_DECODING_ERROR, "the server's answer cannot be decoded");
    }
    const kw_response_header *header = value; /* first field of every response */
    if (header->request_handle != handle) {
        return kw_client_fail(client, KW_BAD_UNKNOWN_RESPONSE, "the server answered another request");
    }
    *response = value;
    return header->service_result;
}

kw_status kw_client_exchange(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                             const kw_type *response_type, kw_arena *arena, void **response)
{
    client->error[0] = '\0';
    fill_header(client, token, request);
    const uint32_t handle = ((kw_request_header *)request)->request_handle;
    kw_writer w;
    kw_writer_init(&w, REQUEST_MAX);
    kw_status status = kw_ua_encode_message(&w, request_type, request);
    if (!kw_status_is_bad(status)) {
        status = kw_link_exchange(client, link, kw_writer_bytes(&w), client->timeout_ms);
    }
    kw_writer_wipe(&w); /* it may have held a secret */
    return kw_status_is_bad(status) ? status : decode_response(client, link, handle, response_type, arena, response);
}

kw_status kw_client_service(kw_client *client, const kw_type *request_type, void *request, const kw_type *response_type, kw_arena *arena,
                            void **response)
{
    if (client->link == NULL) {
        return kw_client_fail(client, KW_BAD_SERVER_NOT_CONNECTED, "there is no connection");
    }
    return kw_client_exchange(client, client->link, client->has_session ? &client->authentication_token : NULL, request_type, request,
                              response_type, arena, response);
}
