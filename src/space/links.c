/*
 * The references of a node: two inside it, more in a list of their own. What is removed leaves a hole, which the next one that comes
 * takes: nothing else moves, so that whoever counts his way through it (a continuation point) misses nothing and meets nothing twice.
 */
#include "space/space_internal.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 6u

static bool is_same(kw_link a, kw_link b)
{
    return a.target == b.target && a.type == b.type;
}

static const kw_link *links_of(const kw_node *node, size_t *count)
{
    const bool has_list = (node->flags & NODE_HAS_LIST) != 0;
    *count = has_list ? node->links.list->used : KW_LINKS_INSIDE;
    return has_list ? node->links.list->links : node->links.inside;
}

size_t kw_links_most(const kw_node *node)
{
    size_t count;
    (void)links_of(node, &count);
    return count;
}

bool kw_links_next(const kw_node *node, size_t *cursor, kw_link *out)
{
    size_t count;
    const kw_link *links = links_of(node, &count);
    while (*cursor < count) {
        *out = links[(*cursor)++];
        if (out->target != 0) {
            return true;
        }
    }
    return false;
}

/* Where it is; `count` of them: nowhere. */
static size_t position_of(const kw_link *links, size_t count, kw_link wanted)
{
    size_t i = 0;
    while (i < count && !is_same(links[i], wanted)) {
        i++;
    }
    return i;
}

bool kw_links_have(const kw_node *node, kw_link link)
{
    size_t count;
    const kw_link *links = links_of(node, &count);
    return position_of(links, count, link) < count;
}

static size_t size_of(uint32_t room)
{
    return sizeof(kw_link_list) + (size_t)room * sizeof(kw_link);
}

static kw_status move_out(kw_node *node)
{
    kw_link_list *list = malloc(size_of(FIRST_ROOM));
    if (list == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *list = (kw_link_list){.room = FIRST_ROOM, .used = KW_LINKS_INSIDE};
    memcpy(list->links, node->links.inside, sizeof(node->links.inside));
    node->links.list = list;
    node->flags |= NODE_HAS_LIST;
    return KW_GOOD;
}

static kw_status append(kw_node *node, kw_link link)
{
    kw_link_list *list = node->links.list;
    if (list->used == list->room) {
        if (list->room > UINT32_MAX / 2 - FIRST_ROOM) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        const uint32_t room = list->room * 2;
        list = realloc(list, size_of(room));
        if (list == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        list->room = room;
        node->links.list = list;
    }
    list->links[list->used++] = link;
    return KW_GOOD;
}

kw_status kw_links_add(kw_node *node, kw_link link)
{
    for (size_t i = 0; (node->flags & NODE_HAS_LIST) == 0 && i < KW_LINKS_INSIDE; i++) {
        if (node->links.inside[i].target == 0) {
            node->links.inside[i] = link;
            return KW_GOOD;
        }
    }
    if ((node->flags & NODE_HAS_LIST) == 0 && kw_status_is_bad(move_out(node))) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_link_list *list = node->links.list;
    if (list->holes == 0) {
        return append(node, link);
    }
    kw_link *hole = &list->links[list->holes - 1];
    list->holes = hole->type;
    *hole = link;
    return KW_GOOD;
}

bool kw_links_remove(kw_node *node, kw_link link)
{
    size_t count;
    const kw_link *links = links_of(node, &count);
    const size_t at = position_of(links, count, link);
    if (at == count) {
        return false;
    }
    if ((node->flags & NODE_HAS_LIST) == 0) {
        node->links.inside[at] = (kw_link){0, 0};
        return true;
    }
    kw_link_list *list = node->links.list;
    list->links[at] = (kw_link){0, list->holes};
    list->holes = (uint32_t)at + 1;
    return true;
}

void kw_links_clear(kw_node *node)
{
    if ((node->flags & NODE_HAS_LIST) != 0) {
        free(node->links.list);
    }
    node->flags &= (uint8_t)~NODE_HAS_LIST;
    memset(&node->links, 0, sizeof(node->links));
}
