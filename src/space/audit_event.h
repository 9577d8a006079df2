/*
 * Audit events: what all of them say, in one place. OPC 10000-5, 6.4.3 and 6.4.4.
 *
 *   kw_audit_event e;
 *   kw_audit_event_begin(&e, space, KW_ID_AUDIT_CANCEL_EVENT_TYPE, "Session/Cancel", "a request was cancelled", &origin);
 *   kw_audit_event_add(&e, "RequestHandle", kw_variant_scalar(KW_BUILTIN_UINT32, &handle));
 *   kw_audit_event_raise(&e);
 *
 * Everything is borrowed until it was raised.
 */
#ifndef KW_SPACE_AUDIT_EVENT_H
#define KW_SPACE_AUDIT_EVENT_H

#include "space/event.h"

#define KW_AUDIT_FIELDS_MAX 24
#define KW_AUDIT_SEVERITY_DONE 200
#define KW_AUDIT_SEVERITY_REFUSED 700

/* What was asked for, by whom, and what became of it. */
typedef struct kw_audit_origin {
    kw_status status;
    kw_date_time asked;        /* ActionTimeStamp: when the request came in; 0: now */
    kw_string entry_id;        /* ClientAuditEntryId: the Client's own words, proof of nothing */
    kw_string user;            /* ClientUserId */
    kw_string application_uri; /* of the Client, only if its channel proved it */
    const char *why;           /* for the Message; static or borrowed; NULL: nothing to add */
} kw_audit_origin;

typedef struct kw_audit_event {
    kw_event event;
    kw_space *space;
    kw_audit_origin origin;
    bool is_done;
    kw_event_field fields[KW_AUDIT_FIELDS_MAX];
} kw_audit_event;

/* `type`: of ns 0. `message`: a sentence; a bad status and the reason are added to it. The source is the Server Object; change event.source_node, type_ns or severity before it is raised where that is not so. */
void kw_audit_event_begin(kw_audit_event *e, kw_space *space, uint32_t type, const char *source_name, kw_string message,
                          const kw_audit_origin *origin);
/* Past KW_AUDIT_FIELDS_MAX a field is dropped. */
void kw_audit_event_add(kw_audit_event *e, const char *name, kw_variant value);
/* With an EventId of its own, which is in e->event.id afterwards. */
void kw_audit_event_raise(kw_audit_event *e);

/*
 * A Method did what is to be audited, or refused it: AuditUpdateMethodEventType (OPC 10000-5, 6.4.27) or what derives from it.
 * `inputs`: those of the call with every secret taken out, as many as the call has; NULL: as they came.
 */
void kw_audit_event_of_method(kw_space *space, const kw_call *call, uint16_t type_ns, uint32_t type, kw_string message, kw_status status,
                              const kw_variant *inputs);

#endif
