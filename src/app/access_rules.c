#include "app/access_rules.h"

#include "app/config_internal.h"
#include "app/output.h"
#include "base/try.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RULES_ARENA ((size_t)64 << 10)
#define KEY "access"

/* --- nodes ------------------------------------------------------------------------------------------------------------------------- */

/* One BrowseName of a path, "1:Name" or "Name"; `&` before a sign that means something. Moves *text behind it. */
static kw_status take_name(const char **text, kw_arena *arena, kw_qualified_name *out)
{
    const char *from = *text;
    const size_t digits = strspn(from, "0123456789");
    char *end = NULL;
    *out = (kw_qualified_name){0, KW_BYTES_NULL};
    if (digits > 0 && from[digits] == ':') {
        const unsigned long ns = strtoul(from, &end, 10);
        if (ns > UINT16_MAX) {
            return KW_BAD_BROWSE_NAME_INVALID;
        }
        out->ns = (uint16_t)ns;
        from = end + 1;
    }
    uint8_t *name = kw_arena_alloc(arena, strlen(from) + 1);
    size_t len = 0;
    if (name == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (; *from != '\0' && *from != '/'; from++) {
        from += *from == '&' && from[1] != '\0' ? 1 : 0;
        name[len++] = (uint8_t)*from;
    }
    out->name = (kw_string){name, len};
    *text = from;
    return len > 0 ? KW_GOOD : KW_BAD_BROWSE_NAME_INVALID;
}

static bool find_child(const kw_space *space, const kw_node_id *parent, const kw_qualified_name *name, kw_node_id *out)
{
    static const kw_node_id HIERARCHICAL = {.id.numeric = KW_ID_HIERARCHICAL_REFERENCES};
    kw_node_ref node, child;
    kw_reference_view r;
    if (!kw_space_find(space, parent, &node)) {
        return false;
    }
    for (size_t cursor = 0; kw_space_next_reference(space, &node, &cursor, &r);) {
        if (!r.is_forward || !kw_space_is_subtype(space, &r.type, &HIERARCHICAL) || !kw_space_find(space, &r.target, &child)) {
            continue;
        }
        const kw_qualified_name is = kw_node_browse_name(space, &child);
        if (kw_qualified_name_equal(&is, name)) {
            *out = child.id;
            return true;
        }
    }
    return false;
}

static kw_status follow(const kw_space *space, const char *path, kw_arena *arena, kw_node_id *out)
{
    *out = KW_NODE_ID(0, KW_ID_ROOT_FOLDER);
    while (*path == '/') {
        kw_qualified_name name;
        path++;
        KW_TRY(take_name(&path, arena, &name));
        if (!find_child(space, out, &name, out)) {
            return KW_BAD_NODE_ID_UNKNOWN;
        }
    }
    return KW_GOOD;
}

kw_status kw_access_find(const kw_space *space, const char *text, kw_arena *arena, kw_node_id *out)
{
    kw_expanded_node_id id;
    kw_node_ref node;
    if (text[0] == '/') {
        return follow(space, text, arena, out);
    }
    KW_TRY(kw_expanded_node_id_parse(kw_string_from(text), arena, &id));
    *out = id.node_id;
    if (id.namespace_uri.len > 0) {
        out->ns = kw_space_namespace_find(space, id.namespace_uri);
    }
    return id.server_index == 0 && kw_space_find(space, out, &node) ? KW_GOOD : KW_BAD_NODE_ID_UNKNOWN;
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------- */

typedef struct rule_source {
    const char *file;
    kw_space *space;
    kw_arena *arena;
    kw_role *roles;
    size_t role_count;
    const char *name; /* the node, path or namespace of the rule at hand */
} rule_source;

static bool take_permissions(const rule_source *s, const kw_config_access_role *from, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < from->permissions_count; i++) {
        const char *name = from->permissions[i];
        const uint32_t bits = strcasecmp(name, "All") == 0 ? KW_PERMISSION_ALL : kw_permission_by_name(kw_string_from(name));
        if (bits == 0) {
            return kw_config_complain(s->file, KEY, "'%s' of %s is no permission; docs/access.md lists them", name, s->name);
        }
        *out |= bits;
    }
    return true;
}

static bool take_role(const rule_source *s, const kw_config_access_role *from, kw_node_permission *out)
{
    for (size_t i = 0; from->role != NULL && i < s->role_count; i++) {
        const kw_role *role = &s->roles[i];
        if (kw_string_equals(role->name, from->role)) {
            out->role_ns = role->namespace_uri.len > 0 ? kw_space_namespace_find(s->space, role->namespace_uri) : 0;
            out->role_id = role->node_id;
            return take_permissions(s, from, &out->permissions);
        }
    }
    return kw_config_complain(s->file, KEY, "'%s' of %s is no Role; `keyway role list` shows them", from->role != NULL ? from->role : "",
                              s->name);
}

static bool take_restrictions(const rule_source *s, const kw_config_access *from, kw_rights *out)
{
    static const struct {
        const char *name;
        uint16_t bits;
    } NAMES[] = {{"none", 0},
                 {"sign", KW_RESTRICTION_SIGNING},
                 {"encrypt", KW_RESTRICTION_ENCRYPTION},
                 {"session", KW_RESTRICTION_SESSION},
                 {"browse", KW_RESTRICTION_BROWSE}};
    const size_t count = sizeof(NAMES) / sizeof(NAMES[0]);
    out->has_restrictions = from->restrictions_count > 0;
    for (unsigned i = 0; i < from->restrictions_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(NAMES[k].name, from->restrictions[i]) != 0) {
            k++;
        }
        if (k == count) {
            return kw_config_complain(s->file, KEY, "'%s' of %s is no restriction; use sign, encrypt, session, browse or none",
                                      from->restrictions[i], s->name);
        }
        out->restrictions |= NAMES[k].bits;
    }
    return true;
}

