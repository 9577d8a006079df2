/* What happened becomes an audit event, with every field of its type. OPC 10000-4, 6.5; OPC 10000-5, 6.4. */
#include "base/json_text.h"
#include "base/try.h"
#include "server/server_internal.h"
#include "space/audit_event.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#include <inttypes.h>
#include <stdio.h>

#define TEXT_MAX 1024 /* of each value that others chose */
#define DETAIL_MAX 8192

/* --- parts of events --------------------------------------------------------------------------------------------------------- */

/* The same text for a channel in every event. */
typedef struct channel_name {
    char text[12];
    kw_string value;
} channel_name;

static void name_channel(channel_name *name, uint32_t id)
{
    snprintf(name->text, sizeof(name->text), "%" PRIu32, id);
    name->value = id != 0 ? kw_string_from(name->text) : KW_BYTES_NULL;
}

typedef struct certificate_fields {
    kw_bytes der;
    kw_string thumbprint;
} certificate_fields;

static certificate_fields fields_of(const kw_certificate *certificate)
{
    return certificate == NULL
               ? (certificate_fields){KW_BYTES_NULL, KW_BYTES_NULL}
               : (certificate_fields){kw_certificate_der(certificate), kw_string_from(kw_certificate_thumbprint_hex(certificate))};
}

static void add_string(kw_audit_event *e, const char *name, const kw_string *value)
{
    kw_audit_event_add(e, name, kw_variant_scalar(KW_BUILTIN_STRING, value));
}

static void add_certificate(kw_audit_event *e, const certificate_fields *certificate)
{
    kw_audit_event_add(e, "ClientCertificate", kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &certificate->der));
    add_string(e, "ClientCertificateThumbprint", &certificate->thumbprint);
}

static kw_string proven_uri(const kw_certificate *certificate)
{
    return certificate != NULL ? kw_certificate_application_uri(certificate) : KW_BYTES_NULL;
}

/* "CreateSession refused: Bad_NonceInvalid", and why if there is more to say. */
static kw_string message_for(kw_arena *arena, const char *what, kw_status status, const char *why)
{
    if (!kw_status_is_bad(status)) {
        return why == NULL ? kw_string_from(what) : kw_arena_format(arena, "%s: %s", what, why);
    }
    return kw_arena_format(arena, "%s refused: %s%s%s", what, kw_status_name(status), why != NULL ? ", " : "", why != NULL ? why : "");
}

/* --- Certificates ------------------------------------------------------------------------------------------------------------- */

/* The event for each check of OPC 10000-4, 6.1.3, that can fail; 0: the status is not about a Certificate. */
static uint32_t certificate_event_of(kw_status status)
{
    switch (status) {
    case KW_BAD_CERTIFICATE_TIME_INVALID:
    case KW_BAD_CERTIFICATE_ISSUER_TIME_INVALID:
        return KW_ID_AUDIT_CERTIFICATE_EXPIRED_EVENT_TYPE;
    case KW_BAD_CERTIFICATE_INVALID:
    case KW_BAD_CERTIFICATE_CHAIN_INCOMPLETE:
    case KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED:
        return KW_ID_AUDIT_CERTIFICATE_INVALID_EVENT_TYPE;
    case KW_BAD_CERTIFICATE_UNTRUSTED:
        return KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE;
    case KW_BAD_CERTIFICATE_REVOKED:
    case KW_BAD_CERTIFICATE_ISSUER_REVOKED:
    case KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN:
    case KW_BAD_CERTIFICATE_ISSUER_REVOCATION_UNKNOWN:
        return KW_ID_AUDIT_CERTIFICATE_REVOKED_EVENT_TYPE;
    case KW_BAD_CERTIFICATE_USE_NOT_ALLOWED:
    case KW_BAD_CERTIFICATE_ISSUER_USE_NOT_ALLOWED:
        return KW_ID_AUDIT_CERTIFICATE_MISMATCH_EVENT_TYPE;
    case KW_BAD_CERTIFICATE_HOST_NAME_INVALID:
    case KW_BAD_CERTIFICATE_URI_INVALID:
        return KW_ID_AUDIT_CERTIFICATE_DATA_MISMATCH_EVENT_TYPE;
    default:
        return 0;
    }
}

