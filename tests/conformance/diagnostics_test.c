/* ServerDiagnostics: what the Server tells of its Sessions, and to whom. OPC 10000-5, 6.3.3 … 6.3.5. */
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

#define PASSWORD "a password"

static const kw_node_id SUMMARY = KW_NODE_ID(0, 2275), CURRENT_SESSIONS = KW_NODE_ID(0, 2277), ENABLED = KW_NODE_ID(0, 2294),
                        ACTIVITY = KW_NODE_ID(0, 3707), SECURITY = KW_NODE_ID(0, 3708);

typedef struct scene {
    kw_test_world *world;
    kw_test_client *admin_client, *client;
    kw_test_session admin; /* SecurityAdmin */
} scene;

static scene here;

static int setup(void **state)
{
    (void)state;
    here.world = kw_test_world_new(NULL);
    kw_test_world_add_user(here.world, "sam", PASSWORD, 0);
    kw_test_world_add_user(here.world, "carla", PASSWORD, 0);
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0);
    kw_test_world_grant(here.world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "sam");
    kw_test_world_grant(here.world, "ConfigureAdmin", KW_CRITERIA_USER_NAME, "carla");
    here.admin_client = kw_test_client_new(here.world, NULL);
    here.client = kw_test_client_new(here.world, NULL);
    here.admin = kw_test_open_as(here.admin_client, "sam", PASSWORD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

static kw_data_value read_as(kw_test_client *client, const kw_test_session *session, const kw_node_id *node)
{
    kw_data_value value;
    assert_status(kw_test_read(client, session, node, &value), KW_GOOD);
    return value;
}

static kw_data_value read_all(const kw_node_id *node)
{
    return read_as(here.admin_client, &here.admin, node);
}

static size_t count_seen(kw_test_client *client, const kw_test_session *session)
{
    const kw_data_value value = read_as(client, session, &ACTIVITY);
    return value.value.count;
}

/* Both structures begin with the SessionId. NULL: the Session is not in the array. */
static const void *entry_in(const kw_data_value *array, const kw_node_id *id)
{
    const kw_extension_object *objects = array->value.data;
    for (size_t i = 0; i < array->value.count; i++) {
        const kw_node_id *of = objects[i].value;
        assert_non_null(of);
        if (memcmp(&of->id.guid, &id->id.guid, sizeof(id->id.guid)) == 0) {
            return of;
        }
    }
    return NULL;
}

static const kw_session_diagnostics_data_type *activity_of(const kw_test_session *session)
{
    const kw_data_value array = read_all(&ACTIVITY);
    return entry_in(&array, &session->id);
}

static const kw_session_security_diagnostics_data_type *security_of(const kw_test_session *session)
{
    const kw_data_value array = read_all(&SECURITY);
    return entry_in(&array, &session->id);
}

static kw_server_diagnostics_summary_data_type summary(void)
{
    const kw_data_value value = read_all(&SUMMARY);
    const kw_extension_object *object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    assert_non_null(object);
    assert_ptr_equal(object->type, KW_TYPE_SERVER_DIAGNOSTICS_SUMMARY_DATA_TYPE);
    return *(const kw_server_diagnostics_summary_data_type *)object->value;
}

/* --- who it is ------------------------------------------------------------------------------------------------------------------ */

static void as_01_the_user_of_a_session_changes_the_session_stays(void **state)
{
    (void)state;
    kw_test_session s = kw_test_open(here.client);
    const kw_session_security_diagnostics_data_type *d = security_of(&s);
    assert_non_null(d);
    assert_null(d->client_user_id_of_session.data);
    assert_text(d->authentication_mechanism, "Anonymous");
    assert_status(kw_test_activate(here.client, &s, kw_test_user_name(here.client, &s, "olga", PASSWORD)), KW_GOOD);
    d = security_of(&s);
    assert_non_null(d);
    assert_text(d->client_user_id_of_session, "olga");
    assert_text(d->authentication_mechanism, "UserName");
    assert_int_equal(d->client_user_id_history_count, 2);
    assert_null(d->client_user_id_history[0].data);
    assert_text(d->client_user_id_history[1], "olga");
    assert_int_equal(d->security_mode, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    assert_text(d->security_policy_uri, here.client->policy->uri);
    assert_true(kw_bytes_equal(d->client_certificate, kw_certificate_der(here.client->identity->certificate)));
}

static void activate_in(kw_test_session *s, kw_string *locales, size_t count)
{
    kw_activate_session_request *request = kw_test_activation(here.client, s, kw_test_anonymous(here.client, s));
    request->locale_ids = locales;
    request->locale_ids_count = count;
    assert_status(kw_test_activate_with(here.client, s, request), KW_GOOD);
}

static void assert_german(const kw_test_session *s)
{
    const kw_session_diagnostics_data_type *d = activity_of(s);
    assert_non_null(d);
    assert_int_equal(d->locale_ids_count, 1);
    assert_text(d->locale_ids[0], "de");
}

static void as_53_neither_null_nor_empty_changes_the_locale_ids_told(void **state)
{
    (void)state;
    kw_string german = KW_STRING("de");
    kw_test_session s = kw_test_open(here.client);
    assert_int_equal(activity_of(&s)->locale_ids_count, 0);
    activate_in(&s, &german, 1);
    assert_german(&s);
    activate_in(&s, NULL, 0);
    assert_german(&s);
    activate_in(&s, &german, 0);
    assert_german(&s);
}

static void cs_08_a_session_without_a_name_is_told_by_the_name_it_was_given(void **state)
{
    (void)state;
    kw_test_session s;
    kw_create_session_request *request = kw_test_creation(here.client);
    request->session_name = KW_BYTES_NULL;
    assert_status(kw_test_create_session_with(here.client, request, &s), KW_GOOD);
    const kw_session_diagnostics_data_type *d = activity_of(&s);
    assert_non_null(d);
    assert_true(d->session_name.len > 0);
    assert_true(kw_bytes_equal(d->client_description.application_uri, request->client_description.application_uri));
    assert_true(kw_bytes_equal(d->endpoint_url, request->endpoint_url));
    assert_true(d->actual_session_timeout == s.created->revised_session_timeout);
}

/* --- secrets -------------------------------------------------------------------------------------------------------------------- */

static bool contains(kw_bytes in, kw_bytes what)
{
    assert_true(what.len >= 16);
    return memmem(in.data, in.len, what.data, what.len) != NULL;
}

static void assert_no_secrets(const kw_node_id *node, const kw_test_session *session)
{
    const kw_data_value array = read_all(node);
    kw_writer w;
    assert_non_null(entry_in(&array, &session->id));
    kw_writer_init(&w, (size_t)1 << 20);
    assert_status(kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_VARIANT), &array.value), KW_GOOD);
    const kw_bytes all = kw_writer_bytes(&w);
    assert_true(contains(all, (kw_bytes){(const uint8_t *)"urn:keyway:test:", 16})); /* it would be found */
    assert_false(contains(all, session->token.id.string));
    assert_false(contains(all, session->nonce));
    assert_false(contains(all, here.admin.token.id.string));
    kw_writer_clear(&w);
}

