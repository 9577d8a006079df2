/* CloseSession. OPC 10000-4, 5.7.4. */
#include "session/session_internal.h"

#include <stdlib.h>

/* Nobody waits for this record: the Session is gone already. */
typedef struct close_job {
    kw_job job;
    kw_sessions *sessions;
    kw_session *session; /* retained */
    kw_arena *arena;
} close_job;

static void run_close(kw_job *job)
{
    close_job *c = (close_job *)job;
    const kw_identity *identity = c->session->identity;
    kw_session_audit(c->sessions, "CloseSession", KW_GOOD, identity != NULL ? identity->name : KW_BYTES_NULL,
                     kw_string_from(c->session->client_uri), NULL, c->arena);
}

static void done_close(kw_job *job)
{
    close_job *c = (close_job *)job;
    kw_session_release(c->session);
    kw_arena_free(c->arena);
    free(c);
}

static void audit_close(kw_sessions *sessions, kw_session *session)
{
    close_job *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return;
    }
    c->job.run = run_close;
    c->job.done = done_close;
    c->sessions = sessions;
    c->session = kw_session_retain(session);
    c->arena = kw_arena_new(4096);
    if (c->arena == NULL || kw_status_is_bad(kw_executor_submit(sessions->env.executor, &c->job))) {
        done_close(&c->job);
    }
}

kw_status kw_session_close(kw_sessions *sessions, kw_channel *channel, const kw_close_session_request *request)
{
    kw_session *session = kw_session_find(sessions, &request->request_header.authentication_token);
    if (session == NULL) {
        return KW_BAD_SESSION_ID_INVALID; /* CL-06 */
    }
    if (session->channel != channel) { /* CL-04, and for activated ones attack A-97 */
        return KW_BAD_SECURE_CHANNEL_ID_INVALID;
    }
    KW_LOG(sessions->env.log, KW_LOG_INFO, "Session closed", kw_field_text("client", session->client_uri),
           kw_field_text("name", session->name));
    audit_close(sessions, session);
    kw_session_shut(session, request->delete_subscriptions);
    return KW_GOOD;
}
