#include "app/nodesets.h"

#include "app/output.h"
#include "space/nodeset_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read, and from where. */
typedef struct nodesets {
    kw_nodeset_file files[KW_NODESET_FILES_MAX];
    char *owned[KW_NODESET_FILES_MAX]; /* names */
    size_t count;
} nodesets;

static kw_status rewind_file(void *ctx)
{
    return fseek(ctx, 0, SEEK_SET) == 0 ? KW_GOOD : KW_BAD_NOT_READABLE;
}

static kw_status read_file(void *ctx, uint8_t *buffer, size_t room, size_t *length)
{
    *length = fread(buffer, 1, room, ctx);
    return ferror((FILE *)ctx) ? KW_BAD_NOT_READABLE : KW_GOOD;
}

/* Takes the name. */
static int open_one(nodesets *all, char *name)
{
    if (name == NULL || all->count == KW_NODESET_FILES_MAX) {
        free(name);
        return kw_fail(KW_BAD_TOO_MANY_OPERATIONS, "at most %u NodeSet2 files can be loaded", KW_NODESET_FILES_MAX);
    }
    FILE *file = fopen(name, "rbe");
    if (file == NULL) {
        const int code = kw_fail(KW_BAD_NOT_FOUND, "%s: %s; --nodeset and server.nodesets name NodeSet2 files", name, strerror(errno));
        free(name);
        return code;
    }
    all->owned[all->count] = name;
    all->files[all->count++] = (kw_nodeset_file){.name = name, .rewind = rewind_file, .read = read_file, .ctx = file};
    return -1;
}

static int open_all(nodesets *all, const kw_directory *directory, const kw_option_list *more)
{
    const kw_config_server *config = &directory->config->server;
    int code = -1;
    for (unsigned i = 0; code < 0 && i < config->nodesets_count; i++) {
        code = open_one(all, kw_config_path(directory->config_file, config->nodesets[i]));
    }
    for (size_t i = 0; code < 0 && more != NULL && i < more->count; i++) {
        code = open_one(all, strdup(more->items[i]));
    }
    return code;
}

static void close_all(nodesets *all)
{
    for (size_t i = 0; i < all->count; i++) {
        (void)fclose(all->files[i].ctx);
        free(all->owned[i]);
    }
}

/* What files say may be shown to people, but it does not command their terminal. */
static int say_why(kw_status status, const char *why)
{
    kw_arena *arena = kw_arena_new(8192);
    const kw_string text = arena != NULL ? kw_escaped(arena, kw_string_from(why)) : KW_STRING("a NodeSet2 file could not be loaded");
    const int code = kw_fail(status, "%.*s", KW_STRING_ARGS(text));
    kw_arena_free(arena);
    return code;
}

static int load(kw_server *server, const nodesets *all, const kw_log *log)
{
    kw_nodeset_report report;
    size_t namespaces;
    kw_status status = kw_space_load_nodesets(kw_server_space(server), all->files, all->count, &report);
    if (kw_status_is_bad(status)) {
        return say_why(status, report.error);
    }
    const kw_string *uris = kw_space_namespaces(kw_server_space(server), &namespaces);
    status = kw_identity_gate_set_namespaces(kw_server_gate(server), uris, namespaces); /* of the Roles that they bring */
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the namespaces of the NodeSet2 files could not be taken over");
    }
    KW_LOG(log, KW_LOG_INFO, "nodesets loaded", kw_field_int("files", (int64_t)all->count), kw_field_int("nodes", (int64_t)report.nodes),
           kw_field_int("references", (int64_t)report.references), kw_field_int("namespaces", (int64_t)namespaces));
    return -1;
}

int kw_nodesets_load(kw_server *server, const kw_directory *directory, const kw_option_list *more, const kw_log *log)
{
    nodesets all = {.count = 0};
    int code = open_all(&all, directory, more);
    if (code < 0 && all.count > 0) {
        code = load(server, &all, log);
    }
    close_all(&all);
    return code;
}
