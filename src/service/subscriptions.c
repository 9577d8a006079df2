/* The table of Subscriptions: who holds them, on whose behalf they read, and how they change hands. */
#include "base/try.h"
#include "service/subscription_internal.h"
#include "space/rights.h"

#include <stdlib.h>

#define SCRATCH ((size_t)64 << 20) /* of one sample */
#define ENCODED_MAX ((size_t)16 << 20)

static kw_bytes key_of_id(const uint32_t *id)
{
    return (kw_bytes){(const uint8_t *)id, sizeof(*id)};
}

static kw_bytes key_of_session(const kw_session *const *session)
{
    return (kw_bytes){(const uint8_t *)session, sizeof(void *)}; /* the address is the key */
}

/* --- the manager ------------------------------------------------------------------------------------------------------------- */

/* True: there is something that may be read no longer. */
static bool evaluate_items(kw_subscription *s)
{
    bool lost = false;
    for (kw_monitored_item *item = s->first_item; item != NULL; item = item->next) {
        lost = kw_item_evaluate(item) || lost;
    }
    return lost;
}

/* What nodes allow is another thing now. What was sent before cannot be looked into: it is not sent again. */
static void evaluate_all(void *ctx)
{
    const kw_subscriptions *manager = ctx;
    void *found;
    for (size_t cursor = 0; kw_map_next(manager->by_id, &cursor, NULL, &found);) {
        (void)evaluate_items(found);
        kw_subscription_drop_sent(found);
    }
}

kw_status kw_subscriptions_new(const kw_service_context *context, kw_timers *timers, kw_subscriptions **out)
{
    kw_subscriptions *manager = calloc(1, sizeof(*manager));
    if (manager == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    manager->context = context;
    manager->timers = timers;
    manager->by_id = kw_map_new();
    manager->publishers = kw_map_new();
    manager->samplers = kw_map_new();
    manager->scratch = kw_arena_new(SCRATCH);
    kw_writer_init(&manager->writer, ENCODED_MAX);
    const bool complete = manager->by_id != NULL && manager->publishers != NULL && manager->samplers != NULL && manager->scratch != NULL;
    kw_status status = complete ? kw_subscriptions_bind_methods(manager) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = kw_space_listen(context->space, kw_event_items_hear, manager);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_space_watch_rights(context->space, evaluate_all, manager);
    }
    if (kw_status_is_bad(status)) {
        kw_subscriptions_free(manager);
        return status;
    }
    *out = manager;
    return KW_GOOD;
}

void kw_subscriptions_free(kw_subscriptions *manager)
{
    if (manager == NULL) {
        return;
    }
    kw_space_unlisten(manager->context->space, kw_event_items_hear, manager);
    kw_space_unwatch_rights(manager->context->space, evaluate_all, manager);
    while (manager->waiting != NULL) {
        kw_subscription_free(manager->waiting);
    }
    kw_map_free(manager->by_id);
    kw_map_free(manager->publishers);
    kw_map_free(manager->samplers);
    kw_arena_free(manager->scratch);
    kw_writer_clear(&manager->writer);
    free(manager);
}

size_t kw_subscriptions_count(const kw_subscriptions *manager)
{
    return kw_map_count(manager->by_id);
}

size_t kw_subscriptions_item_count(const kw_subscriptions *manager)
{
    return manager->item_count;
}

/* --- publishers ----------------------------------------------------------------------------------------------------------------- */

kw_publisher *kw_publisher_of(kw_subscriptions *manager, const kw_session *session)
{
    return kw_map_get(manager->publishers, key_of_session(&session));
}

kw_publisher *kw_publisher_make(kw_subscriptions *manager, kw_session *session)
{
    const kw_session *key = session;
    kw_publisher *p = kw_publisher_of(manager, session);
    if (p != NULL) {
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL || kw_status_is_bad(kw_map_put(manager->publishers, key_of_session(&key), p, NULL))) {
        free(p);
        return NULL;
    }
    p->manager = manager;
    p->session = session;
    return p;
}

