/* Inner seam of the Subscription and MonitoredItem services. */
#ifndef KW_SERVICE_SUBSCRIPTION_INTERNAL_H
#define KW_SERVICE_SUBSCRIPTION_INTERNAL_H

#include "base/map.h"
#include "service/subscription.h"
#include "space/event.h"

typedef struct kw_subscription kw_subscription;
typedef struct kw_publisher kw_publisher;
typedef struct kw_monitored_item kw_monitored_item;
typedef struct kw_sampler kw_sampler;

/* --- what is to be told --------------------------------------------------------------------------------------------------- */

/* A value or an event on its way to the Client. Counted: the queue of its item holds it, and the item as the last value. */
typedef struct kw_notification {
    struct kw_notification *next; /* in the queue of its item */
    uint32_t references;
    bool is_overflow;   /* others before or after it were lost */
    bool is_extra;      /* an EventQueueOverflowEvent: takes no room in the queue */
    bool is_security;   /* an event that not everybody may see */
    bool names_nodes;   /* an event for those who may see all the nodes that it names */
    bool is_due;        /* triggered: to be reported although its item only samples */
    kw_data_value head; /* all of the DataValue but its value */
    size_t len;
    size_t about;   /* bytes behind it: UA binary of the EventType and the SourceNode of an event */
    uint8_t data[]; /* UA binary: a Variant, or an EventFieldList */
} kw_notification;

/* A NotificationMessage that the Client has not acknowledged. */
typedef struct kw_sent_message {
    struct kw_sent_message *next;
    uint32_t sequence_number;
    size_t len;
    uint8_t data[];
} kw_sent_message;

/* --- MonitoredItems ---------------------------------------------------------------------------------------------------------- */

typedef struct kw_item_filter {
    kw_data_change_trigger trigger;
    bool has_deadband;
    double deadband;
    /* event items */
    kw_arena *arena; /* of the clauses; NULL: an item for data */
    const kw_event_filter *event;
} kw_item_filter;

struct kw_monitored_item {
    kw_subscription *subscription;
    kw_monitored_item *prev, *next;                 /* of the Subscription */
    kw_monitored_item *prev_sampled, *next_sampled; /* of the sampler; event items: of the manager's list */
    kw_monitored_item *prev_ready, *next_ready;
    kw_sampler *sampler;
    uint32_t id, client_handle;
    kw_read_value_id what; /* borrowed from what_bytes */
    uint8_t *what_bytes;
    kw_timestamps_to_return timestamps;
    kw_monitoring_mode mode;
    kw_item_filter filter;
    double sampling_interval;
    uint32_t queue_size, queue_count;
    bool discard_oldest, has_extra, is_ready, is_denied, was_lost;
    kw_notification *first, *last; /* the queue */
    kw_notification *value;        /* what was seen last; NULL: nothing yet */
    uint32_t *links;               /* ids of the items that it triggers */
    uint32_t link_count;
};

/* All items of one sampling interval share a timer. */
struct kw_sampler {
    kw_timer timer; /* first */
    kw_subscriptions *manager;
    uint64_t interval_ms;
    kw_monitored_item *first;
    uint32_t item_count, most_items; /* now, and ever at a time */
};

/* --- Subscriptions ------------------------------------------------------------------------------------------------------------ */

/* OPC 10000-4, 5.14.1.2; CREATING and CLOSED are the call that makes it and the one that frees it. */
typedef enum kw_subscription_state { KW_SUBSCRIPTION_NORMAL, KW_SUBSCRIPTION_LATE, KW_SUBSCRIPTION_KEEP_ALIVE } kw_subscription_state;

typedef struct kw_subscription_parameters {
    double publishing_interval;
    uint32_t lifetime_count, max_keep_alive_count, max_notifications;
    uint8_t priority;
} kw_subscription_parameters;

struct kw_subscription {
    kw_subscriptions *manager;
    kw_publisher *publisher;      /* NULL: its Session is closed, it waits for a transfer */
    kw_session *former;           /* that Session, which lingers (kw_session_linger); NULL: it does not wait */
    kw_subscription *prev, *next; /* of the publisher, or of those that wait */
    uint32_t id;
    kw_identity *identity; /* retained: the present user, or the last one of a closed Session */
    kw_message_security_mode mode;
    kw_subscription_state state;
    kw_subscription_parameters parameters;
    uint64_t interval_ms;
    bool publishing_enabled, message_sent, has_more;
    uint32_t lifetime_left, keep_alive_left;
    uint32_t next_sequence_number;
    uint64_t served; /* when it had its turn last; smaller: longer ago */
    kw_timer timer;
    kw_map *items;
    kw_monitored_item *first_item;
    uint32_t item_count, last_item_id, link_count;
    kw_monitored_item *first_ready, *last_ready; /* items that have something to report */
    kw_sent_message *first_sent, *last_sent;     /* the retransmission queue */
    uint32_t sent_count;
    size_t queued_bytes;                          /* of notifications and messages */
    kw_subscription_diagnostics_data_type counts; /* what only goes up; the rest is filled in when somebody asks */
};

