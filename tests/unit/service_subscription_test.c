/* The state machine of a Subscription and its items by themselves: a simulated clock, requests without a connection. OPC 10000-4, 5.14.1. */
#include "identity/identity_internal.h"
#include "service/subscription_internal.h"
#include "support/kw_test_env.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>

#define URI KW_STRING("urn:test:subscriptions")
#define ID(name) KW_NODE_ID_TEXT(1, name)
#define INTERVAL 100

static const kw_granted_role ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}}};
static kw_identity *nobody;

typedef struct fixture {
    kw_test_clock clock;
    kw_test_random random;
    kw_timers *timers;
    kw_service_limits limits;
    kw_space *space;
    kw_service_context context;
    kw_publisher *publisher;
    kw_subscription *subscription;
} fixture;

static fixture *f;

/* A request as a connection would bring it. */
typedef struct answer {
    kw_request request; /* first */
    kw_publish_request body;
    kw_publish_response response;
    bool is_answered;
    kw_status status;
} answer;

/* --- a world of one Variable --------------------------------------------------------------------------------------------- */

static void add_variable(const char *name, kw_variant value)
{
    const kw_node_spec spec = {.id = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(name)},
                               .parent = KW_NODE_ID(0, 85),
                               .browse_name = {1, kw_string_from(name)},
                               .data_type = KW_NODE_ID(0, value.type),
                               .value_rank = value.is_array ? 1 : -1,
                               .value = value};
    assert_status(kw_space_add_variable(f->space, &spec), KW_GOOD);
}

static void set_int(int32_t value)
{
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_INT32, &value);
    assert_status(kw_space_set_value(f->space, &ID("int"), &v), KW_GOOD);
}

static int setup(void **state)
{
    (void)state;
    const int32_t zero = 0, numbers[] = {1, 2, 3};
    f = calloc(1, sizeof(*f));
    kw_test_clock_init(&f->clock);
    kw_test_random_init(&f->random, 1);
    f->timers = kw_timers_new(f->clock.ms);
    f->limits = KW_SERVICE_LIMITS_DEFAULT;
    const kw_space_config config = {.application_uri = URI, .clock = &f->clock.clock};
    assert_status(kw_space_new(&config, &f->space), KW_GOOD);
    f->context = (kw_service_context){
        .clock = &f->clock.clock, .random = &f->random.random, .log = &KW_LOG_QUIET, .space = f->space, .limits = &f->limits};
    assert_status(kw_subscriptions_new(&f->context, f->timers, &f->context.subscriptions), KW_GOOD);
    f->publisher = kw_publisher_make(f->context.subscriptions, NULL);
    add_variable("int", kw_variant_scalar(KW_BUILTIN_INT32, &zero));
    add_variable("array", kw_variant_array(KW_BUILTIN_INT32, numbers, 3));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_subscriptions_session_closed(f->context.subscriptions, NULL, true);
    assert_int_equal(f->context.subscriptions->queued_bytes, 0);
    assert_int_equal(f->context.subscriptions->item_count, 0);
    assert_int_equal(kw_map_count(f->context.subscriptions->samplers), 0);
    kw_subscriptions_free(f->context.subscriptions);
    kw_space_free(f->space);
    kw_timers_free(f->timers);
    free(f);
    return 0;
}

static void advance(uint64_t ms)
{
    while (ms-- > 0) {
        kw_test_clock_advance(&f->clock, 1);
        kw_timers_advance(f->timers, f->clock.ms);
    }
}

/* --- Subscriptions and items ------------------------------------------------------------------------------------------------- */

static kw_subscription *subscribe(uint32_t lifetime, uint32_t keep_alive, uint8_t priority)
{
    kw_subscription_parameters p = {
        .publishing_interval = INTERVAL, .lifetime_count = lifetime, .max_keep_alive_count = keep_alive, .priority = priority};
    kw_subscription *s = NULL;
    kw_subscription_revise(&f->limits, &p);
    assert_status(kw_subscription_new(f->publisher, nobody, KW_MESSAGE_SECURITY_MODE_NONE, &p, true, &s), KW_GOOD);
    return s;
}

static kw_monitored_item_create_request wish(const char *name, uint32_t queue_size)
{
    return (kw_monitored_item_create_request){
        .item_to_monitor = {.node_id = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(name)}, .attribute_id = 13},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = {.client_handle = 7, .sampling_interval = 50, .queue_size = queue_size, .discard_oldest = true}};
}

static kw_status try_item(kw_subscription *s, const kw_monitored_item_create_request *wanted, kw_monitored_item **out)
{
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_monitored_item_create_result result = {.status_code = KW_GOOD};
    const kw_status status = kw_item_new(s, KW_TIMESTAMPS_TO_RETURN_NEITHER, wanted, arena, &result);
    if (out != NULL && !kw_status_is_bad(status)) {
        *out = kw_item_find(s, result.monitored_item_id);
    }
    kw_arena_free(arena);
    return status;
}