/* The EventId goes to *id; false: nothing was raised. */
static bool raise_certificate(kw_server *server, const kw_audit_origin *origin, kw_bytes certificate, kw_string invalid_uri,
                              kw_string message, uint8_t id[16])
{
    const uint32_t type = certificate_event_of(origin->status);
    const kw_string invalid_host = KW_BYTES_NULL; /* of Clients no host name is checked */
    kw_audit_event e;
    if (type == 0) {
        return false;
    }
    kw_audit_event_begin(&e, server->space, type, "Security/Certificate", message, origin);
    kw_audit_event_add(&e, "Certificate", kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &certificate));
    if (type == KW_ID_AUDIT_CERTIFICATE_DATA_MISMATCH_EVENT_TYPE) {
        add_string(&e, "InvalidHostname", &invalid_host);
        add_string(&e, "InvalidUri", &invalid_uri);
    }
    kw_audit_event_raise(&e);
    for (size_t i = 0; i < 16; i++) {
        id[i] = e.event.id[i];
    }
    return true;
}

/* --- Sessions ------------------------------------------------------------------------------------------------------------------ */

static kw_audit_origin origin_of(const kw_session_event *event, kw_string user)
{
    return (kw_audit_origin){.status = event->status,
                             .asked = event->time,
                             .entry_id = event->entry_id,
                             .user = user,
                             .application_uri = proven_uri(event->client_certificate)};
}

static void add_creation(kw_audit_event *e, const kw_session_event *event, const channel_name *channel,
                         const certificate_fields *certificate)
{
    kw_audit_event_add(e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    add_string(e, "SecureChannelId", &channel->value);
    add_certificate(e, certificate);
    kw_audit_event_add(e, "RevisedSessionTimeout", kw_variant_scalar(KW_BUILTIN_DOUBLE, &event->timeout_ms));
}

/* CS-07: is the host that the Client named one of ours, by our Certificate? */
static bool is_own_host(const kw_server *server, kw_string url)
{
    const kw_string host = kw_server_host_of(url);
    const kw_certificate *certificate = server->env.identity->certificate;
    return host.data != NULL && (certificate == NULL || kw_certificate_matches_host(certificate, host));
}

static void raise_create(kw_server *server, const kw_session_event *event, kw_arena *arena)
{
    const kw_audit_origin origin = origin_of(event, KW_STRING("System/CreateSession"));
    const certificate_fields certificate = fields_of(event->client_certificate);
    const kw_string message = message_for(arena, "CreateSession", event->status, event->why);
    channel_name channel;
    kw_audit_event e;
    uint8_t ignored[16];
    name_channel(&channel, event->channel_id);
    (void)raise_certificate(server, &origin, certificate.der, event->claimed_uri, message, ignored);
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE, "Session/CreateSession", message, &origin);
    add_creation(&e, event, &channel, &certificate);
    kw_audit_event_raise(&e);
    if (!is_own_host(server, event->endpoint_url)) {
        kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_URL_MISMATCH_EVENT_TYPE, "Session/CreateSession",
                             KW_STRING("the Client came by a URL whose host is none of the Server's"), &origin);
        add_creation(&e, event, &channel, &certificate);
        add_string(&e, "EndpointUrl", &event->endpoint_url);
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
    channel_name channel;
    kw_audit_event e;
    name_channel(&channel, event->channel_id);
    if (event->user_token == NULL || kw_status_is_bad(kw_identity_redact(event->user_token, arena, &token))) {
        token = (kw_extension_object){.type = NULL};
    }
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE, "Session/ActivateSession",
                         message_for(arena, "ActivateSession", event->status, event->why), &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    kw_audit_event_add(&e, "ClientSoftwareCertificates", software_certificates(event, arena));
    kw_audit_event_add(&e, "UserIdentityToken", kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &token));
    add_string(&e, "SecureChannelId", &channel.value);
    kw_audit_event_add(&e, "CurrentRoleIds", current_roles(identity, arena));
    kw_audit_event_raise(&e);
}

static void raise_end(kw_server *server, const kw_session_event *event, kw_arena *arena)
{
    static const char *const SOURCES[] = {[KW_SESSION_CAUSE_CLOSE] = "Session/CloseSession",
                                          [KW_SESSION_CAUSE_TIMEOUT] = "Session/Timeout",
                                          [KW_SESSION_CAUSE_TERMINATED] = "Session/Terminated"};
    const kw_audit_origin origin = origin_of(event, event->identity != NULL ? event->identity->name : KW_BYTES_NULL);
    kw_audit_event e;
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_SESSION_EVENT_TYPE, SOURCES[event->cause],
                         message_for(arena, SOURCES[event->cause], event->status, event->why), &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->session_id));
    kw_audit_event_raise(&e);
}

