/* Between the files that audit: what their events have in common. */
#ifndef KW_SERVER_AUDIT_INTERNAL_H
#define KW_SERVER_AUDIT_INTERNAL_H

#include "server/server_internal.h"
#include "space/audit_event.h"

#include <keyway/node_ids.h>

#define KW_AUDIT_TEXT_MAX 1024u /* of each value that others chose */
#define KW_AUDIT_DETAIL_MAX 8192
#define KW_AUDIT_USER_CERTIFICATE "the Certificate of a user is not accepted"

/* The same text for a channel in every event. */
typedef struct kw_audit_channel_name {
    char text[12];
    kw_string value; /* null: none */
} kw_audit_channel_name;

typedef struct kw_audit_certificate_fields {
    kw_bytes der;
    kw_string thumbprint;
} kw_audit_certificate_fields;

void kw_audit_name_channel(kw_audit_channel_name *name, uint32_t id);
kw_audit_certificate_fields kw_audit_fields_of(const kw_certificate *certificate); /* NULL is fine */
void kw_audit_add_string(kw_audit_event *e, const char *name, const kw_string *value);
void kw_audit_add_certificate(kw_audit_event *e, const kw_audit_certificate_fields *certificate);
/* ApplicationUri of a Client whose channel proved it; null: none did. */
kw_string kw_audit_proven_uri(const kw_certificate *certificate);

/*
 * AuditCertificate…EventType for origin->status, if that is about a Certificate: of an application or of a user. The EventId goes to
 * *id; false: nothing was raised.
 */
bool kw_audit_raise_certificate(kw_server *server, const kw_audit_origin *origin, kw_bytes certificate, kw_string invalid_uri,
                                kw_string message, uint8_t id[16]);

#endif