static kw_monitored_item *watch(kw_subscription *s, const kw_monitored_item_create_request *wanted)
{
    kw_monitored_item *item = NULL;
    assert_status(try_item(s, wanted, &item), KW_GOOD);
    return item;
}

static kw_monitored_item *watch_int(kw_subscription *s, uint32_t queue_size)
{
    const kw_monitored_item_create_request wanted = wish("int", queue_size);
    return watch(s, &wanted);
}

/* --- Publish -------------------------------------------------------------------------------------------------------------------- */

static void on_finish(kw_request *request, kw_status status)
{
    answer *a = (answer *)request;
    assert_false(a->is_answered);
    a->is_answered = true;
    a->status = status;
}

static answer *publish_acknowledging(kw_subscription_acknowledgement *acknowledgements, size_t count, uint64_t patience)
{
    answer *a = calloc(1, sizeof(*a));
    a->body.subscription_acknowledgements = acknowledgements;
    a->body.subscription_acknowledgements_count = count;
    a->request = (kw_request){.context = &f->context,
                              .arena = kw_arena_new((size_t)16 << 20),
                              .deadline_ms = patience != 0 ? f->clock.ms + patience : UINT64_MAX,
                              .body = &a->body,
                              .response = &a->response,
                              .finish = on_finish};
    kw_publisher_request(f->publisher, &a->request);
    return a;
}

static answer *publish(void)
{
    return publish_acknowledging(NULL, 0, 0);
}

static void drop(answer *a)
{
    assert_true(a->is_answered);
    kw_arena_free(a->request.arena);
    free(a);
}

static const kw_data_change_notification *data_of(const answer *a)
{
    assert_true(a->is_answered);
    assert_status(a->status, KW_GOOD);
    assert_int_equal(a->response.notification_message.notification_data_count, 1);
    const kw_data_change_notification *data =
        kw_extension_object_get(&a->response.notification_message.notification_data[0], KW_TYPE_DATA_CHANGE_NOTIFICATION);
    assert_non_null(data);
    return data;
}

static void assert_ints(const answer *a, const int32_t *expected, size_t count)
{
    const kw_data_change_notification *data = data_of(a);
    assert_int_equal(data->monitored_items_count, count);
    for (size_t i = 0; i < count; i++) {
        const int32_t *value = kw_variant_get(&data->monitored_items[i].value.value, KW_BUILTIN_INT32);
        assert_non_null(value);
        assert_int_equal(*value, expected[i]);
    }
}

static void assert_keep_alive(const answer *a, uint32_t sequence_number)
{
    assert_true(a->is_answered);
    assert_status(a->status, KW_GOOD);
    assert_int_equal(a->response.notification_message.notification_data_count, 0);
    assert_int_equal(a->response.notification_message.sequence_number, sequence_number);
}

#define INTS(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

/* --- the state machine -------------------------------------------------------------------------------------------------------------- */

static void the_first_message_comes_after_the_first_interval(void **state)
{
    (void)state;
    (void)subscribe(0, 5, 0);
    answer *a = publish();
    advance(INTERVAL - 1);
    assert_false(a->is_answered);
    advance(1);
    assert_keep_alive(a, 1);
    drop(a);
}

static void a_first_value_is_reported_at_once_and_then_only_changes(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    watch_int(s, 1);
    answer *a = publish(), *b = publish();
    advance(INTERVAL);
    assert_ints(a, INTS(0));
    assert_int_equal(a->response.notification_message.sequence_number, 1);
    assert_int_equal(a->response.subscription_id, s->id);
    assert_int_equal(data_of(a)->monitored_items[0].client_handle, 7);
    set_int(5);
    assert_false(b->is_answered);
    advance(INTERVAL);
    assert_ints(b, INTS(5));
    assert_int_equal(b->response.notification_message.sequence_number, 2);
    assert_int_equal(b->response.available_sequence_numbers_count, 2);
    drop(a);
    drop(b);
}

static void silence_is_broken_by_a_keep_alive_that_takes_no_number(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 3, 0);
    answer *first = publish();
    advance(INTERVAL);
    assert_keep_alive(first, 1);
    answer *second = publish();
    advance(3 * INTERVAL - 1);
    assert_false(second->is_answered);
    advance(1);
    assert_keep_alive(second, 1);
    answer *third = publish();
    watch_int(s, 1);
    advance(INTERVAL);
    assert_ints(third, INTS(0));
    assert_int_equal(third->response.notification_message.sequence_number, 1);
    drop(first);
    drop(second);
    drop(third);
}

static void a_late_subscription_answers_the_next_request_at_once(void **state)
{
    (void)state;
    watch_int(subscribe(0, 5, 0), 1);
    advance(3 * INTERVAL);
    answer *a = publish();
    assert_ints(a, INTS(0));
    drop(a);
}