/* --- finding ---------------------------------------------------------------------------------------------------------------------- */

kw_subscription *kw_subscription_find_any(kw_subscriptions *manager, uint32_t id)
{
    return kw_map_get(manager->by_id, key_of_id(&id));
}

kw_subscription *kw_subscription_find(kw_subscriptions *manager, const kw_session *session, uint32_t id)
{
    kw_subscription *s = kw_subscription_find_any(manager, id);
    return s != NULL && s->publisher != NULL && s->publisher->session == session ? s : NULL;
}

/* --- making and freeing ----------------------------------------------------------------------------------------------------------- */

static kw_subscription **head_of(kw_subscription *s)
{
    return s->publisher != NULL ? &s->publisher->first : &s->manager->waiting;
}

static void link_subscription(kw_subscription *s, kw_publisher *publisher)
{
    s->publisher = publisher;
    kw_subscription **head = head_of(s);
    s->prev = NULL;
    s->next = *head;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    *head = s;
    if (publisher != NULL) {
        publisher->subscription_count++;
    }
}

static void unlink_subscription(kw_subscription *s)
{
    *(s->prev != NULL ? &s->prev->next : head_of(s)) = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    if (s->publisher != NULL) {
        s->publisher->subscription_count--;
    }
}

/* Not to be guessed from others, and not to be met again after a restart. */
static kw_status choose_id(kw_subscriptions *manager, uint32_t *out)
{
    do {
        KW_TRY(kw_random_fill(manager->context->random, (uint8_t *)out, sizeof(*out)));
    } while (*out == 0 || kw_subscription_find_any(manager, *out) != NULL);
    return KW_GOOD;
}

kw_status kw_subscription_new(kw_publisher *publisher, kw_identity *identity, kw_message_security_mode mode,
                              const kw_subscription_parameters *parameters, bool publishing_enabled, kw_subscription **out)
{
    kw_subscriptions *manager = publisher->manager;
    kw_subscription *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    s->manager = manager;
    s->items = kw_map_new();
    kw_status status = s->items != NULL ? choose_id(manager, &s->id) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = kw_map_put(manager->by_id, key_of_id(&s->id), s, NULL);
    }
    if (kw_status_is_bad(status)) {
        kw_map_free(s->items);
        free(s);
        return status;
    }
    s->identity = kw_identity_retain(identity);
    s->mode = mode;
    s->parameters = *parameters;
    s->publishing_enabled = publishing_enabled;
    s->next_sequence_number = 1;
    link_subscription(s, publisher);
    manager->created++;
    kw_subscription_start(s);
    *out = s;
    return KW_GOOD;
}

static void leave_former(kw_subscription *s)
{
    if (s->former != NULL) {
        kw_session_let_go(s->former);
        s->former = NULL;
    }
}

void kw_subscription_free(kw_subscription *s)
{
    kw_timer_stop(&s->timer);
    while (s->first_item != NULL) {
        kw_item_free(s->first_item);
    }
    kw_subscription_drop_sent(s);
    unlink_subscription(s);
    kw_map_remove(s->manager->by_id, key_of_id(&s->id));
    kw_map_free(s->items);
    kw_identity_release(s->identity);
    leave_former(s);
    free(s);
}

void kw_subscription_hand_over(kw_subscription *s, kw_publisher *publisher)
{
    unlink_subscription(s);
    leave_former(s);
    if (publisher == NULL) {
        s->former = s->publisher->session;
        kw_session_linger(s->former);
    }
    link_subscription(s, publisher);
    s->state = KW_SUBSCRIPTION_NORMAL;
    s->message_sent = false;
    s->has_more = false;
    kw_subscription_keep(s);
}

/* --- on whose behalf ------------------------------------------------------------------------------------------------------------------ */

