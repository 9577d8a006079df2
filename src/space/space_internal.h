/* Inner seam of the space room: nodes as other files of this room and the services see them. */
#ifndef KW_SPACE_INTERNAL_H
#define KW_SPACE_INTERNAL_H

#include "base/map.h"
#include "space/event.h"
#include "space/handles.h"
#include "space/node.h"
#include "space/rights.h"
#include "ua/nodeset.h"

#define KW_NAMESPACES_MAX 64

typedef struct kw_argument_type {
    kw_node_id data_type;
    int32_t value_rank;
} kw_argument_type;

/* --- what a node may have and most have not; each one block of the heap -------------------------------------------------------- */

typedef struct kw_stored_value {
    kw_date_time written; /* SourceTimestamp */
    kw_status status;
    uint32_t len;
    uint8_t bytes[]; /* UA binary of a Variant */
} kw_stored_value;

typedef struct kw_behind_method {
    kw_method_call call;
    void *ctx;
    bool is_sessionless;
    uint32_t input_count, output_count;
    kw_argument_type inputs[];
} kw_behind_method;

typedef struct kw_live_value {
    kw_value_read read;
    kw_value_write write;
    kw_value_write_later write_later;
    void *ctx;
} kw_live_value;

typedef struct kw_node_more {
    kw_localized_text display_name; /* null: the BrowseName's text */
    kw_localized_text description, inverse_name;
    kw_node_permission *permissions;
    uint32_t permission_count; /* 0: inherited */
    uint32_t write_mask;
    uint16_t restrictions; /* of an overlay: beyond those of the table */
    uint32_t dimension_count;
    uint32_t *dimensions;
    double minimum_sampling_interval;
    uint8_t *definition; /* UA binary of an ExtensionObject */
    size_t definition_len;
    kw_string server_uri_namespace; /* NODE_IS_REMOTE: ExpandedNodeId.namespaceUri … */
    uint32_t server_index;          /* … and serverIndex */
} kw_node_more;

/* Half of a reference: each end has one. target 0: a hole, and type is where the next one is. */
typedef struct kw_link {
    uint32_t target;
    uint32_t type; /* handle of the ReferenceType << 1 | is_forward */
} kw_link;

typedef struct kw_link_list {
    uint32_t room, used, holes; /* holes: position + 1 of the first; 0: none */
    kw_link links[];
} kw_link_list;

#define KW_LINKS_INSIDE 2u

enum {
    NODE_IS_ABSTRACT = 1,
    NODE_IS_SYMMETRIC = 2,
    NODE_HAS_LOOPS = 4,
    NODE_HISTORIZING = 8,
    NODE_HAS_LIST = 16,  /* links.list, not links.inside */
    NODE_IS_KEPT = 32,   /* named by another node in a way that leaves no link here */
    NODE_IS_REMOTE = 64, /* a target in another server, or in a namespace that nobody here knows */
    NODE_TIMED = 128     /* minimum_sampling_interval is given */
};

/*
 * A node of the application, what was laid over a node of the tables, or an id that something refers to (node_class 0, as of an
 * overlay). Small, as there may be a million of them; it never moves.
 */
struct kw_node {
    kw_node_id id; /* a text is on the heap */
    kw_node_more *more;
    kw_live_value *live;
    union {
        kw_stored_value *value;
        kw_behind_method *method; /* Methods */
    } behind;
    union {
        kw_link inside[KW_LINKS_INSIDE];
        kw_link_list *list;
    } links;
    uint32_t name;      /* BrowseName: handle */
    uint32_t data_type; /* handle */
    uint32_t parent;    /* handle, for permissions that are inherited */
    uint32_t self;
    uint8_t node_class; /* own nodes; of an overlay the table speaks */
    int8_t value_rank;
    uint16_t access_level; /* AccessLevelEx */
    uint8_t event_notifier;
    uint8_t flags;
};

/* A BrowseName, kept once for all nodes that have it. */
typedef struct kw_shared_name {
    uint32_t users;
    uint32_t len;
    uint16_t ns;
    uint8_t text[];
} kw_shared_name;

typedef struct kw_node_store {
    kw_node **chunks;
    uint32_t used, unused; /* handles given out so far (0 is none); the first of those that came back, linked by parent */
    kw_handles by_id;
    kw_shared_name **names;
    uint32_t names_used, names_room, names_unused; /* the last is a list through `free_names` */
    uint32_t *free_names;
    kw_handles by_name;
    uint64_t k0, k1;
} kw_node_store;

typedef struct kw_event_listener {
    kw_event_heard heard;
    void *ctx;
} kw_event_listener;

/* What is laid over a node or a namespace (rights.h). On the heap. */
typedef struct kw_laid_rights {
    bool has_permissions, has_restrictions;
    uint16_t restrictions;
    size_t count;
    kw_node_permission rows[];
} kw_laid_rights;

typedef struct kw_rights_set {
    kw_map *nodes; /* NodeId key -> kw_laid_rights; NULL: none */
    kw_laid_rights *defaults[KW_NAMESPACES_MAX];
} kw_rights_set;

typedef struct kw_rights_listener {
    void (*changed)(void *ctx);
    void *ctx;
} kw_rights_listener;

