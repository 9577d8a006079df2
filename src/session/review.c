/*
 * Rights of a live Session follow the store: users, Roles and mapping rules that are changed by a Method, by `keyway`, or by another
 * process on the same store (RO-15, UM-11, UM-16).
 *
 * A run looks at the version of the store in a job. When it is new, what is on the loop learns of it, then a second job holds
 * every Session's user against the new state, and the loop gives each Session what it found.
 */
#include "base/try.h"
#include "session/session_internal.h"

#include <stddef.h>
#include <stdlib.h>

#define RUN_ARENA ((size_t)64 << 20)
#define NOT_LET_IN "the user is not let in any more"

struct kw_review_waiter {
    kw_review_waiter *next;
    void (*done)(void *ctx);
    void *ctx;
};

typedef struct review_item {
    kw_session *session;         /* retained */
    kw_identity *former, *found; /* one reference each */
    kw_identity_claim claim;     /* what it borrows is in the run's arena, or retained */
    kw_status status;
    kw_refusal refusal;
} review_item;

typedef struct review_run {
    kw_job job;
    kw_sessions *sessions;
    kw_arena *arena;
    bool is_forced; /* somebody waits: whatever the version says */
    kw_status status;
    uint64_t version;
    review_item *items;
    size_t count;
} review_run;

static void start(kw_sessions *sessions);

kw_identity_claim kw_session_claim(const kw_session *session)
{
    const kw_certificate *certificate = session->client_certificate;
    return (kw_identity_claim){.channel_policy = session->policy,
                               .mode = session->mode,
                               .client_certificate = certificate,
                               .application_uri = certificate != NULL ? kw_certificate_application_uri(certificate) : KW_BYTES_NULL,
                               .address = kw_string_from(session->peer_address),
                               .endpoint_url = kw_string_from(session->endpoint_url),
                               .is_live = true};
}

/* --- the end of a run --------------------------------------------------------------------------------------------------- */

static void release_items(review_run *run)
{
    for (size_t i = 0; run->items != NULL && i < run->count; i++) {
        kw_identity_release(run->items[i].former);
        kw_identity_release(run->items[i].found);
        kw_session_release(run->items[i].session);
    }
}

static void finish(review_run *run)
{
    kw_sessions *sessions = run->sessions;
    kw_reviews *reviews = &sessions->reviews;
    kw_review_waiter *served = reviews->served;
    const bool is_over = run->status == KW_BAD_SHUTDOWN;
    release_items(run);
    kw_arena_free(run->arena);
    free(run);
    reviews->served = NULL;
    reviews->is_running = false;
    for (kw_review_waiter *w = served, *next; w != NULL; w = next) {
        next = w->next;
        w->done(w->ctx);
        free(w);
    }
    if (!is_over && !reviews->is_running && (reviews->is_wanted || reviews->waiting != NULL)) {
        start(sessions);
    }
}

/* --- the second job: every Session's user ------------------------------------------------------------------------------------ */

static bool is_refused(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_REJECTED;
}

static void run_review(kw_job *job)
{
    review_run *run = (review_run *)job;
    kw_sessions *sessions = run->sessions;
    for (size_t i = 0; i < run->count; i++) {
        review_item *item = &run->items[i];
        item->status = kw_identity_review(sessions->env.gate, item->former, &item->claim, &item->found, &item->refusal);
    }
    run->status = KW_GOOD;
}

static bool has_same_rights(const kw_identity *a, const kw_identity *b)
{
    bool is_same = a->role_count == b->role_count && a->must_change_password == b->must_change_password;
    for (size_t i = 0; is_same && i < b->role_count; i++) {
        is_same = kw_identity_has_role(a, b->roles[i].ns, b->roles[i].id);
    }
    return is_same;
}

