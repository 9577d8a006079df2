/* SecureChannels that open and close, or do not. OPC 10000-5, 6.4.5 and 6.4.6. */
#include "base/json_text.h"
#include "server/audit_internal.h"

typedef struct channel_event {
    kw_server *server;
    const kw_channel_open_audit *audit;
    kw_audit_origin origin;
    kw_audit_certificate_fields certificate;
    kw_string message;
} channel_event;

static void raise_open(const channel_event *what)
{
    const kw_channel_open_audit *audit = what->audit;
    const int32_t type = audit->is_renewal ? KW_SECURITY_TOKEN_REQUEST_TYPE_RENEW : KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE;
    const int32_t mode = audit->mode;
    const double lifetime = audit->requested_lifetime;
    uint8_t id[16];
    kw_audit_channel_name channel;
    kw_audit_event e;
    kw_audit_name_channel(&channel, audit->channel_id);
    const bool is_raised = kw_audit_raise_certificate(what->server, &what->origin, what->certificate.der, KW_BYTES_NULL, what->message, id);
    const kw_bytes error_id = is_raised ? (kw_bytes){id, sizeof(id)} : KW_BYTES_NULL;
    kw_audit_event_begin(&e, what->server->space, KW_ID_AUDIT_OPEN_SECURE_CHANNEL_EVENT_TYPE, "SecureChannel/OpenSecureChannel",
                         what->message, &what->origin);
    kw_audit_add_string(&e, "SecureChannelId", &channel.value);
    kw_audit_add_certificate(&e, &what->certificate);
    kw_audit_event_add(&e, "RequestType", kw_variant_scalar(KW_BUILTIN_INT32, &type));
    kw_audit_add_string(&e, "SecurityPolicyUri", &audit->policy_uri);
    kw_audit_event_add(&e, "SecurityMode", kw_variant_scalar(KW_BUILTIN_INT32, &mode));
    kw_audit_event_add(&e, "RequestedLifetime", kw_variant_scalar(KW_BUILTIN_DOUBLE, &lifetime));
    kw_audit_event_add(&e, "CertificateErrorEventId", kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &error_id));
    kw_audit_event_raise(&e);
}

/* One row of detail about a channel for the trail. */
static void record_channel(const kw_connection *c, const kw_channel_open_audit *audit)
{
    uint8_t buffer[KW_AUDIT_DETAIL_MAX];
    kw_writer w;
    const bool is_stranger = audit->client_certificate == NULL || kw_status_is_bad(audit->status);
    const kw_string subject = audit->client_certificate != NULL ? kw_certificate_subject(audit->client_certificate) : KW_BYTES_NULL;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_int(&w, "channel", audit->channel_id);
    kw_json_text_string(&w, "peer", kw_string_from(c->peer_address), KW_AUDIT_TEXT_MAX / 4);
    kw_json_text_string(&w, "policy", audit->policy_uri, KW_AUDIT_TEXT_MAX / 4);
    kw_json_text_int(&w, "mode", audit->mode);
    kw_json_text_string(&w, "certificate", subject, KW_AUDIT_TEXT_MAX / 4);
    kw_json_text_string(&w, "clientAuditEntryId", audit->audit_entry_id, KW_AUDIT_TEXT_MAX / 4);
    kw_json_text_end(&w);
    const kw_audit_record record = {.event = KW_STRING("OpenSecureChannel"),
                                    .status = audit->status,
                                    .client =
                                        kw_status_is_bad(audit->status) ? KW_BYTES_NULL : kw_audit_proven_uri(audit->client_certificate),
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
    log_open(c, audit);
    if (audit->is_renewal && !is_refused) {
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
                                     .application_uri = is_refused ? KW_BYTES_NULL : kw_audit_proven_uri(audit->client_certificate)},
                          .certificate = kw_audit_fields_of(audit->client_certificate),
                          .message = is_refused ? KW_STRING("OpenSecureChannel refused") : KW_STRING("a SecureChannel was opened")};
    if (what.origin.entry_id.data == NULL && is_refused) {
        what.origin.entry_id = kw_string_from(c->peer_address); /* who it was, as far as can be said */
    }
    if (audit->client_certificate == NULL) {
        what.certificate.der = audit->sender;
    }
    raise_open(&what);
}

void kw_server_audit_channel_closed(const kw_connection *c, kw_status reason)
{
    kw_audit_channel_name channel;
    kw_audit_event e;
    if (kw_channel_id(c->channel) == 0) { /* it never was one */
        return;
    }
    const kw_audit_origin origin = {.status = reason,
                                    .user = KW_STRING("System/CloseSecureChannel"),
                                    .application_uri = kw_audit_proven_uri(kw_channel_peer_certificate(c->channel))};
    kw_audit_name_channel(&channel, kw_channel_id(c->channel));
    kw_audit_event_begin(&e, c->server->space, KW_ID_AUDIT_CHANNEL_EVENT_TYPE, "SecureChannel/CloseSecureChannel",
                         KW_STRING("the SecureChannel is closed"), &origin);
    kw_audit_add_string(&e, "SecureChannelId", &channel.value);
    kw_audit_event_raise(&e);
}
