/* Identities end when the token does. OPC 10000-4, 7.40.6. */
#include "session/session_internal.h"

#include <stddef.h>

#define POLICIES_ARENA ((size_t)1 << 20)
#define LONGEST_NAP_MS UINT64_C(3600000) /* the wall clock may be set: look again at least that often */

static bool is_expired(const kw_session *session)
{
    return session->identity != NULL && session->identity->rights_end != 0 &&
           kw_clock_utc(session->sessions->env.clock) >= session->identity->rights_end;
}

/* IT-15: Anonymous is what is left, where it is allowed. */
static kw_status fall_back(kw_session *session, kw_arena *arena)
{
    kw_identity_gate *gate = session->sessions->env.gate;
    kw_user_token_policy *policies = NULL;
    kw_identity *anonymous = NULL;
    size_t count = 0;
    kw_status status = kw_identity_gate_policies(gate, session->policy, session->mode, arena, &policies, &count);
    if (!kw_status_is_bad(status)) {
        kw_identity_claim claim = kw_session_claim(session);
        claim.policies = policies;
        claim.policy_count = count;
        status = kw_identity_anonymous(gate, &claim, &anonymous);
    }
    if (!kw_status_is_bad(status)) {
        kw_session_set_identity(session, anonymous);
    }
    return status;
}

bool kw_session_check_expiry(kw_session *session)
{
    if (!is_expired(session)) {
        return true;
    }
    const kw_log *log = session->sessions->env.log;
    kw_arena *arena = kw_arena_new(POLICIES_ARENA);
    const kw_status status = arena != NULL ? fall_back(session, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    KW_LOG(log, KW_LOG_INFO, "identity expired", kw_field_str("client", kw_string_from(session->client_uri)),
           kw_field_text("session", kw_status_is_bad(status) ? "closed" : "anonymous from now on"));
    if (kw_status_is_bad(status)) { /* IT-16; also when nothing else can be had: rights never outlive their proof */
        kw_session_end(session, KW_SESSION_CAUSE_TERMINATED, "the identity expired, and Anonymous is not allowed", true);
        return false;
    }
    return true;
}

static void on_expiry(kw_timer *timer)
{
    kw_session *session = (kw_session *)((char *)timer - offsetof(kw_session, expiry_timer));
    if (kw_session_check_expiry(session)) {
        kw_session_watch_expiry(session);
    }
}

void kw_session_watch_expiry(kw_session *session)
{
    const kw_session_env *env = &session->sessions->env;
    kw_timer_stop(&session->expiry_timer);
    if (session->identity == NULL || session->identity->rights_end == 0) {
        return;
    }
    const int64_t left = session->identity->rights_end - kw_clock_utc(env->clock);
    uint64_t nap = left > 0 ? (uint64_t)(left / KW_TICKS_PER_MS) + 1 : 1;
    nap = nap < LONGEST_NAP_MS ? nap : LONGEST_NAP_MS;
    session->expiry_timer.fire = on_expiry;
    kw_timer_start(env->timers, &session->expiry_timer, kw_clock_ms(env->clock) + nap);
}
