/* keyway resource: the targets for which the Authorization Service issues tokens. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "authority/authority.h"

#include <stdio.h>
#include <string.h>

#define RESOURCE_URI_MAX 1024

typedef struct resource_options {
    const char *directory, *name;
    uint32_t lifetime;
    bool json;
} resource_options;

static int resource_add(kw_directory *d, const char *uri, const resource_options *options)
{
    const kw_resource resource = {.uri = kw_string_from(uri), .name = kw_string_from(options->name), .token_lifetime_s = options->lifetime};
    if (resource.uri.len == 0 || resource.uri.len > RESOURCE_URI_MAX || !kw_utf8_is_valid(resource.uri, false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a resource is named by a URI of 1 to %d bytes, usually the Server's ApplicationUri",
                       RESOURCE_URI_MAX);
    }
    const kw_status status = kw_store_resource_add(d->store, &resource);
    if (kw_status_is_bad(status)) {
        return kw_fail(
            status, status == KW_BAD_ALREADY_EXISTS ? "the resource %s is registered already" : "the resource %s could not be stored", uri);
    }
    printf("resource %s registered\n", uri);
    return KW_EXIT_DONE;
}

static int resource_remove(kw_directory *d, const char *uri)
{
    const kw_status status = kw_store_resource_remove(d->store, kw_string_from(uri));
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "there is no resource %s; `keyway resource list` shows them", uri);
    }
    printf("resource %s removed\n", uri);
    return KW_EXIT_DONE;
}

static int resource_list(kw_directory *d, bool json)
{
    kw_resource *resources;
    size_t count;
    const kw_status status = kw_store_resource_list(d->store, d->arena, &resources, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the resources could not be read");
    }
    json_t *array = json_array();
    kw_table *table = json ? NULL : kw_table_new((const char *const[]){"RESOURCE", "NAME", "TOKEN LIFETIME"}, 3);
    for (size_t i = 0; i < count; i++) {
        if (json) {
            json_array_append_new(array, json_pack("{s:o,s:o,s:i}", "uri", kw_json_string(resources[i].uri), "name",
                                                   kw_json_string(resources[i].name), "tokenLifetime", (int)resources[i].token_lifetime_s));
        } else {
            kw_table_cell_string(table, resources[i].uri);
            kw_table_cell_string(table, resources[i].name);
            kw_table_cell_string(table, resources[i].token_lifetime_s == 0
                                            ? KW_STRING("default")
                                            : kw_arena_format(d->arena, "%u s", resources[i].token_lifetime_s));
        }
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

int kw_cmd_resource(const kw_command *self, int argc, char **argv)
{
    static const char *const VERBS[] = {"add", "remove", "list", NULL};
    resource_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"name", 0, KW_OPTION_TEXT, &options.name, 0, 0},
        {"token-lifetime", 0, KW_OPTION_NUMBER, &options.lifetime, 10, KW_TOKEN_LIFETIME_MAX_S},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_verb(self, &words, VERBS, "the resource's URI")) {
        return KW_EXIT_USAGE;
    }
    const char *verb = words.items[0];
    kw_directory d;
    code = kw_directory_open(self, options.directory, &d);
    if (code >= 0) {
        return code;
    }
    code = verb[0] == 'l'   ? resource_list(&d, options.json)
           : verb[0] == 'a' ? resource_add(&d, words.items[1], &options)
                            : resource_remove(&d, words.items[1]);
    return kw_directory_end(&d, argc, argv, verb, code);
}
