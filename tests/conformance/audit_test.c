/* Audit events of channels and Sessions: raised for what was done and for what was refused, with every field of their type. OPC 10000-4, 6.5. */
#include "support/kw_test_events.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <jansson.h>
#include <string.h>

#define ENTRY "entry \"7\"\n<of the Client>"
#define PASSWORD "a password"

typedef struct scene {
    kw_test_world *world;
    kw_test_events *events;
} scene;

static scene here;

static int setup(void **state)
{
    (void)state;
    here.world = kw_test_world_new(NULL);
    kw_test_world_add_user(here.world, "operator", PASSWORD, 0);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "operator");
    here.events = KW_ARENA_NEW(here.world->arena, kw_test_events);
    kw_test_events_init(here.events, here.world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

/* A Client whose channel is not what the test is about. */
static kw_test_client *client_of(const kw_test_client_options *options)
{
    kw_test_client *client = kw_test_client_new(here.world, options);
    kw_test_events_forget(here.events);
    return client;
}

static kw_string channel_text(const kw_test_client *client)
{
    return kw_arena_format(here.world->arena, "%u", kw_channel_id(client->channel));
}

static void assert_bytes(const void *value, kw_bytes expected)
{
    assert_true(kw_bytes_equal(*(const kw_bytes *)value, expected));
}

static void assert_status_fields(const kw_event *event, kw_status expected)
{
    assert_int_equal(*(const bool *)kw_test_event_field(event, "Status", KW_BUILTIN_BOOLEAN), !kw_status_is_bad(expected));
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), expected);
}

/* What is alike in all of them. */
static void assert_common(const kw_event *event, const char *source, kw_status expected)
{
    static const uint8_t ZERO[16];
    assert_true(event->is_security);
    assert_memory_not_equal(event->id, ZERO, sizeof(ZERO));
    assert_true(event->source_node.ns == 0 && event->source_node.id.numeric == KW_ID_SERVER);
    assert_text(event->source_name, source);
    assert_int_equal(event->time, here.world->clock->utc);
    assert_true(event->message.len > 0 && event->severity >= 1 && event->severity <= 1000);
    assert_int_equal(*(const kw_date_time *)kw_test_event_field(event, "ActionTimeStamp", KW_BUILTIN_DATE_TIME), here.world->clock->utc);
    assert_text(kw_test_event_text(event, "ServerId"), KW_TEST_SERVER);
    assert_status_fields(event, expected);
}

static void assert_client_certificate(const kw_event *event, const kw_test_client *client)
{
    const kw_certificate *certificate = client->identity->certificate;
    assert_bytes(kw_test_event_field(event, "ClientCertificate", KW_BUILTIN_BYTE_STRING), kw_certificate_der(certificate));
    assert_text(kw_test_event_text(event, "ClientCertificateThumbprint"), kw_certificate_thumbprint_hex(certificate));
}

static const kw_node_id *session_of(const kw_event *event)
{
    return kw_test_event_field(event, "SessionId", KW_BUILTIN_NODE_ID);
}

static void auditing_is_announced(void **state)
{
    (void)state;
    kw_data_value value;
    kw_test_client *client = client_of(NULL);
    const kw_test_session session = kw_test_open(client);
    assert_status(kw_test_read(client, &session, &KW_NODE_ID(0, KW_ID_SERVER_AUDITING), &value), KW_GOOD);
    assert_true(*(const bool *)kw_variant_get(&value.value, KW_BUILTIN_BOOLEAN));
}

/* --- CreateSession ------------------------------------------------------------------------------------------------------------ */

static void cs_20_create_session_is_audited_when_it_is_done(void **state)
{
    (void)state;
    kw_test_session session;
    kw_test_client *client = client_of(NULL);
    kw_create_session_request *request = kw_test_creation(client);
    request->request_header.audit_entry_id = KW_STRING(ENTRY);
    request->requested_session_timeout = 1; /* to be revised */
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    assert_int_equal(here.events->count, 1);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE);
    assert_common(event, "Session/CreateSession", KW_GOOD);
    assert_text(kw_test_event_text(event, "ClientAuditEntryId"), ENTRY);
    assert_text(kw_test_event_text(event, "ClientUserId"), "System/CreateSession");
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
    assert_true(kw_node_id_equal(session_of(event), &session.id));
    assert_true(kw_bytes_equal(kw_test_event_text(event, "SecureChannelId"), channel_text(client)));
    assert_client_certificate(event, client);
    assert_true(*(const double *)kw_test_event_field(event, "RevisedSessionTimeout", KW_BUILTIN_DOUBLE) ==
                session.created->revised_session_timeout);
}