static void record_session(kw_server *server, const kw_session_event *event, kw_arena *arena)
{
    kw_audit_record record;
    if (!event->is_recorded && kw_session_event_record(event, server->config.application_uri, arena, &record)) {
        kw_trail_put(server->trail, &record, event->client_certificate == NULL);
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
    if (event->cause == KW_SESSION_CAUSE_CREATE) {
        raise_create(server, event, arena);
    } else if (event->cause == KW_SESSION_CAUSE_ACTIVATE) {
        raise_activate(server, event, arena);
    } else {
        raise_end(server, event, arena);
    }
    kw_server_drop_arena(server, arena);
}

/* --- SecureChannels -------------------------------------------------------------------------------------------------------------- */

typedef struct channel_event {
    kw_server *server;
    const kw_channel_open_audit *audit;
    kw_audit_origin origin;
    certificate_fields certificate;
    kw_string message;
} channel_event;

static void raise_open(const channel_event *what)
{
    const kw_channel_open_audit *audit = what->audit;
    const int32_t type = audit->is_renewal ? KW_SECURITY_TOKEN_REQUEST_TYPE_RENEW : KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE;
    const int32_t mode = audit->mode;
    const double lifetime = audit->requested_lifetime;
    uint8_t id[16];
    channel_name channel;
    kw_audit_event e;
    name_channel(&channel, audit->channel_id);
    const bool is_raised = raise_certificate(what->server, &what->origin, what->certificate.der, KW_BYTES_NULL, what->message, id);
    const kw_bytes error_id = is_raised ? (kw_bytes){id, sizeof(id)} : KW_BYTES_NULL;
    kw_audit_event_begin(&e, what->server->space, KW_ID_AUDIT_OPEN_SECURE_CHANNEL_EVENT_TYPE, "SecureChannel/OpenSecureChannel",
                         what->message, &what->origin);
    add_string(&e, "SecureChannelId", &channel.value);
    add_certificate(&e, &what->certificate);
    kw_audit_event_add(&e, "RequestType", kw_variant_scalar(KW_BUILTIN_INT32, &type));
    add_string(&e, "SecurityPolicyUri", &audit->policy_uri);
    kw_audit_event_add(&e, "SecurityMode", kw_variant_scalar(KW_BUILTIN_INT32, &mode));
    kw_audit_event_add(&e, "RequestedLifetime", kw_variant_scalar(KW_BUILTIN_DOUBLE, &lifetime));
    kw_audit_event_add(&e, "CertificateErrorEventId", kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &error_id));
    kw_audit_event_raise(&e);
}

/* One row of detail about a channel for the trail. */
static void record_channel(const kw_connection *c, const kw_channel_open_audit *audit)
{
    uint8_t buffer[DETAIL_MAX];
    kw_writer w;
    const bool is_stranger = audit->client_certificate == NULL || kw_status_is_bad(audit->status);
    const kw_string subject = audit->client_certificate != NULL ? kw_certificate_subject(audit->client_certificate) : KW_BYTES_NULL;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_int(&w, "channel", audit->channel_id);
    kw_json_text_string(&w, "peer", kw_string_from(c->peer_address), TEXT_MAX / 4);
    kw_json_text_string(&w, "policy", audit->policy_uri, TEXT_MAX / 4);
    kw_json_text_int(&w, "mode", audit->mode);
    kw_json_text_string(&w, "certificate", subject, TEXT_MAX / 4);
    kw_json_text_string(&w, "clientAuditEntryId", audit->audit_entry_id, TEXT_MAX / 4);
    kw_json_text_end(&w);
    const kw_audit_record record = {.event = KW_STRING("OpenSecureChannel"),
                                    .status = audit->status,
                                    .client = kw_status_is_bad(audit->status) ? KW_BYTES_NULL : proven_uri(audit->client_certificate),
                                    .detail = kw_writer_bytes(&w)};
    kw_trail_put(c->server->trail, &record, is_stranger);
}

static void log_open(const kw_connection *c, const kw_channel_open_audit *audit)
{
    const kw_string subject = audit->client_certificate != NULL ? kw_certificate_subject(audit->client_certificate) : KW_BYTES_NULL;
    const char *done = audit->is_renewal ? "SecureChannel renewed" : "SecureChannel opened";
    KW_LOG(c->server->env.log, kw_status_is_bad(audit->status) ? KW_LOG_WARN : KW_LOG_INFO,
           kw_status_is_bad(audit->status) ? "OpenSecureChannel refused" : done, kw_field_status("status", audit->status),
           kw_field_text("peer", c->peer_address), kw_field_int("channel", audit->channel_id), kw_field_str("policy", audit->policy_uri),
           kw_field_int("mode", audit->mode), kw_field_str("certificate", subject));
}

