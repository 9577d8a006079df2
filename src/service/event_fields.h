/* What an event says, field by field. */
#ifndef KW_SERVICE_EVENT_FIELDS_H
#define KW_SERVICE_EVENT_FIELDS_H

#include "space/event.h"
#include "space/node.h"

/* Room for what a Variant made of a field points to. */
typedef struct kw_event_field_room {
    kw_bytes bytes;
    kw_node_id node_id;
    kw_localized_text text;
    char message[KW_EVENT_MESSAGE_MAX];
} kw_event_field_room;

/*
 * Borrowed from the event, the space and the room; null for what it does not have. `access`: whose locale texts are in; NULL: the
 * Server's own language.
 */
kw_variant kw_event_select(const kw_space *space, const kw_access *access, const kw_event *event, const kw_simple_attribute_operand *clause,
                           kw_event_field_room *room);
/* The i-th element of a numeric Variant. */
double kw_variant_number(const kw_variant *v, size_t i);

#endif
