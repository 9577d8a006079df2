/* CloseSession. OPC 10000-4, 5.7.4. */
#include "session/session_internal.h"

static kw_status find(kw_sessions *sessions, const kw_channel *channel, const kw_close_session_request *request, kw_session **out)
{
    kw_session *session = kw_session_find(sessions, &request->request_header.authentication_token);
    if (session == NULL) {
        return KW_BAD_SESSION_ID_INVALID; /* CL-06 */
    }
    *out = session;
    /* CL-04, and for activated ones attack A-97 */
    return session->channel == channel ? KW_GOOD : KW_BAD_SECURE_CHANNEL_ID_INVALID;
}

kw_status kw_session_close(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_close_session_request *request)
{
    kw_session *session = NULL;
    const kw_status status = find(sessions, channel, request, &session);
    kw_session_event event = kw_refused_event(sessions, KW_SESSION_CAUSE_CLOSE, status, channel, peer_address, &request->request_header);
    if (session != NULL) {
        event.session_id = session->id;
    }
    if (kw_status_is_bad(status)) {
        kw_session_report(sessions, &event);
        return status;
    }
    event.client_uri = kw_string_from(session->client_uri);
    event.identity = session->identity;
    kw_session_retain(session); /* the event borrows from it */
    kw_session_shut(session, request->delete_subscriptions);
    kw_session_report(sessions, &event);
    kw_session_release(session);
    return KW_GOOD;
}
