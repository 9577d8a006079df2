/*
 * The address space: all of ns 0 (and the GDS model where wanted) from constant tables, and nodes that the application adds.
 *
 * Node management belongs to one loop. Permissions are decided here, for every service alike: RolePermissions, AccessRestrictions,
 * UserAccessLevel, UserExecutable. OPC 10000-3; OPC 10000-5.
 */
#ifndef KW_SPACE_SPACE_H
#define KW_SPACE_SPACE_H

#include "base/clock.h"
#include "identity/gate.h"
#include "identity/identity.h"

#include <keyway/types.h>

typedef struct kw_space kw_space;

/* PermissionType bits. OPC 10000-3, 8.55. */
#define KW_PERMISSION_BROWSE 0x1u
#define KW_PERMISSION_READ_ROLE_PERMISSIONS 0x2u
#define KW_PERMISSION_WRITE_ATTRIBUTE 0x4u
#define KW_PERMISSION_WRITE_ROLE_PERMISSIONS 0x8u
#define KW_PERMISSION_WRITE_HISTORIZING 0x10u
#define KW_PERMISSION_READ 0x20u
#define KW_PERMISSION_WRITE 0x40u
#define KW_PERMISSION_READ_HISTORY 0x80u
#define KW_PERMISSION_INSERT_HISTORY 0x100u
#define KW_PERMISSION_MODIFY_HISTORY 0x200u
#define KW_PERMISSION_DELETE_HISTORY 0x400u
#define KW_PERMISSION_RECEIVE_EVENTS 0x800u
#define KW_PERMISSION_CALL 0x1000u
#define KW_PERMISSION_ADD_REFERENCE 0x2000u
#define KW_PERMISSION_REMOVE_REFERENCE 0x4000u
#define KW_PERMISSION_DELETE_NODE 0x8000u
#define KW_PERMISSION_ADD_NODE 0x10000u
#define KW_PERMISSION_ALL 0x1FFFFu
/* AccessRestrictionType bits. */
#define KW_RESTRICTION_SIGNING 0x1u
#define KW_RESTRICTION_ENCRYPTION 0x2u
#define KW_RESTRICTION_SESSION 0x4u
#define KW_RESTRICTION_BROWSE 0x8u
#define KW_RESTRICTION_ALL 0xFu

/* On whose behalf: borrowed for the call. */
typedef struct kw_access kw_access;
struct kw_node_ref;
struct kw_verdict;
struct kw_access {
    const kw_identity *identity;
    kw_message_security_mode mode;
    bool has_session;
    kw_node_id session_id;    /* null: none, or of no interest */
    const kw_string *locales; /* preference order */
    size_t locale_count;
    /* Is told of each refusal and why (space/rights.h): for the log, never for the peer. NULL: nobody is. */
    void (*refused)(const kw_access *access, const struct kw_node_ref *node, uint32_t permission, const struct kw_verdict *verdict);
    const void *request; /* for it */
};

/*
 * May they do this with the node? The one question of every service, for all PermissionType bits and AccessRestrictions.
 * KW_GOOD, Bad_UserAccessDenied, Bad_SecurityModeInsufficient; Bad_NodeIdUnknown also for a node of which one may know nothing.
 */
kw_status kw_space_permits(const kw_space *space, const kw_node_id *id, const kw_access *access, uint32_t permission);

typedef struct kw_space_config {
    kw_string application_uri; /* namespace 1, ServerArray[0] */
    bool with_gds;             /* the model of OPC 10000-12 */
    const kw_clock *clock;
    const kw_random *random; /* EventIds; NULL: the system's */
} kw_space_config;

/* What ns 0 says about the server; the default is a running one without limits. */
typedef struct kw_space_server_info {
    kw_server_state state;
    kw_string product_uri, product_name, manufacturer, version;
    uint32_t max_nodes_per_read, max_nodes_per_write, max_nodes_per_call, max_nodes_per_browse, max_nodes_per_translate,
        max_nodes_per_register, max_nodes_per_node_management;
    uint32_t max_array_length, max_string_length, max_byte_string_length, max_sessions;
    uint16_t max_browse_continuation_points;
    uint32_t max_subscriptions, max_subscriptions_per_session, max_monitored_items, max_monitored_items_per_subscription,
        max_monitored_items_per_call, max_item_queue, max_select_clauses, max_where_elements;
    double min_sampling_interval; /* ms */
    const kw_string *profiles;    /* ServerProfileArray */
    size_t profile_count;
} kw_space_server_info;

