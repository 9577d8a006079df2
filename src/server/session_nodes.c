/* An Object for each Session below SessionsDiagnosticsSummary, with its diagnostics one by one. OPC 10000-5, 6.3.5, 7.13 and 7.14. */
#include "base/try.h"
#include "server/server_internal.h"
#include "service/subscription.h"
#include "space/instances.h"
#include "ua/nodeset.h"

#include <keyway/node_ids.h>

#include <string.h>

#define SESSIONS_DIAGNOSTICS_SUMMARY 3706u
#define DECLARATION_ACTIVITY 2030u
#define DECLARATION_SECURITY 2031u
#define DECLARATION_SUBSCRIPTIONS 2032u
#define DECLARATION_ROLES 19303u
#define LOOK (KW_PERMISSION_BROWSE | KW_PERMISSION_READ_ROLE_PERMISSIONS | KW_PERMISSION_READ)

static const kw_node_permission OF_ACTIVITY[] = {{0, KW_SERVER_ROLE_SECURITY_ADMIN, LOOK}, {0, KW_SERVER_ROLE_CONFIGURE_ADMIN, LOOK}};
static const kw_node_permission OF_SECURITY[] = {{0, KW_SERVER_ROLE_SECURITY_ADMIN, LOOK}};

/* --- ids: a SessionId has room for the numbers of its parts ------------------------------------------------------------------- */

_Static_assert(KW_SESSION_PARTS == KW_INSTANCE_PARTS_MAX, "a part has a number that fits");

static bool find(void *ctx, const kw_node_id *id, uint32_t *part)
{
    const kw_server *server = ctx;
    if (!server->has_diagnostics || kw_session_by_id(server->sessions, id) == NULL) {
        return false;
    }
    *part = id->id.guid.data1 & (KW_SESSION_PARTS - 1);
    return true;
}

static kw_node_id id_of(const kw_node_id *id, uint32_t part)
{
    kw_node_id out = *id;
    out.id.guid.data1 = (id->id.guid.data1 & ~(KW_SESSION_PARTS - 1)) | part;
    return out;
}

static bool next(void *ctx, size_t *cursor, kw_node_id *id)
{
    const kw_server *server = ctx;
    const kw_session *session = server->has_diagnostics ? kw_sessions_next(server->sessions, cursor) : NULL;
    if (session == NULL) {
        return false;
    }
    *id = *kw_session_id(session);
    return true;
}

static kw_string name(void *ctx, const kw_node_id *id)
{
    return kw_session_name(kw_session_by_id(((const kw_server *)ctx)->sessions, id));
}

/* --- rights ------------------------------------------------------------------------------------------------------------------------ */

static bool is_about_security(uint32_t declaration)
{
    return declaration == DECLARATION_SECURITY || (declaration >= 3179 && declaration <= 3187);
}

static kw_instance_rights rights(uint32_t declaration)
{
    if (is_about_security(declaration)) { /* as SessionSecurityDiagnosticsArray has it */
        return (kw_instance_rights){OF_SECURITY, 1, KW_RESTRICTION_SIGNING | KW_RESTRICTION_ENCRYPTION};
    }
    return (kw_instance_rights){OF_ACTIVITY, 2, 0};
}