static void cs_20_create_session_is_audited_when_it_is_refused(void **state)
{
    (void)state;
    kw_test_session session;
    kw_test_client *client = client_of(NULL);
    kw_create_session_request *request = kw_test_creation(client);
    request->client_nonce.len = 31;
    assert_status(kw_test_create_session_with(client, request, &session), KW_BAD_NONCE_INVALID);
    assert_int_equal(here.events->count, 1);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE);
    assert_common(event, "Session/CreateSession", KW_BAD_NONCE_INVALID);
    assert_true(kw_node_id_is_null(session_of(event)));
    assert_client_certificate(event, client);
    assert_non_null(memmem(event->message.data, event->message.len, "Bad_NonceInvalid", 16));
}

/* The other refusals: no room, and no worker. */
static void cs_20_refusals_past_the_checks_are_audited_too(void **state)
{
    (void)state;
    kw_test_session session;
    kw_test_client *client = client_of(NULL);
    here.world->held.is_full = true;
    kw_test_world_hold(here.world);
    kw_create_session_request *request = kw_test_creation(client);
    const uint32_t id = kw_test_send(client, NULL, KW_TYPE_CREATE_SESSION_REQUEST, request);
    here.world->held.is_full = false;
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    assert_common(kw_test_event_one(here.events, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE), "Session/CreateSession",
                  KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_run(here.world);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
}

/* CS-11 seen from the audit: the Certificate's own URI stays who it is, whatever the Client says (attack A-208). */
static void a_uri_that_is_not_the_certificates_is_a_data_mismatch(void **state)
{
    (void)state;
    kw_test_session session;
    kw_test_client *client = client_of(NULL);
    kw_create_session_request *request = kw_test_creation(client);
    request->client_description.application_uri = KW_STRING("urn:somebody:else");
    assert_status(kw_test_create_session_with(client, request, &session), KW_BAD_CERTIFICATE_URI_INVALID);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CERTIFICATE_DATA_MISMATCH_EVENT_TYPE);
    assert_common(event, "Security/Certificate", KW_BAD_CERTIFICATE_URI_INVALID);
    assert_bytes(kw_test_event_field(event, "Certificate", KW_BUILTIN_BYTE_STRING), kw_certificate_der(client->identity->certificate));
    assert_text(kw_test_event_text(event, "InvalidUri"), "urn:somebody:else");
    assert_null_text(kw_test_event_text(event, "InvalidHostname"));
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
    assert_int_equal(kw_test_event_count(here.events, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE), 1);
}

static size_t mismatches_of(const char *url)
{
    kw_test_session session;
    kw_test_client *client = client_of(NULL);
    kw_create_session_request *request = kw_test_creation(client);
    request->endpoint_url = kw_string_from(url);
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD); /* it fails nothing */
    assert_int_equal(kw_test_event_count(here.events, KW_ID_AUDIT_CREATE_SESSION_EVENT_TYPE), 1);
    return kw_test_event_count(here.events, KW_ID_AUDIT_URL_MISMATCH_EVENT_TYPE);
}

static void cs_06_and_cs_07_a_url_of_another_host_is_audited(void **state)
{
    (void)state;
    assert_int_equal(mismatches_of("opc.tcp://localhost:4840"), 0);
    assert_int_equal(mismatches_of("opc.tcp://LOCALHOST/anywhere"), 0);
    assert_int_equal(mismatches_of("opc.tcp://localhost.example:4840"), 1);
    assert_int_equal(mismatches_of("opc.tcp://192.0.2.7:4840"), 1);
    assert_int_equal(mismatches_of("no url"), 1);
    assert_int_equal(mismatches_of(NULL), 1);
    assert_int_equal(mismatches_of("opc.tcp://mallory.example:4840/x"), 1);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_URL_MISMATCH_EVENT_TYPE);
    assert_common(event, "Session/CreateSession", KW_GOOD);
    assert_text(kw_test_event_text(event, "EndpointUrl"), "opc.tcp://mallory.example:4840/x");
    assert_false(kw_node_id_is_null(session_of(event)));
    assert_text(kw_test_event_text(event, "ClientUserId"), "System/CreateSession");
}

/* --- ActivateSession ---------------------------------------------------------------------------------------------------------- */

