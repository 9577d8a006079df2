/* Subscriptions as their user sees them. OPC 10000-4, 5.14. */
#include "base/try.h"
#include "client/subscription_internal.h"

#include <math.h>
#include <stdlib.h>

#define CALL_ARENA ((size_t)16 << 20)
#define DEFAULT_INTERVAL_MS 1000.0
#define DEFAULT_KEEP_ALIVE_MS 10000u
#define DEFAULT_LIFETIME_MS 300000u
#define SILENCE_MAX_MS 86400000.0

void kw_client_subscription_tell(kw_client_subscription *s, kw_client_news news, kw_status status)
{
    if (s->told != NULL && !s->is_removed) {
        s->told(s->ctx, s, news, status);
    }
}

/* --- what is wanted, and what the Server makes of it -------------------------------------------------------------------------- */

static uint32_t intervals_in(uint32_t ms, double interval)
{
    const double count = ceil(ms / interval);
    return count >= 1 && count < (double)UINT32_MAX ? (uint32_t)count : 1;
}

static void plan(kw_client_subscription *s, const kw_client_subscription_config *config)
{
    const double interval = config->publishing_interval_ms > 0 ? config->publishing_interval_ms : DEFAULT_INTERVAL_MS;
    const uint32_t keep_alive = config->keep_alive_ms != 0 ? config->keep_alive_ms : DEFAULT_KEEP_ALIVE_MS;
    const uint32_t lifetime = config->lifetime_ms != 0 ? config->lifetime_ms : DEFAULT_LIFETIME_MS;
    s->wanted.requested_publishing_interval = interval;
    s->wanted.requested_max_keep_alive_count = intervals_in(keep_alive, interval);
    s->wanted.requested_lifetime_count = intervals_in(lifetime, interval);
    s->wanted.max_notifications_per_publish = config->max_notifications;
    s->wanted.priority = config->priority;
}

/* It speaks once in so many intervals; an answer may then take its time. */
static void note_revised(kw_client_subscription *s, double interval, uint32_t keep_alive_count)
{
    const double silence = interval * ((double)keep_alive_count + 1);
    s->interval_ms = interval;
    s->silence_ms = (silence >= 0 && silence < SILENCE_MAX_MS ? (uint64_t)silence : (uint64_t)SILENCE_MAX_MS) + s->client->timeout_ms;
}

kw_status kw_client_subscription_create(kw_client_subscription *s)
{
    kw_client *client = s->client;
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_create_subscription_request request = s->wanted;
    kw_create_subscription_response *response = NULL;
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = kw_client_service(client, KW_TYPE_CREATE_SUBSCRIPTION_REQUEST, &request, KW_TYPE_CREATE_SUBSCRIPTION_RESPONSE,
                                               arena, (void **)&response);
    if (!kw_status_is_bad(status)) {
        s->id = response->subscription_id;
        s->next_sequence_number = 1;
        s->standing = KW_CLIENT_LIVE;
        s->is_doubtful = false;
        s->heard_at = kw_clock_ms(client->env.clock);
        note_revised(s, response->revised_publishing_interval, response->revised_max_keep_alive_count);
    } else if (response == NULL) {
        client->subscriptions->may_have_lost = true;
    }
    kw_arena_free(arena);
    return status;
}

/* --- making and freeing ---------------------------------------------------------------------------------------------------------- */

static kw_status make_table(kw_client *client)
{
    if (client->subscriptions != NULL) {
        return KW_GOOD;
    }
    kw_client_subscriptions *table = calloc(1, sizeof(*table));
    if (table == NULL || (table->items = kw_map_new()) == NULL) {
        free(table);
        return KW_BAD_OUT_OF_MEMORY;
    }
    table->allowed = KW_CLIENT_PUBLISH_MAX;
    client->subscriptions = table;
    return KW_GOOD;
}

kw_status kw_client_subscribe(kw_client *client, const kw_client_subscription_config *config, kw_client_subscription **out)
{
    KW_TRY(make_table(client));
    kw_client_subscription *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    s->client = client;
    s->told = config->told;
    s->ctx = config->ctx;
    s->items_retry_at = UINT64_MAX;
    s->wanted.publishing_enabled = true;
    plan(s, config);
    const kw_status status = kw_client_subscription_create(s);
    if (kw_status_is_bad(status)) {
        free(s);
        return status;
    }
    s->next = client->subscriptions->first;
    client->subscriptions->first = s;
    *out = s;
    return KW_GOOD;
}