/* A Session with Subscriptions, or that had some: its queue of Publish requests. */
typedef struct kw_parked_publish kw_parked_publish;

typedef struct kw_status_change {
    struct kw_status_change *next;
    uint32_t subscription_id, sequence_number;
    kw_status status;
} kw_status_change;

struct kw_publisher {
    kw_subscriptions *manager;
    kw_session *session; /* borrowed: session_closed takes the publisher away */
    kw_subscription *first;
    uint32_t subscription_count;
    kw_parked_publish *first_parked, *last_parked;
    uint32_t parked_count;
    kw_status_change *first_change, *last_change;
    uint32_t change_count;
};

struct kw_subscriptions {
    const kw_service_context *context;
    kw_timers *timers;
    kw_map *by_id;            /* UInt32 -> kw_subscription */
    kw_map *publishers;       /* address of the Session -> kw_publisher */
    kw_map *samplers;         /* interval -> kw_sampler */
    kw_subscription *waiting; /* without a Session */
    kw_monitored_item *event_items;
    uint32_t item_count, event_item_count;
    uint32_t created; /* Subscriptions since the start */
    size_t queued_bytes;
    uint64_t turns;
    kw_arena *scratch; /* of one sample */
    kw_writer writer;  /* reused */
};

/* subscriptions.c: the table */
kw_publisher *kw_publisher_of(kw_subscriptions *manager, const kw_session *session); /* NULL: it never had a Subscription */
kw_publisher *kw_publisher_make(kw_subscriptions *manager, kw_session *session);     /* NULL: out of memory */
/* Within the Session alone (attack A-197). NULL: Bad_SubscriptionIdInvalid. */
kw_subscription *kw_subscription_find(kw_subscriptions *manager, const kw_session *session, uint32_t id);
kw_subscription *kw_subscription_find_any(kw_subscriptions *manager, uint32_t id);
kw_status kw_subscription_new(kw_publisher *publisher, kw_identity *identity, kw_message_security_mode mode,
                              const kw_subscription_parameters *parameters, bool publishing_enabled, kw_subscription **out);
void kw_subscription_free(kw_subscription *s); /* with its items; no answer to anybody */
/* Into the hands of this publisher; NULL: it waits for a transfer, and its Session lingers. */
void kw_subscription_hand_over(kw_subscription *s, kw_publisher *publisher);
/* The present user and channel; whatever was queued for another one is dropped, items are evaluated anew. */
void kw_subscription_set_user(kw_subscription *s, kw_identity *identity, kw_message_security_mode mode);
kw_access kw_subscription_access(const kw_subscription *s);
/* The proof of its user holds no longer: nothing is read until there is another. */
bool kw_subscription_is_expired(const kw_subscription *s);

/* subscription.c: the state machine */
void kw_subscription_revise(const kw_service_limits *limits, kw_subscription_parameters *parameters);
void kw_subscription_start(kw_subscription *s);
void kw_subscription_modify(kw_subscription *s, const kw_subscription_parameters *parameters);
void kw_subscription_enable(kw_subscription *s, bool publishing_enabled);
void kw_subscription_keep(kw_subscription *s); /* its lifetime begins anew */
bool kw_subscription_wants_request(const kw_subscription *s);
/* Answer this Publish request; only for one that wants it. */
void kw_subscription_serve(kw_subscription *s, kw_request *request);
/* Every item reports its present value. */
void kw_subscription_resend(kw_subscription *s);

/* message.c: NotificationMessages, sent and to be sent again */
kw_status kw_subscription_publish(kw_subscription *s, kw_request *request); /* fills the response */
kw_status kw_subscription_keep_alive(kw_subscription *s, kw_request *request);
kw_status kw_subscription_acknowledge(kw_subscription *s, uint32_t sequence_number);
kw_status kw_subscription_republish(kw_subscription *s, uint32_t sequence_number, kw_arena *arena, kw_notification_message *out);
kw_status kw_subscription_available(const kw_subscription *s, kw_arena *arena, uint32_t **out, size_t *count);
void kw_subscription_drop_sent(kw_subscription *s);
uint32_t kw_sequence_after(uint32_t sequence_number);

