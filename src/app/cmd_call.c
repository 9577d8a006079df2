/* keyway call: a Method, with arguments in the types that it declares. */
#include "app/connect.h"
#include "app/output.h"
#include "app/values.h"
#include "base/try.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <stdio.h>

#define ANSWER_ARENA ((size_t)64 << 20)
#define ATTRIBUTE_VALUE 13
#define HAS_PROPERTY 46

static kw_status arguments_of(kw_client *client, const kw_node_id *method, const char *property, kw_arena *arena, const kw_argument **out,
                              size_t *count)
{
    kw_reference_description *references = NULL;
    size_t found = 0;
    const kw_browse_description what = {.node_id = *method,
                                        .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                        .reference_type_id = KW_NODE_ID(0, HAS_PROPERTY),
                                        .include_subtypes = true,
                                        .result_mask = 63};
    *count = 0;
    KW_TRY(kw_client_browse(client, &what, 0, arena, &references, &found));
    for (size_t i = 0; i < found; i++) {
        kw_data_value value;
        if (!kw_string_equals(references[i].browse_name.name, property)) {
            continue;
        }
        KW_TRY(kw_client_read(client, &references[i].node_id.node_id, ATTRIBUTE_VALUE, arena, &value));
        if (value.value.type != KW_BUILTIN_EXTENSION_OBJECT || !value.value.is_array) {
            return KW_BAD_TYPE_MISMATCH;
        }
        const kw_extension_object *objects = value.value.data;
        kw_argument *arguments = KW_ARENA_ARRAY(arena, kw_argument, value.value.count);
        for (size_t j = 0; arguments != NULL && j < value.value.count; j++) {
            const kw_argument *argument = kw_extension_object_get(&objects[j], KW_TYPE_ARGUMENT);
            if (argument == NULL) {
                return KW_BAD_TYPE_MISMATCH;
            }
            arguments[(*count)++] = *argument;
        }
        *out = arguments;
    }
    return KW_GOOD;
}

static int parse_inputs(kw_client *client, const kw_node_id *method, const kw_option_list *words, size_t first, kw_arena *arena,
                        kw_variant **inputs)
{
    const kw_argument *arguments = NULL;
    size_t count = 0;
    const size_t given = words->count - first;
    const kw_status status = arguments_of(client, method, "InputArguments", arena, &arguments, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the arguments of the Method cannot be read: %s", kw_client_error(client));
    }
    if (given != count) {
        return kw_fail(given < count ? KW_BAD_ARGUMENTS_MISSING : KW_BAD_TOO_MANY_ARGUMENTS, "the Method takes %zu argument(s), not %zu",
                       count, given);
    }
    *inputs = KW_ARENA_ARRAY(arena, kw_variant, count);
    for (size_t i = 0; i < count; i++) {
        const kw_builtin type = kw_builtin_of_node_id(&arguments[i].data_type);
        const bool is_array = arguments[i].value_rank >= 0 || words->items[first + i][0] == '[';
        if (type == KW_BUILTIN_NULL || kw_status_is_bad(kw_variant_parse(arena, type, is_array, words->items[first + i], &(*inputs)[i]))) {
            return kw_fail(KW_BAD_TYPE_MISMATCH, "'%s' is not a value for the argument %.*s (%s)", words->items[first + i],
                           KW_STRING_ARGS(arguments[i].name), kw_builtin_name(type));
        }
    }
    return -1;
}

static int print_outputs(kw_client *client, const kw_node_id *method, const kw_call_method_result *result, bool json, kw_arena *arena)
{
    const kw_argument *arguments = NULL;
    size_t count = 0;
    (void)arguments_of(client, method, "OutputArguments", arena, &arguments, &count); /* without names they are numbered */
    json_t *array = json_array();
    for (size_t i = 0; i < result->output_arguments_count; i++) {
        const kw_string name = arguments != NULL && i < count ? arguments[i].name : kw_arena_format(arena, "%zu", i + 1);
        if (json) {
            json_array_append_new(
                array, json_pack("{s:o,s:o}", "name", kw_json_string(name), "value", kw_variant_json(arena, &result->output_arguments[i])));
        } else {
            printf("%.*s = %.*s\n", KW_STRING_ARGS(kw_escaped(arena, name)),
                   KW_STRING_ARGS(kw_variant_format(arena, &result->output_arguments[i])));
        }
    }
    if (json) {
        return kw_print_json(json_pack("{s:s,s:o}", "status", kw_status_name(result->status_code), "outputs", array));
    }
    json_decref(array);
    return KW_EXIT_DONE;
}

static int call(kw_client *client, const kw_option_list *words, bool json, kw_arena *arena)
{
    kw_node_id object, method;
    kw_variant *inputs = NULL;
    kw_call_method_result result;
    for (int i = 1; i <= 2; i++) {
        const kw_status status = kw_node_id_parse(kw_string_from(words->items[i]), arena, i == 1 ? &object : &method);
        if (kw_status_is_bad(status)) {
            kw_fail(status, "'%s' is not a NodeId; write i=2253, ns=1;s=Name, ns=2;g=... or ns=2;b=...", words->items[i]);
            return KW_EXIT_USAGE;
        }
    }
    const int code = parse_inputs(client, &method, words, 3, arena, &inputs);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_client_call(client, &object, &method, inputs, words->count - 3, arena, &result);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s %s", words->items[2], kw_client_error(client));
    }
    return print_outputs(client, &method, &result, json, arena);
}

int kw_cmd_call(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    kw_option rows[KW_CONNECT_OPTIONS];
    kw_option_list words;
    kw_client *client = NULL;
    int code = kw_options_parse(self, argc, argv, rows, kw_connect_option_rows(&options, rows), true, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 3, KW_OPTION_LIST_MAX)) {
        return KW_EXIT_USAGE;
    }
    code = kw_connect_session(self, &options, words.items[0], &client);
    if (code >= 0) {
        return code;
    }
    kw_arena *arena = kw_arena_new(ANSWER_ARENA);
    code = arena != NULL ? call(client, &words, options.json, arena) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    kw_arena_free(arena);
    kw_client_free(client);
    return code;
}