static bool has_role(const kw_event *event, uint32_t role)
{
    const kw_variant *roles = kw_test_event_variant(event, "CurrentRoleIds");
    const kw_node_id *ids = roles->data;
    assert_true(roles->type == KW_BUILTIN_NODE_ID && roles->is_array);
    for (size_t i = 0; i < roles->count; i++) {
        if (ids[i].ns == 0 && ids[i].id.numeric == role) {
            return true;
        }
    }
    return false;
}

static const kw_user_name_identity_token *token_of(const kw_event *event)
{
    const kw_extension_object *object = kw_test_event_field(event, "UserIdentityToken", KW_BUILTIN_EXTENSION_OBJECT);
    assert_ptr_equal(object->type, KW_TYPE_USER_NAME_IDENTITY_TOKEN);
    return object->value;
}

static void as_01_each_activation_is_audited_with_its_user(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session = kw_test_open(client);
    const kw_event *anonymous = kw_test_event_one(here.events, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE);
    assert_common(anonymous, "Session/ActivateSession", KW_GOOD);
    assert_null_text(kw_test_event_text(anonymous, "ClientUserId"));
    assert_false(has_role(anonymous, KW_ID_WELL_KNOWN_ROLE_OPERATOR));
    kw_test_events_forget(here.events);

    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_user_name(client, &session, "operator", PASSWORD));
    kw_signed_software_certificate software = {.certificate_data = KW_STRING("data"), .signature = KW_STRING("signature")};
    request->request_header.audit_entry_id = KW_STRING(ENTRY);
    request->client_software_certificates = &software;
    request->client_software_certificates_count = 1;
    assert_status(kw_test_activate_with(client, &session, request), KW_GOOD);
    assert_int_equal(here.events->count, 1);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE);
    assert_common(event, "Session/ActivateSession", KW_GOOD);
    assert_text(kw_test_event_text(event, "ClientAuditEntryId"), ENTRY);
    assert_text(kw_test_event_text(event, "ClientUserId"), "operator");
    assert_true(kw_node_id_equal(session_of(event), &session.id));
    assert_true(kw_bytes_equal(kw_test_event_text(event, "SecureChannelId"), channel_text(client)));
    assert_int_equal(kw_test_event_variant(event, "ClientSoftwareCertificates")->count, 1);
    assert_true(has_role(event, KW_ID_WELL_KNOWN_ROLE_OPERATOR));
    assert_text(token_of(event)->user_name, "operator");
    assert_int_equal(token_of(event)->password.len, 0); /* not even encrypted */
}

static void a_refused_user_is_audited_as_what_was_claimed(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_test_events_forget(here.events);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "operator", "a guess")),
                  KW_BAD_USER_ACCESS_DENIED);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE);
    assert_common(event, "Session/ActivateSession", KW_BAD_USER_ACCESS_DENIED);
    assert_text(kw_test_event_text(event, "ClientUserId"), "operator");
    assert_true(kw_node_id_equal(session_of(event), &session.id));
    assert_int_equal(kw_test_event_variant(event, "CurrentRoleIds")->count, 0);
    assert_text(token_of(event)->user_name, "operator");
}

static void an_activation_of_no_session_is_audited(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    kw_test_events_forget(here.events);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_BAD_SESSION_ID_INVALID);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE);
    assert_common(event, "Session/ActivateSession", KW_BAD_SESSION_ID_INVALID);
    assert_true(kw_node_id_is_null(session_of(event)));
}

/* --- how Sessions end ------------------------------------------------------------------------------------------------------------ */

static void assert_end(const kw_test_session *session, const char *source, const char *user)
{
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_SESSION_EVENT_TYPE);
    assert_common(event, source, KW_GOOD);
    assert_true(kw_node_id_equal(session_of(event), &session->id));
    assert_true(kw_string_equals(kw_test_event_text(event, "ClientUserId"), user));
    kw_test_events_forget(here.events);
}

static void every_end_of_a_session_is_audited(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    kw_test_events_forget(here.events);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_end(&session, "Session/CloseSession", "operator");

    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_end(&session, "Session/Terminated", "");

    session = kw_test_open(client);
    kw_test_events_forget(here.events);
    kw_test_world_advance(here.world, (uint64_t)session.created->revised_session_timeout);
    assert_end(&session, "Session/Timeout", "");
}

