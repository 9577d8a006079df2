/* Namespace indexes mean something at one Server only: moving a value elsewhere means to translate them. */
#ifndef KW_UA_NAMESPACES_H
#define KW_UA_NAMESPACES_H

#include <keyway/types.h>

/*
 * Replace, in place and deeply, the index i of every NodeId, ExpandedNodeId (without NamespaceUri) and QualifiedName by map[i];
 * indexes from `count` on stay. What is opaque (ExtensionObjects of unknown type) stays as it is. The value must be in memory of
 * one's own: decoded or copied into an arena.
 */
void kw_ua_map_namespaces(const kw_type *type, void *value, const uint16_t *map, size_t count);

#endif
