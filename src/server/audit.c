/* What happened becomes an audit event, with every field of its type: what several of them have, and Certificates. OPC 10000-4, 6.5; OPC 10000-5, 6.4. */
#include "server/audit_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* --- parts of events --------------------------------------------------------------------------------------------------------- */

void kw_audit_name_channel(kw_audit_channel_name *name, uint32_t id)
{
    snprintf(name->text, sizeof(name->text), "%" PRIu32, id);
    name->value = id != 0 ? kw_string_from(name->text) : KW_BYTES_NULL;
}

kw_audit_certificate_fields kw_audit_fields_of(const kw_certificate *certificate)
{
    return certificate == NULL
               ? (kw_audit_certificate_fields){KW_BYTES_NULL, KW_BYTES_NULL}
               : (kw_audit_certificate_fields){kw_certificate_der(certificate), kw_string_from(kw_certificate_thumbprint_hex(certificate))};
}

void kw_audit_add_string(kw_audit_event *e, const char *name, const kw_string *value)
{
    kw_audit_event_add(e, name, kw_variant_scalar(KW_BUILTIN_STRING, value));
}

void kw_audit_add_certificate(kw_audit_event *e, const kw_audit_certificate_fields *certificate)
{
    kw_audit_event_add(e, "ClientCertificate", kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &certificate->der));
    kw_audit_add_string(e, "ClientCertificateThumbprint", &certificate->thumbprint);
}

kw_string kw_audit_proven_uri(const kw_certificate *certificate)
{
    return certificate != NULL ? kw_certificate_application_uri(certificate) : KW_BYTES_NULL;
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

bool kw_audit_raise_certificate(kw_server *server, const kw_audit_origin *origin, kw_bytes certificate, kw_string invalid_uri,
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
        kw_audit_add_string(&e, "InvalidHostname", &invalid_host);
        kw_audit_add_string(&e, "InvalidUri", &invalid_uri);
    }
    kw_audit_event_raise(&e);
    for (size_t i = 0; i < 16; i++) {
        id[i] = e.event.id[i];
    }
    return true;
}

void kw_server_audit_certificate(const kw_connection *c, const kw_certificate *certificate, kw_status status)
{
    uint8_t ignored[16];
    const kw_audit_record record = {.event = KW_STRING("CertificateCheck"),
                                    .status = status,
                                    .client = kw_audit_proven_uri(certificate),
                                    .detail = KW_STRING("{\"reason\":\"no longer accepted\"}")};
    kw_trail_put(c->server->trail, &record, false);
    const kw_audit_origin origin = {.status = status, .application_uri = kw_audit_proven_uri(certificate)};
    (void)kw_audit_raise_certificate(c->server, &origin, kw_certificate_der(certificate), KW_BYTES_NULL,
                                     KW_STRING("the Certificate of a live SecureChannel is no longer accepted"), ignored);
}

void kw_server_audit_user_certificate(kw_server *server, const kw_call *call, kw_bytes certificate, kw_status status)
{
    uint8_t ignored[16];
    const kw_audit_origin origin = {.status = status,
                                    .entry_id = call->header->audit_entry_id,
                                    .user = call->access->identity != NULL ? call->access->identity->name : KW_BYTES_NULL,
                                    .application_uri = call->context->application_uri};
    (void)kw_audit_raise_certificate(server, &origin, certificate, KW_BYTES_NULL, KW_STRING(KW_AUDIT_USER_CERTIFICATE), ignored);
}