static void a_close_that_is_refused_is_audited(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_client *other = client_of(NULL);
    assert_status(kw_test_close_session(other, &session, true), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_SESSION_EVENT_TYPE);
    assert_common(event, "Session/CloseSession", KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_true(kw_node_id_equal(session_of(event), &session.id));
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

static void a_stopping_server_ends_its_sessions(void **state)
{
    (void)state;
    bool drained = false;
    kw_test_client *client = client_of(NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_events_forget(here.events);
    kw_server_shutdown(here.world->server, on_drained, &drained);
    kw_test_world_pump(here.world);
    assert_true(drained);
    assert_end(&session, "Session/Terminated", "");
}

static void cancel_is_audited(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    const kw_test_session session = kw_test_open_as(client, "operator", PASSWORD);
    kw_test_events_forget(here.events);
    kw_cancel_request request = {.request_header.audit_entry_id = KW_STRING(ENTRY), .request_handle = 4711};
    assert_status(kw_test_call(client, &session, KW_TYPE_CANCEL_REQUEST, &request, NULL), KW_GOOD);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CANCEL_EVENT_TYPE);
    assert_common(event, "Session/Cancel", KW_GOOD);
    assert_text(kw_test_event_text(event, "ClientAuditEntryId"), ENTRY);
    assert_text(kw_test_event_text(event, "ClientUserId"), "operator");
    assert_true(kw_node_id_equal(session_of(event), &session.id));
    assert_int_equal(*(const uint32_t *)kw_test_event_field(event, "RequestHandle", KW_BUILTIN_UINT32), 4711);
}

/* --- SecureChannels ---------------------------------------------------------------------------------------------------------------- */

static int32_t number_of(const kw_event *event, const char *field)
{
    return *(const int32_t *)kw_test_event_field(event, field, KW_BUILTIN_INT32);
}

static void a_channel_is_audited_from_its_opening_to_its_end(void **state)
{
    (void)state;
    kw_test_client *client = kw_test_client_new(here.world, NULL);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_OPEN_SECURE_CHANNEL_EVENT_TYPE);
    assert_int_equal(here.events->count, 1);
    assert_common(event, "SecureChannel/OpenSecureChannel", KW_GOOD);
    assert_text(kw_test_event_text(event, "ClientUserId"), "System/OpenSecureChannel");
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
    assert_true(kw_bytes_equal(kw_test_event_text(event, "SecureChannelId"), channel_text(client)));
    assert_client_certificate(event, client);
    assert_int_equal(number_of(event, "RequestType"), KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE);
    assert_int_equal(number_of(event, "SecurityMode"), KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    assert_text(kw_test_event_text(event, "SecurityPolicyUri"), client->policy->uri);
    assert_true(*(const double *)kw_test_event_field(event, "RequestedLifetime", KW_BUILTIN_DOUBLE) > 0);
    assert_null(((const kw_bytes *)kw_test_event_field(event, "CertificateErrorEventId", KW_BUILTIN_BYTE_STRING))->data);

    const kw_string channel = channel_text(client);
    kw_test_events_forget(here.events);
    kw_test_client_close(client);
    event = kw_test_event_one(here.events, KW_ID_AUDIT_CHANNEL_EVENT_TYPE);
    assert_common(event, "SecureChannel/CloseSecureChannel", KW_GOOD);
    assert_text(kw_test_event_text(event, "ClientUserId"), "System/CloseSecureChannel");
    assert_true(kw_bytes_equal(kw_test_event_text(event, "SecureChannelId"), channel));
}

static void a_renewal_that_works_is_no_news(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_world_advance(here.world, 3600000);
    assert_status(client->close_reason, KW_GOOD);
    assert_true(kw_channel_is_open(client->channel));
    assert_int_equal(kw_test_event_count(here.events, KW_ID_AUDIT_OPEN_SECURE_CHANNEL_EVENT_TYPE), 0);
}

static void a_certificate_that_nobody_trusts_has_an_event_of_its_own(void **state)
{
    (void)state;
    const kw_application_identity *stranger = kw_test_identity("stranger", 2048);
    kw_test_client *client = kw_test_client_try(here.world, &(kw_test_client_options){.identity = stranger, .is_untrusted = true});
    assert_true(client->is_closed);
    const kw_event *reason = kw_test_event_one(here.events, KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE);
    assert_common(reason, "Security/Certificate", KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_bytes(kw_test_event_field(reason, "Certificate", KW_BUILTIN_BYTE_STRING), kw_certificate_der(stranger->certificate));
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_OPEN_SECURE_CHANNEL_EVENT_TYPE);
    assert_common(event, "SecureChannel/OpenSecureChannel", KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_client_certificate(event, client);
    assert_bytes(kw_test_event_field(event, "CertificateErrorEventId", KW_BUILTIN_BYTE_STRING), (kw_bytes){reason->id, sizeof(reason->id)});
    assert_null_text(kw_test_event_text(event, "ClientApplicationUri")); /* it proved nothing */
    assert_text(kw_test_event_text(event, "ClientAuditEntryId"), "192.0.2.1");
}

static void trust_that_ends_is_audited(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_trust_remove(&here.world->trust, client->identity);
    kw_server_recheck_trust(here.world->server);
    kw_test_world_pump(here.world);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE);
    assert_common(event, "Security/Certificate", KW_BAD_CERTIFICATE_UNTRUSTED);
}

/* --- what must not be said ------------------------------------------------------------------------------------------------------------ */

static void assert_unsaid(kw_bytes secret)
{
    for (size_t i = 0; i < here.events->count; i++) {
        assert_false(kw_test_event_holds(&here.events->events[i], secret));
    }
}

static void cs_15_tokens_nonces_and_secrets_stay_out_of_the_events(void **state)
{
    (void)state;
    kw_test_client *client = client_of(&(kw_test_client_options){.policy = kw_security_policy_by_name(KW_STRING("Aes256_Sha256_RsaPss"))});
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(here.world, "urn:issuer");
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_bytes first = session.nonce;
    const kw_string jwt = kw_test_token(here.world, issuer, "somebody", 3600);
    kw_test_user named = kw_test_user_name(client, &session, "operator", PASSWORD);
    const kw_bytes sealed = ((const kw_user_name_identity_token *)named.token.value)->password;
    assert_status(kw_test_activate(client, &session, named), KW_GOOD);
    kw_test_user issued = kw_test_issued(client, &session, jwt);
    const kw_bytes wrapped = ((const kw_issued_identity_token *)issued.token.value)->token_data;
    assert_status(kw_test_activate(client, &session, issued), KW_GOOD);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_int_equal(here.events->count, 4);
    assert_unsaid(session.token.id.string);
    assert_unsaid(first);
    assert_unsaid(session.nonce);
    assert_unsaid(KW_STRING(PASSWORD));
    assert_unsaid(sealed);
    assert_unsaid(jwt);
    assert_unsaid(wrapped);
}

/* --- the trail -------------------------------------------------------------------------------------------------------------------------- */

static size_t records(kw_audit_record **out)
{
    size_t count = 0;
    assert_status(kw_store_audit_list(here.world->store->store, 0, 1000, here.world->arena, out, &count), KW_GOOD);
    return count;
}

static const kw_audit_record *record_of(const char *event, kw_status status)
{
    kw_audit_record *all = NULL;
    const kw_audit_record *found = NULL;
    const size_t count = records(&all);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(all[i].event, event) && all[i].status == status) {
            assert_null(found);
            found = &all[i];
        }
    }
    assert_non_null(found);
    return found;
}