/* publish.c: the queue of Publish requests */
void kw_publisher_request(kw_publisher *publisher, kw_request *request);
bool kw_publisher_has_request(kw_publisher *publisher);
kw_request *kw_publisher_take(kw_publisher *publisher); /* NULL: none */
void kw_publisher_refuse(kw_publisher *publisher, kw_status status);
/* Those that came over another channel than this one. */
void kw_publisher_refuse_others(kw_publisher *publisher, const kw_channel *channel, kw_status status);
/* A StatusChangeNotification about this Subscription, which is no longer (or no longer here). */
void kw_publisher_tell(kw_publisher *publisher, const kw_subscription *s, kw_status status);
/* What is left of the Session's Subscriptions may be nothing: then there is nothing to wait for. */
void kw_publisher_settle(kw_publisher *publisher);
void kw_publisher_free(kw_publisher *publisher); /* no requests are left */

/* monitored_item.c */
kw_status kw_item_new(kw_subscription *s, kw_timestamps_to_return timestamps, const kw_monitored_item_create_request *wanted,
                      kw_arena *arena, kw_monitored_item_create_result *result);
kw_status kw_item_modify(kw_monitored_item *item, kw_timestamps_to_return timestamps, const kw_monitoring_parameters *wanted,
                         kw_arena *arena, kw_monitored_item_modify_result *result);
void kw_item_set_mode(kw_monitored_item *item, kw_monitoring_mode mode);
void kw_item_free(kw_monitored_item *item);
kw_monitored_item *kw_item_find(const kw_subscription *s, uint32_t id);
/* Read it; what changed is queued. With `force` it is queued in any case. */
void kw_item_sample(kw_monitored_item *item, bool force);
/* Nothing was ever seen through it. */
void kw_item_forget(kw_monitored_item *item);
/* By the rights of now. True: something that was open to the user no longer is; what was queued of it is gone. */
bool kw_item_evaluate(kw_monitored_item *item);

/* item_queue.c */
kw_notification *kw_notification_new(kw_subscription *s, kw_bytes data); /* one reference; NULL: no memory, or over its bounds */
kw_notification *kw_notification_new_event(kw_subscription *s, kw_bytes data, kw_bytes about);
void kw_notification_release(kw_subscription *s, kw_notification *n);
void kw_item_enqueue(kw_monitored_item *item, kw_notification *n); /* takes the reference */
void kw_item_pop(kw_monitored_item *item);
void kw_item_clear_queue(kw_monitored_item *item);
void kw_item_trim_queue(kw_monitored_item *item); /* to its size */
void kw_item_settle(kw_monitored_item *item);     /* in or out of the list of those that have something to report */

/* triggering.c */
kw_status kw_item_link_to(kw_monitored_item *item, uint32_t target);
kw_status kw_item_unlink_from(kw_monitored_item *item, uint32_t target);
void kw_item_drop_links(kw_monitored_item *item);
/* It has news: what its linked items have queued is reported. */
void kw_item_trigger(kw_monitored_item *item);
/* Is this one in its queue for the next message? Those that are come first. */
bool kw_item_reports(const kw_monitored_item *item, const kw_notification *n);

/* sampler.c */
kw_status kw_sampler_add(kw_monitored_item *item);
void kw_sampler_remove(kw_monitored_item *item); /* fine when it is in none */

/* item_filter.c */
kw_status kw_item_filter_of(const kw_subscription *s, const kw_read_value_id *what, const kw_extension_object *wanted, kw_arena *arena,
                            kw_item_filter *out, kw_extension_object *result);
void kw_item_filter_clear(kw_item_filter *filter);
/* Does this reading differ enough from the last one? `encoded` is its Variant in UA binary. */
bool kw_item_filter_passes(const kw_monitored_item *item, const kw_data_value *now, kw_bytes encoded, kw_arena *arena);

/* event_filter.c, event_item.c */
kw_status kw_event_filter_check(const kw_space *space, const kw_event_filter *filter, kw_arena *arena, kw_event_filter_result *result);
bool kw_event_filter_passes(const kw_space *space, const kw_event_filter *filter, const kw_event *event);
void kw_event_items_hear(void *manager, const kw_event *event);
void kw_event_item_link(kw_monitored_item *item);
void kw_event_item_unlink(kw_monitored_item *item);
bool kw_event_item_evaluate(kw_monitored_item *item);
kw_notification *kw_event_overflow_notification(kw_monitored_item *item);

/* subscription_methods.c */
kw_status kw_subscriptions_bind_methods(kw_subscriptions *manager);

#endif
