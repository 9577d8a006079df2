#include "space/administration.h"

#include "base/json_text.h"
#include "base/try.h"
#include "space/administration_internal.h"

#include <keyway/node_ids.h>

#include <stddef.h>
#include <stdlib.h>

#define DETAIL_MAX ((size_t)16 << 10)
#define ATTRIBUTE_VALUE 13u
#define GUESSES_MAX 4 /* of one Client at a time: past it Bad_TooManyOperations */

/* --- life --------------------------------------------------------------------------------------------------------------------- */

kw_status kw_administration_new(const kw_administration_env *env, kw_administration **out)
{
    kw_administration *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    a->env = *env;
    kw_status status = kw_role_nodes_new(a);
    if (!kw_status_is_bad(status)) {
        status = kw_user_nodes_new(a);
    }
    if (kw_status_is_bad(status)) {
        kw_administration_free(a);
        return status;
    }
    *out = a;
    return KW_GOOD;
}

void kw_administration_free(kw_administration *a)
{
    if (a != NULL) {
        kw_role_nodes_free(a);
        free(a);
    }
}

void kw_administration_follow(kw_administration *a)
{
    const kw_snapshot *snapshot = NULL;
    if (kw_status_is_bad(kw_identity_gate_recall(a->env.gate, &snapshot))) {
        return; /* the next change brings it */
    }
    kw_role_nodes_follow(a, snapshot);
    kw_snapshot_release(snapshot);
}

/* --- who asks ------------------------------------------------------------------------------------------------------------------- */

const kw_access *kw_admin_access(const kw_admin_job *job)
{
    return job->call != NULL ? job->call->access : job->write->access;
}

kw_arena *kw_admin_arena(const kw_admin_job *job)
{
    return job->call != NULL ? job->call->arena : job->write->arena;
}

bool kw_admin_is_self(const kw_admin_job *job, kw_string user_name)
{
    const kw_identity *identity = kw_admin_access(job)->identity;
    return identity->kind == KW_USER_TOKEN_TYPE_USER_NAME && kw_bytes_equal(identity->name, user_name);
}

static kw_string application_of(const kw_admin_job *job)
{
    return job->call != NULL ? job->call->context->application_uri : job->write->application_uri;
}

/* --- what is written down --------------------------------------------------------------------------------------------------------- */

