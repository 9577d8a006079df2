#include "space/audit_event.h"

#include "space/space_internal.h"

#include <keyway/node_ids.h>

void kw_audit_event_begin(kw_audit_event *e, kw_space *space, uint32_t type, const char *source_name, kw_string message,
                          const kw_audit_origin *origin)
{
    const bool is_done = !kw_status_is_bad(origin->status);
    const kw_date_time now = kw_clock_utc(space->clock);
    *e = (kw_audit_event){.space = space, .origin = *origin, .is_done = is_done};
    e->event = (kw_event){.type = type,
                          .source_node = KW_NODE_ID(0, KW_ID_SERVER),
                          .source_name = kw_string_from(source_name),
                          .time = now,
                          .message = message,
                          .refused = origin->status,
                          .why = origin->why,
                          .severity = is_done ? KW_AUDIT_SEVERITY_DONE : KW_AUDIT_SEVERITY_REFUSED,
                          .is_security = true,
                          .fields = e->fields};
    e->origin.asked = origin->asked != 0 ? origin->asked : now;
    kw_audit_event_add(e, "ActionTimeStamp", kw_variant_scalar(KW_BUILTIN_DATE_TIME, &e->origin.asked));
    kw_audit_event_add(e, "Status", kw_variant_scalar(KW_BUILTIN_BOOLEAN, &e->is_done));
    kw_audit_event_add(e, "ServerId", kw_variant_scalar(KW_BUILTIN_STRING, &space->namespaces[1])); /* the ApplicationUri */
    kw_audit_event_add(e, "ClientAuditEntryId", kw_variant_scalar(KW_BUILTIN_STRING, &e->origin.entry_id));
    kw_audit_event_add(e, "ClientUserId", kw_variant_scalar(KW_BUILTIN_STRING, &e->origin.user));
    kw_audit_event_add(e, "ClientApplicationUri", kw_variant_scalar(KW_BUILTIN_STRING, &e->origin.application_uri));
    /* Of AuditSecurityEventType and of AuditUpdateMethodEventType; it does not hurt the others. */
    kw_audit_event_add(e, "StatusCodeId", kw_variant_scalar(KW_BUILTIN_STATUS_CODE, &e->origin.status));
}

void kw_audit_event_add(kw_audit_event *e, const char *name, kw_variant value)
{
    if (e->event.field_count < KW_AUDIT_FIELDS_MAX) {
        e->fields[e->event.field_count++] = (kw_event_field){name, value};
    }
}

void kw_audit_event_raise(kw_audit_event *e)
{
    if (kw_status_is_bad(kw_random_fill(e->space->random, e->event.id, sizeof(e->event.id)))) {
        return; /* without an EventId it is no event; whoever has no random numbers has no Sessions either */
    }
    kw_space_raise(e->space, &e->event);
}

void kw_audit_event_of_method(kw_space *space, const kw_call *call, uint16_t type_ns, uint32_t type, kw_string message, kw_status status,
                              const kw_variant *inputs)
{
    const kw_identity *identity = call->access->identity;
    const kw_audit_origin origin = {.status = status,
                                    .entry_id = call->header->audit_entry_id,
                                    .user = identity != NULL ? identity->name : KW_BYTES_NULL,
                                    .application_uri = call->context->application_uri};
    kw_audit_event e;
    kw_audit_event_begin(&e, space, type, "Attribute/Call", kw_status_is_bad(status) ? KW_STRING("a Method was refused") : message,
                         &origin);
    e.event.type_ns = type_ns;
    e.event.source_node = call->object_id;
    kw_audit_event_add(&e, "MethodId", kw_variant_scalar(KW_BUILTIN_NODE_ID, &call->method_id));
    kw_audit_event_add(&e, "InputArguments",
                       kw_variant_array(KW_BUILTIN_VARIANT, inputs != NULL ? inputs : call->inputs, call->input_count));
    kw_audit_event_raise(&e);
}
