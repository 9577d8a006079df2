/* AddUser, ModifyUser, RemoveUser, ChangePassword. OPC 10000-18, 5.2.5 … 5.2.8. */
#include "base/secret.h"
#include "base/try.h"
#include "identity/password.h"
#include "space/administration_internal.h"

#include <keyway/node_ids.h>

#define USER_NAME_MAX 256
#define DESCRIPTION_MAX 4096
#define SUPPORTED (KW_USER_NO_DELETE | KW_USER_DISABLED | KW_USER_NO_CHANGE_BY_USER | KW_USER_MUST_CHANGE_PASSWORD)

/* --- what the Client sent --------------------------------------------------------------------------------------------------------- */

static kw_string text_at(const kw_call *call, size_t index)
{
    const kw_string *text = kw_variant_get(&call->inputs[index], KW_BUILTIN_STRING);
    return text != NULL ? *text : KW_BYTES_NULL;
}

static bool flag_at(const kw_call *call, size_t index)
{
    const bool *flag = kw_variant_get(&call->inputs[index], KW_BUILTIN_BOOLEAN);
    return flag != NULL && *flag;
}

static uint32_t mask_at(const kw_call *call, size_t index)
{
    const uint32_t *mask = kw_variant_get(&call->inputs[index], KW_BUILTIN_UINT32);
    return mask != NULL ? *mask : 0;
}

/* UM-05, UM-08 */
static kw_status check_configuration(uint32_t configuration)
{
    const uint32_t both = KW_USER_MUST_CHANGE_PASSWORD | KW_USER_NO_CHANGE_BY_USER;
    if ((configuration & ~SUPPORTED) != 0) {
        return KW_BAD_NOT_SUPPORTED;
    }
    return (configuration & both) == both ? KW_BAD_CONFIGURATION_ERROR : KW_GOOD;
}

