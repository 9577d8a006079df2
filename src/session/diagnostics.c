/* What a Server tells about its Sessions. OPC 10000-5, 6.3.3 … 6.3.5, 12.9 … 12.14. */
#include "base/try.h"
#include "session/session_internal.h"
#include "ua/codec.h"

#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX ((size_t)16384)
#define USER_MAX 512

/* --- finding ---------------------------------------------------------------------------------------------------------------- */

kw_bytes kw_session_key(const kw_node_id *id)
{
    _Static_assert(sizeof(kw_guid) == 16, "no gaps that nobody set");
    return (kw_bytes){(const uint8_t *)&id->id.guid, sizeof(kw_guid)};
}

kw_session *kw_session_by_id(const kw_sessions *sessions, const kw_node_id *id)
{
    kw_node_id whole = *id;
    if (id->ns != 1 || id->kind != KW_NODE_ID_GUID) {
        return NULL;
    }
    whole.id.guid.data1 &= ~(KW_SESSION_PARTS - 1);
    return kw_map_get(sessions->by_id, kw_session_key(&whole));
}

kw_session *kw_sessions_next(const kw_sessions *sessions, size_t *cursor)
{
    void *session = NULL;
    return kw_map_next(sessions->by_id, cursor, NULL, &session) ? session : NULL;
}

/* --- counting ---------------------------------------------------------------------------------------------------------------- */

bool kw_session_is_about_security(kw_status status)
{
    switch (status) {
    case KW_BAD_SECURITY_CHECKS_FAILED:
    case KW_BAD_SECURITY_POLICY_REJECTED:
    case KW_BAD_SECURITY_MODE_REJECTED:
    case KW_BAD_SECURITY_MODE_INSUFFICIENT:
    case KW_BAD_NONCE_INVALID:
    case KW_BAD_APPLICATION_SIGNATURE_INVALID:
    case KW_BAD_USER_SIGNATURE_INVALID:
    case KW_BAD_USER_ACCESS_DENIED:
    case KW_BAD_IDENTITY_TOKEN_INVALID:
    case KW_BAD_IDENTITY_TOKEN_REJECTED:
    case KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED:
    case KW_BAD_CERTIFICATE_INVALID:
    case KW_BAD_CERTIFICATE_URI_INVALID:
    case KW_BAD_SECURE_CHANNEL_ID_INVALID:
    case KW_BAD_SESSION_ID_INVALID:
    case KW_BAD_SESSION_NOT_ACTIVATED:
        return true;
    default:
        return false;
    }
}

void kw_sessions_tally(kw_sessions *sessions, const kw_session_event *event)
{
    kw_session_totals *totals = &sessions->totals;
    const bool is_request = event->cause == KW_SESSION_CAUSE_CREATE || event->cause == KW_SESSION_CAUSE_ACTIVATE;
    if (is_request && kw_status_is_bad(event->status)) {
        totals->rejected++;
        totals->security_rejected += kw_session_is_about_security(event->status);
    }
    totals->created += event->cause == KW_SESSION_CAUSE_CREATE && !kw_status_is_bad(event->status);
    totals->timeouts += event->cause == KW_SESSION_CAUSE_TIMEOUT;
    totals->aborts += event->cause == KW_SESSION_CAUSE_TERMINATED;
}

void kw_sessions_summary(const kw_sessions *sessions, kw_server_diagnostics_summary_data_type *out)
{
    const kw_session_totals *totals = &sessions->totals;
    out->current_session_count = (uint32_t)kw_sessions_count(sessions);
    out->cumulated_session_count = totals->created;
    out->rejected_session_count = totals->rejected;
    out->security_rejected_session_count = totals->security_rejected;
    out->session_timeout_count = totals->timeouts;
    out->session_abort_count = totals->aborts;
}

void kw_session_count(kw_session *session, size_t counter, kw_status result)
{
    const bool failed = kw_status_is_bad(result);
    session->requests.total_count++;
    session->requests.error_count += failed;
    session->unauthorized += result == KW_BAD_USER_ACCESS_DENIED;
    if (counter != 0) {
        const size_t index = (counter - offsetof(kw_session_diagnostics_data_type, read_count)) / sizeof(session->counters[0]);
        session->counters[index].total_count++;
        session->counters[index].error_count += failed;
    }
}

void kw_sessions_reset_totals(kw_sessions *sessions)
{
    sessions->totals = (kw_session_totals){.created = (uint32_t)kw_sessions_count(sessions)}; /* those that are there, too */
}

void kw_session_reset_counts(kw_session *session)
{
    session->unauthorized = 0;
    session->requests = (kw_service_counter_data_type){.total_count = 0};
    memset(session->counters, 0, sizeof(session->counters));
}

/* --- who the Client says it is --------------------------------------------------------------------------------------------------- */

static kw_status encode_description(kw_writer *w, const kw_application_description *client, kw_string server_uri, kw_string endpoint_url)
{
    KW_TRY(kw_ua_encode(w, KW_TYPE_APPLICATION_DESCRIPTION, client));
    kw_write_bytes(w, server_uri);
    kw_write_bytes(w, endpoint_url);
    return kw_writer_status(w);
}

