/* A user who was proven before, by what is known now (RO-15): before anything is renewed or given out in that name. */
#include "authority/authority_internal.h"
#include "base/try.h"

/* UM-19: such a user may change the password and nothing else. Sessions that stand notice at their next activation, renewals here. */
static kw_status check_account(const kw_authority *authority, const kw_identity *was, kw_arena *arena)
{
    kw_user user;
    if (was->kind != KW_USER_TOKEN_TYPE_USER_NAME || !kw_bytes_is_empty(was->directory_id)) {
        return KW_GOOD;
    }
    const kw_status status = kw_store_user_get(authority->env->store, was->name, arena, &user);
    if (status == KW_BAD_NOT_FOUND || (!kw_status_is_bad(status) && (user.configuration & KW_USER_MUST_CHANGE_PASSWORD) != 0)) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    return status;
}

static bool is_over(const kw_authority *authority, const kw_identity *who)
{
    return who->rights_end != 0 && kw_clock_utc(authority->env->clock) >= who->rights_end;
}

kw_status kw_authority_look_again(kw_authority *authority, const kw_identity *was, const kw_identity_claim *claim, kw_arena *arena,
                                  kw_identity **who)
{
    kw_identity_gate *gate = kw_server_gate(authority->server);
    kw_identity *found = NULL;
    KW_TRY(check_account(authority, was, arena));
    const kw_status status = kw_identity_review(gate, was, claim, &found, NULL);
    if (status == KW_BAD_USER_ACCESS_DENIED) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    KW_TRY(status);
    if (is_over(authority, found) || !kw_identity_gate_believes(gate, found)) {
        kw_identity_release(found);
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    *who = found;
    return KW_GOOD;
}