/* A name that can sign in, and a text that can be shown. */
static kw_status check_texts(kw_call *call, const kw_admin_job *job, size_t description_index)
{
    const kw_string name = job->subject, description = job->as.user.description;
    if (kw_bytes_is_empty(name) || name.len > USER_NAME_MAX || !kw_utf8_is_valid(name, false)) {
        call->input_results[0] = KW_BAD_INVALID_ARGUMENT;
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (job->as.user.sets_description && (description.len > DESCRIPTION_MAX || !kw_utf8_is_valid(description, false))) {
        call->input_results[description_index] = KW_BAD_INVALID_ARGUMENT;
        return KW_BAD_INVALID_ARGUMENT;
    }
    return KW_GOOD;
}

/* The inputs for the audit event: the password is not among them. NULL: out of memory. */
static const kw_variant *without(kw_call *call, size_t first, size_t second)
{
    kw_variant *inputs = KW_ARENA_ARRAY(call->arena, kw_variant, call->input_count);
    for (size_t i = 0; inputs != NULL && i < call->input_count; i++) {
        inputs[i] = i == first || i == second ? KW_VARIANT_NULL : call->inputs[i];
    }
    return inputs;
}

/* --- for all of them ----------------------------------------------------------------------------------------------------------------- */

static void wipe(kw_admin_job *job)
{
    kw_wipe((void *)(uintptr_t)job->as.user.password.data, job->as.user.password.len); /* in the request, which is ours */
    kw_wipe((void *)(uintptr_t)job->as.user.old_password.data, job->as.user.old_password.len);
}

static void describe(const kw_admin_job *job, kw_writer *w)
{
    kw_json_text_string(w, "name", job->subject, KW_ADMIN_TEXT_MAX);
    if (job->as.user.sets_configuration) {
        kw_json_text_int(w, "configuration", job->as.user.configuration);
    }
    kw_json_text_int(w, "password", job->as.user.sets_password);
}

static kw_admin_job job_of(kw_call *call, const char *event, const char *message)
{
    return (kw_admin_job){.call = call,
                          .describe = describe,
                          .clear = wipe,
                          .event = event,
                          .event_type = KW_ID_AUDIT_UPDATE_METHOD_EVENT_TYPE,
                          .message = kw_string_from(message),
                          .subject = text_at(call, 0)};
}

/* UM-07 */
static kw_status hash(const kw_admin_job *job, kw_string *phc)
{
    const kw_administration_env *env = &job->administration->env;
    KW_TRY(kw_password_check(env->passwords, job->as.user.password));
    return kw_password_hash(job->as.user.password, env->random, job->call->arena, phc);
}

static void start(kw_administration *a, kw_admin_job *job, kw_status checked)
{
    if (kw_status_is_bad(checked)) {
        kw_admin_refuse(a, job, checked);
    } else {
        kw_admin_start(a, job);
    }
}

/* --- AddUser ----------------------------------------------------------------------------------------------------------------------------- */

/* UM-06, UM-09 */
static kw_status check_room(const kw_admin_job *job)
{
    const kw_administration_env *env = &job->administration->env;
    const kw_snapshot *snapshot = NULL;
    uint64_t version;
    KW_TRY(kw_identity_gate_refresh(env->gate, &version));
    KW_TRY(kw_identity_gate_recall(env->gate, &snapshot));
    const bool exists = kw_snapshot_user(snapshot, job->subject) != NULL;
    const bool is_full = snapshot->user_count >= env->max_users;
    kw_snapshot_release(snapshot);
    return exists ? KW_BAD_ALREADY_EXISTS : is_full ? KW_BAD_RESOURCE_UNAVAILABLE : KW_GOOD;
}

static kw_status add(kw_admin_job *job)
{
    kw_user user = {.name = job->subject, .configuration = job->as.user.configuration, .description = job->as.user.description};
    KW_TRY(check_room(job)); /* before the costly part */
    KW_TRY(hash(job, &user.password_hash));
    return kw_store_user_add(job->administration->env.store, &user);
}

void kw_user_add(void *ctx, kw_call *call)
{
    kw_admin_job job = job_of(call, "AddUser", "a user was added");
    job.change = add;
    job.redacted = without(call, 1, 1);
    job.as.user.password = text_at(call, 1);
    job.as.user.configuration = mask_at(call, 2);
    job.as.user.description = text_at(call, 3);
    job.as.user.sets_password = job.as.user.sets_configuration = job.as.user.sets_description = true;
    kw_status status = job.redacted != NULL ? check_texts(call, &job, 3) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = check_configuration(job.as.user.configuration);
    }
    start(ctx, &job, status);
}

/* --- ModifyUser --------------------------------------------------------------------------------------------------------------------------- */

static kw_status modify(kw_admin_job *job)
{
    kw_string phc;
    kw_user known;
    kw_store *store = job->administration->env.store;
    kw_user_change change = {.name = job->subject};
    KW_TRY(kw_store_user_get(store, job->subject, job->call->arena, &known)); /* UM-10, before the costly part */
    if (job->as.user.sets_password) {
        KW_TRY(hash(job, &phc));
        change.password_hash = &phc;
    }
    if (job->as.user.sets_configuration) {
        change.configuration_cleared = SUPPORTED;
        change.configuration_set = job->as.user.configuration;
    }
    if (job->as.user.sets_description) {
        change.description = &job->as.user.description;
    }
    return kw_store_user_change(store, &change);
}

/* UM-13; UM-05 and UM-08 only for what is to be changed (UM-10). */
static kw_status check_modification(const kw_admin_job *job)
{
    if (!job->as.user.sets_configuration) {
        return KW_GOOD;
    }
    KW_TRY(check_configuration(job->as.user.configuration));
    const bool disables = (job->as.user.configuration & KW_USER_DISABLED) != 0;
    return disables && kw_admin_is_self(job, job->subject) ? KW_BAD_INVALID_SELF_REFERENCE : KW_GOOD;
}

void kw_user_modify(void *ctx, kw_call *call)
{
    kw_admin_job job = job_of(call, "ModifyUser", "a user was changed");
    job.change = modify;
    job.redacted = without(call, 2, 2);
    job.as.user.sets_password = flag_at(call, 1);
    job.as.user.password = text_at(call, 2);
    job.as.user.sets_configuration = flag_at(call, 3);
    job.as.user.configuration = mask_at(call, 4);
    job.as.user.sets_description = flag_at(call, 5);
    job.as.user.description = text_at(call, 6);
    kw_status status = job.redacted != NULL ? check_texts(call, &job, 6) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = check_modification(&job);
    }
    start(ctx, &job, status);
}

