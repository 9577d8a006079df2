/* Who did what to Sessions: for the log, the audit trail, and those who listen. OPC 10000-4, 6.5.6. */
#include "base/json_text.h"
#include "session/session_internal.h"
#include "ua/text.h"

#define TEXT_MAX 1024 /* of each value that others chose; one record has a few of them */
#define DETAIL_MAX ((size_t)64 << 10)

/* --- events ------------------------------------------------------------------------------------------------------------- */

kw_session_event kw_session_event_of(const kw_session *session, kw_session_cause cause)
{
    return (kw_session_event){.cause = cause,
                              .status = KW_GOOD,
                              .time = kw_clock_utc(session->sessions->env.clock),
                              .session_id = session->id,
                              .channel_id = session->channel != NULL ? kw_channel_id(session->channel) : 0,
                              .peer_address = kw_string_from(session->peer_address),
                              .client_certificate = session->client_certificate,
                              .client_uri = kw_string_from(session->client_uri),
                              .identity = session->identity};
}

kw_session_event kw_pending_event(const kw_session_pending *p, kw_session_cause cause)
{
    const bool is_no_session = cause == KW_SESSION_CAUSE_CREATE && kw_status_is_bad(p->status);
    return (kw_session_event){.cause = cause,
                              .status = p->status,
                              .why = p->refusal.why,
                              .user_certificate = p->refusal.user_certificate,
                              .time = p->asked,
                              .entry_id = p->header->audit_entry_id,
                              .session_id = is_no_session ? (kw_node_id){.ns = 0} : p->session->id,
                              .channel_id = p->channel_id,
                              .peer_address = p->peer_address,
                              .client_certificate = p->client_certificate,
                              .client_uri = kw_string_from(p->session->client_uri),
                              .is_recorded = p->is_recorded};
}

kw_session_event kw_refused_event(const kw_sessions *sessions, kw_session_cause cause, kw_status status, const kw_channel *channel,
                                  kw_string peer_address, const kw_request_header *header)
{
    const kw_certificate *peer = kw_channel_peer_certificate(channel);
    return (kw_session_event){.cause = cause,
                              .status = status,
                              .time = kw_clock_utc(sessions->env.clock),
                              .entry_id = header->audit_entry_id,
                              .channel_id = kw_channel_id(channel),
                              .peer_address = peer_address,
                              .client_certificate = peer,
                              .client_uri = peer != NULL ? kw_certificate_application_uri(peer) : KW_BYTES_NULL};
}

/* --- the audit trail ------------------------------------------------------------------------------------------------------ */

static const char *const NAMES[] = {[KW_SESSION_CAUSE_CREATE] = "CreateSession",         [KW_SESSION_CAUSE_ACTIVATE] = "ActivateSession",
                                    [KW_SESSION_CAUSE_CLOSE] = "CloseSession",           [KW_SESSION_CAUSE_TIMEOUT] = "SessionTimeout",
                                    [KW_SESSION_CAUSE_TERMINATED] = "SessionTerminated", [KW_SESSION_CAUSE_EXPIRED] = "IdentityExpired"};

/* Not within a character. */
static kw_string cut(kw_string s)
{
    size_t len = s.len < TEXT_MAX ? s.len : TEXT_MAX;
    while (len < s.len && len > 0 && (s.data[len] & 0xC0) == 0x80) {
        len--;
    }
    return (kw_string){s.data, len};
}

static kw_string detail_of(const kw_session_event *event, kw_arena *arena)
{
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "reason", event->why != NULL && event->why[0] != '\0' ? kw_string_from(event->why) : KW_BYTES_NULL, TEXT_MAX);
    kw_json_text_string(&w, "session",
                        kw_node_id_is_null(&event->session_id) ? KW_BYTES_NULL : kw_node_id_format(arena, &event->session_id), TEXT_MAX);
    if (event->channel_id != 0) {
        kw_json_text_int(&w, "channel", event->channel_id);
    }
    kw_json_text_string(&w, "peer", event->peer_address, TEXT_MAX);
    if (event->identity == NULL) {
        kw_json_text_string(&w, "claimedUser", event->claimed_user, TEXT_MAX);
    }
    kw_json_text_string(&w, "claimedUri", event->claimed_uri, TEXT_MAX);
    kw_json_text_string(&w, "endpointUrl", event->endpoint_url, TEXT_MAX);
    kw_json_text_string(&w, "clientAuditEntryId", event->entry_id, TEXT_MAX);
    kw_json_text_end(&w);
    const kw_string detail = kw_status_is_bad(kw_writer_status(&w)) ? KW_BYTES_NULL : kw_arena_copy(arena, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return detail;
}

bool kw_session_event_record(const kw_session_event *event, kw_string source, kw_arena *arena, kw_audit_record *out)
{
    *out = (kw_audit_record){.time = event->time,
                             .event = kw_string_from(NAMES[event->cause]),
                             .source = source,
                             .status = event->status,
                             .user = event->identity != NULL ? cut(event->identity->name) : KW_BYTES_NULL,
                             .client = cut(event->client_uri),
                             .detail = detail_of(event, arena)};
    return out->detail.data != NULL;
}

bool kw_session_record(kw_sessions *sessions, const kw_session_event *event, kw_arena *arena)
{
    const kw_session_env *env = &sessions->env;
    kw_audit_record record;
    if (env->store == NULL) {
        return true;
    }
    const kw_status written =
        kw_session_event_record(event, env->server_uri, arena, &record) ? kw_store_audit_append(env->store, &record) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(written)) {
        KW_LOG(env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", written));
    }
    return !kw_status_is_bad(written);
}

/* --- the log ---------------------------------------------------------------------------------------------------------------- */

static const char *line_of(const kw_session_event *event)
{
    static const char *const DONE[] = {"Session created",   "Session activated",  "Session closed",
                                       "Session timed out", "Session terminated", "identity ended, Session goes on as Anonymous"};
    static const char *const REFUSED[] = {"CreateSession refused", "ActivateSession refused", "CloseSession refused"};
    return kw_status_is_bad(event->status) ? REFUSED[event->cause] : DONE[event->cause];
}

void kw_session_report(kw_sessions *sessions, const kw_session_event *event)
{
    const kw_session_env *env = &sessions->env;
    const kw_string user = event->identity != NULL ? event->identity->name : KW_BYTES_NULL;
    KW_LOG(env->log, kw_status_is_bad(event->status) ? KW_LOG_WARN : KW_LOG_INFO, line_of(event), kw_field_status("status", event->status),
           kw_field_str("client", event->client_uri), kw_field_str("user", user), kw_field_str("peer", event->peer_address),
           kw_field_int("channel", event->channel_id), kw_field_text("reason", event->why),
           kw_field_int("roles", event->identity != NULL ? (int64_t)event->identity->role_count : 0));
    kw_sessions_tally(sessions, event);
    if (env->audited != NULL) {
        env->audited(env->ctx, event);
    }
}
