/*
 * RolePermissions and AccessRestrictions that are laid over what nodes say themselves: by configuration, by a Write of the
 * attribute, as default of a namespace. And the way from all of that to a verdict, for those who want to know why.
 * OPC 10000-3, 4.9, 5.2.9 … 5.2.11; OPC 10000-5, 6.3.14.
 *
 * On the loop of the space.
 */
#ifndef KW_SPACE_RIGHTS_H
#define KW_SPACE_RIGHTS_H

#include "space/node.h"

typedef struct kw_rights {
    bool has_permissions, has_restrictions; /* what it has not stays as it is */
    const kw_node_permission *permissions;
    size_t permission_count; /* 0: nobody may do anything */
    uint16_t restrictions;
} kw_rights;

typedef struct kw_rights_rule {
    bool is_namespace; /* the default of namespace id.ns */
    kw_node_id id;
    kw_rights rights;
} kw_rights_rule;

/*
 * These instead of those that were configured before; copied, in force at once. What was written to a node that they name is
 * forgotten. Bad_NodeIdUnknown, and *wrong is the rule that names no node: then everything stays as it was.
 */
kw_status kw_space_configure_rights(kw_space *space, const kw_rights_rule *rules, size_t count, size_t *wrong);
/* By a Write: in force at once, until the space ends or a configuration names the node. */
kw_status kw_space_write_rights(kw_space *space, const kw_node_id *id, const kw_rights *rights);

#define KW_RIGHTS_LISTENERS_MAX 2

/* Told after each change. Bad_TooManyOperations past KW_RIGHTS_LISTENERS_MAX. */
kw_status kw_space_watch_rights(kw_space *space, void (*changed)(void *ctx), void *ctx);
void kw_space_unwatch_rights(kw_space *space, void (*changed)(void *ctx), void *ctx); /* one that does not watch is fine */

/* --- why ------------------------------------------------------------------------------------------------------------------------ */

typedef enum kw_rights_source {
    KW_RIGHTS_OF_NODE,      /* it says so itself: the standard's table, or the application */
    KW_RIGHTS_CONFIGURED,   /* a rule of the configuration */
    KW_RIGHTS_WRITTEN,      /* a Write of the attribute */
    KW_RIGHTS_OF_NAMESPACE, /* DefaultRolePermissions, DefaultAccessRestrictions */
    KW_RIGHTS_BUILT_IN      /* nobody said anything */
} kw_rights_source;

/* Where RolePermissions of a node come from. Borrowed until the next change. */
typedef struct kw_permission_list {
    kw_rights_source source;
    kw_node_id carrier; /* the node that has them: another one than was asked for when they are inherited */
    const kw_node_permission *rows;
    const struct kw_nodeset_permission *table; /* instead of rows */
    size_t count;
    uint16_t gds;
} kw_permission_list;

typedef struct kw_restriction_source {
    kw_rights_source source;
    kw_node_id carrier;
    uint16_t restrictions;
} kw_restriction_source;

typedef struct kw_verdict {
    kw_status status;
    const char *why; /* a static sentence */
    kw_permission_list permissions;
    uint32_t granted; /* bits, by all Roles together and by what is special about the node */
    kw_restriction_source restrictions;
} kw_verdict;

void kw_node_judge(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t permission, kw_verdict *out);
void kw_node_permission_list(const kw_space *space, const kw_node_ref *node, kw_permission_list *out);
kw_node_permission kw_permission_row(const kw_permission_list *list, size_t i);
kw_restriction_source kw_node_restriction_source(const kw_space *space, const kw_node_ref *node);
/* The defaults of a namespace, as its NamespaceMetadata shows them. */
void kw_namespace_permission_list(const kw_space *space, uint16_t ns, kw_permission_list *out);
kw_restriction_source kw_namespace_restriction_source(const kw_space *space, uint16_t ns);
/* "RolePermissions of the node", "a rule of the configuration", … */
const char *kw_rights_source_name(kw_rights_source source);
/* The name of one PermissionType bit as the standard spells it: "ReadRolePermissions"; NULL: there is no such bit. */
const char *kw_permission_name(uint32_t bit);
/* 0: there is no PermissionType of this name; the case of letters does not matter. */
uint32_t kw_permission_by_name(kw_string name);

#endif
