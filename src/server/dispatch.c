/* From a message to a handler, and from its result to a response. */
#include "base/try.h"
#include "server/server_internal.h"

/* --- the answer -------------------------------------------------------------------------------------------------------- */

static kw_response_header header_for(const kw_server *server, uint32_t request_handle, kw_status status)
{
    return (kw_response_header){.timestamp = kw_clock_utc(server->env.clock), .request_handle = request_handle, .service_result = status};
}

/* What the peer, and the Session if there is one, are willing to take; 0: anything. */
static size_t response_limit(const kw_connection *connection, const kw_session *session)
{
    const uint32_t of_channel = kw_channel_peer_max_message(connection->channel);
    const uint32_t of_session = session != NULL ? kw_session_max_response_message(session) : 0;
    if (of_channel == 0 || of_session == 0) {
        return of_channel + of_session; /* one of them is 0 */
    }
    return of_channel < of_session ? of_channel : of_session;
}

static kw_status send_encoded(kw_connection *connection, const kw_session *session, uint32_t request_id, kw_status encoded)
{
    const kw_writer *w = &connection->server->response;
    const size_t limit = response_limit(connection, session);
    if (kw_status_is_bad(encoded) || (limit != 0 && w->len > limit)) {
        return KW_BAD_RESPONSE_TOO_LARGE;
    }
    return kw_channel_send(connection->channel, request_id, kw_writer_bytes(w));
}

static kw_status encode_response(const kw_server_request *r, kw_writer *w)
{
    const kw_type *type = r->base.service->response_type;
    if (r->sessionless == NULL) {
        return kw_ua_encode_message(w, type, r->base.response);
    }
    KW_TRY(kw_sessionless_encode(r, w));
    return kw_ua_encode(w, type, r->base.response);
}

/* Never fails upwards: a fault that cannot be sent either leaves the Client without an answer, and its connection ends (attack A-181). */
static void send_fault(kw_connection *connection, uint32_t request_id, uint32_t request_handle, kw_status status)
{
    if (connection->is_lost || !kw_channel_is_open(connection->channel)) {
        return;
    }
    const kw_service_fault fault = {.response_header = header_for(connection->server, request_handle, status)};
    kw_writer *w = &connection->server->response;
    kw_writer_reset(w);
    const kw_status encoded = kw_ua_encode_message(w, KW_TYPE_SERVICE_FAULT, &fault);
    if (kw_status_is_bad(send_encoded(connection, NULL, request_id, encoded))) {
        kw_channel_close(connection->channel, KW_BAD_RESPONSE_TOO_LARGE);
    }
}

static void send_response(kw_server_request *r, kw_status status)
{
    kw_request *request = &r->base;
    kw_connection *connection = r->connection;
    if (kw_status_is_bad(status)) {
        send_fault(connection, request->request_id, request->header->request_handle, status);
        return;
    }
    kw_response_header *header = request->response; /* first field of every response */
    const kw_extension_object additional = header->additional_header;
    *header = header_for(connection->server, request->header->request_handle, status);
    header->additional_header = additional;
    kw_writer *w = &connection->server->response;
    kw_writer_reset(w);
    const kw_status sent = send_encoded(connection, request->session, request->request_id, encode_response(r, w));
    if (sent == KW_BAD_RESPONSE_TOO_LARGE) {
        send_fault(connection, request->request_id, request->header->request_handle, sent);
    }
}

/* --- life of a request --------------------------------------------------------------------------------------------------- */

static void unlink_request(kw_server_request *r)
{
    kw_connection *connection = r->connection;
    *(r->prev != NULL ? &r->prev->next : &connection->requests) = r->next;
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    connection->request_count--;
}

static void release_request(kw_server_request *r)
{
    kw_connection *connection = r->connection;
    unlink_request(r);
    kw_identity_release(r->base.identity);
    kw_session_release(r->base.session);
    kw_server_drop_arena(connection->server, r->base.arena); /* r lives in it */
    kw_connection_settle(connection);
}

static bool is_late(const kw_server_request *r)
{
    return kw_clock_ms(r->connection->server->env.clock) > r->base.deadline_ms;
}

