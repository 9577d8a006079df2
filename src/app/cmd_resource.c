/* keyway resource: the targets for which the Authorization Service issues tokens. */
#include "app/output.h"
#include "app/verbs.h"
#include "authority/authority.h"

#include <stdio.h>
#include <string.h>

#define RESOURCE_URI_MAX 1024

typedef struct resource_options {
    const char *name;
    uint32_t lifetime;
} resource_options;

static int add(kw_verb_call *call)
{
    const resource_options *options = call->options;
    const char *uri = call->thing;
    const kw_resource resource = {.uri = kw_string_from(uri), .name = kw_string_from(options->name), .token_lifetime_s = options->lifetime};
    if (resource.uri.len == 0 || resource.uri.len > RESOURCE_URI_MAX || !kw_utf8_is_valid(resource.uri, false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a resource is named by a URI of 1 to %d bytes, usually the Server's ApplicationUri",
                       RESOURCE_URI_MAX);
    }
    const kw_status status = kw_store_resource_add(call->directory.store, &resource);
    if (kw_status_is_bad(status)) {
        return kw_fail(
            status, status == KW_BAD_ALREADY_EXISTS ? "the resource %s is registered already" : "the resource %s could not be stored", uri);
    }
    printf("resource %s registered\n", uri);
    return KW_EXIT_DONE;
}

static int remove_resource(kw_verb_call *call)
{
    const kw_status status = kw_store_resource_remove(call->directory.store, kw_string_from(call->thing));
    if (kw_status_is_bad(status)) {
        return kw_fail(status,
                       status == KW_BAD_NOT_FOUND ? "there is no resource %s; `keyway resource list` shows them"
                                                  : "the resource %s could not be removed",
                       call->thing);
    }
    printf("resource %s removed\n", call->thing);
    return KW_EXIT_DONE;
}

static json_t *to_json(const void *row, kw_arena *arena)
{
    const kw_resource *r = row;
    (void)arena;
    return json_pack("{s:o,s:o,s:i}", "uri", kw_json_string(r->uri), "name", kw_json_string(r->name), "tokenLifetime",
                     (int)r->token_lifetime_s);
}

static void to_cells(const void *row, kw_table *table, kw_arena *arena)
{
    const kw_resource *r = row;
    kw_table_cell_string(table, r->uri);
    kw_table_cell_string(table, r->name);
    kw_table_cell_string(table, r->token_lifetime_s == 0 ? KW_STRING("default") : kw_arena_format(arena, "%u s", r->token_lifetime_s));
}

static int list(kw_verb_call *call)
{
    static const char *const HEADINGS[] = {"RESOURCE", "NAME", "TOKEN LIFETIME", NULL};
    static const kw_listing LISTING = {
        .headings = HEADINGS, .nothing = "no resource is registered", .to_json = to_json, .to_cells = to_cells};
    kw_resource *resources = NULL;
    size_t count = 0;
    const kw_status status = kw_store_resource_list(call->directory.store, call->directory.arena, &resources, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the resources could not be read");
    }
    return kw_print_listing(&LISTING, resources, sizeof(*resources), count, call->directory.arena, call->json);
}

int kw_cmd_resource(const kw_command *self, int argc, char **argv)
{
    static const kw_verb VERBS[] = {{"add", "the resource's URI", false, add},
                                    {"remove", "the resource's URI", false, remove_resource},
                                    {"list", NULL, false, list},
                                    {NULL, NULL, false, NULL}};
    resource_options values = {0};
    const kw_option options[] = {{"name", 0, KW_OPTION_TEXT, &values.name, 0, 0},
                                 {"token-lifetime", 0, KW_OPTION_NUMBER, &values.lifetime, 10, KW_TOKEN_LIFETIME_MAX_S}};
    return kw_verbs_run(self, argc, argv, VERBS, options, sizeof(options) / sizeof(options[0]), &values);
}
