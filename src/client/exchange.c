/* A request and its response. */
#include "base/try.h"
#include "client/client_internal.h"

#define REQUEST_MAX ((size_t)64 << 20)

static void fill_header(kw_client *client, const kw_node_id *token, uint32_t timeout_hint, kw_request_header *header)
{
    header->authentication_token = token != NULL ? *token : KW_NODE_ID_NULL;
    header->timestamp = kw_clock_utc(client->env.clock);
    header->request_handle = ++client->request_handle;
    header->timeout_hint = timeout_hint;
}

kw_status kw_client_send(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                         uint32_t timeout_hint, kw_awaited *awaited)
{
    fill_header(client, token, timeout_hint, request);
    *awaited = (kw_awaited){.handle = ((kw_request_header *)request)->request_handle};
    kw_writer w;
    kw_writer_init(&w, REQUEST_MAX);
    kw_status status = kw_ua_encode_message(&w, request_type, request);
    if (!kw_status_is_bad(status)) {
        status = kw_link_send(link, kw_writer_bytes(&w), awaited);
    }
    kw_writer_wipe(&w); /* it may have held a secret */
    return status;
}

kw_status kw_client_decode(kw_client *client, const kw_awaited *awaited, const kw_type *response_type, kw_arena *arena, void **response)
{
    uint32_t id = 0;
    /* What the caller keeps must not point into the link's buffer. */
    const kw_bytes body = kw_arena_copy(arena, awaited->body);
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
    if (header->request_handle != awaited->handle) {
        return kw_client_fail(client, KW_BAD_UNKNOWN_RESPONSE, "the server answered another request");
    }
    *response = value;
    return header->service_result;
}

void kw_client_note_end(kw_client *client, kw_link *link, kw_status status)
{
    if (status == KW_BAD_SESSION_ID_INVALID || status == KW_BAD_SESSION_CLOSED) {
        client->session_is_gone = true;
    }
    if (status == KW_BAD_SECURE_CHANNEL_ID_INVALID || status == KW_BAD_SECURE_CHANNEL_CLOSED) {
        kw_link_fail(link, status);
    }
}

kw_status kw_client_exchange(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                             const kw_type *response_type, kw_arena *arena, void **response)
{
    client->error[0] = '\0';
    kw_awaited awaited;
    kw_status status = kw_client_send(client, link, token, request_type, request, client->timeout_ms, &awaited);
    if (kw_status_is_bad(status)) {
        return link->is_closed ? kw_client_fail(client, status, "the connection is closed") : status;
    }
    KW_TRY(kw_link_wait(client, link, &awaited));
    status = kw_client_decode(client, &awaited, response_type, arena, response);
    kw_arena_free(awaited.arena);
    if (token != NULL) {
        client->last_used = kw_clock_ms(client->env.clock);
        kw_client_note_end(client, link, status);
    }
    return status;
}

/* Repeating them changes nothing at the Server. */
static bool is_repeatable(const kw_type *type)
{
    return type == KW_TYPE_READ_REQUEST || type == KW_TYPE_BROWSE_REQUEST || type == KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST;
}

kw_status kw_client_service(kw_client *client, const kw_type *request_type, void *request, const kw_type *response_type, kw_arena *arena,
                            void **response)
{
    if (!client->has_session) {
        return kw_client_fail(client, KW_BAD_SERVER_NOT_CONNECTED, "there is no connection");
    }
    if (!client->is_activated) { /* AS-02: the Server would end the Session */
        return kw_client_fail(client, KW_BAD_SESSION_NOT_ACTIVATED, "the Session has no user yet: activate it first");
    }
    const bool by_itself = client->is_occupied;
    if (!by_itself) {
        KW_TRY(kw_client_ready(client));
    }
    void *answer = NULL;
    kw_status status =
        kw_client_exchange(client, client->link, &client->authentication_token, request_type, request, response_type, arena, &answer);
    if (!by_itself && kw_client_is_broken(client) && client->reconnect_ms != KW_CLIENT_NEVER) {
        KW_TRY(kw_client_recover(client));
        if (answer == NULL && !is_repeatable(request_type)) { /* a fault would say that nothing was done */
            return kw_client_fail(client, KW_BAD_CONNECTION_CLOSED,
                                  "the connection broke while the server worked on this: look whether it was done before you repeat it");
        }
        status =
            kw_client_exchange(client, client->link, &client->authentication_token, request_type, request, response_type, arena, &answer);
    }
    if (answer != NULL) {
        *response = answer;
    }
    return status;
}