/* Those who watch over all of them do so on an encrypted channel; everybody else knows the own Session alone. */
static uint32_t permissions(void *ctx, const kw_access *access, const kw_node_id *id, uint32_t declaration, uint32_t by_role)
{
    const kw_node_id whole = id_of(id, 0);
    (void)ctx;
    if (kw_node_id_equal(&whole, &access->session_id)) {
        return by_role | KW_PERMISSION_BROWSE | (is_about_security(declaration) ? 0 : KW_PERMISSION_READ);
    }
    return access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT ? by_role : 0;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

static kw_status put_structure(const kw_type *type, const void *value, kw_arena *arena, kw_data_value *out)
{
    kw_extension_object *object = KW_ARENA_NEW(arena, kw_extension_object);
    if (object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *object = kw_extension_object_of(type, value);
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, object);
    return KW_GOOD;
}

/* The field of the structure that a Variable below it is called by. */
static kw_status put_field(const kw_type *type, const void *value, uint32_t declaration, kw_arena *arena, kw_data_value *out)
{
    const kw_string wanted = kw_nodeset_text(kw_nodeset_find(KW_MODEL_CORE, declaration)->browse_name);
    const uint8_t *bytes = value;
    for (uint16_t i = 0; i < type->field_count; i++) {
        const kw_type_field *field = &type->fields[i];
        if (!kw_string_equals(wanted, field->name)) {
            continue;
        }
        if (field->type->kind == KW_KIND_STRUCTURE) {
            return put_structure(field->type, bytes + field->offset, arena, out);
        }
        out->has_value = true;
        out->value = field->is_array ? kw_variant_array((kw_builtin)field->type->builtin, *(const void *const *)(bytes + field->offset),
                                                        *(const size_t *)(const void *)(bytes + field->count_offset))
                                     : kw_variant_scalar((kw_builtin)field->type->builtin, bytes + field->offset);
        return KW_GOOD;
    }
    return KW_BAD_NOT_READABLE;
}

static kw_status read_activity(const kw_session *session, uint32_t declaration, kw_arena *arena, kw_data_value *out)
{
    const kw_type *type = KW_TYPE_SESSION_DIAGNOSTICS_DATA_TYPE;
    kw_session_diagnostics_data_type *value = KW_ARENA_NEW(arena, kw_session_diagnostics_data_type);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_session_diagnostics(session, arena, value));
    return declaration == DECLARATION_ACTIVITY ? put_structure(type, value, arena, out) : put_field(type, value, declaration, arena, out);
}

static kw_status read_security(const kw_session *session, uint32_t declaration, kw_arena *arena, kw_data_value *out)
{
    const kw_type *type = KW_TYPE_SESSION_SECURITY_DIAGNOSTICS_DATA_TYPE;
    kw_session_security_diagnostics_data_type *value = KW_ARENA_NEW(arena, kw_session_security_diagnostics_data_type);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_session_security_diagnostics(session, arena, value));
    return declaration == DECLARATION_SECURITY ? put_structure(type, value, arena, out) : put_field(type, value, declaration, arena, out);
}

static kw_status read_roles(const kw_session *session, kw_arena *arena, kw_data_value *out)
{
    const kw_identity *identity = kw_session_identity(session);
    const size_t count = identity != NULL ? identity->role_count : 0;
    kw_node_id *ids = KW_ARENA_ARRAY(arena, kw_node_id, count);
    if (ids == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = KW_NODE_ID(identity->roles[i].ns, identity->roles[i].id);
    }
    out->has_value = true;
    out->value = kw_variant_array(KW_BUILTIN_NODE_ID, ids, count);
    return KW_GOOD;
}

static kw_status read(void *ctx, const kw_node_id *id, uint32_t declaration, kw_arena *arena, kw_data_value *out)
{
    const kw_server *server = ctx;
    const kw_session *session = kw_session_by_id(server->sessions, id);
    if (declaration == DECLARATION_SUBSCRIPTIONS) {
        out->has_value = true;
        return kw_subscriptions_describe(server->services.subscriptions, session, arena, &out->value);
    }
    if (declaration == DECLARATION_ROLES) {
        return read_roles(session, arena, out);
    }
    return is_about_security(declaration) ? read_security(session, declaration, arena, out)
                                          : read_activity(session, declaration, arena, out);
}

kw_status kw_server_add_session_nodes(kw_server *server)
{
    const kw_instances instances = {.parent = SESSIONS_DIAGNOSTICS_SUMMARY,
                                    .type = KW_ID_SESSION_DIAGNOSTICS_OBJECT_TYPE,
                                    .find = find,
                                    .id_of = id_of,
                                    .next = next,
                                    .name = name,
                                    .rights = rights,
                                    .permissions = permissions,
                                    .read = read,
                                    .ctx = server};
    return kw_space_add_instances(server->space, &instances);
}