static bool take_target(const rule_source *s, const kw_config_access *from, kw_rights_rule *out)
{
    if ((from->node != NULL) + (from->path != NULL) + (from->namespace_uri != NULL) != 1) {
        return kw_config_complain(s->file, KEY, "a rule names one of node, path and namespace");
    }
    if (from->namespace_uri != NULL) {
        out->is_namespace = true;
        out->id.ns = kw_space_namespace_find(s->space, kw_string_from(from->namespace_uri));
        return out->id.ns != UINT16_MAX || kw_config_complain(s->file, KEY, "there is no namespace '%s'", s->name);
    }
    if (from->path != NULL && from->path[0] != '/') {
        return kw_config_complain(s->file, KEY, "the path '%s' does not begin at the Root; write /Objects/1:Name", s->name);
    }
    return !kw_status_is_bad(kw_access_find(s->space, s->name, s->arena, &out->id)) ||
           kw_config_complain(s->file, KEY, "there is no node '%s'", s->name);
}

static bool take_rule(rule_source *s, const kw_config_access *from, kw_rights_rule *out)
{
    kw_node_permission *rows = KW_ARENA_ARRAY(s->arena, kw_node_permission, from->roles_count);
    s->name = from->node != NULL ? from->node : from->path != NULL ? from->path : from->namespace_uri != NULL ? from->namespace_uri : "";
    *out =
        (kw_rights_rule){.rights = {.has_permissions = from->roles_count > 0, .permissions = rows, .permission_count = from->roles_count}};
    if (rows == NULL) {
        return kw_config_complain(s->file, KEY, "there is no memory for the rules");
    }
    if (from->roles_count == 0 && from->restrictions_count == 0) {
        return kw_config_complain(s->file, KEY, "the rule for '%s' says nothing; give roles, restrictions or both", s->name);
    }
    for (unsigned i = 0; i < from->roles_count; i++) {
        if (!take_role(s, &from->roles[i], &rows[i])) {
            return false;
        }
    }
    return take_target(s, from, out) && take_restrictions(s, from, &out->rights);
}

static int apply(rule_source *s, const kw_config *config, kw_store *store)
{
    kw_rights_rule *rules = KW_ARENA_ARRAY(s->arena, kw_rights_rule, config->access_count);
    kw_status status = config->access_count > 0 ? kw_store_role_list(store, s->arena, &s->roles, &s->role_count) : KW_GOOD;
    if (rules == NULL || kw_status_is_bad(status)) {
        return kw_fail(rules == NULL ? KW_BAD_OUT_OF_MEMORY : status, "the Roles cannot be read");
    }
    for (unsigned i = 0; i < config->access_count; i++) {
        if (!take_rule(s, &config->access[i], &rules[i])) {
            return KW_EXIT_USAGE;
        }
    }
    size_t wrong = 0;
    status = kw_space_configure_rights(s->space, rules, config->access_count, &wrong);
    return kw_status_is_bad(status) ? kw_fail(status, "rule %zu of access in %s cannot be applied", wrong + 1, s->file) : -1;
}

int kw_access_apply(const char *file, const kw_config *config, kw_store *store, kw_space *space)
{
    rule_source s = {.file = file, .space = space, .arena = kw_arena_new(RULES_ARENA)};
    const int code = s.arena != NULL ? apply(&s, config, store) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    kw_arena_free(s.arena);
    return code;
}

/* --- to look at ---------------------------------------------------------------------------------------------------------------------- */

int kw_access_view_open(const char *file, const kw_config *config, kw_store *store, kw_access_view *out)
{
    const kw_space_config how = {.application_uri = kw_string_from(config->server.uri), .clock = &KW_CLOCK_SYSTEM};
    *out = (kw_access_view){.space = NULL};
    kw_status status = kw_space_new(&how, &out->space);
    if (!kw_status_is_bad(status) && config->server.sample_machine) {
        status = kw_machine_new(out->space, &KW_CLOCK_SYSTEM, &out->machine);
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the address space could not be set up")
                                    : kw_access_apply(file, config, store, out->space);
}

void kw_access_view_close(kw_access_view *view)
{
    kw_space_free(view->space);
    kw_machine_free(view->machine);
    *view = (kw_access_view){.space = NULL};
}
