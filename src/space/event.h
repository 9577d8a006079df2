/*
 * Events: raised on the loop, heard by whoever listens (event items of Subscriptions, the log). OPC 10000-5, 6.4; OPC 10000-3, 4.7.
 */
#ifndef KW_SPACE_EVENT_H
#define KW_SPACE_EVENT_H

#include "space/space.h"

/* One field beyond those of BaseEventType; `name` is its BrowseName in ns 0. */
typedef struct kw_event_field {
    const char *name;
    kw_variant value;
} kw_event_field;

/* Borrowed for the call: listeners copy what they keep. */
typedef struct kw_event {
    uint8_t id[16]; /* EventId: random */
    uint32_t type;  /* EventType */
    uint16_t type_ns;
    kw_node_id source_node;
    kw_string source_name;
    kw_date_time time;
    kw_string message; /* a sentence in the Server's own language, as its dictionary has it … */
    kw_status refused; /* … and what else it says of this event: a bad status by its name; Good: nothing */
    const char *why;   /* … and a reason, which may be in the dictionary too; NULL: none */
    uint16_t severity; /* 1 … 1000 */
    bool is_security;  /* only for those who may see security audit events: SecurityAdmin, ConfigureAdmin on an encrypted channel */
    const kw_event_field *fields;
    size_t field_count;
    const kw_node_id *affected; /* nodes that it names: only for those who may see all of them */
    size_t affected_count;
} kw_event;

typedef void (*kw_event_heard)(void *ctx, const kw_event *event);

#define KW_EVENT_LISTENERS_MAX 4

/* Bad_TooManyOperations past KW_EVENT_LISTENERS_MAX. */
kw_status kw_space_listen(kw_space *space, kw_event_heard heard, void *ctx);
void kw_space_unlisten(kw_space *space, kw_event_heard heard, void *ctx);
void kw_space_raise(kw_space *space, const kw_event *event);

#define KW_EVENT_MESSAGE_MAX 256 /* of one that is put together */
/*
 * The Message: "sentence", or "sentence: Bad_…, reason", in the locale of these eyes; NULL: the Server's own language. Borrowed from
 * the event, the space and the room, which has KW_EVENT_MESSAGE_MAX bytes.
 */
kw_localized_text kw_event_message(const kw_space *space, const kw_access *access, const kw_event *event, char *room);
/*
 * May these eyes see this event? Only with ReceiveEvents on its EventType and on its SourceNode, whose AccessRestrictions hold for it,
 * too; events of the audit trail are for the Roles that watch over security alone; and who may not see a node learns nothing of it from
 * an event that names it.
 */
bool kw_event_is_visible(const kw_space *space, const kw_event *event, const kw_access *access);

#endif