/* --- RemoveUser ----------------------------------------------------------------------------------------------------------------------------- */

static kw_status remove_user(kw_admin_job *job)
{
    return kw_store_user_remove(job->administration->env.store, job->subject); /* UM-14, UM-15 */
}

void kw_user_remove(void *ctx, kw_call *call)
{
    kw_admin_job job = job_of(call, "RemoveUser", "a user was removed");
    job.change = remove_user;
    kw_status status = check_texts(call, &job, 0);
    if (!kw_status_is_bad(status) && kw_admin_is_self(&job, job.subject)) { /* UM-16 */
        status = KW_BAD_INVALID_SELF_REFERENCE;
    }
    start(ctx, &job, status);
}

/* --- ChangePassword ------------------------------------------------------------------------------------------------------------------------- */

/* UM-22: a wrong one counts like a wrong one in ActivateSession. */
static kw_status check_old_password(kw_admin_job *job)
{
    const kw_status status = kw_identity_check_password(job->administration->env.gate, job->call->context, job->subject,
                                                        job->as.user.old_password, NULL, &job->delay_ms);
    return status == KW_BAD_USER_ACCESS_DENIED ? KW_BAD_IDENTITY_TOKEN_INVALID : status;
}

/*
 * UM-21: first the old password; who does not know it learns nothing about the account. *known is what the account was before that:
 * when somebody resets the password in between, the old one was not proven against what is there now.
 */
static kw_status check_change(kw_admin_job *job, kw_user *known)
{
    const kw_identity *identity = kw_admin_access(job)->identity;
    const kw_status found = kw_store_user_get(job->administration->env.store, job->subject, job->call->arena, known);
    KW_TRY(check_old_password(job));
    KW_TRY(found);
    if (known->created != identity->account_created) { /* a later account of the same name is not the Session's user */
        return KW_BAD_INVALID_STATE;
    }
    if ((known->configuration & KW_USER_NO_CHANGE_BY_USER) != 0) {
        return KW_BAD_NOT_SUPPORTED;
    }
    return kw_bytes_equal(job->as.user.password, job->as.user.old_password) ? KW_BAD_ALREADY_EXISTS
                                                                            : KW_GOOD; /* old one proven: no secret */
}

/* UM-20: the Sessions stay as restricted as they are until the Client activates them again. */
static kw_status change_password(kw_admin_job *job)
{
    kw_string phc;
    kw_user known;
    KW_TRY(check_change(job, &known));
    KW_TRY(hash(job, &phc));
    const kw_user_change change = {.name = job->subject,
                                   .password_hash = &phc,
                                   .former_hash = &known.password_hash,
                                   .configuration_cleared = KW_USER_MUST_CHANGE_PASSWORD};
    const kw_status status = kw_store_user_change(job->administration->env.store, &change);
    return status == KW_BAD_INVALID_STATE ? KW_BAD_IDENTITY_TOKEN_INVALID
                                          : status; /* reset meanwhile: the old one is no password any more */
}

void kw_user_change_password(void *ctx, kw_call *call)
{
    const kw_identity *identity = call->access->identity;
    kw_admin_job job = job_of(call, "ChangePassword", "a user changed the password");
    job.subject = identity->name; /* the first input is a password */
    job.change = change_password;
    job.is_guess = true;
    job.redacted = without(call, 0, 1);
    job.as.user.old_password = text_at(call, 0);
    job.as.user.password = text_at(call, 1);
    job.as.user.sets_password = true;
    kw_status status = job.redacted != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status) && identity->kind != KW_USER_TOKEN_TYPE_USER_NAME) { /* UM-17 */
        status = KW_BAD_INVALID_STATE;
    } else if (!kw_status_is_bad(status) && !kw_bytes_is_empty(identity->directory_id)) { /* UM-21: that one is changed elsewhere */
        status = KW_BAD_NOT_SUPPORTED;
    }
    start(ctx, &job, status);
}