/* A renewal is news only when it fails; a channel without security proves nothing worth a record. */
void kw_server_audit_open(const kw_connection *c, const kw_channel_open_audit *audit)
{
    kw_server *server = c->server;
    const bool is_refused = kw_status_is_bad(audit->status);
    kw_arena *arena = kw_server_take_arena(server);
    log_open(c, audit);
    if (arena == NULL || (audit->is_renewal && !is_refused)) {
        kw_arena_free(arena);
        return;
    }
    if (is_refused || audit->client_certificate != NULL) {
        record_channel(c, audit);
    }
    channel_event what = {.server = server,
                          .audit = audit,
                          .origin = {.status = audit->status,
                                     .entry_id = audit->audit_entry_id,
                                     .user = KW_STRING("System/OpenSecureChannel"),
                                     .application_uri = is_refused ? KW_BYTES_NULL : proven_uri(audit->client_certificate)},
                          .certificate = fields_of(audit->client_certificate),
                          .message = message_for(arena, "OpenSecureChannel", audit->status, NULL)};
    if (what.origin.entry_id.data == NULL && is_refused) {
        what.origin.entry_id = kw_string_from(c->peer_address); /* who it was, as far as can be said */
    }
    if (audit->client_certificate == NULL) {
        what.certificate.der = audit->sender;
    }
    raise_open(&what);
    kw_server_drop_arena(server, arena);
}

void kw_server_audit_channel_closed(const kw_connection *c, kw_status reason)
{
    channel_name channel;
    kw_audit_event e;
    if (kw_channel_id(c->channel) == 0) { /* it never was one */
        return;
    }
    const kw_audit_origin origin = {.status = reason,
                                    .user = KW_STRING("System/CloseSecureChannel"),
                                    .application_uri = proven_uri(kw_channel_peer_certificate(c->channel))};
    name_channel(&channel, kw_channel_id(c->channel));
    kw_audit_event_begin(&e, c->server->space, KW_ID_AUDIT_CHANNEL_EVENT_TYPE, "SecureChannel/CloseSecureChannel",
                         KW_STRING("the SecureChannel is closed"), &origin);
    add_string(&e, "SecureChannelId", &channel.value);
    kw_audit_event_raise(&e);
}

void kw_server_audit_certificate(const kw_connection *c, const kw_certificate *certificate, kw_status status)
{
    uint8_t ignored[16];
    const kw_audit_record record = {.event = KW_STRING("CertificateCheck"),
                                    .status = status,
                                    .client = proven_uri(certificate),
                                    .detail = KW_STRING("{\"reason\":\"no longer accepted\"}")};
    kw_trail_put(c->server->trail, &record, false);
    const kw_audit_origin origin = {.status = status, .application_uri = proven_uri(certificate)};
    (void)raise_certificate(c->server, &origin, kw_certificate_der(certificate), KW_BYTES_NULL,
                            KW_STRING("the Certificate of a live SecureChannel is no longer accepted"), ignored);
}

/* --- Cancel ------------------------------------------------------------------------------------------------------------------------ */

static void record_cancel(const kw_server *server, const kw_request *request, uint32_t request_handle, kw_string client)
{
    uint8_t buffer[DETAIL_MAX];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_int(&w, "requestHandle", request_handle);
    kw_json_text_string(&w, "clientAuditEntryId", request->header->audit_entry_id, TEXT_MAX);
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
    const kw_string client = proven_uri(kw_channel_peer_certificate(request->channel));
    record_cancel(server, request, request_handle, client);
    const kw_audit_origin origin = {
        .status = KW_GOOD, .entry_id = request->header->audit_entry_id, .user = request->identity->name, .application_uri = client};
    kw_audit_event e;
    kw_audit_event_begin(&e, server->space, KW_ID_AUDIT_CANCEL_EVENT_TYPE, "Session/Cancel", KW_STRING("Cancel"), &origin);
    kw_audit_event_add(&e, "SessionId", kw_variant_scalar(KW_BUILTIN_NODE_ID, kw_session_id(request->session)));
    kw_audit_event_add(&e, "RequestHandle", kw_variant_scalar(KW_BUILTIN_UINT32, &request_handle));
    kw_audit_event_raise(&e);
}
