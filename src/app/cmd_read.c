/* keyway read: values and other attributes. */
#include "app/connect.h"
#include "app/output.h"
#include "app/values.h"
#include "ua/text.h"

#include <stdio.h>
#include <strings.h>

#define ANSWER_ARENA ((size_t)256 << 20)
#define ATTRIBUTE_VALUE 13
#define EVERY_MAX 86400
#define RECONNECT_DEFAULT 30 /* seconds */

static const char *const ATTRIBUTES[] = {"",
                                         "NodeId",
                                         "NodeClass",
                                         "BrowseName",
                                         "DisplayName",
                                         "Description",
                                         "WriteMask",
                                         "UserWriteMask",
                                         "IsAbstract",
                                         "Symmetric",
                                         "InverseName",
                                         "ContainsNoLoops",
                                         "EventNotifier",
                                         "Value",
                                         "DataType",
                                         "ValueRank",
                                         "ArrayDimensions",
                                         "AccessLevel",
                                         "UserAccessLevel",
                                         "MinimumSamplingInterval",
                                         "Historizing",
                                         "Executable",
                                         "UserExecutable",
                                         "DataTypeDefinition",
                                         "RolePermissions",
                                         "UserRolePermissions",
                                         "AccessRestrictions",
                                         "AccessLevelEx"};

static uint32_t attribute_by_name(const char *name)
{
    for (uint32_t i = 1; i < sizeof(ATTRIBUTES) / sizeof(ATTRIBUTES[0]); i++) {
        if (strcasecmp(ATTRIBUTES[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

static int read_all(kw_client *client, const kw_option_list *nodes, size_t first, uint32_t attribute, kw_arena *arena,
                    kw_read_response **out)
{
    const size_t count = nodes->count - first;
    kw_read_value_id *what = KW_ARENA_ARRAY(arena, kw_read_value_id, count);
    for (size_t i = 0; i < count; i++) {
        const kw_status status = kw_node_id_parse(kw_string_from(nodes->items[first + i]), arena, &what[i].node_id);
        if (kw_status_is_bad(status)) {
            kw_fail(status, "'%s' is not a NodeId; write i=2258, ns=1;s=Name, ns=2;g=... or ns=2;b=...", nodes->items[first + i]);
            return KW_EXIT_USAGE;
        }
        what[i].attribute_id = attribute;
    }
    kw_read_request request = {.timestamps_to_return =
                                   attribute == ATTRIBUTE_VALUE ? KW_TIMESTAMPS_TO_RETURN_BOTH : KW_TIMESTAMPS_TO_RETURN_NEITHER,
                               .nodes_to_read = what,
                               .nodes_to_read_count = count};
    const kw_status status = kw_client_service(client, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, arena, (void **)out);
    if (!kw_status_is_bad(status) && (*out)->results_count == count) {
        return -1;
    }
    return kw_fail(kw_status_is_bad(status) ? status : KW_BAD_UNKNOWN_RESPONSE, "%s", kw_client_error(client));
}

static kw_status status_of(const kw_data_value *v)
{
    return v->has_status ? v->status : KW_GOOD;
}

/* Values on stdout, refusals on stderr; the exit code is 1 when any was refused. */
static int print_results(kw_arena *arena, const kw_option_list *nodes, size_t first, const kw_read_response *response, bool json)
{
    int code = KW_EXIT_DONE;
    json_t *array = json_array();
    for (size_t i = 0; i < response->results_count; i++) {
        const kw_data_value *v = &response->results[i];
        const kw_status status = status_of(v);
        if (json) {
            json_t *row = kw_data_value_json(arena, v);
            json_object_set_new(row, "nodeId", json_string(nodes->items[first + i]));
            json_array_append_new(array, row);
        } else if (!kw_status_is_bad(status)) {
            if (response->results_count > 1) {
                printf("%s = ", nodes->items[first + i]);
            }
            printf("%.*s%s%s\n", KW_STRING_ARGS(kw_variant_format(arena, &v->value)), kw_status_is_good(status) ? "" : "   ",
                   kw_status_is_good(status) ? "" : kw_status_name(status));
        }
        if (kw_status_is_bad(status)) {
            code = kw_fail(status, "%s", nodes->items[first + i]);
        }
    }
    if (json) {
        kw_print_json(array);
    } else {
        json_decref(array);
    }
    return code;
}

static int read_once(kw_client *client, const kw_option_list *words, uint32_t attribute, bool json)
{
    kw_read_response *response = NULL;
    kw_arena *arena = kw_arena_new(ANSWER_ARENA);
    int code = arena != NULL ? read_all(client, words, 1, attribute, arena, &response) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    if (code < 0 && response != NULL) {
        code = print_results(arena, words, 1, response, json);
        fflush(stdout);
    }
    kw_arena_free(arena);
    return code;
}

/* Until something is refused or the connection is lost for good. */
static int read_every(kw_client *client, const kw_option_list *words, uint32_t attribute, bool json, uint32_t seconds)
{
    int code = read_once(client, words, attribute, json);
    while (code == KW_EXIT_DONE) {
        const kw_status status = kw_client_idle(client, seconds * 1000u);
        code = kw_status_is_bad(status) ? kw_fail(status, "%s", kw_client_error(client)) : read_once(client, words, attribute, json);
    }
    return code;
}

int kw_cmd_read(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    const char *attribute_name = "Value";
    uint32_t every = 0;
    kw_option rows[KW_CONNECT_OPTIONS + 2];
    kw_option_list words;
    kw_client *client = NULL;
    size_t count = kw_connect_option_rows(&options, rows);
    rows[count++] = (kw_option){"attribute", 0, KW_OPTION_TEXT, &attribute_name, 0, 0};
    rows[count++] = (kw_option){"every", 0, KW_OPTION_NUMBER, &every, 1, EVERY_MAX};
    int code = kw_options_parse(self, argc, argv, rows, count, true, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 2, KW_OPTION_LIST_MAX)) {
        return KW_EXIT_USAGE;
    }
    const uint32_t attribute = attribute_by_name(attribute_name);
    if (attribute == 0) {
        return kw_usage_error(self, "--attribute: '%s' is not an attribute; use Value, DisplayName, DataType, ...", attribute_name);
    }
    if (every > 0 && options.reconnect == 0) {
        options.reconnect = RECONNECT_DEFAULT;
    }
    code = kw_connect_session(self, &options, words.items[0], &client);
    if (code >= 0) {
        return code;
    }
    code = every > 0 ? read_every(client, &words, attribute, options.json, every) : read_once(client, &words, attribute, options.json);
    kw_client_free(client);
    return code;
}