kw_access kw_subscription_access(const kw_subscription *s)
{
    kw_access access = {.identity = s->identity, .mode = s->mode, .has_session = true};
    if (s->publisher != NULL && s->publisher->session != NULL) {
        access.session_id = *kw_session_id(s->publisher->session);
        access.locales = kw_session_locales(s->publisher->session, &access.locale_count);
    }
    return access;
}

bool kw_subscription_is_expired(const kw_subscription *s)
{
    const kw_session *session = s->publisher != NULL ? s->publisher->session : s->former;
    return session != NULL && kw_session_is_expired(session);
}

static bool has_same_roles(const kw_identity *a, const kw_identity *b)
{
    for (size_t i = 0; i < a->role_count; i++) {
        if (!kw_identity_has_role(b, a->roles[i].ns, a->roles[i].id)) {
            return false;
        }
    }
    return a->role_count == b->role_count;
}

static void forget_former_user(kw_subscription *s)
{
    kw_subscription_drop_sent(s);
    for (kw_monitored_item *item = s->first_item; item != NULL; item = item->next) {
        kw_item_forget(item);
    }
}

void kw_subscription_set_user(kw_subscription *s, kw_identity *identity, kw_message_security_mode mode)
{
    kw_identity *former = s->identity;
    const bool is_same_user = kw_identity_is_same_user(former, identity);
    const bool has_same_rights = is_same_user && mode == s->mode && has_same_roles(former, identity);
    s->identity = kw_identity_retain(identity);
    s->mode = mode;
    kw_identity_release(former);
    if (has_same_rights) {
        return;
    }
    if (!is_same_user) { /* nothing of one user is served to another */
        forget_former_user(s);
    }
    if (evaluate_items(s)) {
        kw_subscription_drop_sent(s);
    }
}

void kw_subscriptions_identity_changed(kw_subscriptions *manager, kw_session *session)
{
    kw_publisher *p = kw_publisher_of(manager, session);
    for (kw_subscription *s = p == NULL ? manager->waiting : NULL; s != NULL; s = s->next) {
        if (s->former == session) {
            kw_subscription_set_user(s, kw_session_identity(session), kw_session_mode(session));
        }
    }
    if (p == NULL) {
        return;
    }
    kw_publisher_refuse_others(p, kw_session_channel(session), KW_BAD_SECURE_CHANNEL_ID_INVALID); /* AS-13 */
    for (kw_subscription *s = p->first; s != NULL; s = s->next) {
        kw_subscription_set_user(s, kw_session_identity(session), kw_session_mode(session));
    }
}

/* --- Sessions that end ------------------------------------------------------------------------------------------------------------------- */

/* UM-11, UM-16: those that wait. */
static void end_waiting(const kw_subscriptions *manager, const kw_session *former)
{
    for (kw_subscription *s = manager->waiting, *next; s != NULL; s = next) {
        next = s->next;
        if (s->former == former) {
            kw_subscription_free(s);
        }
    }
}

void kw_subscriptions_session_closed(kw_subscriptions *manager, kw_session *session, bool delete_subscriptions)
{
    const kw_session *key = session;
    kw_publisher *p = kw_publisher_of(manager, session);
    if (p == NULL) {
        if (delete_subscriptions) {
            end_waiting(manager, session);
        }
        return;
    }
    kw_publisher_refuse(p, KW_BAD_SESSION_CLOSED); /* CL-02 */
    while (p->first != NULL) {                     /* CL-05 */
        if (delete_subscriptions) {
            kw_subscription_free(p->first); /* NOLINT(clang-analyzer-unix.Malloc): it leaves the list */
        } else {
            kw_subscription_hand_over(p->first, NULL);
        }
    }
    kw_map_remove(manager->publishers, key_of_session(&key));
    kw_publisher_free(p);
}

void kw_subscriptions_refuse_requests(kw_subscriptions *manager, kw_status status)
{
    void *publisher;
    for (size_t cursor = 0; kw_map_next(manager->publishers, &cursor, NULL, &publisher);) {
        kw_publisher_refuse(publisher, status);
    }
}
