/* Text forms for people and files: NodeId `ns=1;s=Name`, Guid, DateTime in ISO 8601. OPC 10000-6, 5.1.12 and 5.3.1. */
#ifndef KW_UA_TEXT_H
#define KW_UA_TEXT_H

#include "base/arena.h"

#include <keyway/types.h>

/* `i=85`, `ns=1;s=Name`, `ns=2;g=…`, `ns=2;b=base64`. Bad_NodeIdInvalid, Bad_OutOfMemory. Strings are copied into the arena. */
kw_status kw_node_id_parse(kw_string text, kw_arena *arena, kw_node_id *out);
/* Also `nsu=URI;i=85` and `svr=1;…`. */
kw_status kw_expanded_node_id_parse(kw_string text, kw_arena *arena, kw_expanded_node_id *out);
kw_string kw_node_id_format(kw_arena *arena, const kw_node_id *id);
kw_string kw_expanded_node_id_format(kw_arena *arena, const kw_expanded_node_id *id);
/* Bad_SyntaxError, also of kw_date_time_parse. */
kw_status kw_guid_parse(kw_string text, kw_guid *out);
kw_string kw_guid_format(kw_arena *arena, const kw_guid *guid);
/* 2026-01-31T12:00:00.123Z, with no fraction, three or seven digits of it as needed; "" for 0 and before. */
kw_string kw_date_time_format(kw_arena *arena, kw_date_time t);
/* With Z or an offset like +02:00. */
kw_status kw_date_time_parse(kw_string text, kw_date_time *out);
/* A NodeId as a stable byte key for maps (its canonical binary encoding), in the arena or in buf when it fits. */
kw_bytes kw_node_id_key(const kw_node_id *id, uint8_t *buf, size_t cap, kw_arena *arena);
/* Any Variant for a terminal: one line, escaped, structures as {field: value}; cut off at 64 KiB. */
kw_string kw_variant_format(kw_arena *arena, const kw_variant *v);
/* The same for a value of any described type. */
kw_string kw_ua_format(kw_arena *arena, const kw_type *type, const void *value);

#endif
