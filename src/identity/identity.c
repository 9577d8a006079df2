#include "identity/identity.h"

#include "base/try.h"
#include "identity/identity_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define IDENTITY_ARENA ((size_t)2 << 20) /* a token of 64 KiB in claims, with room for their copies */

typedef struct kw_counted_identity {
    kw_identity identity; /* first: what everybody sees */
    atomic_uint references;
    kw_arena *arena;
} kw_counted_identity;

static kw_counted_identity *counted(kw_identity *identity)
{
    return (kw_counted_identity *)identity;
}

/* A copy that ran out of memory is null while its original was not. */
static bool copy_string(kw_arena *arena, kw_string *s)
{
    const bool was_null = s->data == NULL;
    *s = kw_arena_copy(arena, *s);
    return was_null || s->data != NULL;
}

static bool copy_strings(kw_arena *arena, kw_string **list, size_t count)
{
    const kw_string *from = *list;
    kw_string *copies = KW_ARENA_ARRAY(arena, kw_string, count);
    bool complete = copies != NULL;
    for (size_t i = 0; complete && i < count; i++) {
        copies[i] = from[i];
        complete = copy_string(arena, &copies[i]);
    }
    *list = copies;
    return complete;
}

static bool copy_roles(kw_arena *arena, kw_identity *identity)
{
    kw_granted_role *copies = KW_ARENA_ARRAY(arena, kw_granted_role, identity->role_count);
    bool complete = copies != NULL;
    for (size_t i = 0; complete && i < identity->role_count; i++) {
        copies[i] = identity->roles[i];
        complete = copy_string(arena, &copies[i].name);
    }
    identity->roles = copies;
    return complete;
}

kw_status kw_identity_make(const kw_identity *from, kw_identity **out)
{
    kw_counted_identity *c = calloc(1, sizeof(*c));
    kw_arena *arena = kw_arena_new(IDENTITY_ARENA);
    if (c == NULL || arena == NULL) {
        kw_arena_free(arena);
        free(c);
        return KW_BAD_OUT_OF_MEMORY;
    }
    atomic_init(&c->references, 1);
    c->arena = arena;
    kw_identity *copy = &c->identity;
    *copy = *from;
    kw_string *const strings[] = {
        &copy->name,        &copy->issuer,         &copy->policy_id, &copy->application_uri, &copy->certificate_thumbprint,
        &copy->certificate, &copy->key_thumbprint, &copy->token_id,  &copy->directory_id};
    bool complete = copy_strings(arena, &copy->claimed_roles, copy->claimed_role_count) &&
                    copy_strings(arena, &copy->groups, copy->group_count) && copy_roles(arena, copy);
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        complete = complete && copy_string(arena, strings[i]);
    }
    if (!complete) {
        kw_identity_release(copy);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = copy;
    return KW_GOOD;
}

kw_identity *kw_identity_retain(kw_identity *identity)
{
    atomic_fetch_add(&counted(identity)->references, 1);
    return identity;
}

void kw_identity_release(kw_identity *identity)
{
    if (identity != NULL && atomic_fetch_sub(&counted(identity)->references, 1) == 1) {
        kw_arena_free(counted(identity)->arena);
        free(counted(identity));
    }
}

bool kw_identity_has_role(const kw_identity *identity, uint16_t ns, uint32_t id)
{
    for (size_t i = 0; i < identity->role_count; i++) {
        if (identity->roles[i].ns == ns && identity->roles[i].id == id) {
            return true;
        }
    }
    return false;
}

bool kw_identity_is_same_user(const kw_identity *a, const kw_identity *b)
{
    const kw_token_kind *kind = kw_token_kind_of(a->kind);
    return kind != NULL && a->kind == b->kind && kind->same(a, b);
}