static void of_late_subscriptions_the_highest_priority_comes_first_then_who_waited_longest(void **state)
{
    (void)state;
    kw_subscription *low = subscribe(0, 5, 1), *high = subscribe(0, 5, 9), *other_low = subscribe(0, 5, 1);
    advance(INTERVAL);
    answer *a = publish(), *b = publish(), *c = publish();
    assert_int_equal(a->response.subscription_id, high->id);
    assert_int_not_equal(b->response.subscription_id, c->response.subscription_id);
    const uint32_t second = b->response.subscription_id;
    assert_true(second == low->id || second == other_low->id);
    advance(5 * INTERVAL); /* all late again */
    answer *d = publish(), *e = publish();
    assert_int_equal(d->response.subscription_id, high->id);
    assert_int_equal(e->response.subscription_id, second);
    answer *all[] = {a, b, c, d, e};
    for (size_t i = 0; i < 5; i++) {
        drop(all[i]);
    }
}

static void a_subscription_without_requests_expires_and_says_so(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(200, 5, 0);
    const uint32_t id = s->id;
    watch_int(s, 1);
    advance(200 * INTERVAL - 1);
    assert_int_equal(kw_subscriptions_count(f->context.subscriptions), 1);
    advance(1);
    assert_int_equal(kw_subscriptions_count(f->context.subscriptions), 0);
    answer *a = publish();
    assert_true(a->is_answered);
    const kw_status_change_notification *change =
        kw_extension_object_get(&a->response.notification_message.notification_data[0], KW_TYPE_STATUS_CHANGE_NOTIFICATION);
    assert_non_null(change);
    assert_status(change->status, KW_BAD_TIMEOUT);
    assert_int_equal(a->response.subscription_id, id);
    answer *b = publish();
    assert_status(b->status, KW_BAD_NO_SUBSCRIPTION);
    drop(a);
    drop(b);
}

static void a_queued_request_keeps_it_alive(void **state)
{
    (void)state;
    (void)subscribe(100, 33, 0);
    for (int i = 0; i < 20; i++) {
        answer *a = publish();
        advance(33 * INTERVAL);
        drop(a);
    }
    assert_int_equal(kw_subscriptions_count(f->context.subscriptions), 1);
}

static void what_does_not_fit_says_that_there_is_more(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    s->parameters.max_notifications = 2;
    for (int i = 0; i < 5; i++) {
        watch_int(s, 1);
    }
    answer *a = publish(), *b = publish();
    advance(INTERVAL);
    assert_ints(a, INTS(0, 0));
    assert_true(a->response.more_notifications);
    assert_ints(b, INTS(0, 0)); /* at once: it was there already */
    assert_true(b->response.more_notifications);
    answer *c = publish(); /* at once as well */
    assert_ints(c, INTS(0));
    assert_false(c->response.more_notifications);
    drop(a);
    drop(b);
    drop(c);
}

static void without_publishing_there_are_keep_alives_alone(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 1, 0);
    watch_int(s, 1);
    kw_subscription_enable(s, false);
    answer *a = publish();
    advance(INTERVAL);
    assert_keep_alive(a, 1);
    kw_subscription_enable(s, true);
    answer *b = publish();
    advance(INTERVAL);
    assert_ints(b, INTS(0));
    drop(a);
    drop(b);
}

static void revised_parameters_are_within_bounds_whatever_is_asked_for(void **state) /* attack A-28 */
{
    (void)state;
    const double odd[] = {NAN, -1, 0, INFINITY, -INFINITY, 1e308, 5, 1e6};
    const uint32_t counts[] = {0, 1, 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        for (size_t n = 0; n < 16; n++) {
            kw_subscription_parameters p = {
                .publishing_interval = odd[i], .lifetime_count = counts[n % 4], .max_keep_alive_count = counts[n / 4]};
            kw_subscription_revise(&f->limits, &p);
            assert_true(p.publishing_interval >= f->limits.min_publishing_interval_ms);
            assert_true(p.publishing_interval <= f->limits.max_publishing_interval_ms);
            assert_true(p.max_keep_alive_count >= 1);
            assert_true(p.lifetime_count >= 3 * p.max_keep_alive_count);
            assert_true(p.lifetime_count * p.publishing_interval <= f->limits.max_subscription_lifetime_ms);
            assert_true(p.max_notifications > 0);
        }
    }
}

/* --- requests ------------------------------------------------------------------------------------------------------------------------- */

static void the_oldest_of_too_many_requests_is_refused(void **state) /* attack A-167 */
{
    (void)state;
    (void)subscribe(0, 5, 0);
    answer *all[30];
    for (size_t i = 0; i < 30; i++) {
        all[i] = publish();
    }
    for (size_t i = 0; i < 30; i++) {
        assert_int_equal(all[i]->is_answered, i < 10);
    }
    assert_status(all[0]->status, KW_BAD_TOO_MANY_PUBLISH_REQUESTS);
    kw_publisher_refuse(f->publisher, KW_BAD_SHUTDOWN);
    for (size_t i = 0; i < 30; i++) {
        drop(all[i]);
    }
}