/* False: nothing could be found out about this user now. */
static bool apply(const kw_sessions *sessions, review_item *item)
{
    kw_session *session = item->session;
    const kw_log *log = sessions->env.log;
    const bool is_gone = session->state == KW_SESSION_CLOSED && session->lingers == 0;
    if (is_gone || session->identity != item->former) { /* its user was proven anew meanwhile */
        return true;
    }
    if (is_refused(item->status) && session->lingers > 0) {
        kw_session_end_lingering(session, NOT_LET_IN);
        return true;
    }
    if (is_refused(item->status)) {
        item->refusal.why = NOT_LET_IN;
        kw_session_end_for(session, KW_SESSION_CAUSE_TERMINATED, &item->refusal, true);
        return true;
    }
    if (kw_status_is_bad(item->status)) {
        KW_LOG(log, KW_LOG_ERROR, "rights cannot be reviewed", kw_field_str("user", item->former->name),
               kw_field_status("status", item->status));
        return false;
    }
    session->rights_version = item->found->store_version;
    if (!has_same_rights(item->former, item->found)) {
        KW_LOG(log, KW_LOG_INFO, "rights changed", kw_field_text("client", session->client_uri), kw_field_str("user", item->former->name),
               kw_field_int("roles", (int64_t)item->found->role_count));
        kw_session_set_identity(session, item->found);
        item->found = NULL;
    } else if (item->found->looked_up != item->former->looked_up) { /* nothing to tell anybody */
        kw_identity_release(session->identity);
        session->identity = item->found;
        item->found = NULL;
    }
    return true;
}

static bool is_one_behind(const kw_session *list, uint64_t version)
{
    for (const kw_session *s = list; s != NULL; s = s->next) {
        if (s->identity != NULL && s->rights_version < version) {
            return true;
        }
    }
    return false;
}

/* Sessions that came in while the run was under way, by what the store said before. */
static bool is_anybody_behind(const kw_sessions *sessions, uint64_t version)
{
    return is_one_behind(sessions->oldest, version) || is_one_behind(sessions->lingering, version);
}

static void done_review(kw_job *job)
{
    review_run *run = (review_run *)job;
    kw_reviews *reviews = &run->sessions->reviews;
    bool is_complete = !kw_status_is_bad(run->status);
    for (size_t i = 0; !kw_status_is_bad(run->status) && i < run->count; i++) {
        is_complete = apply(run->sessions, &run->items[i]) && is_complete;
    }
    if (is_complete) { /* otherwise the next look tries again */
        reviews->seen = run->version;
        reviews->is_wanted = reviews->is_wanted || is_anybody_behind(run->sessions, run->version);
    }
    finish(run);
}

static bool fill_item(review_run *run, kw_session *session)
{
    review_item *item = &run->items[run->count];
    *item = (review_item){.session = session, .status = KW_BAD_SHUTDOWN};
    item->claim = kw_session_claim(session);
    item->claim.address = kw_arena_copy(run->arena, item->claim.address);
    item->claim.endpoint_url = kw_arena_copy(run->arena, item->claim.endpoint_url);
    if (item->claim.address.data == NULL) {
        return false;
    }
    kw_session_retain(session);
    item->former = kw_identity_retain(session->identity);
    run->count++;
    return true;
}

static kw_status fill_items(review_run *run, kw_session *list)
{
    for (kw_session *s = list; s != NULL; s = s->next) {
        if (s->identity != NULL && !fill_item(run, s)) {
            return KW_BAD_OUT_OF_MEMORY;
        }
    }
    return KW_GOOD;
}

