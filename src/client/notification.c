/* NotificationMessages: each once and in order, what is missing fetched by Republish. OPC 10000-4, 5.14.1.4 and 5.14.6. */
#include "base/try.h"
#include "client/subscription_internal.h"

#include <keyway/node_ids.h>

#define CALL_ARENA ((size_t)256 << 20)
#define ENCODED_MAX ((size_t)64 << 20)
#define GAP_MAX 1000u /* messages that are asked for again */

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static uint32_t number_after(uint32_t n)
{
    return n == UINT32_MAX ? 1 : n + 1;
}

/* --- values that the Server repeats ------------------------------------------------------------------------------------------ */

static uint64_t hash_of(const kw_variant *value)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    kw_writer w;
    kw_writer_init(&w, ENCODED_MAX);
    if (!kw_status_is_bad(kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_VARIANT), value))) {
        for (size_t i = 0; i < w.len; i++) {
            hash = (hash ^ w.data[i]) * 0x100000001b3u;
        }
    }
    kw_writer_clear(&w);
    return hash;
}

/* What was delivered last is no change: Servers send present values anew when a Subscription changes hands, and some on a new channel. */
static bool is_repeated(kw_client_item *item, const kw_data_value *value)
{
    const kw_status status = value->has_status ? value->status : KW_GOOD;
    const uint64_t hash = hash_of(&value->value);
    const bool is_same = item->has_last && status == item->last_status && hash == item->last_hash &&
                         (!item->minds_time || value->source_timestamp == item->last_time);
    item->has_last = true;
    item->last_time = value->source_timestamp;
    item->last_status = status;
    item->last_hash = hash;
    return is_same;
}

/* --- delivery ------------------------------------------------------------------------------------------------------------------ */

/* A callback may take away any item, and the Subscription. */
static void deliver_data(kw_client_subscription *s, const kw_data_change_notification *data)
{
    for (size_t i = 0; i < data->monitored_items_count && !s->is_removed; i++) {
        const kw_monitored_item_notification *n = &data->monitored_items[i];
        kw_client_item *item = kw_client_item_find(s, n->client_handle);
        if (item != NULL && item->changed != NULL && !is_repeated(item, &n->value)) {
            item->changed(item->ctx, item, &n->value);
        }
    }
}

static void deliver_events(kw_client_subscription *s, const kw_event_notification_list *events)
{
    for (size_t i = 0; i < events->events_count && !s->is_removed; i++) {
        const kw_event_field_list *e = &events->events[i];
        kw_client_item *item = kw_client_item_find(s, e->client_handle);
        if (item != NULL && item->happened != NULL) {
            item->happened(item->ctx, item, e->event_fields, e->event_fields_count);
        }
    }
}

void kw_client_deliver(kw_client_subscription *s, const kw_notification_message *message)
{
    s->next_sequence_number = number_after(message->sequence_number);
    kw_client_acknowledge(s, message->sequence_number);
    for (size_t i = 0; i < message->notification_data_count; i++) {
        const kw_data_change_notification *data = kw_extension_object_get(&message->notification_data[i], KW_TYPE_DATA_CHANGE_NOTIFICATION);
        const kw_event_notification_list *events = kw_extension_object_get(&message->notification_data[i], KW_TYPE_EVENT_NOTIFICATION_LIST);
        if (data != NULL) {
            deliver_data(s, data);
        } else if (events != NULL) {
            deliver_events(s, events);
        }
    }
}

/* --- what did not arrive --------------------------------------------------------------------------------------------------------- */

kw_status kw_client_republish(kw_client_subscription *s, kw_arena *arena, const kw_notification_message **out)
{
    kw_republish_request request = {.subscription_id = s->id, .retransmit_sequence_number = s->next_sequence_number};
    kw_republish_response *response = NULL;
    KW_TRY(kw_client_service(s->client, KW_TYPE_REPUBLISH_REQUEST, &request, KW_TYPE_REPUBLISH_RESPONSE, arena, (void **)&response));
    if (response->notification_message.sequence_number != s->next_sequence_number) {
        return KW_BAD_MESSAGE_NOT_AVAILABLE;
    }
    *out = &response->notification_message;
    return KW_GOOD;
}

static kw_status fetch_next(kw_client_subscription *s)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    const kw_notification_message *message = NULL;
    const kw_status status = arena != NULL ? kw_client_republish(s, arena, &message) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        kw_client_deliver(s, message);
    }
    kw_arena_free(arena);
    return status;
}