static void a_request_that_waited_too_long_is_not_spent(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 20, 0);
    answer *first = publish();
    advance(INTERVAL);
    drop(first);
    answer *impatient = publish_acknowledging(NULL, 0, 50), *patient = publish();
    advance(INTERVAL + 1);
    assert_status(impatient->status, KW_BAD_TIMEOUT);
    assert_false(patient->is_answered);
    watch_int(s, 1);
    advance(INTERVAL);
    assert_ints(patient, INTS(0));
    drop(impatient);
    drop(patient);
}

static void a_request_can_be_given_up(void **state)
{
    (void)state;
    (void)subscribe(0, 5, 0);
    answer *a = publish(), *b = publish();
    assert_non_null(a->request.give_up);
    a->request.give_up(&a->request);
    assert_status(a->status, KW_BAD_REQUEST_CANCELLED_BY_CLIENT);
    advance(INTERVAL);
    assert_keep_alive(b, 1);
    assert_null(b->request.give_up);
    drop(a);
    drop(b);
}

static void acknowledged_messages_are_gone_others_can_be_had_again(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    watch_int(s, 1);
    for (int32_t i = 1; i <= 3; i++) {
        answer *a = publish();
        advance(INTERVAL);
        drop(a);
        set_int(i);
    }
    kw_subscription_acknowledgement acknowledgements[] = {{s->id, 2}, {s->id, 2}, {s->id + 1, 1}, {s->id, 99}};
    answer *a = publish_acknowledging(acknowledgements, 4, 0);
    advance(INTERVAL);
    assert_int_equal(a->response.results_count, 4);
    assert_status(a->response.results[0], KW_GOOD);
    assert_status(a->response.results[1], KW_BAD_SEQUENCE_NUMBER_UNKNOWN);
    assert_status(a->response.results[2], KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(a->response.results[3], KW_BAD_SEQUENCE_NUMBER_UNKNOWN);
    assert_int_equal(a->response.available_sequence_numbers_count, 3);
    assert_int_equal(a->response.available_sequence_numbers[0], 1);
    assert_int_equal(a->response.available_sequence_numbers[1], 3);
    kw_notification_message again;
    assert_status(kw_subscription_republish(s, 2, a->request.arena, &again), KW_BAD_MESSAGE_NOT_AVAILABLE);
    assert_status(kw_subscription_republish(s, 3, a->request.arena, &again), KW_GOOD);
    assert_int_equal(again.sequence_number, 3);
    const kw_data_change_notification *data = kw_extension_object_get(&again.notification_data[0], KW_TYPE_DATA_CHANGE_NOTIFICATION);
    assert_int_equal(*(const int32_t *)kw_variant_get(&data->monitored_items[0].value.value, KW_BUILTIN_INT32), 2);
    drop(a);
}

static void messages_that_nobody_acknowledges_are_bounded(void **state) /* attack A-178 */
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    watch_int(s, 1);
    for (int32_t i = 1; i <= 100; i++) {
        answer *a = publish();
        advance(INTERVAL);
        assert_true(a->response.available_sequence_numbers_count <= f->limits.max_retransmission_messages);
        drop(a);
        set_int(i);
    }
    assert_int_equal(s->sent_count, f->limits.max_retransmission_messages);
    assert_int_equal(s->first_sent->sequence_number, 61);
}

static void sequence_numbers_leave_out_zero(void **state)
{
    (void)state;
    assert_int_equal(kw_sequence_after(1), 2);
    assert_int_equal(kw_sequence_after(UINT32_MAX), 1);
}

/* --- items ------------------------------------------------------------------------------------------------------------------------------- */

static void sample_values(int32_t from, int32_t to)
{
    for (int32_t i = from; i <= to; i++) {
        set_int(i);
        advance(50);
    }
}

static answer *collect(void)
{
    answer *a = publish();
    if (!a->is_answered) {
        advance(INTERVAL);
    }
    return a;
}

static void a_queue_keeps_the_newest_and_marks_what_is_missing(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    watch_int(s, 3);
    sample_values(1, 5);
    answer *a = collect();
    assert_ints(a, INTS(3, 4, 5));
    assert_int_equal(data_of(a)->monitored_items[0].value.status, 0x480);
    assert_false(data_of(a)->monitored_items[1].value.has_status);
    drop(a);
}

static void or_the_oldest_with_the_mark_on_the_last(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    kw_monitored_item_create_request wanted = wish("int", 3);
    wanted.requested_parameters.discard_oldest = false;
    watch(s, &wanted);
    sample_values(1, 5);
    answer *a = collect();
    assert_ints(a, INTS(0, 1, 5));
    assert_int_equal(data_of(a)->monitored_items[2].value.status, 0x480);
    assert_false(data_of(a)->monitored_items[1].value.has_status);
    drop(a);
}

