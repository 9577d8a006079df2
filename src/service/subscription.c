/* The state machine of a Subscription. OPC 10000-4, 5.14.1.2. */
#include "service/subscription_internal.h"

#include <math.h>
#include <stddef.h>

#define DEFAULT_KEEP_ALIVE_COUNT 10

/* --- revised parameters --------------------------------------------------------------------------------------------------- */

static uint32_t at_most(uint32_t value, double limit)
{
    return (double)value <= limit ? value : (uint32_t)limit;
}

static uint32_t at_least(uint32_t value, double limit)
{
    return (double)value >= limit ? value : (uint32_t)ceil(limit);
}

/* Whatever is asked for comes out within bounds, NaN and infinities too (attack A-28). */
void kw_subscription_revise(const kw_service_limits *limits, kw_subscription_parameters *p)
{
    const double shortest = limits->min_publishing_interval_ms, longest = limits->max_publishing_interval_ms;
    p->publishing_interval = p->publishing_interval >= shortest ? p->publishing_interval : shortest;
    p->publishing_interval = floor(p->publishing_interval <= longest ? p->publishing_interval : longest);
    const double most_intervals = fmax(3, floor(limits->max_subscription_lifetime_ms / p->publishing_interval));
    const double fewest_intervals = limits->min_subscription_lifetime_ms / p->publishing_interval;
    p->max_keep_alive_count = p->max_keep_alive_count != 0 ? p->max_keep_alive_count : DEFAULT_KEEP_ALIVE_COUNT;
    p->max_keep_alive_count = at_most(p->max_keep_alive_count, floor(most_intervals / 3));
    p->lifetime_count = at_least(p->lifetime_count, fmax(3.0 * p->max_keep_alive_count, fewest_intervals));
    p->lifetime_count = at_most(p->lifetime_count, most_intervals);
    const uint32_t most = limits->max_notifications_per_publish;
    p->max_notifications = p->max_notifications != 0 && p->max_notifications < most ? p->max_notifications : most;
}

/* --- what is there to say ---------------------------------------------------------------------------------------------------- */

/* What waits from the time before the proof of the user ended is not told after it, whoever looks first. */
static bool has_notifications(const kw_subscription *s)
{
    return s->publishing_enabled && s->first_ready != NULL && !kw_subscription_is_expired(s);
}

bool kw_subscription_wants_request(const kw_subscription *s)
{
    return s->state == KW_SUBSCRIPTION_LATE || (s->has_more && has_notifications(s));
}

void kw_subscription_keep(kw_subscription *s)
{
    s->lifetime_left = s->parameters.lifetime_count;
}

/* --- saying it ------------------------------------------------------------------------------------------------------------------ */

static void note_sent(kw_subscription *s)
{
    s->counts.publish_request_count++;
    s->message_sent = true;
    s->keep_alive_left = s->parameters.max_keep_alive_count;
    s->served = ++s->manager->turns;
    kw_subscription_keep(s);
}

static void send_keep_alive(kw_subscription *s, kw_request *request)
{
    note_sent(s);
    request->finish(request, kw_subscription_keep_alive(s, request));
}

/* What does not fit into one message goes into the next request, which may be here already. */
static void send_notifications(kw_subscription *s, kw_request *request)
{
    do {
        note_sent(s);
        s->state = KW_SUBSCRIPTION_NORMAL;
        const kw_status status = kw_subscription_publish(s, request);
        request->finish(request, status);
    } while (s->has_more && s->publisher != NULL && (request = kw_publisher_take(s->publisher)) != NULL);
}

/* Rows 5, 10 and 11 of the state table. */
void kw_subscription_serve(kw_subscription *s, kw_request *request)
{
    if (has_notifications(s)) {
        send_notifications(s, request);
        return;
    }
    s->state = KW_SUBSCRIPTION_KEEP_ALIVE;
    send_keep_alive(s, request);
}

/* --- the publishing timer -------------------------------------------------------------------------------------------------------- */

