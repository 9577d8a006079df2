/* Audit of users: what is wrong with a Certificate, the end of an identity, and in which words. OPC 10000-4, 6.1.3 and 6.5. */
#include "support/kw_test_events.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <jansson.h>
#include <string.h>

#define ISSUER "urn:test:issuer"
#define PASSWORD "a password"

typedef struct scene {
    kw_test_world *world;
    kw_test_events *events;
    kw_test_client *client;
} scene;

static scene here;

static void open_scene(const kw_test_world_options *options)
{
    here.world = kw_test_world_new(options);
    kw_test_world_trust_issuer(here.world, ISSUER);
    kw_test_world_add_user(here.world, "sabine", PASSWORD, 0);
    kw_test_world_grant(here.world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "sabine");
    here.events = KW_ARENA_NEW(here.world->arena, kw_test_events);
    kw_test_events_init(here.events, here.world);
    here.client = kw_test_client_new(here.world, NULL);
}

static int setup(void **state)
{
    (void)state;
    open_scene(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

static kw_test_session created(void)
{
    kw_test_session session;
    assert_status(kw_test_create_session(here.client, &session), KW_GOOD);
    kw_test_events_forget(here.events);
    return session;
}

/* --- Certificates of users ----------------------------------------------------------------------------------------------------- */

static const int64_t DAY = 24 * 3600 * KW_TICKS_PER_S;

static kw_application_identity make(kw_certificate_request request, const char *key_of)
{
    kw_application_identity made = {NULL, kw_test_user_identity(key_of, 2048)->key};
    request.common_name = key_of;
    request.not_before = request.not_before != 0 ? request.not_before : here.world->clock->utc - DAY;
    request.not_after = request.not_after != 0 ? request.not_after : here.world->clock->utc + DAY;
    assert_status(kw_certificate_create(&request, made.key, &KW_RANDOM_SYSTEM, &made.certificate), KW_GOOD);
    return made;
}

/* Two events for one refusal: what is wrong with the Certificate, and that the activation was refused. */
static void assert_refused(const kw_test_user *user, kw_status answer, uint32_t type, kw_status reason)
{
    const kw_x509_identity_token *token = user->token.value;
    assert_int_equal(here.events->count, 2);
    const kw_event *event = kw_test_event_one(here.events, type);
    const kw_bytes *certificate = kw_test_event_field(event, "Certificate", KW_BUILTIN_BYTE_STRING);
    assert_true(kw_bytes_equal(*certificate, token->certificate_data));
    assert_text(event->source_name, "Security/Certificate");
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), reason);
    assert_false(*(const bool *)kw_test_event_field(event, "Status", KW_BUILTIN_BOOLEAN));
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
    assert_null_text(kw_test_event_text(event, "ClientUserId")); /* nobody was proven */
    event = kw_test_event_one(here.events, KW_ID_AUDIT_ACTIVATE_SESSION_EVENT_TYPE);
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), answer);
}