static void a_queue_of_one_needs_no_mark(void **state)
{
    (void)state;
    watch_int(subscribe(0, 5, 0), 1);
    sample_values(1, 5);
    answer *a = collect();
    assert_ints(a, INTS(5));
    assert_false(data_of(a)->monitored_items[0].value.has_status);
    drop(a);
}

static void sampling_alone_reports_when_reporting_begins(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 1, 0);
    kw_monitored_item_create_request wanted = wish("int", 10);
    wanted.monitoring_mode = KW_MONITORING_MODE_SAMPLING;
    kw_monitored_item *item = watch(s, &wanted);
    sample_values(1, 2);
    answer *a = collect();
    assert_keep_alive(a, 1);
    kw_item_set_mode(item, KW_MONITORING_MODE_REPORTING);
    answer *b = collect();
    assert_ints(b, INTS(0, 1, 2));
    kw_item_set_mode(item, KW_MONITORING_MODE_DISABLED);
    set_int(9);
    answer *c = collect();
    assert_keep_alive(c, 2);
    kw_item_set_mode(item, KW_MONITORING_MODE_REPORTING);
    answer *d = collect();
    assert_ints(d, INTS(9));
    answer *all[] = {a, b, c, d};
    for (size_t i = 0; i < 4; i++) {
        drop(all[i]);
    }
}

/* --- triggering -------------------------------------------------------------------------------------------------------------------- */

/* A sampling item on `int`, linked to one on `array` in the given mode. */
static void link_items(kw_subscription *s, kw_monitoring_mode mode, kw_monitored_item **trigger, kw_monitored_item **target)
{
    kw_monitored_item_create_request wanted = wish("array", 1);
    wanted.monitoring_mode = mode;
    *trigger = watch(s, &wanted);
    wanted = wish("int", 10);
    wanted.monitoring_mode = KW_MONITORING_MODE_SAMPLING;
    *target = watch(s, &wanted);
    assert_status(kw_item_link_to(*trigger, (*target)->id), KW_GOOD);
}

static void set_array(int32_t value)
{
    const kw_variant v = kw_variant_array(KW_BUILTIN_INT32, &value, 1);
    assert_status(kw_space_set_value(f->space, &ID("array"), &v), KW_GOOD);
}

static void a_triggered_item_reports_what_it_has_sampled_until_then(void **state)
{
    (void)state;
    kw_monitored_item *trigger, *target;
    kw_subscription *s = subscribe(0, 1, 0);
    link_items(s, KW_MONITORING_MODE_SAMPLING, &trigger, &target);
    sample_values(1, 2);
    answer *a = collect();
    assert_keep_alive(a, 1);
    set_array(5);
    advance(50);
    sample_values(3, 3); /* after the trigger: waits for the next one */
    answer *b = collect();
    assert_ints(b, INTS(0, 1, 2));
    answer *c = collect();
    assert_keep_alive(c, 2);
    set_array(6);
    advance(50);
    answer *d = collect();
    assert_ints(d, INTS(3));
    answer *all[] = {a, b, c, d};
    for (size_t i = 0; i < 4; i++) {
        drop(all[i]);
    }
}

static void a_trigger_that_reports_is_reported_with_what_it_triggers(void **state)
{
    (void)state;
    kw_monitored_item *trigger, *target;
    link_items(subscribe(0, 1, 0), KW_MONITORING_MODE_REPORTING, &trigger, &target);
    drop(collect());
    set_array(5);
    advance(50);
    answer *a = collect();
    assert_int_equal(data_of(a)->monitored_items_count, 2);
    drop(a);
}

static void a_disabled_trigger_triggers_nothing_and_a_disabled_item_reports_nothing(void **state)
{
    (void)state;
    kw_monitored_item *trigger, *target;
    link_items(subscribe(0, 1, 0), KW_MONITORING_MODE_DISABLED, &trigger, &target);
    set_array(5);
    sample_values(1, 1);
    answer *a = collect();
    assert_keep_alive(a, 1);
    kw_item_set_mode(target, KW_MONITORING_MODE_DISABLED);
    kw_item_set_mode(trigger, KW_MONITORING_MODE_SAMPLING);
    set_array(6);
    advance(50);
    answer *b = collect();
    assert_keep_alive(b, 1);
    drop(a);
    drop(b);
}

