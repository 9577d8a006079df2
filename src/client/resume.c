/* Subscriptions over broken connections, lost Sessions and silent Servers. OPC 10000-4, 5.14.7 and 6.7. */
#include "base/try.h"
#include "client/subscription_internal.h"

#define CALL_ARENA ((size_t)256 << 20)
#define FIRST_RETRY_MS 1000u
#define LAST_RETRY_MS 30000u
#define REPUBLISH_MAX 1000 /* messages in a row; no Server keeps more for one Subscription */

static uint64_t now_of(const kw_client_subscription *s)
{
    return kw_clock_ms(s->client->env.clock);
}

/* --- the connection -------------------------------------------------------------------------------------------------------------- */

void kw_client_subscriptions_lost(kw_client *client, kw_status status)
{
    kw_client_subscription *s = client->subscriptions != NULL ? client->subscriptions->first : NULL;
    for (; s != NULL; s = s->next) {
        if (!s->is_lost) {
            s->is_lost = true;
            kw_client_subscription_tell(s, KW_CLIENT_NEWS_LOST, status);
        }
    }
}

void kw_client_subscriptions_back(kw_client *client, bool is_other_session)
{
    kw_client_subscriptions *table = client->subscriptions;
    for (kw_client_subscription *s = table != NULL ? table->first : NULL; s != NULL; s = s->next) {
        s->retry_at = s->retry_wait = 0;
        if (s->standing == KW_CLIENT_LIVE || s->standing == KW_CLIENT_BEHIND) {
            s->standing = is_other_session ? KW_CLIENT_ABROAD : KW_CLIENT_BEHIND;
            s->news = KW_CLIENT_NEWS_BACK;
        }
    }
    if (table != NULL) {
        table->pause = table->pause_until = 0;
        table->allowed = KW_CLIENT_PUBLISH_MAX;
    }
}

/* --- back to where it was ---------------------------------------------------------------------------------------------------------- */

static void go_live(kw_client_subscription *s)
{
    s->standing = KW_CLIENT_LIVE;
    s->is_lost = s->is_refused = false;
    s->may_leave_unacknowledged = true;
    s->heard_at = now_of(s);
    kw_client_subscription_tell(s, s->news, KW_GOOD);
}

/* The connection stood in the way: the next turn begins with another one. */
static bool is_interrupted(const kw_client_subscription *s, kw_status status)
{
    if (status == KW_BAD_TIMEOUT && s->client->link != NULL) { /* nobody is there any more */
        kw_link_fail(s->client->link, KW_BAD_CONNECTION_CLOSED);
    }
    return status == KW_BAD_CONNECTION_CLOSED || kw_client_is_broken(s->client);
}

/* What was sent while nobody listened: told first that it is back, then what it has to say. */
static void catch_up(kw_client_subscription *s)
{
    kw_status status = KW_GOOD;
    for (int i = 0; i < REPUBLISH_MAX && !kw_status_is_bad(status) && !s->is_removed; i++) {
        kw_arena *arena = kw_arena_new(CALL_ARENA);
        const kw_notification_message *message = NULL;
        status = arena != NULL ? kw_client_republish(s, arena, &message) : KW_BAD_OUT_OF_MEMORY;
        if (status == KW_BAD_SUBSCRIPTION_ID_INVALID || status == KW_BAD_NO_SUBSCRIPTION) {
            s->standing = s->standing == KW_CLIENT_ABROAD ? KW_CLIENT_ABROAD : KW_CLIENT_MISSING;
        } else if (!is_interrupted(s, status) && s->standing == KW_CLIENT_BEHIND) {
            go_live(s);
        }
        if (!kw_status_is_bad(status)) {
            kw_client_deliver(s, message);
        }
        kw_arena_free(arena);
    }
}

static kw_status transfer(kw_client_subscription *s)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_transfer_subscriptions_request request = {.subscription_ids = &s->id, .subscription_ids_count = 1, .send_initial_values = true};
    kw_transfer_subscriptions_response *response = NULL;
    kw_status status = arena != NULL ? kw_client_service(s->client, KW_TYPE_TRANSFER_SUBSCRIPTIONS_REQUEST, &request,
                                                         KW_TYPE_TRANSFER_SUBSCRIPTIONS_RESPONSE, arena, (void **)&response)
                                     : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = response->results_count == 1 ? response->results[0].status_code : KW_BAD_UNKNOWN_RESPONSE;
    }
    kw_arena_free(arena);
    return status;
}

static void bring_home(kw_client_subscription *s)
{
    const kw_status status = transfer(s);
    if (!kw_status_is_bad(status) || status == KW_BAD_NOTHING_TO_DO) { /* the latter: an answer that never came had done it */
        s->standing = KW_CLIENT_BEHIND;
        s->news = KW_CLIENT_NEWS_TRANSFERRED;
        catch_up(s);
    } else if (!is_interrupted(s, status)) {
        s->standing = KW_CLIENT_MISSING;
    }
}

