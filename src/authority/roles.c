#include "authority/roles.h"

#include "base/try.h"
#include "identity/snapshot.h"

#define ROLE_ANONYMOUS 15644
#define ROLE_AUTHENTICATED_USER 15656
#define ROLE_TRUSTED_APPLICATION 18625

bool kw_role_is_worth_a_claim(uint16_t ns, uint32_t id)
{
    return ns != 0 || (id != ROLE_ANONYMOUS && id != ROLE_AUTHENTICATED_USER && id != ROLE_TRUSTED_APPLICATION);
}

kw_status kw_authority_supported_roles(kw_identity_gate *gate, kw_arena *arena, kw_string **out, size_t *count)
{
    const kw_snapshot *snapshot = NULL;
    KW_TRY(kw_identity_gate_recall(gate, &snapshot));
    kw_string *names = KW_ARENA_ARRAY(arena, kw_string, snapshot->role_count);
    size_t used = 0;
    for (size_t i = 0; names != NULL && i < snapshot->role_count; i++) {
        const kw_role *role = &snapshot->roles[i];
        if (!kw_bytes_is_empty(role->namespace_uri) || kw_role_is_worth_a_claim(0, role->node_id)) {
            names[used++] = kw_arena_copy(arena, role->name);
        }
    }
    kw_snapshot_release(snapshot);
    *out = names;
    *count = used;
    return names != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static bool is_among(const kw_string *names, size_t count, kw_string name)
{
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

bool kw_roles_are_supported(const kw_wanted_roles *wanted, const kw_string *supported, size_t count)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!is_among(supported, count, wanted->names[i])) {
            return false;
        }
    }
    return true;
}

static bool has_role(const kw_identity *who, kw_string name)
{
    for (size_t i = 0; i < who->role_count; i++) {
        if (kw_bytes_equal(who->roles[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool kw_roles_are_held(const kw_wanted_roles *wanted, const kw_identity *who)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!has_role(who, wanted->names[i])) {
            return false;
        }
    }
    return true;
}

kw_status kw_roles_narrow(const kw_identity *who, const kw_wanted_roles *wanted, kw_arena *arena, kw_identity *out)
{
    *out = *who;
    if (wanted->count == 0) {
        return KW_GOOD;
    }
    kw_granted_role *roles = KW_ARENA_ARRAY(arena, kw_granted_role, who->role_count);
    if (roles == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    out->roles = roles;
    out->role_count = 0;
    for (size_t i = 0; i < who->role_count; i++) {
        if (is_among(wanted->names, wanted->count, who->roles[i].name)) {
            roles[out->role_count++] = who->roles[i];
        }
    }
    return KW_GOOD;
}
