/* What is asked of the Session services, and what happens to Sessions. OPC 10000-5, 6.4.7 … 6.4.12. */
#include "base/json_text.h"
#include "server/audit_internal.h"

static kw_audit_origin origin_of(const kw_session_event *event, kw_string user)
{
    return (kw_audit_origin){.status = event->status,
                             .asked = event->time,
                             .entry_id = event->entry_id,
                             .user = user,
                             .application_uri = kw_audit_proven_uri(event->client_certificate),
                             .why = event->why};
}

static void add_creation(kw_audit_event *e, const kw_session_event *event, const kw_audit_channel_name *channel,
                         const kw_audit_certificate_fields *certificate)
{
    kw_audit_event_add(e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    kw_audit_add_string(e, "SecureChannelId", &channel->value);
    kw_audit_add_certificate(e, certificate);
    kw_audit_event_add(e, "RevisedSessionTimeout", kw_variant_scalar(KW_BUILTIN_DOUBLE, &event->timeout_ms));
}

/* CS-07: is the host that the Client named one of ours, by our Certificate? */
static bool is_own_host(const kw_server *server, kw_string url)
{
    const kw_string host = kw_server_host_of(url);
    const kw_certificate *certificate = server->env.identity->certificate;
    return host.data != NULL && (certificate == NULL || kw_certificate_matches_host(certificate, host));
}

static void raise_create(kw_server *server, const kw_session_event *event)
{
    const kw_audit_origin origin = origin_of(event, KW_STRING("System/CreateSession"));
    const kw_audit_certificate_fields certificate = kw_audit_fields_of(event->client_certificate);
    const kw_string message = kw_status_is_bad(event->status) ? KW_STRING("CreateSession refused") : KW_STRING("a Session was created");
    kw_audit_channel_name channel;
    kw_audit_event e;
    uint8_t ignored[16];
    kw_audit_name_channel(&channel, event->channel_id);
    (void)kw_audit_raise_certificate(server, &origin, certificate.der, event->claimed_uri, message, ignored);
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE, "Session/CreateSession", message, &origin);
    add_creation(&e, event, &channel, &certificate);
    kw_audit_event_raise(&e);
    if (!is_own_host(server, event->endpoint_url)) {
        kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_URL_MISMATCH_EVENT_TYPE, "Session/CreateSession",
                             KW_STRING("the Client came by a URL whose host is none of the Server's"), &origin);
        add_creation(&e, event, &channel, &certificate);
        kw_audit_add_string(&e, "EndpointUrl", &event->endpoint_url);
        kw_audit_event_raise(&e);
    }
}

static kw_variant software_certificates(const kw_session_event *event, kw_arena *arena)
{
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, event->software_certificate_count);
    for (size_t i = 0; objects != NULL && i < event->software_certificate_count; i++) {
        objects[i] = kw_extension_object_of(KW_TYPE_SIGNED_SOFTWARE_CERTIFICATE, &event->software_certificates[i]);
    }
    return kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, objects != NULL ? event->software_certificate_count : 0);
}

static kw_variant current_roles(const kw_identity *identity, kw_arena *arena)
{
    const size_t count = identity != NULL ? identity->role_count : 0;
    kw_node_id *ids = KW_ARENA_ARRAY(arena, kw_node_id, count);
    for (size_t i = 0; ids != NULL && i < count; i++) {
        ids[i] = KW_NODE_ID(identity->roles[i].ns, identity->roles[i].id);
    }
    return kw_variant_array(KW_BUILTIN_NODE_ID, ids, ids != NULL ? count : 0);
}

static void raise_activate(kw_server *server, const kw_session_event *event, kw_arena *arena)
{
    const kw_identity *identity = event->identity;
    const kw_audit_origin origin = origin_of(event, identity != NULL ? identity->name : event->claimed_user);
    kw_extension_object token = {.type = NULL};
    kw_audit_channel_name channel;
    kw_audit_event e;
    kw_audit_name_channel(&channel, event->channel_id);
    if (event->user_token == NULL || kw_status_is_bad(kw_identity_redact(event->user_token, arena, &token))) {
        token = (kw_extension_object){.type = NULL};
    }
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE, "Session/ActivateSession",
                         kw_status_is_bad(event->status) ? KW_STRING("ActivateSession refused") : KW_STRING("a Session was activated"),
                         &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    kw_audit_event_add(&e, "ClientSoftwareCertificates", software_certificates(event, arena));
    kw_audit_event_add(&e, "UserIdentityToken", kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &token));
    kw_audit_add_string(&e, "SecureChannelId", &channel.value);
    kw_audit_event_add(&e, "CurrentRoleIds", current_roles(identity, arena));
    kw_audit_event_raise(&e);
}