static void links_can_be_taken_away_and_go_with_their_items(void **state)
{
    (void)state;
    kw_monitored_item *trigger, *target;
    kw_subscription *s = subscribe(0, 1, 0);
    f->limits.max_monitored_items_per_subscription = 2; /* as many links */
    link_items(s, KW_MONITORING_MODE_SAMPLING, &trigger, &target);
    const uint32_t id = target->id;
    assert_status(kw_item_link_to(trigger, id), KW_GOOD); /* it is there already */
    assert_int_equal(s->link_count, 1);
    assert_status(kw_item_unlink_from(trigger, id), KW_GOOD);
    assert_status(kw_item_unlink_from(trigger, id), KW_BAD_MONITORED_ITEM_ID_INVALID);
    set_array(5);
    advance(50);
    answer *a = collect();
    assert_keep_alive(a, 1);
    drop(a);
    assert_status(kw_item_link_to(trigger, id), KW_GOOD);
    assert_status(kw_item_link_to(trigger, trigger->id), KW_GOOD);
    assert_status(kw_item_link_to(target, id), KW_BAD_RESOURCE_UNAVAILABLE);
    kw_item_free(target);
    assert_status(kw_item_unlink_from(trigger, id), KW_BAD_MONITORED_ITEM_ID_INVALID);
    assert_status(kw_item_link_to(trigger, id), KW_BAD_MONITORED_ITEM_ID_INVALID);
    const uint32_t other = watch_int(s, 1)->id;
    assert_status(kw_item_link_to(trigger, other), KW_GOOD); /* the dead link has made room */
    assert_int_equal(s->link_count, 2);
    kw_item_free(trigger);
    assert_int_equal(s->link_count, 0);
}

static void a_deadband_swallows_small_changes(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    const kw_data_change_filter filter = {
        .trigger = KW_DATA_CHANGE_TRIGGER_STATUS_VALUE, .deadband_type = KW_DEADBAND_TYPE_ABSOLUTE, .deadband_value = 2};
    kw_monitored_item_create_request wanted = wish("int", 10);
    wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_DATA_CHANGE_FILTER, &filter);
    watch(s, &wanted);
    sample_values(1, 7); /* 3 and 6 are more than 2 away from what was reported before */
    answer *a = collect();
    assert_ints(a, INTS(0, 3, 6));
    drop(a);
}

static void a_trigger_of_status_alone_sees_no_values_and_one_of_timestamps_sees_every_write(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    kw_data_change_filter filter = {.trigger = KW_DATA_CHANGE_TRIGGER_STATUS};
    kw_monitored_item_create_request wanted = wish("int", 10);
    wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_DATA_CHANGE_FILTER, &filter);
    kw_monitored_item *item = watch(s, &wanted);
    sample_values(1, 3);
    answer *a = collect();
    assert_ints(a, INTS(0));
    kw_item_free(item);
    filter.trigger = KW_DATA_CHANGE_TRIGGER_STATUS_VALUE_TIMESTAMP;
    watch(s, &wanted);
    sample_values(3, 3);
    sample_values(3, 3);
    answer *b = collect();
    assert_ints(b, INTS(3, 3, 3));
    drop(a);
    drop(b);
}

static void filters_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    kw_data_change_filter filter = {.trigger = 3};
    kw_aggregate_filter aggregate = {.processing_interval = 1};
    kw_monitored_item_create_request wanted = wish("int", 1);
    wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_DATA_CHANGE_FILTER, &filter);
    assert_status(try_item(s, &wanted, NULL), KW_BAD_MONITORED_ITEM_FILTER_INVALID);
    filter = (kw_data_change_filter){.trigger = 1, .deadband_type = KW_DEADBAND_TYPE_PERCENT, .deadband_value = 1};
    assert_status(try_item(s, &wanted, NULL), KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED);
    filter = (kw_data_change_filter){.trigger = 1, .deadband_type = KW_DEADBAND_TYPE_ABSOLUTE, .deadband_value = NAN};
    assert_status(try_item(s, &wanted, NULL), KW_BAD_DEADBAND_FILTER_INVALID);
    filter.deadband_value = -1;
    assert_status(try_item(s, &wanted, NULL), KW_BAD_DEADBAND_FILTER_INVALID);
    filter.deadband_value = 1;
    wanted.item_to_monitor.attribute_id = 3;
    assert_status(try_item(s, &wanted, NULL), KW_BAD_FILTER_NOT_ALLOWED);
    wanted.item_to_monitor.attribute_id = 13;
    wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_AGGREGATE_FILTER, &aggregate);
    assert_status(try_item(s, &wanted, NULL), KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED);
    assert_int_equal(s->item_count, 0);
}