static void say_or_be_late(kw_subscription *s, void (*say)(kw_subscription *s, kw_request *request))
{
    kw_request *request = s->publisher != NULL ? kw_publisher_take(s->publisher) : NULL;
    if (request == NULL) { /* rows 8 and 17 */
        s->counts.late_publish_request_count++;
        s->state = KW_SUBSCRIPTION_LATE;
        return;
    }
    say(s, request); /* rows 6, 7, 14 and 15 */
}

static void run_cycle(kw_subscription *s)
{
    if (s->state == KW_SUBSCRIPTION_LATE) { /* row 12 */
        return;
    }
    if (has_notifications(s)) {
        say_or_be_late(s, send_notifications);
        return;
    }
    if (!s->message_sent) { /* the first message comes after the first interval, whatever it says */
        say_or_be_late(s, send_keep_alive);
        return;
    }
    s->state = KW_SUBSCRIPTION_KEEP_ALIVE; /* row 9 */
    if (s->keep_alive_left > 1) {
        s->keep_alive_left--; /* row 16 */
        return;
    }
    say_or_be_late(s, send_keep_alive);
}

/* Row 27. */
static void expire(kw_subscription *s)
{
    kw_publisher *publisher = s->publisher;
    KW_LOG(s->manager->context->log, KW_LOG_INFO, "Subscription expired", kw_field_int("subscription", s->id));
    if (publisher != NULL) {
        kw_publisher_tell(publisher, s, KW_BAD_TIMEOUT);
    }
    kw_subscription_free(s);
    if (publisher != NULL) {
        kw_publisher_settle(publisher);
    }
}

static void start_timer(kw_subscription *s, uint64_t from)
{
    const uint64_t now = kw_clock_ms(s->manager->context->clock);
    const uint64_t due = from + s->interval_ms;
    kw_timer_start(s->manager->timers, &s->timer, due > now ? due : now + s->interval_ms); /* what was missed is not made up for */
}

static void on_timer(kw_timer *timer)
{
    kw_subscription *s = (kw_subscription *)((char *)timer - offsetof(kw_subscription, timer));
    if (s->publisher != NULL && kw_publisher_has_request(s->publisher)) {
        kw_subscription_keep(s); /* its Client is there */
    } else if (--s->lifetime_left == 0) {
        expire(s);
        return;
    }
    start_timer(s, timer->due);
    run_cycle(s);
}

/* --- life --------------------------------------------------------------------------------------------------------------------------- */

static void set_parameters(kw_subscription *s, const kw_subscription_parameters *parameters)
{
    s->parameters = *parameters;
    s->interval_ms = (uint64_t)parameters->publishing_interval;
    s->keep_alive_left = parameters->max_keep_alive_count;
    kw_subscription_keep(s);
}

void kw_subscription_start(kw_subscription *s)
{
    set_parameters(s, &s->parameters);
    s->timer.fire = on_timer;
    start_timer(s, kw_clock_ms(s->manager->context->clock));
}

void kw_subscription_modify(kw_subscription *s, const kw_subscription_parameters *parameters)
{
    s->counts.modify_count++;
    const bool is_other_interval = parameters->publishing_interval != s->parameters.publishing_interval;
    set_parameters(s, parameters);
    if (is_other_interval) {
        start_timer(s, kw_clock_ms(s->manager->context->clock));
    }
}

void kw_subscription_enable(kw_subscription *s, bool publishing_enabled)
{
    s->counts.enable_count += publishing_enabled;
    s->counts.disable_count += !publishing_enabled;
    s->publishing_enabled = publishing_enabled;
    s->has_more = false;
    kw_subscription_keep(s);
}

void kw_subscription_resend(kw_subscription *s)
{
    for (kw_monitored_item *item = s->first_item; item != NULL; item = item->next) {
        if (item->mode == KW_MONITORING_MODE_REPORTING) {
            kw_item_sample(item, true);
        }
    }
}
