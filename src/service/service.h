/*
 * Services: one row each, one file per service set. A handler fills the response and finishes the request, at once or later.
 */
#ifndef KW_SERVICE_SERVICE_H
#define KW_SERVICE_SERVICE_H

#include "session/session.h"
#include "space/space.h"
#include "ua/codec.h"

typedef struct kw_service_limits {
    uint32_t max_nodes_per_read, max_nodes_per_write, max_nodes_per_call, max_nodes_per_browse, max_nodes_per_translate,
        max_nodes_per_register, max_nodes_per_node_management;
    uint32_t max_nodes;                      /* own nodes of the space: AddNodes adds no more */
    uint32_t max_references_per_node;        /* of one Browse result before a continuation point */
    uint32_t max_browse_continuation_points; /* per Session */
    uint32_t max_subscriptions, max_subscriptions_per_session;
    uint32_t max_monitored_items, max_monitored_items_per_subscription, max_monitored_items_per_call;
    uint32_t max_event_items; /* of all MonitoredItems */
    uint32_t max_item_queue;  /* values or events of one MonitoredItem */
    uint32_t max_select_clauses, max_where_elements;
    uint32_t max_publish_requests_per_session;
    uint32_t max_retransmission_messages;   /* per Subscription */
    uint32_t max_notifications_per_publish; /* of one message */
    double min_publishing_interval_ms, max_publishing_interval_ms;
    double min_sampling_interval_ms, max_sampling_interval_ms;
    double min_subscription_lifetime_ms, max_subscription_lifetime_ms;
    size_t max_subscription_bytes, max_notification_bytes; /* queued values and messages: of one Subscription, of all */
} kw_service_limits;

/*
 * 1,000 each, but 100 for NodeManagement; 1,000,000 nodes; 1,000 references; 20 continuation points. 1,000 Subscriptions, 100 per
 * Session; 100,000 MonitoredItems, 10,000 per Subscription, 1,000 for events; queues of 1,000; 20 Publish requests; 40 messages kept; 50 ms … 10 min; lifetime 10 s … 1 h; 16 and 256 MiB.
 */
extern const kw_service_limits KW_SERVICE_LIMITS_DEFAULT;

typedef struct kw_subscriptions kw_subscriptions;

typedef struct kw_service kw_service;
typedef struct kw_request kw_request;

/* What all services of one server share; borrowed. */
typedef struct kw_service_context {
    const kw_clock *clock;
    const kw_random *random;
    const kw_executor *executor;
    const kw_log *log;
    kw_space *space;
    kw_sessions *sessions;
    kw_subscriptions *subscriptions;
    const kw_service_limits *limits;
    kw_application_description application;
    kw_status (*endpoints)(void *ctx, kw_string endpoint_url, kw_arena *arena, kw_endpoint_description **out, size_t *count);
    /* For jobs: take up what has changed in the store. */
    void (*refresh)(void *ctx);
    /* Cancel: requests of the same Session with this handle that can still be given up; how many were. */
    uint32_t (*cancel)(void *ctx, const kw_request *request, uint32_t request_handle);
    void *ctx;
} kw_service_context;

struct kw_request {
    const kw_service_context *context;
    const kw_service *service;
    kw_channel *channel; /* alive while the request is; see server/ */
    kw_string peer_address;
    kw_session *session;      /* retained; NULL for services without one, and for a session-less invocation */
    kw_identity *identity;    /* retained when the request came in: rights do not change under a running request (attack A-107) */
    kw_arena *arena;          /* request, response, everything: until the response left */
    const kw_string *locales; /* of a session-less invocation, in order of preference */
    size_t locale_count;
    uint32_t request_id;
    uint64_t deadline_ms;            /* monotonic: what comes later the Client does not wait for; UINT64_MAX: none */
    const kw_request_header *header; /* first field of body */
    const void *body;
    void *response;                                                /* zeroed, of service->response_type; its header is filled on finish */
    void (*finish)(kw_request *request, kw_status service_result); /* exactly once, on the loop */
    /* Set while the request waits for something to happen (Publish): ends the wait and finishes. Such a request holds nobody up. */
    void (*give_up)(kw_request *request);
    void *parked; /* of the service that lets it wait */
};

typedef enum kw_session_need { KW_NEEDS_NOTHING, KW_NEEDS_SESSION } kw_session_need;

struct kw_service {
    const char *name;
    uint32_t request_id; /* ns 0 id of the binary encoding of the request */
    const kw_type *request_type, *response_type;
    kw_session_need need;
    size_t counter;      /* offset in kw_session_diagnostics_data_type of what counts it; 0: nothing does */
    bool is_discovery;   /* also on a None channel that is open for discovery only */
    bool is_sessionless; /* also without a Session. OPC 10000-4, 6.3 */
    void (*handle)(kw_request *request);
};

/* NULL: Bad_ServiceUnsupported. */
const kw_service *kw_service_find(uint32_t request_id);
/* By the DataType of the request, as SessionlessInvoke names it; NULL: not one that goes without a Session. */
const kw_service *kw_service_find_sessionless(uint32_t data_type_id);
/* The kw_access of a request. */
kw_access kw_request_access(const kw_request *request);
/* Where it came from and how, for proofs of a user: all but the token. */
kw_identity_claim kw_request_claim(const kw_request *request);
/* Room in the request's arena for one StatusCode per operation. Bad_OutOfMemory. */
kw_status kw_request_statuses(const kw_request *request, size_t count, kw_status **results, size_t *results_count);

/* One per service set, each in its file; the table in service.c names them. */
void kw_service_find_servers(kw_request *request);
void kw_service_get_endpoints(kw_request *request);
void kw_service_create_session(kw_request *request);
void kw_service_activate_session(kw_request *request);
void kw_service_close_session(kw_request *request);
void kw_service_cancel(kw_request *request);
void kw_service_read(kw_request *request);
void kw_service_write(kw_request *request);
void kw_service_add_nodes(kw_request *request);
void kw_service_add_references(kw_request *request);
void kw_service_delete_nodes(kw_request *request);
void kw_service_delete_references(kw_request *request);
void kw_service_browse(kw_request *request);
void kw_service_browse_next(kw_request *request);
void kw_service_translate_browse_paths(kw_request *request);
void kw_service_register_nodes(kw_request *request);
void kw_service_unregister_nodes(kw_request *request);
void kw_service_call(kw_request *request);
void kw_service_create_monitored_items(kw_request *request);
void kw_service_modify_monitored_items(kw_request *request);
void kw_service_set_monitoring_mode(kw_request *request);
void kw_service_set_triggering(kw_request *request);
void kw_service_delete_monitored_items(kw_request *request);
void kw_service_create_subscription(kw_request *request);
void kw_service_modify_subscription(kw_request *request);
void kw_service_set_publishing_mode(kw_request *request);
void kw_service_publish(kw_request *request);
void kw_service_republish(kw_request *request);
void kw_service_transfer_subscriptions(kw_request *request);
void kw_service_delete_subscriptions(kw_request *request);

#endif