static void refuse(const kw_application_identity *who, uint32_t type, kw_status reason)
{
    kw_test_session session = created();
    kw_test_user user = kw_test_certificate(here.client, &session, who);
    assert_status(kw_test_activate(here.client, &session, user), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_refused(&user, KW_BAD_IDENTITY_TOKEN_REJECTED, type, reason);
    assert_status(kw_test_close_session(here.client, &session, true), KW_GOOD);
}

static void x5_04_a_user_certificate_that_nobody_trusts_is_audited_as_untrusted(void **state)
{
    (void)state;
    refuse(kw_test_user_identity("a stranger", 2048), KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE, KW_BAD_CERTIFICATE_UNTRUSTED);
}

static void x5_04_an_expired_user_certificate_is_audited_as_expired(void **state)
{
    (void)state;
    const int64_t now = here.world->clock->utc;
    kw_application_identity old = make((kw_certificate_request){.not_before = now - 2 * DAY, .not_after = now - DAY}, "a user");
    kw_test_trust_add(&here.world->user_trust, &old);
    refuse(&old, KW_ID_AUDIT_CERTIFICATE_EXPIRED_EVENT_TYPE, KW_BAD_CERTIFICATE_TIME_INVALID);
    kw_certificate_release(old.certificate);
}

/* A CA that is trusted, and nothing that says which of its certificates still hold. */
static void x5_04_a_user_certificate_of_unknown_revocation_is_audited_as_revoked(void **state)
{
    (void)state;
    kw_application_identity ca = make((kw_certificate_request){.is_ca = true}, "ca");
    kw_application_identity leaf = make((kw_certificate_request){.issuer_key = ca.key, .issuer = ca.certificate}, "a user");
    kw_test_trust_add(&here.world->user_trust, &ca);
    refuse(&leaf, KW_ID_AUDIT_CERTIFICATE_REVOKED_EVENT_TYPE, KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN);
    kw_certificate_release(leaf.certificate);
    kw_certificate_release(ca.certificate);
}

static void x5_04_a_user_certificate_by_one_that_may_issue_none_is_audited_as_a_mismatch(void **state)
{
    (void)state;
    kw_application_identity no_ca = make((kw_certificate_request){.is_ca = false}, "no ca");
    kw_application_identity leaf = make((kw_certificate_request){.issuer_key = no_ca.key, .issuer = no_ca.certificate}, "a user");
    kw_test_trust_add(&here.world->user_trust, &no_ca);
    refuse(&leaf, KW_ID_AUDIT_CERTIFICATE_MISMATCH_EVENT_TYPE, KW_BAD_CERTIFICATE_ISSUER_USE_NOT_ALLOWED);
    kw_certificate_release(leaf.certificate);
    kw_certificate_release(no_ca.certificate);
}

static void x5_01_bytes_that_are_no_certificate_are_audited_as_invalid(void **state)
{
    (void)state;
    kw_test_session session = created();
    kw_test_user user = kw_test_certificate(here.client, &session, kw_test_user_identity("a user", 2048));
    ((kw_x509_identity_token *)user.token.value)->certificate_data = KW_STRING("no certificate");
    assert_status(kw_test_activate(here.client, &session, user), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_refused(&user, KW_BAD_IDENTITY_TOKEN_INVALID, KW_ID_AUDIT_CERTIFICATE_INVALID_EVENT_TYPE, KW_BAD_CERTIFICATE_INVALID);
}

static void a_wrong_signature_says_nothing_about_the_certificate(void **state)
{
    (void)state;
    const kw_application_identity *who = kw_test_user_identity("a user", 2048);
    kw_test_trust_add(&here.world->user_trust, who);
    kw_test_session session = created();
    kw_test_user user = kw_test_certificate(here.client, &session, who);
    const kw_bytes nonce = session.nonce;
    session.nonce = KW_STRING("another nonce than the Server's .");
    user.signature = kw_test_certificate(here.client, &session, who).signature;
    session.nonce = nonce;
    assert_status(kw_test_activate(here.client, &session, user), KW_BAD_USER_SIGNATURE_INVALID);
    assert_int_equal(here.events->count, 1);
}

static void x5_04_a_user_whose_certificate_is_trusted_no_longer_is_audited_twice(void **state)
{
    (void)state;
    const kw_application_identity *who = kw_test_user_identity("a user", 2048);
    kw_test_trust_add(&here.world->user_trust, who);
    kw_test_session session = created();
    assert_status(kw_test_activate(here.client, &session, kw_test_certificate(here.client, &session, who)), KW_GOOD);
    kw_test_events_forget(here.events);
    kw_test_trust_remove(&here.world->user_trust, who);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "anybody"); /* a change that is noticed */
    kw_test_world_advance(here.world, KW_SESSION_LIMITS_DEFAULT.review_period_ms);
    assert_int_equal(here.events->count, 2);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE);
    const kw_bytes *certificate = kw_test_event_field(event, "Certificate", KW_BUILTIN_BYTE_STRING);
    assert_true(kw_bytes_equal(*certificate, kw_certificate_der(who->certificate)));
    assert_true(kw_bytes_equal(kw_test_event_text(event, "ClientUserId"), kw_certificate_subject(who->certificate)));
    event = kw_test_event_one(here.events, KW_ID_AUDIT_SESSION_EVENT_TYPE);
    assert_text(event->source_name, "Session/Terminated");
}