/* The trail; in a job, because it waits for the disk. */
static void record(const kw_admin_job *job)
{
    const kw_administration_env *env = &job->administration->env;
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    job->describe(job, &w);
    kw_json_text_end(&w);
    const kw_audit_record entry = {.event = kw_string_from(job->event),
                                   .source = env->server_uri,
                                   .status = job->status,
                                   .user = kw_admin_access(job)->identity->name,
                                   .client = application_of(job),
                                   .detail = kw_status_is_bad(kw_writer_status(&w)) ? KW_STRING("{}") : kw_writer_bytes(&w)};
    const kw_status written = kw_store_audit_append(env->store, &entry);
    if (kw_status_is_bad(written)) {
        KW_LOG(env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", written));
    }
    kw_writer_clear(&w);
}

static void raise_write(const kw_admin_job *job)
{
    static const uint32_t VALUE = ATTRIBUTE_VALUE;
    static const kw_string WHOLE = {NULL, 0};
    const kw_identity *identity = job->write->access->identity;
    const kw_audit_origin origin = {.status = job->status,
                                    .entry_id = job->write->header->audit_entry_id,
                                    .user = identity->name,
                                    .application_uri = job->write->application_uri};
    kw_audit_event e;
    kw_audit_event_begin(&e, job->administration->env.space, job->event_type, "Attribute/Write",
                         kw_status_is_bad(job->status) ? KW_STRING("a Write was refused") : job->message, &origin);
    e.event.source_node = job->write->node_id;
    kw_audit_event_add(&e, "AttributeId", kw_variant_scalar(KW_BUILTIN_UINT32, &VALUE));
    kw_audit_event_add(&e, "IndexRange", kw_variant_scalar(KW_BUILTIN_STRING, &WHOLE));
    kw_audit_event_add(&e, "NewValue", job->write->value.value);
    kw_audit_event_raise(&e);
}

/* --- guesses (AS-25, UM-22) ---------------------------------------------------------------------------------------------------------- */

/* The certificate is its channel's own: as many per connection. */
static bool has_room(const kw_administration *a, const kw_admin_job *kind)
{
    size_t count = 0;
    for (const kw_admin_job *job = a->guesses; job != NULL; job = job->next) {
        count += job->call->context->client_certificate == kind->call->context->client_certificate;
    }
    return count < GUESSES_MAX;
}

static void link_guess(kw_administration *a, kw_admin_job *job)
{
    job->next = a->guesses;
    job->link = &a->guesses;
    if (job->next != NULL) {
        job->next->link = &job->next;
    }
    a->guesses = job;
}

static void unlink_guess(kw_admin_job *job)
{
    if (job->link != NULL) {
        *job->link = job->next;
        if (job->next != NULL) {
            job->next->link = job->link;
        }
        job->link = NULL;
    }
}

/* --- the job ------------------------------------------------------------------------------------------------------------------------ */

/* The end: `job` is gone with the request. */
static void conclude(kw_admin_job *job)
{
    const kw_administration_env *env = &job->administration->env;
    const kw_status status = job->status;
    KW_LOG(env->log, kw_status_is_bad(status) ? KW_LOG_WARN : KW_LOG_INFO, job->event,
           kw_field_str("user", kw_admin_access(job)->identity->name), kw_field_str("subject", job->subject),
           kw_field_status("status", status));
    unlink_guess(job);
    if (job->clear != NULL) {
        job->clear(job);
    }
    if (job->call != NULL) {
        kw_audit_event_of_method(env->space, job->call, 0, job->event_type, job->message, status, job->redacted);
        job->call->finish(job->call, status);
    } else {
        raise_write(job);
        job->write->finish(job->write, status);
    }
}

static void on_delay_over(kw_timer *timer)
{
    conclude((kw_admin_job *)((char *)timer - offsetof(kw_admin_job, delay)));
}

/* Good or bad: the delay does not tell. */
static void conclude_in_time(kw_admin_job *job)
{
    const kw_administration_env *env = &job->administration->env;
    if (job->delay_ms == 0) {
        conclude(job);
        return;
    }
    job->delay.fire = on_delay_over;
    kw_timer_start(env->timers, &job->delay, kw_clock_ms(env->clock) + job->delay_ms);
}

static kw_admin_job *waiting_guess(const kw_administration *a)
{
    kw_admin_job *job = a->guesses;
    while (job != NULL && job->delay.timers == NULL) {
        job = job->next;
    }
    return job;
}

void kw_administration_finish_waiting(kw_administration *a)
{
    for (kw_admin_job *job; a != NULL && (job = waiting_guess(a)) != NULL;) {
        kw_timer_stop(&job->delay);
        conclude(job);
    }
}

static void on_applied(void *ctx)
{
    kw_admin_job *job = ctx;
    if (job->answer != NULL) {
        job->status = job->answer(job);
    }
    conclude_in_time(job);
}

static void run(kw_job *base)
{
    kw_admin_job *job = (kw_admin_job *)base;
    job->status = job->change(job);
    record(job);
}

static void done(kw_job *base)
{
    kw_admin_job *job = (kw_admin_job *)base;
    const kw_administration_env *env = &job->administration->env;
    if (kw_status_is_bad(job->status)) {
        conclude_in_time(job);
        return;
    }
    env->apply(env->ctx, on_applied, job);
}

static kw_standing standing_of(const kw_job *base)
{
    const kw_admin_job *job = (const kw_admin_job *)base;
    return kw_identity_standing(job->administration->env.gate, job->call->context);
}

void kw_admin_start(kw_administration *a, const kw_admin_job *kind)
{
    if (kind->is_guess && !has_room(a, kind)) {
        kw_admin_refuse(a, kind, KW_BAD_TOO_MANY_OPERATIONS);
        return;
    }
    kw_admin_job *job = KW_ARENA_NEW(kw_admin_arena(kind), kw_admin_job);
    if (job == NULL) {
        kw_admin_refuse(a, kind, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    *job = *kind;
    job->job = (kw_job){.run = run, .done = done};
    job->administration = a;
    job->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    if (job->is_guess) {
        job->job.source = kw_identity_source(job->call->context);
        job->job.is_password = true;
        job->job.standing = standing_of;
        link_guess(a, job);
    }
    const kw_status status = kw_executor_submit(a->env.executor, &job->job);
    if (kw_status_is_bad(status)) {
        unlink_guess(job);
        kw_admin_refuse(a, kind, status);
    }
}

void kw_admin_refuse(kw_administration *a, const kw_admin_job *kind, kw_status status)
{
    kw_admin_job job = *kind;
    job.administration = a;
    job.status = status;
    conclude(&job);
}
