/* Users that others prove: a directory, which says again and again which groups they are in, or whoever keeps the users of a claim. */
#include "base/try.h"
#include "identity/identity_internal.h"

static void take(kw_proof *proof, const kw_directory_user *user)
{
    proof->found->directory_id = user->id;
    proof->found->groups = user->groups;
    proof->found->group_count = user->group_count;
    proof->found->claimed_roles = user->roles;
    proof->found->claimed_role_count = user->role_count;
    proof->found->looked_up = kw_clock_utc(proof->gate->clock);
}

kw_status kw_proof_ask_directory(kw_proof *proof, kw_string name, kw_bytes password)
{
    const kw_user_directory *directory = proof->gate->directory;
    kw_directory_user user = {.group_count = 0};
    if (kw_bytes_is_empty(password)) { /* directories let anybody in without one, as nobody */
        return kw_refuse(proof, KW_BAD_USER_ACCESS_DENIED, "no password");
    }
    KW_TRY(directory->prove(directory->ctx, name, password, proof->arena, &user, &proof->why));
    take(proof, &user);
    return KW_GOOD;
}

kw_status kw_proof_ask_keeper(kw_proof *proof, kw_string name, kw_bytes secret, kw_string *subject)
{
    const kw_identity_keeper *keeper = proof->claim->keeper;
    if (kw_bytes_is_empty(secret)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "no password");
    }
    const kw_status status = keeper->prove(keeper->ctx, name, secret, proof->arena, subject, &proof->why);
    proof->is_our_lack = status == KW_BAD_USER_ACCESS_DENIED; /* no guess */
    return status;
}

static bool is_younger(const kw_proof *proof, uint32_t ms)
{
    const int64_t age = kw_clock_utc(proof->gate->clock) - proof->found->looked_up;
    return age >= 0 && age < ms * (KW_TICKS_PER_S / 1000);
}

uint32_t kw_identity_gate_look_up_period(const kw_identity_gate *gate)
{
    return gate->directory != NULL ? gate->directory->recheck_s * 500 : 0;
}

/* What is renewed or given out anew needs a fresh look; a Session that stands does with an older one, longer while there is no other. */
kw_status kw_proof_ask_directory_again(kw_proof *proof)
{
    const kw_user_directory *directory = proof->gate->directory;
    kw_directory_user user = {.group_count = 0};
    if (proof->claim->is_live && is_younger(proof, kw_identity_gate_look_up_period(proof->gate))) {
        return KW_GOOD;
    }
    const kw_status status = directory->look_up(directory->ctx, proof->found->name, proof->arena, &user, &proof->why);
    if (status == KW_BAD_RESOURCE_UNAVAILABLE && (proof->claim->is_live || directory->needs_password)) {
        return is_younger(proof, directory->max_age_s * 1000) ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED;
    }
    KW_TRY(status);
    if (!kw_bytes_equal(user.id, proof->found->directory_id)) {
        return kw_refuse(proof, KW_BAD_USER_ACCESS_DENIED, "another user has the name now");
    }
    take(proof, &user);
    return KW_GOOD;
}