static void set_deadline(kw_server_request *r)
{
    const uint32_t hint = r->base.header->timeout_hint;
    r->base.deadline_ms = hint != 0 ? kw_clock_ms(r->connection->server->env.clock) + hint : UINT64_MAX;
}

static void finish(kw_request *request, kw_status status)
{
    kw_server_request *r = (kw_server_request *)request;
    kw_connection *connection = r->connection;
    const kw_status result = !kw_status_is_bad(status) && is_late(r) ? KW_BAD_TIMEOUT : status;
    if (!r->is_cancelled && !connection->is_lost && kw_channel_is_open(connection->channel)) {
        send_response(r, result);
    }
    kw_server_count_request(connection->server, result);
    if (request->session != NULL) {
        kw_session_count(request->session, request->service->counter, result);
    }
    release_request(r);
}

static kw_server_request *new_request(kw_connection *connection, uint32_t request_id, const kw_service *service, kw_arena *arena)
{
    kw_server_request *r = KW_ARENA_NEW(arena, kw_server_request);
    void *body = kw_arena_alloc(arena, service->request_type->size);
    void *response = kw_arena_alloc(arena, service->response_type->size);
    if (r == NULL || body == NULL || response == NULL) {
        return NULL;
    }
    r->connection = connection;
    r->base = (kw_request){.context = &connection->server->services,
                           .service = service,
                           .channel = connection->channel,
                           .peer_address = kw_string_from(connection->peer_address),
                           .arena = arena,
                           .request_id = request_id,
                           .header = body,
                           .body = body,
                           .response = response,
                           .finish = finish};
    return r;
}

static void link_request(kw_server_request *r)
{
    kw_connection *connection = r->connection;
    r->next = connection->requests;
    if (r->next != NULL) {
        r->next->prev = r;
    }
    connection->requests = r;
    connection->request_count++;
}

/* --- the gates ------------------------------------------------------------------------------------------------------------- */

/* A None channel that is open for discovery only serves nothing else (attack A-191). */
static kw_status check_channel(const kw_connection *connection, const kw_service *service)
{
    const kw_channel *channel = connection->channel;
    if (service->is_discovery || kw_server_offers(connection->server, kw_channel_policy(channel), kw_channel_mode(channel))) {
        return KW_GOOD;
    }
    return KW_BAD_SECURITY_POLICY_REJECTED;
}

static kw_status enter_session(kw_server_request *r)
{
    kw_session *session = NULL;
    if (r->base.service->need == KW_NEEDS_NOTHING || r->sessionless != NULL) {
        return KW_GOOD;
    }
    KW_TRY(kw_session_gate(r->connection->server->sessions, r->connection->channel, &r->base.header->authentication_token, &session));
    r->base.session = kw_session_retain(session);
    r->base.identity = kw_identity_retain(kw_session_identity(session));
    return KW_GOOD;
}

/* The handle for a fault about a body that could not be decoded as a whole; 0 when not even the header could be. */
static uint32_t handle_of(kw_reader r, kw_arena *arena)
{
    kw_request_header header = {.request_handle = 0};
    return kw_status_is_bad(kw_ua_decode(&r, arena, NULL, KW_TYPE_REQUEST_HEADER, &header)) ? 0 : header.request_handle;
}

/* Those that only wait for something to happen hold nobody up, and have a bound of their own. */
static bool is_full(const kw_connection *connection)
{
    const uint32_t max = connection->server->config.max_pending_requests;
    uint32_t count = connection->request_count;
    for (const kw_server_request *r = connection->requests; r != NULL && count >= max; r = r->next) {
        count -= r->base.give_up != NULL ? 1 : 0;
    }
    return count >= max;
}

/* What is asked for: by the id of the message, or by the envelope around it. */
static kw_status find_service(kw_connection *connection, kw_reader *r, uint32_t type_id, kw_arena *arena, const kw_service **service,
                              kw_sessionless **sessionless)
{
    *sessionless = NULL;
    if (kw_sessionless_is(type_id)) {
        return kw_sessionless_open(connection, r, arena, service, sessionless);
    }
    *service = kw_service_find(type_id);
    return *service != NULL ? KW_GOOD : KW_BAD_SERVICE_UNSUPPORTED;
}

