/* keyway browse: what is below a node, as a tree. */
#include "app/connect.h"
#include "app/output.h"
#include "ua/text.h"

#include <stdio.h>

#define LEVEL_ARENA ((size_t)256 << 20)
#define OBJECTS "i=85"
#define HIERARCHICAL 33
#define DEPTH_MAX 32

typedef struct walk {
    kw_client *client;
    kw_arena *arena;
    uint32_t depth;
    bool json;
} walk;

static const char *class_name(kw_node_class c)
{
    switch (c) {
    case KW_NODE_CLASS_OBJECT:
        return "Object";
    case KW_NODE_CLASS_VARIABLE:
        return "Variable";
    case KW_NODE_CLASS_METHOD:
        return "Method";
    case KW_NODE_CLASS_OBJECT_TYPE:
        return "ObjectType";
    case KW_NODE_CLASS_VARIABLE_TYPE:
        return "VariableType";
    case KW_NODE_CLASS_REFERENCE_TYPE:
        return "ReferenceType";
    case KW_NODE_CLASS_DATA_TYPE:
        return "DataType";
    case KW_NODE_CLASS_VIEW:
        return "View";
    default:
        return "?";
    }
}

static kw_string format_name(kw_arena *arena, const kw_qualified_name *name)
{
    return name->ns == 0 ? name->name : kw_arena_format(arena, "%u:%.*s", name->ns, KW_STRING_ARGS(name->name));
}

static kw_status walk_down(const walk *w, const kw_node_id *node, uint32_t level, json_t *array)
{
    kw_reference_description *references = NULL;
    size_t count = 0;
    const kw_browse_description what = {.node_id = *node,
                                        .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                        .reference_type_id = KW_NODE_ID(0, HIERARCHICAL),
                                        .include_subtypes = true,
                                        .result_mask = 63};
    const kw_status status = kw_client_browse(w->client, &what, 0, w->arena, &references, &count);
    for (size_t i = 0; !kw_status_is_bad(status) && i < count; i++) {
        const kw_reference_description *r = &references[i];
        const kw_string id = kw_expanded_node_id_format(w->arena, &r->node_id);
        const kw_string name = format_name(w->arena, &r->browse_name);
        json_t *below = NULL;
        if (!w->json) {
            printf("%*s%.*s  [%.*s]  %s\n", (int)(2 * level), "", KW_STRING_ARGS(kw_escaped(w->arena, name)),
                   KW_STRING_ARGS(kw_escaped(w->arena, id)), class_name(r->node_class));
        } else {
            below = json_array();
            json_array_append_new(array, json_pack("{s:o,s:o,s:o,s:s,s:o}", "nodeId", kw_json_string(id), "browseName",
                                                   kw_json_string(name), "displayName", kw_json_string(r->display_name.text), "nodeClass",
                                                   class_name(r->node_class), "children", below));
        }
        if (level + 1 < w->depth && r->node_id.server_index == 0 && r->node_id.namespace_uri.len == 0) {
            const kw_status deeper = walk_down(w, &r->node_id.node_id, level + 1, below);
            if (kw_status_is_bad(deeper)) {
                return deeper;
            }
        }
    }
    return status;
}

static int browse(kw_client *client, const char *start, uint32_t depth, bool json)
{
    kw_node_id node;
    walk w = {.client = client, .arena = kw_arena_new(LEVEL_ARENA), .depth = depth, .json = json};
    if (w.arena == NULL) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    int code = KW_EXIT_DONE;
    kw_status status = kw_node_id_parse(kw_string_from(start), w.arena, &node);
    if (kw_status_is_bad(status)) {
        kw_fail(status, "'%s' is not a NodeId; write i=85, ns=1;s=Name, ns=2;g=... or ns=2;b=...", start);
        code = KW_EXIT_USAGE;
    } else {
        json_t *array = json_array();
        status = walk_down(&w, &node, 0, array);
        if (json) {
            kw_print_json(array);
        } else {
            json_decref(array);
        }
        code = kw_status_is_bad(status) ? kw_fail(status, "%s: %s", start, kw_client_error(client)) : KW_EXIT_DONE;
    }
    kw_arena_free(w.arena);
    return code;
}

int kw_cmd_browse(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    uint32_t depth = 1;
    kw_option rows[KW_CONNECT_OPTIONS + 1];
    kw_option_list words;
    kw_client *client = NULL;
    size_t count = kw_connect_option_rows(&options, rows);
    rows[count++] = (kw_option){"depth", 0, KW_OPTION_NUMBER, &depth, 1, DEPTH_MAX};
    int code = kw_options_parse(self, argc, argv, rows, count, true, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 2)) {
        return KW_EXIT_USAGE;
    }
    code = kw_connect_session(self, &options, words.items[0], &client);
    if (code >= 0) {
        return code;
    }
    code = browse(client, words.count > 1 ? words.items[1] : OBJECTS, depth, options.json);
    kw_client_free(client);
    return code;
}