static void a_deadband_is_for_numbers(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    kw_data_change_filter filter = {.trigger = 1, .deadband_type = KW_DEADBAND_TYPE_ABSOLUTE, .deadband_value = 1};
    const kw_string text = KW_STRING("words");
    const bool flag = true;
    const double number = 1.5;
    add_variable("text", kw_variant_scalar(KW_BUILTIN_STRING, &text));
    add_variable("flag", kw_variant_scalar(KW_BUILTIN_BOOLEAN, &flag));
    add_variable("number", kw_variant_scalar(KW_BUILTIN_DOUBLE, &number));
    static const char *const OTHERS[] = {"text", "flag"};
    for (size_t i = 0; i < 2; i++) {
        kw_monitored_item_create_request wanted = wish(OTHERS[i], 1);
        wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_DATA_CHANGE_FILTER, &filter);
        filter.deadband_type = KW_DEADBAND_TYPE_ABSOLUTE;
        assert_status(try_item(s, &wanted, NULL), KW_BAD_FILTER_NOT_ALLOWED);
        filter.deadband_type = KW_DEADBAND_TYPE_NONE;
        assert_status(try_item(s, &wanted, NULL), KW_GOOD);
    }
    filter.deadband_type = KW_DEADBAND_TYPE_ABSOLUTE;
    kw_monitored_item_create_request wanted = wish("number", 1);
    wanted.requested_parameters.filter = kw_extension_object_of(KW_TYPE_DATA_CHANGE_FILTER, &filter);
    assert_status(try_item(s, &wanted, NULL), KW_GOOD);
}

static void a_part_of_an_array_is_watched_for_itself(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 1, 0);
    kw_monitored_item_create_request wanted = wish("array", 10);
    wanted.item_to_monitor.index_range = KW_STRING("1");
    watch(s, &wanted);
    const int32_t elsewhere[] = {9, 2, 9}, here[] = {9, 8, 9};
    kw_variant v = kw_variant_array(KW_BUILTIN_INT32, elsewhere, 3);
    answer *a = collect();
    assert_status(kw_space_set_value(f->space, &ID("array"), &v), KW_GOOD);
    answer *b = collect();
    v.data = here;
    assert_status(kw_space_set_value(f->space, &ID("array"), &v), KW_GOOD);
    answer *c = collect();
    assert_keep_alive(b, 2);
    const kw_variant *part = &data_of(c)->monitored_items[0].value.value;
    assert_true(part->is_array && part->count == 1 && *(const int32_t *)part->data == 8);
    drop(a);
    drop(b);
    drop(c);
    wanted.item_to_monitor.index_range = KW_STRING("x");
    assert_status(try_item(s, &wanted, NULL), KW_BAD_INDEX_RANGE_INVALID);
    wanted.item_to_monitor.index_range = KW_STRING("7");
    assert_status(try_item(s, &wanted, NULL), KW_GOOD); /* it may grow */
}

static void a_text_outlives_its_place_in_the_queue(void **state)
{
    (void)state;
    const kw_string first = KW_STRING("a text"), second = KW_STRING("another text");
    kw_variant v = kw_variant_scalar(KW_BUILTIN_STRING, &first);
    add_variable("text", v);
    const kw_monitored_item_create_request wanted = wish("text", 2);
    watch(subscribe(0, 5, 0), &wanted);
    v.data = &second;
    assert_status(kw_space_set_value(f->space, &ID("text"), &v), KW_GOOD);
    advance(50); /* the first one is held by the queue alone */
    answer *a = collect();
    const kw_data_change_notification *data = data_of(a);
    assert_int_equal(data->monitored_items_count, 2);
    assert_text(*(const kw_string *)kw_variant_get(&data->monitored_items[0].value.value, KW_BUILTIN_STRING), "a text");
    assert_text(*(const kw_string *)kw_variant_get(&data->monitored_items[1].value.value, KW_BUILTIN_STRING), "another text");
    drop(a);
}

static void items_of_one_interval_share_a_timer(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    for (int i = 0; i < 10; i++) {
        kw_monitored_item_create_request wanted = wish("int", 1);
        wanted.requested_parameters.sampling_interval = i % 2 == 0 ? 50 : NAN; /* NaN: that of the Subscription */
        kw_monitored_item *item = watch(s, &wanted);
        assert_true(item->sampling_interval == (i % 2 == 0 ? 50 : INTERVAL));
    }
    assert_int_equal(kw_map_count(f->context.subscriptions->samplers), 2);
}

static void numbers_of_items_are_bounded(void **state)
{
    (void)state;
    f->limits.max_monitored_items_per_subscription = 3;
    f->limits.max_monitored_items = 5;
    const kw_monitored_item_create_request wanted = wish("int", 1);
    kw_subscription *a = subscribe(0, 5, 0), *b = subscribe(0, 5, 0);
    for (int i = 0; i < 3; i++) {
        assert_status(try_item(a, &wanted, NULL), KW_GOOD);
    }
    assert_status(try_item(a, &wanted, NULL), KW_BAD_TOO_MANY_MONITORED_ITEMS);
    assert_status(try_item(b, &wanted, NULL), KW_GOOD);
    assert_status(try_item(b, &wanted, NULL), KW_GOOD);
    assert_status(try_item(b, &wanted, NULL), KW_BAD_TOO_MANY_MONITORED_ITEMS);
}