/* KW_GOOD: *out is linked and the request's from here on. Otherwise *handle is for the fault. */
static kw_status admit(kw_connection *connection, uint32_t request_id, kw_bytes body, kw_arena *arena, kw_server_request **out,
                       uint32_t *handle)
{
    uint32_t type_id = 0;
    const kw_service *service = NULL;
    kw_sessionless *sessionless = NULL;
    kw_reader r = kw_reader_of(body);
    KW_TRY(kw_ua_decode_message_id(&r, arena, &type_id));
    const kw_status found = find_service(connection, &r, type_id, arena, &service, &sessionless);
    *handle = handle_of(r, arena);
    KW_TRY(found);
    KW_TRY(check_channel(connection, service));
    if (is_full(connection)) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    kw_server_request *request = new_request(connection, request_id, service, arena);
    if (request == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    request->sessionless = sessionless;
    KW_TRY(kw_ua_decode(&r, arena, &connection->server->config.codec_limits, service->request_type, (void *)request->base.body));
    if (kw_reader_left(&r) != 0) { /* attack A-30 */
        return KW_BAD_DECODING_ERROR;
    }
    set_deadline(request);
    const kw_status entered = enter_session(request);
    if (kw_status_is_bad(entered)) {
        return entered;
    }
    link_request(request);
    *out = request;
    return KW_GOOD;
}

void kw_server_dispatch(kw_connection *connection, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    kw_server_request *request = NULL;
    uint32_t handle = 0;
    const kw_status status = admit(connection, request_id, body, arena, &request, &handle);
    if (kw_status_is_bad(status)) {
        KW_LOG(connection->server->env.log, KW_LOG_DEBUG, "request refused", kw_field_status("status", status),
               kw_field_text("peer", connection->peer_address));
        kw_server_count_request(connection->server, status);
        send_fault(connection, request_id, handle, status);
        kw_server_drop_arena(connection->server, arena);
        return;
    }
    if (request->sessionless != NULL) {
        kw_sessionless_start(request);
        return;
    }
    request->base.service->handle(&request->base);
}

void kw_server_answer_closed(kw_server *server, const kw_session *session)
{
    for (kw_connection *c = server->connections; c != NULL; c = c->next) {
        for (kw_server_request *r = c->requests; r != NULL; r = r->next) {
            if (r->base.session == session && r->base.give_up == NULL && !r->is_cancelled) {
                r->is_cancelled = true; /* its job may still be under way: what it brings is dropped */
                send_fault(c, r->base.request_id, r->base.header->request_handle, KW_BAD_SESSION_CLOSED);
            }
        }
    }
}

static void cancel(kw_server_request *r)
{
    kw_request *request = &r->base;
    if (request->give_up != NULL) { /* it is answered and gone */
        request->give_up(request);
        return;
    }
    r->is_cancelled = true; /* its job may still be under way: what it brings is dropped */
    send_fault(r->connection, request->request_id, request->header->request_handle, KW_BAD_REQUEST_CANCELLED_BY_CLIENT);
}

static kw_server_request *next_to_cancel(const kw_connection *c, const kw_session *session, uint32_t request_handle)
{
    kw_server_request *r = c->requests;
    while (r != NULL && (r->base.session != session || r->base.header->request_handle != request_handle || r->is_cancelled ||
                         r->base.service->handle == kw_service_cancel)) {
        r = r->next;
    }
    return r;
}

uint32_t kw_server_cancel(void *ctx, const kw_request *request, uint32_t request_handle)
{
    kw_server *server = ctx;
    uint32_t count = 0;
    for (kw_connection *c = server->connections; c != NULL; c = c->next) {
        for (kw_server_request *r; (r = next_to_cancel(c, request->session, request_handle)) != NULL; count++) {
            cancel(r);
        }
    }
    kw_server_audit_cancel(request, request_handle);
    return count;
}

void kw_server_give_up_waiting(kw_connection *connection)
{
    kw_server_request *r = connection->requests;
    while (r != NULL) {
        if (r->base.give_up == NULL) {
            r = r->next;
            continue;
        }
        r->base.give_up(&r->base);
        r = connection->requests; /* an answer may have led to others */
    }
}