/* Strings and lists are borrowed for the life of the space. */
void kw_space_set_server_info(kw_space *space, const kw_space_server_info *info);
void kw_space_set_server_state(kw_space *space, kw_server_state state);

kw_status kw_space_new(const kw_space_config *config, kw_space **out);
void kw_space_free(kw_space *space);
kw_status kw_space_namespace_add(kw_space *space, kw_string uri, uint16_t *index); /* known ones keep their index */
uint16_t kw_space_namespace_find(const kw_space *space, kw_string uri);            /* UINT16_MAX: unknown */
const kw_string *kw_space_namespaces(const kw_space *space, size_t *count);
/* UrisVersion: another one when the NamespaceArray is another one, never 0. OPC 10000-5, 6.3.1. */
uint32_t kw_space_uris_version(const kw_space *space);
#define KW_GDS_NAMESPACE_URI "http://opcfoundation.org/UA/GDS/"

/* --- values that live outside the space ----------------------------------------------------------------------------- */
/* On the loop, must not block. The result is borrowed from the arena or from what outlives the request. */
typedef kw_status (*kw_value_read)(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out);
typedef kw_status (*kw_value_write)(void *ctx, const kw_access *access, const kw_data_value *value);

/* A Write that takes its time. */
typedef struct kw_write kw_write;
struct kw_write {
    const kw_access *access;
    const kw_request_header *header;
    kw_string application_uri; /* of the Client, when its channel proved it */
    kw_node_id node_id;
    kw_data_value value;                               /* whole, of the Variable's type */
    kw_arena *arena;                                   /* of the request; lives until finish */
    void (*finish)(kw_write *write, kw_status status); /* on the loop, exactly once, now or later */
};
typedef void (*kw_value_write_later)(void *ctx, kw_write *write);

/* --- methods ---------------------------------------------------------------------------------------------------------- */
typedef struct kw_call kw_call;
struct kw_call {
    const kw_access *access;
    const kw_identity_claim *context; /* of the request: channel policy, mode, receiver, client certificate, ApplicationUri, address */
    const kw_request_header *header;
    kw_node_id object_id, method_id;
    kw_node_id session_id;
    const kw_variant *inputs; /* as many as the Method has, types checked */
    size_t input_count;
    kw_status *input_results; /* to fill when an argument is refused; all good at first */
    kw_variant *outputs;      /* room for as many as the Method has */
    size_t output_count;
    kw_arena *arena;                                 /* of the request; lives until finish */
    void (*finish)(kw_call *call, kw_status status); /* on the loop, exactly once, now or later */
    void *owner;                                     /* the service's */
};
typedef void (*kw_method_call)(void *ctx, kw_call *call);

typedef struct kw_argument_spec {
    const char *name;
    uint32_t data_type;      /* ns 0 */
    int32_t value_rank;      /* -1 scalar, 1 one dimension */
    const char *description; /* English; NULL: none */
} kw_argument_spec;

/* --- nodes ---------------------------------------------------------------------------------------------------------------- */
typedef struct kw_node_permission {
    uint16_t role_ns;
    uint32_t role_id;
    uint32_t permissions;
} kw_node_permission;

typedef struct kw_node_spec {
    kw_node_id id;
    kw_node_id parent;          /* null: no parent */
    kw_node_id reference_type;  /* from the parent; null: HasComponent (HasProperty for PropertyType) */
    kw_node_id type_definition; /* null: BaseObjectType, BaseDataVariableType */
    kw_qualified_name browse_name;
    kw_localized_text display_name; /* null: the BrowseName without locale */
    kw_localized_text description;  /* null: none */
    uint32_t write_mask;
    const kw_node_permission *permissions; /* copied; count 0: inherited from the parent, else the namespace default */
    size_t permission_count;
    uint16_t restrictions;
    /* variables */
    kw_node_id data_type;
    int32_t value_rank;  /* 0 means scalar (-1) … */
    bool has_value_rank; /* … but here it means what it says: OneOrMoreDimensions */
    bool writable;
    kw_variant value;   /* initial, copied; unused with read */
    kw_value_read read; /* NULL: the stored value */
    kw_value_write write;
    bool has_access_level;      /* access_level counts, not writable */
    uint32_t access_level;      /* AccessLevelExType */
    const uint32_t *dimensions; /* ArrayDimensions */
    size_t dimension_count;
    bool has_minimum_sampling_interval;
    double minimum_sampling_interval; /* ms */
    bool historizing;
    /* types, and what else single NodeClasses have */
    bool is_abstract;
    bool is_symmetric;              /* ReferenceTypes */
    kw_localized_text inverse_name; /* ReferenceTypes */
    kw_extension_object definition; /* DataTypes: DataTypeDefinition; as kw_extension_object_of makes it, or opaque */
    uint8_t event_notifier;         /* Objects, Views */
    bool has_loops;                 /* Views: not ContainsNoLoops */
    /* methods */
    const kw_argument_spec *inputs, *outputs;
    size_t input_count, output_count;
    kw_method_call call;
    bool is_sessionless; /* may be called without a Session (OPC 10000-4, 6.3): it keeps nothing for one */
    void *ctx;
} kw_node_spec;