/* How a Session ended, or that it goes on without its user. */
static void raise_end(kw_server *server, const kw_session_event *event)
{
    static const struct {
        const char *source, *message;
    } ENDS[] = {[KW_SESSION_CAUSE_CLOSE] = {"Session/CloseSession", "a Session was closed"},
                [KW_SESSION_CAUSE_TIMEOUT] = {"Session/Timeout", "a Session timed out"},
                [KW_SESSION_CAUSE_TERMINATED] = {"Session/Terminated", "the Server ended a Session"},
                [KW_SESSION_CAUSE_EXPIRED] = {"Session/IdentityExpired", "a Session goes on as Anonymous"}};
    const kw_audit_origin origin = origin_of(event, event->identity != NULL ? event->identity->name : KW_BYTES_NULL);
    const char *message = kw_status_is_bad(event->status) ? "CloseSession refused" : ENDS[event->cause].message;
    kw_audit_event e;
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_SESSION_EVENT_TYPE, ENDS[event->cause].source, kw_string_from(message), &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    kw_audit_event_raise(&e);
}

/* The Certificate of an X509 user: the one that was presented, or that of the user who is in no longer. */
static void raise_user_certificate(kw_server *server, const kw_session_event *event)
{
    const kw_x509_identity_token *token =
        event->user_token != NULL ? kw_extension_object_get(event->user_token, KW_TYPE_X509_IDENTITY_TOKEN) : NULL;
    const kw_identity *identity = event->identity;
    const kw_bytes certificate = token != NULL ? token->certificate_data : identity != NULL ? identity->certificate : KW_BYTES_NULL;
    kw_audit_origin origin = origin_of(event, identity != NULL ? identity->name : KW_BYTES_NULL);
    uint8_t ignored[16];
    origin.status = event->user_certificate;
    origin.why = NULL; /* the status says it */
    (void)kw_audit_raise_certificate(server, &origin, certificate, KW_BYTES_NULL, KW_STRING(KW_AUDIT_USER_CERTIFICATE), ignored);
}

static void record_session(kw_server *server, const kw_session_event *event, kw_arena *arena)
{
    kw_audit_record record;
    if (!event->is_recorded && kw_session_event_record(event, server->config.application_uri, arena, &record)) {
        kw_trail_put(server->trail, &record, event->client_certificate == NULL || event->is_locked_out);
    }
}

void kw_server_audit_session(void *ctx, const kw_session_event *event)
{
    kw_server *server = ctx;
    kw_arena *arena = kw_server_take_arena(server);
    if (arena == NULL) {
        KW_LOG(server->env.log, KW_LOG_ERROR, "no memory to audit a Session", kw_field_status("status", KW_BAD_OUT_OF_MEMORY));
        return;
    }
    record_session(server, event, arena);
    raise_user_certificate(server, event);
    if (event->cause == KW_SESSION_CAUSE_CREATE) {
        raise_create(server, event);
    } else if (event->cause == KW_SESSION_CAUSE_ACTIVATE) {
        raise_activate(server, event, arena);
    } else {
        raise_end(server, event);
    }
    kw_server_drop_arena(server, arena);
}

/* --- Cancel ------------------------------------------------------------------------------------------------------------------------ */

static void record_cancel(const kw_server *server, const kw_request *request, uint32_t request_handle, kw_string client)
{
    uint8_t buffer[KW_AUDIT_DETAIL_MAX];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_int(&w, "requestHandle", request_handle);
    kw_json_text_string(&w, "clientAuditEntryId", request->header->audit_entry_id, KW_AUDIT_TEXT_MAX);
    kw_json_text_end(&w);
    const kw_audit_record record = {
        .event = KW_STRING("Cancel"), .user = request->identity->name, .client = client, .detail = kw_writer_bytes(&w)};
    kw_trail_put(server->trail, &record, client.data == NULL);
    KW_LOG(server->env.log, KW_LOG_INFO, "Cancel", kw_field_str("client", client), kw_field_str("user", request->identity->name),
           kw_field_int("handle", request_handle));
}

void kw_server_audit_cancel(const kw_request *request, uint32_t request_handle)
{
    const kw_server *server = request->context->ctx;
    const kw_string client = kw_audit_proven_uri(kw_channel_peer_certificate(request->channel));
    record_cancel(server, request, request_handle, client);
    const kw_audit_origin origin = {
        .status = KW_GOOD, .entry_id = request->header->audit_entry_id, .user = request->identity->name, .application_uri = client};
    kw_audit_event e;
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_CANCEL_EVENT_TYPE, "Session/Cancel", KW_STRING("requests were cancelled"), &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, kw_session_id(request->session)));
    kw_audit_event_add(&e, "RequestHandle", kw_variant_scalar(KW_BUILTIN_UINT32, &request_handle));
    kw_audit_event_raise(&e);
}