struct kw_space {
    kw_arena *arena;
    kw_node_store store; /* own nodes, overlays, and ids that are referred to */
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
    uint32_t last_given;      /* NodeId of kw_space_unused_id */
    uint64_t model_version;   /* the last NodeVersion that was given */
    kw_map *dictionary;       /* text in the own language -> its translations; NULL: none */
    const kw_string *locales; /* LocaleIdArray */
    size_t locale_count;
    kw_event_listener listeners[KW_EVENT_LISTENERS_MAX];
    size_t listener_count;
    kw_rights_set configured;
    kw_map *written; /* NodeId key -> kw_laid_rights; NULL: none */
    kw_rights_listener rights_listeners[KW_RIGHTS_LISTENERS_MAX];
    size_t rights_listener_count;
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

/* rights.c; NULL: nothing is laid over it */
const kw_laid_rights *kw_rights_written(const kw_space *space, const kw_node_id *id);
const kw_laid_rights *kw_rights_configured(const kw_space *space, const kw_node_id *id);
void kw_rights_forget_written(kw_space *space, const kw_node_id *id); /* of a node that goes */
void kw_rights_clear(kw_space *space);

/* rights_value.c: RolePermissionType[]; `whose` NULL: of all Roles, else of those that this Identity has. */
kw_status kw_permission_list_value(const kw_permission_list *list, const kw_identity *whose, kw_arena *arena, kw_variant *out);
/* RolePermissions, or AccessRestrictions, by a Write that is allowed. */
kw_status kw_node_write_rights(kw_space *space, const kw_node_ref *node, bool is_permissions, const kw_variant *value, kw_arena *arena);

/* --- nodes.c ------------------------------------------------------------------------------------------------------------------ */
kw_status kw_nodes_open(kw_node_store *store);
void kw_nodes_close(kw_node_store *store);
kw_node *kw_nodes_at(const kw_node_store *store, uint32_t handle); /* NULL: 0 */
kw_node *kw_nodes_find(const kw_node_store *store, const kw_node_id *id);
/* The one that is there or a new one, without class; NULL: no memory. */
kw_node *kw_nodes_intern(kw_node_store *store, const kw_node_id *id);
kw_node *kw_nodes_find_remote(const kw_node_store *store, const kw_expanded_node_id *id);
kw_node *kw_nodes_intern_remote(kw_node_store *store, const kw_expanded_node_id *id);
/* Everything but id and links: it is an id that something refers to, and goes when nothing does. */
void kw_nodes_strip(kw_node_store *store, kw_node *node);
/* Gone, if it is no more than an id and nothing refers to it. */
void kw_nodes_tidy(kw_node_store *store, kw_node *node);
kw_status kw_nodes_name(kw_node_store *store, kw_node *node, const kw_qualified_name *name);
kw_qualified_name kw_nodes_name_of(const kw_node_store *store, const kw_node *node);
kw_node_more *kw_node_more_of(kw_node *node);         /* made when there is none; NULL: no memory */
kw_live_value *kw_node_live_of(kw_node *node);        /* likewise */
kw_status kw_text_dup(kw_string from, kw_string *to); /* on the heap; null stays null */

/* --- links.c ------------------------------------------------------------------------------------------------------------------ */
kw_status kw_links_add(kw_node *node, kw_link link);
/* False: it was not there. */
bool kw_links_remove(kw_node *node, kw_link link);
bool kw_links_have(const kw_node *node, kw_link link);
/* The next one that is no hole; start with *cursor = 0. */
bool kw_links_next(const kw_node *node, size_t *cursor, kw_link *out);
size_t kw_links_most(const kw_node *node); /* how many there may be */
void kw_links_clear(kw_node *node);

/* --- add.c -------------------------------------------------------------------------------------------------------------------- */
/* The overlay of a table node or the own node itself; makes the overlay. NULL: no such node or no memory. */
kw_node *kw_space_own(kw_space *space, const kw_node_id *id);
kw_status kw_node_store_value(kw_node *node, const kw_data_value *value);
kw_status kw_node_store_definition(kw_node *node, const kw_extension_object *definition); /* DataTypes */
/* references.c: both ends get it; an end that is NULL is one that there was no memory for. */
kw_status kw_space_join(kw_space *space, kw_node *source, const kw_node_id *type, kw_node *target);
/* The same from the parent of a new node, but not a second time. */
kw_status kw_space_join_new(kw_space *space, kw_node *parent, const kw_node_id *type, kw_node *node);

/* Bits of WriteMask that have a text behind them. OPC 10000-3, 8.60. */
#define KW_WRITE_MASK_DESCRIPTION (1u << 5)
#define KW_WRITE_MASK_DISPLAY_NAME (1u << 6)
#define KW_WRITE_MASK_INVERSE_NAME (1u << 10)
/* text_attribute.c: of an own node; that it may be written is clear already. Bad_TypeMismatch, Bad_OutOfRange. */
kw_status kw_node_write_text(const kw_node_ref *node, uint32_t write_mask_bit, const kw_variant *value);

/* words.c: what the names of the first nodes that people see are in other languages. */
kw_status kw_space_add_words(kw_space *space);

/* server_object.c: ns 0 comes alive. */
kw_status kw_space_bind_server_object(kw_space *space);
kw_status kw_space_add_metadata(kw_space *space, uint16_t index);

#endif