/* A Client that has too much to say of itself is known by its URI alone. */
void kw_session_describe(kw_session *session, const kw_create_session_request *request)
{
    const kw_application_description uri = {.application_uri = request->client_description.application_uri,
                                            .application_type = request->client_description.application_type};
    kw_writer w;
    kw_writer_init(&w, DESCRIPTION_MAX);
    kw_status status = encode_description(&w, &request->client_description, request->server_uri, request->endpoint_url);
    if (kw_status_is_bad(status)) {
        kw_writer_reset(&w);
        status = encode_description(&w, &uri, KW_BYTES_NULL, request->endpoint_url);
    }
    session->connected = kw_clock_utc(session->sessions->env.clock);
    session->description = !kw_status_is_bad(status) ? malloc(w.len) : NULL;
    if (session->description != NULL) {
        memcpy(session->description, w.data, w.len);
        session->description_len = w.len;
    }
    kw_writer_clear(&w);
}

static kw_status read_description(const kw_session *session, kw_arena *arena, kw_session_diagnostics_data_type *out)
{
    kw_reader r = kw_reader_of((kw_bytes){session->description, session->description_len});
    if (session->description == NULL) {
        return KW_GOOD;
    }
    KW_TRY(kw_ua_decode(&r, arena, NULL, KW_TYPE_APPLICATION_DESCRIPTION, &out->client_description));
    out->server_uri = kw_read_bytes(&r);
    out->endpoint_url = kw_read_bytes(&r);
    return kw_reader_status(&r);
}

/* --- its users ----------------------------------------------------------------------------------------------------------------------- */

static char *name_of(const kw_identity *identity)
{
    const size_t len = identity->name.len < USER_MAX ? identity->name.len : USER_MAX;
    return identity->name.data != NULL ? strndup((const char *)identity->name.data, len) : NULL;
}

static bool is_last_user(const kw_session *session, const char *name)
{
    const char *last = session->user_count > 0 ? session->users[session->user_count - 1] : NULL;
    return session->user_count > 0 && (name == NULL ? last == NULL : last != NULL && strcmp(name, last) == 0);
}

void kw_session_note_user(kw_session *session)
{
    char *name = name_of(session->identity);
    if (is_last_user(session, name)) {
        free(name);
        return;
    }
    if (session->user_count == KW_SESSION_USERS) {
        free(session->users[0]);
        memmove(&session->users[0], &session->users[1], (KW_SESSION_USERS - 1) * sizeof(session->users[0]));
        session->user_count--;
    }
    session->users[session->user_count++] = name;
}

void kw_session_forget_description(kw_session *session)
{
    free(session->description);
    while (session->user_count > 0) {
        free(session->users[--session->user_count]);
    }
}

/* --- the structures ----------------------------------------------------------------------------------------------------------------------- */

kw_status kw_session_diagnostics(const kw_session *session, kw_arena *arena, kw_session_diagnostics_data_type *out)
{
    const kw_session_env *env = &session->sessions->env;
    const int64_t idle_ms = (int64_t)(kw_clock_ms(env->clock) - session->last_request);
    *out = (kw_session_diagnostics_data_type){.session_id = session->id,
                                              .session_name = kw_string_from(session->name),
                                              .locale_ids_count = session->locale_count,
                                              .locale_ids = session->locales,
                                              .actual_session_timeout = (double)session->timeout_ms,
                                              .max_response_message_size = session->max_response_message,
                                              .client_connection_time = session->connected,
                                              .client_last_contact_time = kw_clock_utc(env->clock) - idle_ms * KW_TICKS_PER_MS,
                                              .total_request_count = session->requests,
                                              .unauthorized_request_count = session->unauthorized};
    memcpy(&out->read_count, session->counters, sizeof(session->counters)); /* they stand in one row there too */
    KW_TRY(read_description(session, arena, out));
    if (env->diagnosed != NULL) {
        env->diagnosed(env->ctx, session, out);
    }
    return KW_GOOD;
}

static const char *mechanism_of(const kw_identity *identity)
{
    if (identity == NULL) {
        return NULL;
    }
    switch (identity->kind) {
    case KW_USER_TOKEN_TYPE_USER_NAME:
        return "UserName";
    case KW_USER_TOKEN_TYPE_CERTIFICATE:
        return "Certificate";
    case KW_USER_TOKEN_TYPE_ISSUED_TOKEN:
        return "IssuedToken";
    default:
        return "Anonymous";
    }
}

kw_status kw_session_security_diagnostics(const kw_session *session, kw_arena *arena, kw_session_security_diagnostics_data_type *out)
{
    kw_string *users = KW_ARENA_ARRAY(arena, kw_string, session->user_count);
    if (users == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < session->user_count; i++) {
        users[i] = kw_string_from(session->users[i]);
    }
    *out = (kw_session_security_diagnostics_data_type){
        .session_id = session->id,
        .client_user_id_of_session = session->identity != NULL ? session->identity->name : KW_BYTES_NULL,
        .client_user_id_history_count = session->user_count,
        .client_user_id_history = users,
        .authentication_mechanism = kw_string_from(mechanism_of(session->identity)),
        .encoding = KW_STRING("UA Binary"),
        .transport_protocol = KW_STRING("opc.tcp"),
        .security_mode = session->mode,
        .security_policy_uri = kw_string_from(session->policy->uri),
        .client_certificate = session->client_certificate != NULL ? kw_certificate_der(session->client_certificate) : KW_BYTES_NULL};
    return KW_GOOD;
}