static void queued_bytes_are_bounded_and_the_news_gets_through(void **state)
{
    (void)state;
    f->limits.max_subscription_bytes = 4096;
    kw_subscription *s = subscribe(0, 5, 0);
    watch_int(s, 1000);
    sample_values(1, 150);
    assert_true(s->queued_bytes <= 4096);
    answer *a = collect();
    const kw_data_change_notification *data = data_of(a);
    const kw_monitored_item_notification *last = &data->monitored_items[data->monitored_items_count - 1];
    assert_int_equal(*(const int32_t *)kw_variant_get(&last->value.value, KW_BUILTIN_INT32), 150);
    assert_int_equal(data->monitored_items[0].value.status, 0x480);
    drop(a);
}

static void changed_parameters_of_an_item_take_effect(void **state)
{
    (void)state;
    kw_subscription *s = subscribe(0, 5, 0);
    kw_monitored_item *item = watch_int(s, 10);
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_monitored_item_modify_result result;
    sample_values(1, 4);
    const kw_monitoring_parameters wanted = {.client_handle = 8, .sampling_interval = 1000, .queue_size = 2, .discard_oldest = true};
    assert_status(kw_item_modify(item, KW_TIMESTAMPS_TO_RETURN_BOTH, &wanted, arena, &result), KW_GOOD);
    assert_int_equal(result.revised_queue_size, 2);
    assert_true(result.revised_sampling_interval == 1000);
    answer *a = collect();
    assert_ints(a, INTS(3, 4));
    assert_int_equal(data_of(a)->monitored_items[0].value.status, 0x480);
    assert_int_equal(data_of(a)->monitored_items[0].client_handle, 8);
    assert_true(data_of(a)->monitored_items[0].value.has_source_timestamp);
    assert_true(data_of(a)->monitored_items[0].value.has_server_timestamp);
    drop(a);
    kw_arena_free(arena);
}

static void a_node_that_goes_away_is_reported_as_unknown(void **state)
{
    (void)state;
    watch_int(subscribe(0, 5, 0), 10);
    assert_status(kw_space_remove(f->space, &ID("int")), KW_GOOD);
    advance(50);
    answer *a = collect();
    const kw_data_change_notification *data = data_of(a);
    assert_int_equal(data->monitored_items_count, 2);
    assert_status(data->monitored_items[1].value.status, KW_BAD_NODE_ID_UNKNOWN);
    drop(a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const kw_identity who = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS, .roles = ROLES, .role_count = 1};
    const struct CMUnitTest tests[] = {
        TEST(the_first_message_comes_after_the_first_interval),
        TEST(a_first_value_is_reported_at_once_and_then_only_changes),
        TEST(silence_is_broken_by_a_keep_alive_that_takes_no_number),
        TEST(a_late_subscription_answers_the_next_request_at_once),
        TEST(of_late_subscriptions_the_highest_priority_comes_first_then_who_waited_longest),
        TEST(a_subscription_without_requests_expires_and_says_so),
        TEST(a_queued_request_keeps_it_alive),
        TEST(what_does_not_fit_says_that_there_is_more),
        TEST(without_publishing_there_are_keep_alives_alone),
        TEST(revised_parameters_are_within_bounds_whatever_is_asked_for),
        TEST(the_oldest_of_too_many_requests_is_refused),
        TEST(a_request_that_waited_too_long_is_not_spent),
        TEST(a_request_can_be_given_up),
        TEST(acknowledged_messages_are_gone_others_can_be_had_again),
        TEST(messages_that_nobody_acknowledges_are_bounded),
        TEST(sequence_numbers_leave_out_zero),
        TEST(a_queue_keeps_the_newest_and_marks_what_is_missing),
        TEST(or_the_oldest_with_the_mark_on_the_last),
        TEST(a_queue_of_one_needs_no_mark),
        TEST(sampling_alone_reports_when_reporting_begins),
        TEST(a_triggered_item_reports_what_it_has_sampled_until_then),
        TEST(a_trigger_that_reports_is_reported_with_what_it_triggers),
        TEST(a_disabled_trigger_triggers_nothing_and_a_disabled_item_reports_nothing),
        TEST(links_can_be_taken_away_and_go_with_their_items),
        TEST(a_deadband_swallows_small_changes),
        TEST(a_trigger_of_status_alone_sees_no_values_and_one_of_timestamps_sees_every_write),
        TEST(filters_that_make_no_sense_are_refused),
        TEST(a_deadband_is_for_numbers),
        TEST(a_part_of_an_array_is_watched_for_itself),
        TEST(a_text_outlives_its_place_in_the_queue),
        TEST(items_of_one_interval_share_a_timer),
        TEST(numbers_of_items_are_bounded),
        TEST(queued_bytes_are_bounded_and_the_news_gets_through),
        TEST(changed_parameters_of_an_item_take_effect),
        TEST(a_node_that_goes_away_is_reported_as_unknown),
    };
    if (kw_status_is_bad(kw_identity_make(&who, &nobody))) {
        return 1;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kw_identity_release(nobody);
    return failed;
}