/*
 * Everything is copied but ctx. Bad_NodeIdExists, Bad_ParentNodeIdInvalid, Bad_BrowseNameInvalid, Bad_NodeAttributesInvalid (a
 * ValueRank that does not exist, ArrayDimensions that do not fit it), … A node that cannot be made whole is not made.
 */
kw_status kw_space_add_object(kw_space *space, const kw_node_spec *spec);
kw_status kw_space_add_variable(kw_space *space, const kw_node_spec *spec);
kw_status kw_space_add_method(kw_space *space, const kw_node_spec *spec); /* with InputArguments and OutputArguments */
/*
 * A node of any NodeClass exactly as it is described: no type definition, no references but those that are named here. A loader adds
 * the others by kw_space_add_reference, before or after. Bad_NodeClassInvalid.
 */
kw_status kw_space_add_node(kw_space *space, kw_node_class node_class, const kw_node_spec *spec);
/*
 * Both ends get the reference (but for HasTypeDefinition: types do not list their instances). Neither end need exist yet: the
 * reference shows as soon as its ends do. Bad_DuplicateReferenceNotAllowed: it is there; Bad_OutOfMemory.
 */
kw_status kw_space_add_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, const kw_node_id *target);
/* To a node that is not here: server_index is not 0, or namespace_uri is none of ours. */
kw_status kw_space_add_remote_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, bool is_forward,
                                        const kw_expanded_node_id *target);
/* At both ends, or at the source alone. Bad_NotFound; references of the tables stay. */
kw_status kw_space_remove_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, bool is_forward,
                                    const kw_expanded_node_id *target, bool both_ends);
/*
 * A node of the application, with all references to it. What inherited its permissions keeps them. Its children stay. Bad_NodeIdUnknown.
 */
kw_status kw_space_remove(kw_space *space, const kw_node_id *id);
/* The same, but that other nodes go on naming it: their references show again when a node of this id comes. */
kw_status kw_space_remove_alone(kw_space *space, const kw_node_id *id);
/* Give a node of the tables a live value, or a Method of the tables its function. Bad_NodeIdUnknown. */
kw_status kw_space_bind_value(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write write, void *ctx);
/* A live value whose writing takes its time. Bad_NodeIdUnknown. */
kw_status kw_space_bind_value_later(kw_space *space, const kw_node_id *id, kw_value_read read, kw_value_write_later write, void *ctx);
/* AccessRestrictions beyond those that the tables say. Bad_NodeIdUnknown. */
kw_status kw_space_restrict(kw_space *space, const kw_node_id *id, uint16_t restrictions);
kw_status kw_space_bind_method(kw_space *space, const kw_node_id *id, kw_method_call call, void *ctx);
/* --- model.c: a model that changes at run time -------------------------------------------------------------------------------- */
size_t kw_space_node_count(const kw_space *space); /* own nodes, and ids that they name */
kw_node_id kw_space_unused_id(kw_space *space);    /* of namespace 1 */
/* Is there a node of this id, or one that names it? */
bool kw_space_is_named(const kw_space *space, const kw_node_id *id);
/* Another value for the NodeVersion of this node, if it has one. OPC 10000-3, 8.29. */
void kw_space_new_version(kw_space *space, const kw_node_id *id);

kw_status kw_space_set_value(kw_space *space, const kw_node_id *id, const kw_variant *value); /* copied */

#endif
