/**
 * Subscriptions of a Client: values and events come to callbacks, and go on over everything that may happen to the connection.
 *
 *   kw_client_subscription *s = NULL;
 *   kw_client_subscribe(client, &(kw_client_subscription_config){.publishing_interval_ms = 500}, &s);
 *   kw_client_monitor(s, &(kw_client_item_config){.node = node, .changed = on_change}, 1, NULL, NULL);
 *   while (!kw_status_is_bad(kw_client_idle(client, 1000))) {
 *   }
 *
 * The Client publishes, acknowledges, calls callbacks and mends what broke from within kw_client_idle; between its calls the Server
 * queues. A message that did not arrive is fetched by Republish. After a new SecureChannel the Subscription goes on where it was;
 * after a new Session it is transferred, or made again with all its items when the Server has lost it. What was delivered once is
 * not delivered again: neither a message, nor the value that an item has delivered last (with a filter on timestamps: the value and
 * its SourceTimestamp).
 *
 * A callback may use the Client, but not kw_client_idle, kw_client_connect, kw_client_disconnect and kw_client_free; `told` may not
 * use it at all, for it comes from the midst of any call. What a callback is given lives until it returns.
 *
 * Subscriptions and items belong to the Client: kw_client_disconnect ends them all. OPC 10000-4, 5.13 and 5.14.
 */
#ifndef KEYWAY_CLIENT_SUBSCRIPTION_H
#define KEYWAY_CLIENT_SUBSCRIPTION_H

#include <keyway/client.h>

typedef struct kw_client_subscription kw_client_subscription;
typedef struct kw_client_item kw_client_item;

/* --- Subscriptions -------------------------------------------------------------------------------------------------------- */

typedef enum kw_client_news {
    KW_CLIENT_NEWS_LOST,        /* the connection broke, or the Server has ended the Subscription */
    KW_CLIENT_NEWS_BACK,        /* on the same Session: what was missed follows */
    KW_CLIENT_NEWS_TRANSFERRED, /* on a new Session, which has taken it over: what was missed follows */
    KW_CLIENT_NEWS_RENEWED,     /* made again with all its items: what was between is not known */
    KW_CLIENT_NEWS_REFUSED,     /* it cannot be made again at present, for this reason; tried again at growing intervals */
    KW_CLIENT_NEWS_MISSED,      /* messages could not be had again: items report their present values, events are lost */
    KW_CLIENT_NEWS_ENDED        /* for good: another Session has taken it. kw_client_unsubscribe is all that is left to do */
} kw_client_news;

typedef struct kw_client_subscription_config {
    double publishing_interval_ms; /* 0: 1 s */
    uint32_t keep_alive_ms;        /* without news the Server says so often that it is there; 0: 10 s */
    uint32_t lifetime_ms;          /* that the Server keeps it for a Client it does not hear of; 0: 5 min */
    uint32_t max_notifications;    /* of one message; 0: as the Server likes */
    uint8_t priority;
    void (*told)(void *ctx, kw_client_subscription *subscription, kw_client_news news, kw_status status); /* may be NULL */
    void *ctx;
} kw_client_subscription_config;

/** CreateSubscription. OPC 10000-4, 5.14.2. */
KW_API kw_status kw_client_subscribe(kw_client *client, const kw_client_subscription_config *config, kw_client_subscription **out);
/** ModifySubscription: intervals, max_notifications and priority; callbacks stay. OPC 10000-4, 5.14.3. */
KW_API kw_status kw_client_modify_subscription(kw_client_subscription *subscription, const kw_client_subscription_config *config);
/** SetPublishingMode: without publishing there are keep-alives alone. It begins with publishing. OPC 10000-4, 5.14.4. */
KW_API kw_status kw_client_set_publishing(kw_client_subscription *subscription, bool enabled);
/** DeleteSubscriptions. It and its items are gone whatever the result. OPC 10000-4, 5.14.8. */
KW_API kw_status kw_client_unsubscribe(kw_client_subscription *subscription);
/** The id at the Server (another one after KW_CLIENT_NEWS_RENEWED), and the interval that it keeps. */
KW_API uint32_t kw_client_subscription_id(const kw_client_subscription *subscription);
KW_API double kw_client_subscription_interval(const kw_client_subscription *subscription);

/* --- MonitoredItems --------------------------------------------------------------------------------------------------------- */

typedef struct kw_client_item_config {
    kw_node_id node;
    uint32_t attribute; /* 0: Value; 12, EventNotifier: events */
    kw_string index_range;
    double sampling_interval_ms; /* 0: as the Subscription publishes; below 0: as fast as the Server can */
    uint32_t queue_size;         /* 0: 1 for data, as the Server likes for events */
    bool discard_newest;
    kw_extension_object filter; /* {.type = KW_TYPE_EVENT_FILTER, .value = &filter}; copied */
    /* A value or its StatusCode: also the one with which the item was refused when it had to be made again. */
    void (*changed)(void *ctx, kw_client_item *item, const kw_data_value *value);
    /* An event: one field for each select clause. */
    void (*happened)(void *ctx, kw_client_item *item, const kw_variant *fields, size_t count);
    void *ctx; /* of both */
} kw_client_item_config;

/**
 * CreateMonitoredItems. items[i] is NULL where results[i] is bad; both arrays have room for `count`, and may be NULL.
 *
 * KW_GOOD; without `results` the first bad one of them. Good_CompletesAsynchronously: the Subscription is lost at the moment, the
 * items are made when it is back. OPC 10000-4, 5.13.2.
 */
KW_API kw_status kw_client_monitor(kw_client_subscription *subscription, const kw_client_item_config *wanted, size_t count,
                                   kw_client_item **items, kw_status *results);
/** ModifyMonitoredItems: sampling interval, queue and filter; node and callbacks stay. OPC 10000-4, 5.13.3. */
KW_API kw_status kw_client_modify_item(kw_client_item *item, const kw_client_item_config *wanted);
/** SetMonitoringMode. It begins as Reporting. OPC 10000-4, 5.13.4. */
KW_API kw_status kw_client_set_monitoring_mode(kw_client_item *item, kw_monitoring_mode mode);
/** DeleteMonitoredItems, of one Subscription. They are gone whatever the result. OPC 10000-4, 5.13.6. */
KW_API kw_status kw_client_unmonitor(kw_client_item *const *items, size_t count);
/** The id at the Server; 0: it is not there at the moment, tried again by and by. */
KW_API uint32_t kw_client_item_id(const kw_client_item *item);

#endif