static void make_again(kw_client_subscription *s)
{
    const kw_status status = kw_client_subscription_create(s);
    if (!kw_status_is_bad(status)) {
        for (kw_client_item *item = s->first_item; item != NULL; item = item->next) {
            item->id = 0;
        }
        s->items_retry_at = s->first_item != NULL ? 0 : UINT64_MAX;
        s->news = KW_CLIENT_NEWS_RENEWED;
        go_live(s);
    } else if (!is_interrupted(s, status)) {
        if (!s->is_refused) {
            s->is_refused = true;
            kw_client_subscription_tell(s, KW_CLIENT_NEWS_REFUSED, status);
        }
        s->retry_wait = s->retry_wait == 0 ? FIRST_RETRY_MS : s->retry_wait * 2 < LAST_RETRY_MS ? s->retry_wait * 2 : LAST_RETRY_MS;
        s->retry_at = now_of(s) + s->retry_wait;
    }
}

/* --- while it is live ----------------------------------------------------------------------------------------------------------------- */

static bool is_silent(const kw_client_subscription *s)
{
    return s->standing == KW_CLIENT_LIVE && (s->is_doubtful || now_of(s) >= s->heard_at + s->silence_ms);
}

/* It should have spoken: does the Server still have it, and is anybody there at all? */
static void look_after(kw_client_subscription *s)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    const kw_notification_message *message = NULL;
    const bool was_doubtful = s->is_doubtful;
    const kw_status status = arena != NULL ? kw_client_republish(s, arena, &message) : KW_BAD_OUT_OF_MEMORY;
    s->is_doubtful = false;
    if (status == KW_BAD_SUBSCRIPTION_ID_INVALID || status == KW_BAD_NO_SUBSCRIPTION) {
        if (s->standing == KW_CLIENT_LIVE) {
            s->standing = KW_CLIENT_MISSING;
            s->is_lost = true;
            kw_client_subscription_tell(s, KW_CLIENT_NEWS_LOST, status);
        }
    } else if (!is_interrupted(s, status)) {
        s->heard_at = now_of(s);
        if (!was_doubtful) { /* requests that the Server has forgotten */
            kw_client_publish_drop(s->client);
        }
    }
    if (!kw_status_is_bad(status)) {
        kw_client_deliver(s, message);
    }
    kw_arena_free(arena);
}

/* --- turns ---------------------------------------------------------------------------------------------------------------------------- */

static void mend(kw_client_subscription *s)
{
    if (s->standing != KW_CLIENT_LIVE && now_of(s) < s->retry_at) {
        return;
    }
    if (s->standing == KW_CLIENT_BEHIND) {
        catch_up(s);
    }
    if (s->standing == KW_CLIENT_ABROAD) {
        bring_home(s);
    }
    if (s->standing == KW_CLIENT_MISSING && !kw_client_is_broken(s->client) && !s->is_removed) {
        make_again(s);
    }
    if (is_silent(s) && !s->is_removed) {
        look_after(s);
    }
    if (s->standing == KW_CLIENT_LIVE && s->items_retry_at <= now_of(s) && !s->is_removed) {
        kw_client_items_restore(s);
    }
}

static void sweep(kw_client_subscriptions *table)
{
    for (kw_client_subscription *s = table->first, *next; s != NULL; s = next) {
        next = s->next;
        if (s->is_removed) {
            kw_client_subscription_free(s);
        }
    }
}

void kw_client_subscriptions_turn(kw_client *client)
{
    kw_client_subscriptions *table = client->subscriptions;
    if (table == NULL) {
        return;
    }
    table->is_in_turn = true;
    kw_client_publish_take(client);
    for (kw_client_subscription *s = table->first; s != NULL && !kw_client_is_broken(client); s = s->next) {
        if (!s->is_removed) {
            mend(s);
        }
    }
    if (!kw_client_is_broken(client)) {
        kw_client_publish_send(client);
    }
    table->is_in_turn = false;
    sweep(table);
}

bool kw_client_subscriptions_are_in_turn(const kw_client *client)
{
    return client->subscriptions != NULL && client->subscriptions->is_in_turn;
}

static uint64_t due_of(const kw_client_subscription *s)
{
    if (s->standing == KW_CLIENT_OVER) {
        return UINT64_MAX;
    }
    if (s->standing != KW_CLIENT_LIVE) {
        return s->retry_at;
    }
    const uint64_t silent = s->is_doubtful ? 0 : s->heard_at + s->silence_ms;
    return silent < s->items_retry_at ? silent : s->items_retry_at;
}

uint64_t kw_client_subscriptions_due(const kw_client *client)
{
    const kw_client_subscriptions *table = client->subscriptions;
    uint64_t due = UINT64_MAX;
    if (table == NULL) {
        return due;
    }
    for (const kw_client_subscription *s = table->first; s != NULL; s = s->next) {
        due = due_of(s) < due ? due_of(s) : due;
    }
    const bool pauses = table->pause_until > kw_clock_ms(client->env.clock);
    return pauses && table->pause_until < due ? table->pause_until : due;
}