static kw_status collect(review_run *run)
{
    const kw_sessions *sessions = run->sessions;
    size_t count = kw_sessions_count(sessions);
    for (const kw_session *s = sessions->lingering; s != NULL; s = s->next) {
        count++;
    }
    run->arena = kw_arena_new(RUN_ARENA);
    run->items = run->arena != NULL ? KW_ARENA_ARRAY(run->arena, review_item, count) : NULL;
    if (run->items == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(fill_items(run, sessions->oldest));
    return fill_items(run, sessions->lingering);
}

/* --- the first job: has anything changed? ------------------------------------------------------------------------------------ */

static void run_look(kw_job *job)
{
    review_run *run = (review_run *)job;
    run->status = kw_identity_gate_refresh(run->sessions->env.gate, &run->version);
}

static kw_status go_on(review_run *run)
{
    const kw_session_env *env = &run->sessions->env;
    if (env->store_changed != NULL) {
        env->store_changed(env->ctx);
    }
    const kw_status status = collect(run);
    if (kw_status_is_bad(status)) {
        return status;
    }
    run->job.run = run_review;
    run->job.done = done_review;
    run->status = KW_BAD_SHUTDOWN;
    return kw_executor_submit(env->executor, &run->job);
}

/* Twice a second would be no news. */
static void note_sight(kw_sessions *sessions, kw_status status)
{
    const bool is_blind = kw_status_is_bad(status);
    if (is_blind && !sessions->reviews.is_blind) {
        KW_LOG(sessions->env.log, KW_LOG_ERROR, "changes of users and Roles cannot be taken up", kw_field_status("status", status));
    } else if (!is_blind && sessions->reviews.is_blind) {
        KW_LOG(sessions->env.log, KW_LOG_INFO, "changes of users and Roles are taken up again", kw_field_status("status", status));
    }
    sessions->reviews.is_blind = is_blind;
}

static void done_look(kw_job *job)
{
    review_run *run = (review_run *)job;
    kw_sessions *sessions = run->sessions;
    kw_status status = run->status;
    note_sight(sessions, status);
    if (!kw_status_is_bad(status) && run->version == sessions->reviews.seen && !run->is_forced) {
        finish(run);
        return;
    }
    if (!kw_status_is_bad(status)) {
        status = go_on(run); /* when it is good the run may be over already */
    }
    if (kw_status_is_bad(status)) {
        note_sight(sessions, status);
        run->status = status;
        finish(run);
    }
}

/* --- when ---------------------------------------------------------------------------------------------------------------------- */

static void start(kw_sessions *sessions)
{
    kw_reviews *reviews = &sessions->reviews;
    review_run *run = calloc(1, sizeof(*run));
    if (run == NULL) { /* the next tick tries again */
        return;
    }
    run->job.run = run_look;
    run->job.done = done_look;
    run->sessions = sessions;
    run->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    run->is_forced = reviews->is_wanted || reviews->waiting != NULL;
    reviews->is_running = true;
    reviews->is_wanted = false;
    reviews->served = reviews->waiting;
    reviews->waiting = NULL;
    if (kw_status_is_bad(kw_executor_submit(sessions->env.executor, &run->job))) {
        reviews->is_wanted = run->is_forced;
        reviews->waiting = reviews->served;
        reviews->served = NULL;
        reviews->is_running = false;
        free(run);
    }
}

static bool has_directory_users(const kw_session *list)
{
    for (const kw_session *s = list; s != NULL; s = s->next) {
        if (s->identity != NULL && !kw_bytes_is_empty(s->identity->directory_id)) {
            return true;
        }
    }
    return false;
}

static bool is_directory_due(kw_sessions *sessions)
{
    const uint32_t period = kw_identity_gate_look_up_period(sessions->env.gate);
    const uint64_t now = kw_clock_ms(sessions->env.clock);
    if (period == 0 || now < sessions->reviews.directory_at) {
        return false;
    }
    sessions->reviews.directory_at = now + period;
    return has_directory_users(sessions->oldest) || has_directory_users(sessions->lingering);
}

static void on_tick(kw_timer *timer)
{
    kw_sessions *sessions = (kw_sessions *)((char *)timer - offsetof(kw_sessions, reviews.timer));
    const kw_session_env *env = &sessions->env;
    kw_timer_start(env->timers, timer, kw_clock_ms(env->clock) + sessions->limits.review_period_ms);
    sessions->reviews.is_wanted = sessions->reviews.is_wanted || is_directory_due(sessions);
    if (!sessions->reviews.is_running) {
        start(sessions);
    }
}

void kw_reviews_start(kw_sessions *sessions)
{
    const kw_session_env *env = &sessions->env;
    sessions->reviews.timer.fire = on_tick;
    kw_timer_start(env->timers, &sessions->reviews.timer, kw_clock_ms(env->clock) + sessions->limits.review_period_ms);
}

void kw_reviews_stop(kw_sessions *sessions)
{
    kw_timer_stop(&sessions->reviews.timer);
    for (kw_review_waiter *w = sessions->reviews.waiting, *next; w != NULL; w = next) {
        next = w->next;
        free(w);
    }
}

void kw_reviews_catch_up(kw_sessions *sessions, uint64_t version)
{
    kw_reviews *reviews = &sessions->reviews;
    if (version < reviews->seen) {
        reviews->is_wanted = true;
        if (!reviews->is_running) {
            start(sessions);
        }
    }
}

void kw_sessions_review(kw_sessions *sessions, void (*done)(void *ctx), void *ctx)
{
    kw_reviews *reviews = &sessions->reviews;
    if (done == NULL) {
        reviews->is_wanted = true;
    } else {
        kw_review_waiter *w = calloc(1, sizeof(*w));
        if (w == NULL) { /* the next look finds the change all the same */
            done(ctx);
            return;
        }
        *w = (kw_review_waiter){reviews->waiting, done, ctx};
        reviews->waiting = w;
    }
    if (!reviews->is_running) {
        start(sessions);
    }
}