/* --- identities that end --------------------------------------------------------------------------------------------------------- */

static kw_test_session open_with_token(int lifetime_s)
{
    kw_test_session session = created();
    const kw_string token = kw_test_token(here.world, &here.world->issuers[0], "somebody", lifetime_s);
    assert_status(kw_test_activate(here.client, &session, kw_test_issued(here.client, &session, token)), KW_GOOD);
    kw_test_events_forget(here.events);
    return session;
}

static void assert_end(const kw_test_session *session, const char *source, const char *why)
{
    const kw_event *event = kw_test_event_one(here.events, KW_ID_AUDIT_SESSION_EVENT_TYPE);
    assert_int_equal(here.events->count, 1);
    assert_text(event->source_name, source);
    assert_true(kw_node_id_equal(kw_test_event_field(event, "SessionId", KW_BUILTIN_NODE_ID), &session->id));
    assert_true(kw_string_equals(kw_test_event_text(event, "ClientUserId"), "somebody"));
    assert_text(kw_test_event_text(event, "ClientApplicationUri"), "urn:keyway:test:client");
    assert_true(kw_test_event_holds(event, kw_string_from(why)));
}

/* The record of this name, which must be there once, and its detail. */
static json_t *only_record(const char *name, kw_audit_record *out)
{
    kw_audit_record *all = NULL;
    size_t count = 0, found = 0;
    assert_status(kw_store_audit_list(here.world->store->store, 0, 1000, here.world->arena, &all, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(all[i].event, name)) {
            *out = all[i];
            found++;
        }
    }
    assert_int_equal(found, 1);
    json_t *detail = json_loadb((const char *)out->detail.data, out->detail.len, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(detail));
    return detail;
}