void kw_client_subscription_free(kw_client_subscription *s)
{
    kw_client_subscription **at = &s->client->subscriptions->first;
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    while (s->first_item != NULL) {
        kw_client_item_free(s->first_item);
    }
    free(s);
}

void kw_client_subscriptions_free(kw_client *client)
{
    kw_client_subscriptions *table = client->subscriptions;
    if (table == NULL) {
        return;
    }
    while (table->first != NULL) {
        kw_client_subscription_free(table->first);
    }
    kw_client_publish_drop(client);
    kw_map_free(table->items);
    free(table);
    client->subscriptions = NULL;
}

/* --- its life ---------------------------------------------------------------------------------------------------------------------- */

/* The Server has it, in this Session. */
static bool is_here(const kw_client_subscription *s)
{
    return s->standing == KW_CLIENT_LIVE || s->standing == KW_CLIENT_BEHIND;
}

static kw_status modify(kw_client_subscription *s, kw_arena *arena)
{
    kw_modify_subscription_request request = {.subscription_id = s->id,
                                              .requested_publishing_interval = s->wanted.requested_publishing_interval,
                                              .requested_lifetime_count = s->wanted.requested_lifetime_count,
                                              .requested_max_keep_alive_count = s->wanted.requested_max_keep_alive_count,
                                              .max_notifications_per_publish = s->wanted.max_notifications_per_publish,
                                              .priority = s->wanted.priority};
    kw_modify_subscription_response *response = NULL;
    KW_TRY(kw_client_service(s->client, KW_TYPE_MODIFY_SUBSCRIPTION_REQUEST, &request, KW_TYPE_MODIFY_SUBSCRIPTION_RESPONSE, arena,
                             (void **)&response));
    note_revised(s, response->revised_publishing_interval, response->revised_max_keep_alive_count);
    return KW_GOOD;
}

kw_status kw_client_modify_subscription(kw_client_subscription *s, const kw_client_subscription_config *config)
{
    const kw_create_subscription_request former = s->wanted;
    plan(s, config);
    if (!is_here(s)) {
        return KW_GOOD; /* it is made so */
    }
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    const kw_status status = arena != NULL ? modify(s, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    if (kw_status_is_bad(status)) {
        s->wanted = former;
    }
    return status;
}

static kw_status set_publishing(kw_client_subscription *s, bool enabled, kw_arena *arena)
{
    kw_set_publishing_mode_request request = {.publishing_enabled = enabled, .subscription_ids = &s->id, .subscription_ids_count = 1};
    kw_set_publishing_mode_response *response = NULL;
    KW_TRY(kw_client_service(s->client, KW_TYPE_SET_PUBLISHING_MODE_REQUEST, &request, KW_TYPE_SET_PUBLISHING_MODE_RESPONSE, arena,
                             (void **)&response));
    return response->results_count == 1 ? response->results[0] : KW_BAD_UNKNOWN_RESPONSE;
}

kw_status kw_client_set_publishing(kw_client_subscription *s, bool enabled)
{
    kw_status status = KW_GOOD;
    if (is_here(s)) {
        kw_arena *arena = kw_arena_new(CALL_ARENA);
        status = arena != NULL ? set_publishing(s, enabled, arena) : KW_BAD_OUT_OF_MEMORY;
        kw_arena_free(arena);
    }
    if (!kw_status_is_bad(status)) {
        s->wanted.publishing_enabled = enabled;
    }
    return status;
}

static kw_status delete_it(kw_client_subscription *s)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_delete_subscriptions_request request = {.subscription_ids = &s->id, .subscription_ids_count = 1};
    kw_delete_subscriptions_response *response = NULL;
    kw_status status = arena != NULL ? kw_client_service(s->client, KW_TYPE_DELETE_SUBSCRIPTIONS_REQUEST, &request,
                                                         KW_TYPE_DELETE_SUBSCRIPTIONS_RESPONSE, arena, (void **)&response)
                                     : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = response->results_count == 1 ? response->results[0] : KW_BAD_UNKNOWN_RESPONSE;
    } else if (response == NULL) {
        s->client->subscriptions->may_have_lost = true;
    }
    kw_arena_free(arena);
    return status;
}

kw_status kw_client_unsubscribe(kw_client_subscription *s)
{
    s->is_removed = true;
    const kw_status status = is_here(s) ? delete_it(s) : KW_GOOD;
    if (!s->client->subscriptions->is_in_turn) {
        kw_client_subscription_free(s);
    }
    return status;
}

uint32_t kw_client_subscription_id(const kw_client_subscription *s)
{
    return s->id;
}

double kw_client_subscription_interval(const kw_client_subscription *s)
{
    return s->interval_ms;
}
