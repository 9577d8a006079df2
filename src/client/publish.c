/* Publish requests: a few are always with the Server, and bring it what was received. OPC 10000-4, 5.14.5. */
#include "base/try.h"
#include "client/subscription_internal.h"

#define CALL_ARENA ((size_t)16 << 20)
#define FIRST_PAUSE_MS 100u
#define LAST_PAUSE_MS 5000u

/* When it is full, the Server keeps a message longer than it need. */
void kw_client_acknowledge(kw_client_subscription *s, uint32_t sequence_number)
{
    kw_client_subscriptions *table = s->client->subscriptions;
    if (table->acknowledgement_count < KW_CLIENT_ACKNOWLEDGEMENTS_MAX) {
        table->acknowledgements[table->acknowledgement_count++] = (kw_subscription_acknowledgement){s->id, sequence_number};
    }
}

static size_t count_under_way(const kw_client_subscriptions *table)
{
    size_t count = 0;
    for (size_t i = 0; i < KW_CLIENT_PUBLISH_MAX; i++) {
        count += table->requests[i].is_under_way;
    }
    return count;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------- */

static void pause_publishing(kw_client *client)
{
    kw_client_subscriptions *table = client->subscriptions;
    const uint64_t next = table->pause * 2;
    table->pause = next == 0 ? FIRST_PAUSE_MS : next < LAST_PAUSE_MS ? next : LAST_PAUSE_MS;
    table->pause_until = kw_clock_ms(client->env.clock) + table->pause;
}

static void doubt_all(kw_client_subscriptions *table)
{
    for (kw_client_subscription *s = table->first; s != NULL; s = s->next) {
        s->is_doubtful = true;
    }
}

static void take_refusal(kw_client *client, kw_status status)
{
    kw_client_subscriptions *table = client->subscriptions;
    const size_t rest = count_under_way(table);
    if (status == KW_BAD_TOO_MANY_PUBLISH_REQUESTS && rest > 0) { /* so many it takes */
        table->allowed = rest < table->allowed ? rest : table->allowed;
        return;
    }
    if (status == KW_BAD_NO_SUBSCRIPTION) { /* perhaps the answer to one that was sent for a Subscription of before */
        doubt_all(table);
    }
    pause_publishing(client);
}

/* A Subscription that was made or deleted by a call whose answer never came. */
static void delete_stranger(kw_client *client, uint32_t id)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_delete_subscriptions_request request = {.subscription_ids = &id, .subscription_ids_count = 1};
    kw_delete_subscriptions_response *response = NULL;
    if (arena != NULL && client->subscriptions->may_have_lost) {
        (void)kw_client_service(client, KW_TYPE_DELETE_SUBSCRIPTIONS_REQUEST, &request, KW_TYPE_DELETE_SUBSCRIPTIONS_RESPONSE, arena,
                                (void **)&response);
    }
    kw_arena_free(arena);
}

static void take_response(kw_client *client, const kw_publish_response *response)
{
    kw_client_subscriptions *table = client->subscriptions;
    kw_client_subscription *s = table->first;
    table->pause = table->pause_until = 0;
    while (s != NULL && (s->id != response->subscription_id || s->is_removed)) {
        s = s->next;
    }
    if (s != NULL) {
        kw_client_subscription_take(s, response);
    } else {
        delete_stranger(client, response->subscription_id);
    }
}

static void take(kw_client *client, kw_client_publish *request)
{
    kw_awaited answer = request->awaited;
    kw_link *link = answer.link; /* NULL: of a connection that is gone */
    kw_publish_response *response = NULL;
    kw_link_let_go(&request->awaited);
    request->is_under_way = false;
    kw_status status = answer.error;
    if (!kw_status_is_bad(status)) {
        status = kw_client_decode(client, &answer, KW_TYPE_PUBLISH_RESPONSE, answer.arena, (void **)&response);
    }
    if (!kw_status_is_bad(status)) {
        take_response(client, response);
    } else if (link != NULL) {
        kw_client_note_end(client, link, status);
        take_refusal(client, status);
    }
    kw_arena_free(answer.arena);
}

static kw_client_publish *first_answered(kw_client_subscriptions *table)
{
    kw_client_publish *first = NULL;
    for (size_t i = 0; i < KW_CLIENT_PUBLISH_MAX; i++) {
        kw_client_publish *r = &table->requests[i];
        if (r->is_under_way && kw_awaited_is_answered(&r->awaited) && (first == NULL || r->awaited.order < first->awaited.order)) {
            first = r;
        }
    }
    return first;
}

/* Each at most once in a turn: no Server keeps us from the rest of it. */
void kw_client_publish_take(kw_client *client)
{
    kw_client_publish *request = first_answered(client->subscriptions);
    for (size_t i = 0; i < KW_CLIENT_PUBLISH_MAX && request != NULL; i++) {
        take(client, request);
        request = first_answered(client->subscriptions);
    }
}

/* --- requests ------------------------------------------------------------------------------------------------------------------- */

void kw_client_publish_drop(kw_client *client)
{
    kw_client_subscriptions *table = client->subscriptions;
    for (size_t i = 0; i < KW_CLIENT_PUBLISH_MAX; i++) {
        kw_client_publish *r = &table->requests[i];
        if (r->is_under_way) {
            kw_link_let_go(&r->awaited);
            kw_arena_free(r->awaited.arena);
            r->is_under_way = false;
        }
    }
}

/* One for each Subscription, and one more: while an answer is on its way, the Server has another to answer. */
static size_t count_wanted(const kw_client_subscriptions *table)
{
    size_t live = 0;
    for (const kw_client_subscription *s = table->first; s != NULL; s = s->next) {
        live += s->standing == KW_CLIENT_LIVE && !s->is_removed;
    }
    return live == 0 ? 0 : live + 1 < table->allowed ? live + 1 : table->allowed;
}

static kw_status send_request(kw_client *client, kw_client_publish *publish)
{
    kw_client_subscriptions *table = client->subscriptions;
    kw_publish_request request = {.subscription_acknowledgements = table->acknowledgements,
                                  .subscription_acknowledgements_count = table->acknowledgement_count};
    KW_TRY(kw_client_send(client, client->link, &client->authentication_token, KW_TYPE_PUBLISH_REQUEST, &request, 0, &publish->awaited));
    publish->is_under_way = true;
    table->acknowledgement_count = 0;
    client->last_used = kw_clock_ms(client->env.clock);
    return KW_GOOD;
}

void kw_client_publish_send(kw_client *client)
{
    kw_client_subscriptions *table = client->subscriptions;
    const size_t wanted = count_wanted(table);
    size_t under_way = count_under_way(table);
    if (table->pause_until > kw_clock_ms(client->env.clock)) {
        return;
    }
    for (size_t i = 0; i < KW_CLIENT_PUBLISH_MAX && under_way < wanted; i++) {
        kw_client_publish *r = &table->requests[i];
        if (!r->is_under_way) {
            if (kw_status_is_bad(send_request(client, r))) {
                return;
            }
            under_way++;
        }
    }
}