static void it_15_an_identity_that_expires_is_audited_while_its_session_goes_on(void **state)
{
    (void)state;
    kw_audit_record record;
    kw_test_session session = open_with_token(30);
    kw_test_world_advance(here.world, 30001);
    assert_end(&session, "Session/IdentityExpired", "identity expired");
    json_t *detail = only_record("IdentityExpired", &record);
    assert_text(record.user, "somebody");
    assert_text(record.client, "urn:keyway:test:client");
    assert_string_equal(json_string_value(json_object_get(detail, "reason")), "identity expired");
    assert_non_null(json_object_get(detail, "session"));
    json_decref(detail);
    kw_test_events_forget(here.events);
    assert_status(kw_test_read(here.client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_test_world_advance(here.world, 30000);
    assert_int_equal(here.events->count, 0); /* it ended once */
}

static void it_16_an_identity_that_expires_is_audited_when_its_session_ends_with_it(void **state)
{
    (void)state;
    kw_audit_record record;
    open_scene(&(kw_test_world_options){.configure = kw_test_no_anonymous});
    const kw_test_session session = open_with_token(30);
    kw_test_world_advance(here.world, 30001);
    assert_end(&session, "Session/Terminated", "identity expired");
    json_t *detail = only_record("SessionTerminated", &record);
    assert_text(record.user, "somebody");
    assert_string_equal(json_string_value(json_object_get(detail, "reason")), "identity expired");
    json_decref(detail);
    kw_test_world_free(here.world);
}

static void a_session_that_times_out_is_in_the_trail(void **state)
{
    (void)state;
    kw_audit_record record;
    const kw_test_session session = kw_test_open_as(here.client, "sabine", PASSWORD);
    kw_test_world_advance(here.world, (uint64_t)session.created->revised_session_timeout);
    json_decref(only_record("SessionTimeout", &record));
    assert_text(record.user, "sabine");
}

/* --- in which words ---------------------------------------------------------------------------------------------------------------- */

static uint32_t watch_messages(const kw_test_session *session)
{
    kw_qualified_name path = {0, KW_STRING("Message")};
    kw_simple_attribute_operand clause = {
        .type_definition_id = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE), .browse_path = &path, .browse_path_count = 1, .attribute_id = 13};
    const kw_event_filter filter = {.select_clauses = &clause, .select_clauses_count = 1};
    kw_monitored_item_create_request item = {
        .item_to_monitor = {.node_id = KW_NODE_ID(0, KW_ID_SERVER), .attribute_id = 12},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = {.queue_size = 10, .filter = kw_extension_object_of(KW_TYPE_EVENT_FILTER, &filter)}};
    const uint32_t id = kw_test_subscribe(here.client, session);
    assert_status(kw_test_watch_with(here.client, session, id, &item, NULL), KW_GOOD);
    return id;
}

static kw_test_session admin_speaking(const char *locale)
{
    kw_test_session session = created();
    kw_activate_session_request *request =
        kw_test_activation(here.client, &session, kw_test_user_name(here.client, &session, "sabine", PASSWORD));
    kw_string wish = kw_string_from(locale);
    request->locale_ids = &wish;
    request->locale_ids_count = 1;
    assert_status(kw_test_activate_with(here.client, &session, request), KW_GOOD);
    watch_messages(&session);
    return session;
}

/* The last of those that come next. */
static void assert_message(const kw_test_session *session, const char *locale, const char *expected)
{
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(here.client, session, 20, &response), KW_GOOD);
    const kw_event_notification_list *events = kw_test_notification(&response->notification_message, KW_TYPE_EVENT_NOTIFICATION_LIST);
    assert_non_null(events);
    assert_true(events->events_count > 0);
    const kw_event_field_list *last = &events->events[events->events_count - 1];
    const kw_localized_text *text = kw_variant_get(&last->event_fields[0], KW_BUILTIN_LOCALIZED_TEXT);
    assert_non_null(text);
    assert_text(text->locale, locale);
    assert_text(text->text, expected);
}

static void as_49_messages_of_events_too(void **state)
{
    (void)state;
    kw_test_session german = admin_speaking("de-AT"), english = admin_speaking("ja");
    kw_test_session guess;
    assert_status(kw_test_create_session(here.client, &guess), KW_GOOD);
    assert_message(&german, "de", "eine Session wurde angelegt");
    assert_message(&english, "en", "a Session was created");
    kw_test_user wrong = kw_test_user_name(here.client, &guess, "sabine", "a guess");
    assert_status(kw_test_activate(here.client, &guess, wrong), KW_BAD_USER_ACCESS_DENIED);
    assert_message(&german, "de", "ActivateSession abgelehnt: Bad_UserAccessDenied, falsches Passwort");
    assert_message(&english, "en", "ActivateSession refused: Bad_UserAccessDenied, wrong password");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(x5_04_a_user_certificate_that_nobody_trusts_is_audited_as_untrusted),
        TEST(x5_04_an_expired_user_certificate_is_audited_as_expired),
        TEST(x5_04_a_user_certificate_of_unknown_revocation_is_audited_as_revoked),
        TEST(x5_04_a_user_certificate_by_one_that_may_issue_none_is_audited_as_a_mismatch),
        TEST(x5_01_bytes_that_are_no_certificate_are_audited_as_invalid),
        TEST(a_wrong_signature_says_nothing_about_the_certificate),
        TEST(x5_04_a_user_whose_certificate_is_trusted_no_longer_is_audited_twice),
        TEST(it_15_an_identity_that_expires_is_audited_while_its_session_goes_on),
        cmocka_unit_test(it_16_an_identity_that_expires_is_audited_when_its_session_ends_with_it),
        TEST(a_session_that_times_out_is_in_the_trail),
        TEST(as_49_messages_of_events_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
