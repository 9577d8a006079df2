/* Identities end when the token does (OPC 10000-4, 7.40.6), or when the key that signed it is not believed any more. */
#include "session/session_internal.h"

#include <stddef.h>

#define POLICIES_ARENA ((size_t)1 << 20)
#define NOT_BELIEVED "the key of the token is not believed any more"
#define LONGEST_NAP_MS UINT64_C(10000) /* the wall clock may be set, a key revoked: look again at least that often */

/* IT-14: when the token ends, and its grace. DateTime. */
static int64_t end_of(const kw_session *session)
{
    return session->identity->rights_end + (int64_t)session->sessions->limits.token_expiry_grace_s * KW_TICKS_PER_S;
}

/* By the wall clock, which the token means; and by the time that has passed, should somebody set that clock back. */
bool kw_session_is_expired(const kw_session *session)
{
    const kw_clock *clock = session->sessions->env.clock;
    return session->identity != NULL && session->identity->rights_end != 0 &&
           (kw_clock_utc(clock) >= end_of(session) || kw_clock_ms(clock) >= session->identity_ends);
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

/* False: the Session had to be closed. */
static bool end_identity(kw_session *session, const char *why)
{
    kw_session_event event = kw_session_event_of(session, KW_SESSION_CAUSE_EXPIRED);
    kw_identity *former = kw_identity_retain(session->identity); /* the event is about this one */
    kw_arena *arena = kw_arena_new(POLICIES_ARENA);
    const kw_status status = arena != NULL ? fall_back(session, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    if (kw_status_is_bad(status)) { /* IT-16; also when nothing else can be had: rights never outlive their proof */
        kw_session_end(session, KW_SESSION_CAUSE_TERMINATED, why, true);
    } else {
        event.why = why;
        kw_session_report(session->sessions, &event);
    }
    kw_identity_release(former);
    return !kw_status_is_bad(status);
}

bool kw_session_check_expiry(kw_session *session)
{
    return !kw_session_is_expired(session) || end_identity(session, "identity expired");
}

static void look_later(kw_session *session)
{
    const kw_session_env *env = &session->sessions->env;
    const uint64_t now = kw_clock_ms(env->clock);
    const int64_t left = (end_of(session) - kw_clock_utc(env->clock)) / KW_TICKS_PER_MS;
    const uint64_t to_end = session->identity_ends > now ? session->identity_ends - now : 1;
    uint64_t nap = left > 0 ? (uint64_t)left + 1 : 1;
    nap = to_end < nap ? to_end : nap;
    kw_timer_start(env->timers, &session->expiry_timer, now + (nap < LONGEST_NAP_MS ? nap : LONGEST_NAP_MS));
}

static void on_expiry(kw_timer *timer)
{
    kw_session *session = (kw_session *)((char *)timer - offsetof(kw_session, expiry_timer));
    const kw_session_env *env = &session->sessions->env;
    if (kw_session_is_expired(session) && session->lingers > 0) { /* it reads nothing, and may get a Session with a new token */
        kw_timer_start(env->timers, timer, kw_clock_ms(env->clock) + LONGEST_NAP_MS);
    } else if (kw_session_is_expired(session)) {
        end_identity(session, "identity expired");
    } else if (kw_identity_gate_believes(env->gate, session->identity)) {
        look_later(session);
    } else if (session->lingers > 0) {
        kw_session_end_lingering(session, NOT_BELIEVED);
    } else {
        end_identity(session, NOT_BELIEVED);
    }
}

void kw_session_watch_expiry(kw_session *session)
{
    const kw_session_env *env = &session->sessions->env;
    kw_timer_stop(&session->expiry_timer);
    if (session->identity == NULL || session->identity->rights_end == 0) {
        session->watched_expiry = 0;
        return;
    }
    if (session->identity->rights_end != session->watched_expiry) { /* other Roles for the same token do not move its end */
        const int64_t left = (end_of(session) - kw_clock_utc(env->clock)) / KW_TICKS_PER_MS;
        session->identity_ends = kw_clock_ms(env->clock) + (left > 0 ? (uint64_t)left + 1 : 0);
        session->watched_expiry = session->identity->rights_end;
    }
    session->expiry_timer.fire = on_expiry;
    look_later(session);
}
