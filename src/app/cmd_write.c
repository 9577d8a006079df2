/* keyway write: a value, in the type that the node has. */
#include "app/connect.h"
#include "app/output.h"
#include "app/values.h"
#include "ua/text.h"

#include <stdio.h>
#include <strings.h>

#define ANSWER_ARENA ((size_t)64 << 20)
#define ATTRIBUTE_VALUE 13
#define ATTRIBUTE_DATA_TYPE 14

static kw_builtin type_by_name(const char *name)
{
    for (int i = KW_BUILTIN_BOOLEAN; i <= KW_BUILTIN_LOCALIZED_TEXT; i++) {
        if (strcasecmp(kw_builtin_name((kw_builtin)i), name) == 0) {
            return (kw_builtin)i;
        }
    }
    return KW_BUILTIN_NULL;
}

/* What the node says its type is. */
static kw_builtin type_of_node(kw_client *client, const kw_node_id *node, kw_arena *arena)
{
    kw_data_value value;
    if (kw_status_is_bad(kw_client_read(client, node, ATTRIBUTE_DATA_TYPE, arena, &value))) {
        return KW_BUILTIN_NULL;
    }
    const kw_node_id *type = kw_variant_get(&value.value, KW_BUILTIN_NODE_ID);
    return type != NULL ? kw_builtin_of_node_id(type) : KW_BUILTIN_NULL;
}

static int write_one(kw_client *client, const char *node_text, const char *text, const char *type_name, bool json, kw_arena *arena)
{
    kw_node_id node;
    kw_data_value value = {.has_value = true};
    kw_status status = kw_node_id_parse(kw_string_from(node_text), arena, &node);
    if (kw_status_is_bad(status)) {
        kw_fail(status, "'%s' is not a NodeId; write i=2258, ns=1;s=Name, ns=2;g=... or ns=2;b=...", node_text);
        return KW_EXIT_USAGE;
    }
    const kw_builtin type = type_name != NULL ? type_by_name(type_name) : type_of_node(client, &node, arena);
    if (type == KW_BUILTIN_NULL) {
        return kw_fail(KW_BAD_TYPE_MISMATCH, "the type of %s cannot be told; say it with --type, for example --type Double", node_text);
    }
    status = kw_variant_parse(arena, type, text[0] == '[', text, &value.value);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "'%s' is not a value of type %s", text, kw_builtin_name(type));
    }
    status = kw_client_write(client, &node, ATTRIBUTE_VALUE, &value);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s", node_text);
    }
    if (json) {
        return kw_print_json(json_pack("{s:s,s:s}", "nodeId", node_text, "status", kw_status_name(status)));
    }
    printf("%s written\n", node_text);
    return KW_EXIT_DONE;
}

int kw_cmd_write(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    const char *type = NULL;
    kw_option rows[KW_CONNECT_OPTIONS + 1];
    kw_option_list words;
    kw_client *client = NULL;
    size_t count = kw_connect_option_rows(&options, rows);
    rows[count++] = (kw_option){"type", 0, KW_OPTION_TEXT, &type, 0, 0};
    int code = kw_options_parse(self, argc, argv, rows, count, true, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 3, 3)) {
        return KW_EXIT_USAGE;
    }
    if (type != NULL && type_by_name(type) == KW_BUILTIN_NULL) {
        return kw_usage_error(self, "--type: '%s' is not a built-in type", type);
    }
    code = kw_connect_session(self, &options, words.items[0], &client);
    if (code >= 0) {
        return code;
    }
    kw_arena *arena = kw_arena_new(ANSWER_ARENA);
    code = arena != NULL ? write_one(client, words.items[1], words.items[2], type, options.json, arena)
                         : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    kw_arena_free(arena);
    kw_client_free(client);
    return code;
}