static json_t *detail_of(const kw_audit_record *record)
{
    json_t *detail = json_loadb((const char *)record->detail.data, record->detail.len, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(detail));
    return detail;
}

static void the_trail_has_the_same_facts(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session;
    kw_create_session_request *creation = kw_test_creation(client);
    creation->request_header.audit_entry_id = KW_STRING(ENTRY);
    assert_status(kw_test_create_session_with(client, creation, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "operator", "wrong")), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "operator", PASSWORD)), KW_GOOD);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_text(record_of("OpenSecureChannel", KW_GOOD)->client, "urn:keyway:test:client");
    json_t *detail = detail_of(record_of("CreateSession", KW_GOOD));
    assert_string_equal(json_string_value(json_object_get(detail, "clientAuditEntryId")), ENTRY);
    json_decref(detail);
    const kw_audit_record *refused = record_of("ActivateSession", KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(refused->user.len, 0); /* nothing was proven */
    detail = detail_of(refused);
    assert_string_equal(json_string_value(json_object_get(detail, "claimedUser")), "operator");
    json_decref(detail);
    assert_text(record_of("ActivateSession", KW_GOOD)->user, "operator");
    assert_text(record_of("CloseSession", KW_GOOD)->user, "operator");
    assert_text(record_of("CloseSession", KW_GOOD)->source, KW_TEST_SERVER);
}

