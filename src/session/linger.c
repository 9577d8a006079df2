/*
 * Closed Sessions whose Subscriptions wait for another one (CL-05). What waits reads with the rights of a user, so that user stays
 * under review: disabled or removed ends it (UM-11, UM-16), other Roles change what may be read.
 */
#include "session/session_internal.h"

void kw_session_linger(kw_session *session)
{
    kw_sessions *sessions = session->sessions;
    if (session->lingers++ > 0) {
        return;
    }
    kw_session_retain(session);
    session->prev = NULL;
    session->next = sessions->lingering;
    if (session->next != NULL) {
        session->next->prev = session;
    }
    sessions->lingering = session;
    kw_session_watch_expiry(session);
}

static void take_out(kw_session *session)
{
    *(session->prev != NULL ? &session->prev->next : &session->sessions->lingering) = session->next;
    if (session->next != NULL) {
        session->next->prev = session->prev;
    }
    kw_timer_stop(&session->expiry_timer);
}

void kw_session_let_go(kw_session *session)
{
    if (--session->lingers > 0) {
        return;
    }
    if (session->sessions != NULL) {
        take_out(session);
    }
    kw_session_release(session);
}

void kw_session_end_lingering(kw_session *session, const char *why)
{
    const kw_session_env *env = &session->sessions->env;
    KW_LOG(env->log, KW_LOG_INFO, "Subscriptions without a Session ended", kw_field_text("client", session->client_uri),
           kw_field_str("user", session->identity->name), kw_field_text("reason", why));
    kw_session_retain(session); /* the last thing that goes lets go of it */
    env->closed(env->ctx, session, true);
    kw_session_release(session);
}

/* The table goes before what lingers does. */
void kw_sessions_forget_lingering(kw_sessions *sessions)
{
    kw_session *list = sessions->lingering;
    sessions->lingering = NULL;
    for (kw_session *s = list; s != NULL; s = s->next) {
        kw_timer_stop(&s->expiry_timer);
        s->sessions = NULL;
    }
}
