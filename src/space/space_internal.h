/* Inner seam of the space room: nodes as other files of this room and the services see them. */
#ifndef KW_SPACE_INTERNAL_H
#define KW_SPACE_INTERNAL_H

#include "base/map.h"
#include "space/event.h"
#include "space/node.h"
#include "ua/nodeset.h"

#define KW_NAMESPACES_MAX 64

typedef struct kw_own_reference {
    kw_node_id type, target;
    bool is_forward;
} kw_own_reference;

typedef struct kw_argument_type {
    kw_node_id data_type;
    int32_t value_rank;
} kw_argument_type;

/* A node of the application, or what was laid over a node of the tables. Owned by the space; strings in its arena. */
struct kw_node {
    kw_node_id id;
    uint8_t node_class; /* own nodes; of an overlay the table speaks */
    bool is_overlay;
    uint8_t access_level;
    uint16_t restrictions; /* of an overlay: beyond those of the table */
    kw_qualified_name browse_name;
    kw_localized_text display_name;
    const kw_node_permission *permissions;
    uint32_t permission_count;
    const kw_node *parent; /* for permissions that are inherited */
    kw_node_id data_type;
    int32_t value_rank;
    /* the stored value: UA binary of a Variant, on the heap; NULL: none */
    uint8_t *value;
    size_t value_len;
    kw_date_time written;
    kw_value_read read;
    kw_value_write write;
    kw_value_write_later write_later;
    kw_method_call call;
    bool is_sessionless;
    void *ctx;
    const kw_argument_type *inputs;
    size_t input_count, output_count;
    kw_own_reference *references; /* on the heap */
    size_t reference_count, reference_room;
};

typedef struct kw_event_listener {
    kw_event_heard heard;
    void *ctx;
} kw_event_listener;

struct kw_space {
    kw_arena *arena;
    kw_map *nodes; /* NodeId key -> kw_node: own nodes and overlays */
    kw_string namespaces[KW_NAMESPACES_MAX];
    size_t namespace_count;
    const kw_clock *clock;
    const kw_random *random;
    bool with_gds;
    uint16_t gds;    /* namespace index; 0 without */
    uint8_t *hidden; /* by position in the GDS table: instances that this server does not have */
    kw_space_server_info info;
    kw_date_time started;
    uint32_t uris_version;
    kw_map *dictionary;       /* text in the own language -> its translations; NULL: none */
    const kw_string *locales; /* LocaleIdArray */
    size_t locale_count;
    kw_event_listener listeners[KW_EVENT_LISTENERS_MAX];
    size_t listener_count;
    struct kw_made_instances *instances; /* newest first */
};

/* instances.c. The node is one of an instance, but in the first and the last. */
bool kw_instance_find(const kw_space *space, const kw_node_id *id, kw_node_ref *out);
kw_string kw_instance_name(const kw_node_ref *node);
uint32_t kw_instance_permissions(const kw_node_ref *node, const kw_access *access, uint32_t by_role);
kw_status kw_instance_read(const kw_node_ref *node, kw_arena *arena, kw_data_value *out);
bool kw_instance_next_reference(const kw_node_ref *node, size_t *cursor, kw_reference_view *out);
/* From the Object that has instances to each of them. */
bool kw_instance_next_below(const kw_space *space, const kw_node_ref *parent, size_t *cursor, kw_reference_view *out);

/* permission.c */
uint16_t kw_node_restrictions(const kw_node_ref *node);

/* node.c: the overlay of a table node or the own node itself; makes the overlay. NULL: no such node or no memory. */
kw_node *kw_space_own(kw_space *space, const kw_node_id *id);
kw_status kw_space_put(kw_space *space, kw_node *node);
kw_status kw_node_add_reference(kw_node *node, const kw_node_id *type, bool is_forward, const kw_node_id *target);
kw_status kw_node_store_value(kw_node *node, const kw_variant *value, kw_date_time when);

/* words.c: what the names of the first nodes that people see are in other languages. */
kw_status kw_space_add_words(kw_space *space);

/* server_object.c: ns 0 comes alive. */
kw_status kw_space_bind_server_object(kw_space *space);
kw_status kw_space_add_metadata(kw_space *space, uint16_t index);

#endif
