/* Inner seam of the Client's Subscriptions. */
#ifndef KW_CLIENT_SUBSCRIPTION_INTERNAL_H
#define KW_CLIENT_SUBSCRIPTION_INTERNAL_H

#include "base/map.h"
#include "client/client_internal.h"

#include <keyway/client_subscription.h>

#define KW_CLIENT_PUBLISH_MAX 10
#define KW_CLIENT_ACKNOWLEDGEMENTS_MAX 256

/* What a MonitoredItem is at the Server. */
struct kw_client_item {
    kw_client_subscription *subscription;
    kw_client_item *prev, *next;
    uint32_t handle; /* unique in the Client */
    uint32_t id;     /* 0: not there */
    kw_status status;
    uint8_t *wanted; /* its MonitoredItemCreateRequest in UA binary */
    size_t wanted_len;
    void (*changed)(void *ctx, kw_client_item *item, const kw_data_value *value);
    void (*happened)(void *ctx, kw_client_item *item, const kw_variant *fields, size_t count);
    void *ctx;
    /* the value that was delivered last, to know it again when the Server repeats it */
    bool has_last;
    bool minds_time; /* another timestamp is a change */
    kw_date_time last_time;
    kw_status last_status;
    uint64_t last_hash;
};

/* Where a Subscription stands. */
typedef enum kw_client_standing {
    KW_CLIENT_LIVE,
    KW_CLIENT_BEHIND,  /* on our Session; messages may have been missed */
    KW_CLIENT_ABROAD,  /* on a former Session: to be transferred */
    KW_CLIENT_MISSING, /* to be made again */
    KW_CLIENT_OVER
} kw_client_standing;

struct kw_client_subscription {
    kw_client *client;
    kw_client_subscription *next;
    void (*told)(void *ctx, kw_client_subscription *subscription, kw_client_news news, kw_status status);
    void *ctx;
    kw_create_subscription_request wanted;
    uint32_t id;
    double interval_ms;
    uint64_t silence_ms; /* so long it may say nothing */
    kw_client_standing standing;
    kw_client_news news;           /* to be told when it is live */
    bool is_lost;                  /* this was told */
    bool is_refused;               /* and this */
    bool is_doubtful;              /* the Server may not know it any more */
    bool is_removed;               /* by its user, from within a callback */
    bool may_leave_unacknowledged; /* messages that were delivered, of a former connection */
    uint32_t next_sequence_number;
    uint64_t heard_at;
    uint64_t retry_at, retry_wait; /* of what stands in the way of being live */
    uint64_t items_retry_at;       /* of items that are not there; UINT64_MAX: all are */
    kw_client_item *first_item;
};

/* A Publish request on its way. */
typedef struct kw_client_publish {
    bool is_under_way;
    kw_awaited awaited;
} kw_client_publish;

struct kw_client_subscriptions {
    kw_client_subscription *first;
    kw_map *items; /* handle -> kw_client_item */
    uint32_t last_handle;
    bool is_in_turn;    /* callbacks may be under way */
    bool may_have_lost; /* there may be Subscriptions on the Session that we do not know */
    kw_client_publish requests[KW_CLIENT_PUBLISH_MAX];
    size_t allowed; /* requests under way at a time */
    uint64_t pause_until, pause;
    kw_subscription_acknowledgement acknowledgements[KW_CLIENT_ACKNOWLEDGEMENTS_MAX];
    size_t acknowledgement_count;
};

/* subscription.c */
void kw_client_subscription_tell(kw_client_subscription *s, kw_client_news news, kw_status status);
/* CreateSubscription as it was wanted: live, and without items. */
kw_status kw_client_subscription_create(kw_client_subscription *s);
void kw_client_subscription_free(kw_client_subscription *s);

/* monitored_item.c */
kw_client_item *kw_client_item_find(const kw_client_subscription *s, uint32_t handle);
void kw_client_item_free(kw_client_item *item);
/* Make those that are not there; what is refused is told as a value. */
void kw_client_items_restore(kw_client_subscription *s);

/* publish.c */
/* Take what has been answered. */
void kw_client_publish_take(kw_client *client);
/* Send as many requests as there may be. */
void kw_client_publish_send(kw_client *client);
/* They are not waited for any longer. */
void kw_client_publish_drop(kw_client *client);
void kw_client_acknowledge(kw_client_subscription *s, uint32_t sequence_number);

/* notification.c */
/* The message, after what came before it. */
void kw_client_subscription_take(kw_client_subscription *s, const kw_publish_response *response);
/* Fetch the next message, which the Server has sent already. Bad_MessageNotAvailable: there is none. */
kw_status kw_client_republish(kw_client_subscription *s, kw_arena *arena, const kw_notification_message **out);
void kw_client_deliver(kw_client_subscription *s, const kw_notification_message *message);

#endif
