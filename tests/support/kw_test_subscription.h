/* Subscriptions of a kw_test_client: one call for each step of a test. */
#ifndef KW_TEST_SUBSCRIPTION_H
#define KW_TEST_SUBSCRIPTION_H

#include "support/kw_test_client.h"

#define KW_TEST_INTERVAL 100 /* ms: of publishing and of sampling */

/* The test fails when a Subscription or an item is refused. */
uint32_t kw_test_subscribe(kw_test_client *client, const kw_test_session *session);
uint32_t kw_test_watch(kw_test_client *client, const kw_test_session *session, uint32_t subscription, const kw_node_id *node);
kw_status kw_test_try_watch(kw_test_client *client, const kw_test_session *session, uint32_t subscription, const kw_node_id *node);
/* Any item; *result may be NULL. */
kw_status kw_test_watch_with(kw_test_client *client, const kw_test_session *session, uint32_t subscription,
                             kw_monitored_item_create_request *item, kw_monitored_item_create_result *result);

/* Publish, to be answered later. */
uint32_t kw_test_send_publish(kw_test_client *client, const kw_test_session *session);
/* Publish, and time goes on until it is answered, at most `intervals` times KW_TEST_INTERVAL; the request stays when it is not. */
kw_status kw_test_publish(kw_test_client *client, const kw_test_session *session, int intervals, const kw_publish_response **response);
/* The first part of a message of this type; NULL: it has none. */
const void *kw_test_notification(const kw_notification_message *message, const kw_type *type);
/* The one value that a message must have. */
const kw_data_value *kw_test_value(const kw_publish_response *response);
/* Publishes until there is a value: that of the one item there is. */
const kw_data_value *kw_test_next_value(kw_test_client *client, const kw_test_session *session);

kw_status kw_test_republish(kw_test_client *client, const kw_test_session *session, uint32_t subscription, uint32_t sequence_number,
                            const kw_notification_message **out);
kw_status kw_test_transfer(kw_test_client *client, const kw_test_session *session, uint32_t subscription, bool send_initial_values,
                           const kw_transfer_result **out);
kw_status kw_test_delete_subscription(kw_test_client *client, const kw_test_session *session, uint32_t subscription);

#endif