static void cs_15_no_authentication_token_and_no_nonce_in_what_is_told(void **state)
{
    (void)state;
    kw_test_session s = kw_test_open_as(here.client, "olga", PASSWORD);
    assert_no_secrets(&ACTIVITY, &s);
    assert_no_secrets(&SECURITY, &s);
    const kw_node_id guessed = {.ns = 0, .kind = KW_NODE_ID_GUID, .id.guid = s.id.id.guid};
    kw_test_session imposter = s;
    imposter.token = guessed; /* what is told opens nothing */
    assert_status(kw_test_read(here.client, &imposter, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

/* --- how long ------------------------------------------------------------------------------------------------------------------- */

static void cl_03_a_closed_session_is_gone_from_the_arrays(void **state)
{
    (void)state;
    kw_test_session s = kw_test_open(here.client), stays = kw_test_open(here.client);
    assert_non_null(activity_of(&s));
    assert_non_null(security_of(&s));
    assert_int_equal(count_seen(here.admin_client, &here.admin), 3);
    assert_status(kw_test_close_session(here.client, &s, true), KW_GOOD);
    assert_null(activity_of(&s));
    assert_null(security_of(&s));
    assert_non_null(activity_of(&stays));
    assert_int_equal(count_seen(here.admin_client, &here.admin), 2);
}

static void as_03_a_session_that_was_used_too_early_is_gone_too(void **state)
{
    (void)state;
    kw_test_session s;
    assert_status(kw_test_create_session(here.client, &s), KW_GOOD);
    assert_non_null(activity_of(&s));
    assert_status(kw_test_read(here.client, &s, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_null(activity_of(&s));
}

/* --- who may know ---------------------------------------------------------------------------------------------------------------- */

static void assert_sees_itself_alone(kw_test_client *client, const kw_test_session *session)
{
    const kw_data_value array = read_as(client, session, &ACTIVITY);
    assert_int_equal(array.value.count, 1);
    assert_non_null(entry_in(&array, &session->id));
}

static void a_session_without_rights_sees_itself_alone(void **state)
{
    (void)state;
    kw_test_session nobody = kw_test_open(here.client), olga = kw_test_open_as(here.client, "olga", PASSWORD);
    assert_sees_itself_alone(here.client, &nobody);
    assert_sees_itself_alone(here.client, &olga);
    assert_status(kw_test_read(here.client, &nobody, &SECURITY, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(here.client, &olga, &SECURITY, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void a_monitored_item_sees_what_its_session_sees(void **state)
{
    (void)state;
    kw_test_session s = kw_test_open(here.client);
    kw_test_watch(here.client, &s, kw_test_subscribe(here.client, &s), &ACTIVITY);
    const kw_data_value *value = kw_test_next_value(here.client, &s);
    assert_int_equal(value->value.count, 1);
    assert_non_null(entry_in(value, &s.id));
}

static void configure_admin_sees_what_sessions_do_but_not_who_they_are(void **state)
{
    (void)state;
    kw_test_session carla = kw_test_open_as(here.client, "carla", PASSWORD);
    assert_int_equal(count_seen(here.client, &carla), 2);
    assert_status(kw_test_read(here.client, &carla, &SECURITY, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void a_channel_that_is_only_signed_is_not_good_enough(void **state)
{
    (void)state;
    kw_test_client *client = kw_test_client_new(here.world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_test_session sam = kw_test_open_as(client, "sam", PASSWORD);
    assert_sees_itself_alone(client, &sam);
    assert_status(kw_test_read(client, &sam, &SECURITY, NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

/* --- counts ---------------------------------------------------------------------------------------------------------------------- */

static void the_summary_counts_sessions(void **state)
{
    (void)state;
    const kw_server_diagnostics_summary_data_type before = summary();
    kw_test_session refused, closed = kw_test_open(here.client);
    assert_status(kw_test_close_session(here.client, &closed, true), KW_GOOD);
    assert_status(kw_test_create_session(here.client, &refused), KW_GOOD);
    assert_status(kw_test_activate(here.client, &refused, kw_test_user_name(here.client, &refused, "olga", "wrong")),
                  KW_BAD_USER_ACCESS_DENIED);
    kw_server_diagnostics_summary_data_type now = summary();
    assert_int_equal(now.current_session_count, before.current_session_count + 1);
    assert_int_equal(now.cumulated_session_count, before.cumulated_session_count + 2);
    assert_int_equal(now.rejected_session_count, before.rejected_session_count + 1);
    assert_int_equal(now.security_rejected_session_count, before.security_rejected_session_count + 1);
    assert_int_equal(now.rejected_requests_count, before.rejected_requests_count + 1);
    assert_int_equal(now.security_rejected_requests_count, before.security_rejected_requests_count + 1);
    const kw_data_value alone = read_all(&CURRENT_SESSIONS);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&alone.value, KW_BUILTIN_UINT32), now.current_session_count);
    const kw_data_value enabled = read_all(&ENABLED);
    assert_true(*(const bool *)kw_variant_get(&enabled.value, KW_BUILTIN_BOOLEAN));
}

static void the_summary_counts_sessions_that_time_out(void **state)
{
    (void)state;
    kw_test_session s;
    assert_status(kw_test_create_session(here.client, &s), KW_GOOD);
    const kw_server_diagnostics_summary_data_type before = summary();
    kw_test_world_advance(here.world, KW_SESSION_LIMITS_DEFAULT.activation_timeout_ms / 2);
    (void)summary(); /* the other one stays alive */
    kw_test_world_advance(here.world, KW_SESSION_LIMITS_DEFAULT.activation_timeout_ms / 2 + 1);
    const kw_server_diagnostics_summary_data_type now = summary();
    assert_int_equal(now.session_timeout_count, before.session_timeout_count + 1);
    assert_int_equal(now.current_session_count, before.current_session_count - 1);
}

static void services_and_subscriptions_are_counted_for_each_session(void **state)
{
    (void)state;
    kw_test_session s = kw_test_open(here.client);
    const kw_session_diagnostics_data_type *d = activity_of(&s);
    assert_int_equal(d->total_request_count.total_count, 0);
    assert_status(kw_test_read(here.client, &s, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_read_request empty = {.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER};
    assert_status(kw_test_call(here.client, &s, KW_TYPE_READ_REQUEST, &empty, NULL), KW_BAD_NOTHING_TO_DO);
    const uint32_t subscription = kw_test_subscribe(here.client, &s);
    kw_test_watch(here.client, &s, subscription, &KW_TEST_PUBLIC);
    d = activity_of(&s);
    assert_int_equal(d->read_count.total_count, 2);
    assert_int_equal(d->read_count.error_count, 1);
    assert_int_equal(d->create_subscription_count.total_count, 1);
    assert_int_equal(d->create_monitored_items_count.total_count, 1);
    assert_int_equal(d->write_count.total_count, 0);
    assert_int_equal(d->total_request_count.total_count, 4);
    assert_int_equal(d->total_request_count.error_count, 1);
    assert_int_equal(d->current_subscriptions_count, 1);
    assert_int_equal(d->current_monitored_items_count, 1);
    const kw_server_diagnostics_summary_data_type now = summary();
    assert_int_equal(now.current_subscription_count, 1);
    assert_int_equal(now.cumulated_subscription_count, 1);
    assert_int_equal(now.publishing_interval_count, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(as_01_the_user_of_a_session_changes_the_session_stays),
        TEST(as_53_neither_null_nor_empty_changes_the_locale_ids_told),
        TEST(cs_08_a_session_without_a_name_is_told_by_the_name_it_was_given),
        TEST(cs_15_no_authentication_token_and_no_nonce_in_what_is_told),
        TEST(cl_03_a_closed_session_is_gone_from_the_arrays),
        TEST(as_03_a_session_that_was_used_too_early_is_gone_too),
        TEST(a_session_without_rights_sees_itself_alone),
        TEST(a_monitored_item_sees_what_its_session_sees),
        TEST(configure_admin_sees_what_sessions_do_but_not_who_they_are),
        TEST(a_channel_that_is_only_signed_is_not_good_enough),
        TEST(the_summary_counts_sessions),
        TEST(the_summary_counts_sessions_that_time_out),
        TEST(services_and_subscriptions_are_counted_for_each_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