/* Whatever a Client writes into its request: the record is there, and it is sound. */
static void no_words_of_a_client_keep_a_record_out(void **state)
{
    (void)state;
    const size_t len = (size_t)1 << 20;
    uint8_t *text = kw_arena_alloc(here.world->arena, len);
    kw_test_client *client = client_of(NULL);
    kw_test_session session;
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)(1 + i % 31); /* six bytes each, once escaped */
    }
    kw_create_session_request *request = kw_test_creation(client);
    request->request_header.audit_entry_id = (kw_string){text, len};
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    request = kw_test_creation(client);
    request->request_header.audit_entry_id = (kw_string){text, len};
    request->client_description.application_uri = (kw_string){text, len};
    assert_status(kw_test_create_session_with(client, request, &session), KW_BAD_INVALID_ARGUMENT);
    json_decref(detail_of(record_of("CreateSession", KW_GOOD)));
    json_decref(detail_of(record_of("CreateSession", KW_BAD_INVALID_ARGUMENT)));
}

/* Who proves nothing cannot fill the disk: past an allowance there is a count. */
static void strangers_cannot_fill_the_trail(void **state)
{
    (void)state;
    const kw_test_client_options none = {.policy = kw_security_policy_by_name(KW_STRING("None"))};
    kw_test_client *client = client_of(&none);
    kw_audit_record *all = NULL;
    const size_t before = records(&all);
    kw_close_session_request request = {.delete_subscriptions = true};
    for (int i = 0; i < 400; i++) {
        kw_test_events_forget(here.events);
        assert_status(kw_test_call(client, NULL, KW_TYPE_CLOSE_SESSION_REQUEST, &request, NULL), KW_BAD_SESSION_ID_INVALID);
        assert_int_equal(here.events->count, 1); /* whoever listens hears each */
    }
    assert_int_equal(records(&all) - before, 100);
    kw_test_world_advance(here.world, 15000);
    assert_status(kw_test_call(client, NULL, KW_TYPE_CLOSE_SESSION_REQUEST, &request, NULL), KW_BAD_SESSION_ID_INVALID);
    json_t *detail = detail_of(record_of("RecordsLeftOut", KW_BAD_TOO_MANY_OPERATIONS));
    assert_int_equal(json_integer_value(json_object_get(detail, "count")), 300);
    json_decref(detail);
}

/* A disk that is full for a while: what is missing is counted where it is missing, however often writing fails. */
static void what_cannot_be_written_is_counted(void **state)
{
    (void)state;
    kw_test_client *client = client_of(NULL);
    kw_test_session session = kw_test_open(client);
    kw_test_store_tamper(here.world->store, "ALTER TABLE audit RENAME TO lost_audit");
    for (int i = 0; i < 3; i++) {
        assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    }
    kw_test_store_tamper(here.world->store, "ALTER TABLE lost_audit RENAME TO audit");
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    json_t *detail = detail_of(record_of("RecordsLeftOut", KW_BAD_TOO_MANY_OPERATIONS));
    assert_int_equal(json_integer_value(json_object_get(detail, "count")), 3);
    json_decref(detail);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(auditing_is_announced),
                                       TEST(cs_20_create_session_is_audited_when_it_is_done),
                                       TEST(cs_20_create_session_is_audited_when_it_is_refused),
                                       TEST(cs_20_refusals_past_the_checks_are_audited_too),
                                       TEST(a_uri_that_is_not_the_certificates_is_a_data_mismatch),
                                       TEST(cs_06_and_cs_07_a_url_of_another_host_is_audited),
                                       TEST(as_01_each_activation_is_audited_with_its_user),
                                       TEST(a_refused_user_is_audited_as_what_was_claimed),
                                       TEST(an_activation_of_no_session_is_audited),
                                       TEST(every_end_of_a_session_is_audited),
                                       TEST(a_close_that_is_refused_is_audited),
                                       TEST(a_stopping_server_ends_its_sessions),
                                       TEST(cancel_is_audited),
                                       TEST(a_channel_is_audited_from_its_opening_to_its_end),
                                       TEST(a_renewal_that_works_is_no_news),
                                       TEST(a_certificate_that_nobody_trusts_has_an_event_of_its_own),
                                       TEST(trust_that_ends_is_audited),
                                       TEST(cs_15_tokens_nonces_and_secrets_stay_out_of_the_events),
                                       TEST(the_trail_has_the_same_facts),
                                       TEST(no_words_of_a_client_keep_a_record_out),
                                       TEST(strangers_cannot_fill_the_trail),
                                       TEST(what_cannot_be_written_is_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