/* The last values may have been in what is lost. Servers without ResendData are as good as those that do not have them. */
static void ask_for_values(kw_client_subscription *s)
{
    const kw_variant id = kw_variant_scalar(KW_BUILTIN_UINT32, &s->id);
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_call_method_result result;
    if (arena != NULL) {
        (void)kw_client_call(s->client, &KW_NODE_ID(0, KW_ID_SERVER), &KW_NODE_ID(0, KW_ID_SERVER_RESEND_DATA), &id, 1, arena, &result);
    }
    kw_arena_free(arena);
}

/* The Server says that it is over. */
static void end(kw_client_subscription *s, kw_status status)
{
    if (s->standing == KW_CLIENT_MISSING || s->standing == KW_CLIENT_OVER) {
        return;
    }
    const bool is_taken = status == KW_GOOD_SUBSCRIPTION_TRANSFERRED;
    s->standing = is_taken ? KW_CLIENT_OVER : KW_CLIENT_MISSING;
    s->retry_at = 0;
    if (is_taken || !s->is_lost) {
        s->is_lost = true;
        kw_client_subscription_tell(s, is_taken ? KW_CLIENT_NEWS_ENDED : KW_CLIENT_NEWS_LOST, status);
    }
}

/* Fetch what is missing before this one. False: the connection or the Session was lost over it, and it will all come again. */
static bool close_gap(kw_client_subscription *s, uint32_t until)
{
    bool missed = false;
    if (s->standing == KW_CLIENT_ABROAD) {
        return false;
    }
    if (until - s->next_sequence_number > GAP_MAX) {
        s->next_sequence_number = until > GAP_MAX ? until - GAP_MAX : 1;
        missed = true;
    }
    while (s->next_sequence_number != until) {
        const kw_status status = fetch_next(s);
        if (!kw_status_is_bad(status)) {
            continue;
        }
        if (status == KW_BAD_SUBSCRIPTION_ID_INVALID && s->standing != KW_CLIENT_ABROAD) {
            end(s, status);
            s->next_sequence_number = until;
            return true;
        }
        if (kw_client_is_broken(s->client) || status == KW_BAD_CONNECTION_CLOSED || s->standing == KW_CLIENT_ABROAD) {
            return false;
        }
        s->next_sequence_number = status == KW_BAD_MESSAGE_NOT_AVAILABLE ? number_after(s->next_sequence_number) : until;
        missed = true;
    }
    if (missed) {
        kw_client_subscription_tell(s, KW_CLIENT_NEWS_MISSED, KW_BAD_MESSAGE_NOT_AVAILABLE);
        ask_for_values(s);
    }
    return true;
}

/* --- messages as they come ---------------------------------------------------------------------------------------------------------- */

static const kw_status_change_notification *status_change_of(const kw_notification_message *message)
{
    return message->notification_data_count > 0
               ? kw_extension_object_get(&message->notification_data[0], KW_TYPE_STATUS_CHANGE_NOTIFICATION)
               : NULL;
}

static void acknowledge_leftovers(kw_client_subscription *s, const kw_publish_response *response)
{
    for (size_t i = 0; i < response->available_sequence_numbers_count; i++) {
        if (is_before(response->available_sequence_numbers[i], s->next_sequence_number)) {
            kw_client_acknowledge(s, response->available_sequence_numbers[i]);
        }
    }
    s->may_leave_unacknowledged = false;
}

/* Where the Server has lost it, nobody can be asked for what is missing. */
static bool is_ahead(kw_client_subscription *s, uint32_t number)
{
    if (is_before(number, s->next_sequence_number)) {
        return false;
    }
    if (s->standing == KW_CLIENT_MISSING || s->standing == KW_CLIENT_OVER) {
        s->next_sequence_number = number;
    }
    return number != s->next_sequence_number;
}

void kw_client_subscription_take(kw_client_subscription *s, const kw_publish_response *response)
{
    const kw_notification_message *message = &response->notification_message;
    const kw_status_change_notification *change = status_change_of(message);
    s->heard_at = kw_clock_ms(s->client->env.clock);
    s->is_doubtful = false;
    if (change != NULL) { /* it may carry the number of a message that never comes */
        end(s, change->status);
        return;
    }
    const uint32_t number = message->sequence_number;
    if (is_ahead(s, number) && !close_gap(s, number)) {
        return;
    }
    if (s->may_leave_unacknowledged) {
        acknowledge_leftovers(s, response);
    }
    if (message->notification_data_count == 0) { /* a keep-alive: the number of what comes next */
        return;
    }
    if (number == s->next_sequence_number) {
        kw_client_deliver(s, message);
    } else {
        kw_client_acknowledge(s, number); /* it was here already */
    }
}
