/*
 * Subscriptions and their MonitoredItems: one manager per server, as its Sessions, channels and life cycle see it.
 * OPC 10000-4, 5.13 and 5.14.
 *
 * Owned by one loop. What a Subscription reads, it reads with the rights that its user has at that moment, and what was queued
 * for one user is never served to another.
 */
#ifndef KW_SERVICE_SUBSCRIPTION_H
#define KW_SERVICE_SUBSCRIPTION_H

#include "service/service.h"

/* Borrows the context and the timers for its life; binds GetMonitoredItems and ResendData, and listens to the events of the space. */
kw_status kw_subscriptions_new(const kw_service_context *context, kw_timers *timers, kw_subscriptions **out);
/* All Sessions are closed already. NULL is fine. */
void kw_subscriptions_free(kw_subscriptions *subscriptions);
size_t kw_subscriptions_count(const kw_subscriptions *subscriptions);
size_t kw_subscriptions_item_count(const kw_subscriptions *subscriptions);
/* subscription_diagnostics.c: what is known here of the diagnostics; the rest of *out stays as it is. */
void kw_subscriptions_summary(const kw_subscriptions *subscriptions, kw_server_diagnostics_summary_data_type *out);
/* SubscriptionDiagnosticsDataType[]: of one Session (NULL: none), or of all, those that wait included. */
kw_status kw_subscriptions_describe(const kw_subscriptions *subscriptions, const kw_session *session, kw_arena *arena, kw_variant *out);
kw_status kw_subscriptions_describe_all(const kw_subscriptions *subscriptions, kw_arena *arena, kw_variant *out);
/* SamplingIntervalDiagnosticsDataType[]: of the intervals in use. */
kw_status kw_subscriptions_describe_sampling(const kw_subscriptions *subscriptions, kw_arena *arena, kw_variant *out);
void kw_subscriptions_reset_counts(kw_subscriptions *subscriptions); /* begin to count anew */
void kw_subscriptions_diagnose(kw_subscriptions *subscriptions, const kw_session *session, kw_session_diagnostics_data_type *out);

/* Another user, other rights, or another channel: MonitoredItems are evaluated anew (AS-32). */
void kw_subscriptions_identity_changed(kw_subscriptions *subscriptions, kw_session *session);
/* Also once more for a Session that lingered (kw_session_linger): then what waited ends. Queued Publish requests are answered (CL-02); Subscriptions go, or wait for a transfer until their lifetime ends (CL-05). */
void kw_subscriptions_session_closed(kw_subscriptions *subscriptions, kw_session *session, bool delete_subscriptions);
/* All queued Publish requests of all Sessions. */
void kw_subscriptions_refuse_requests(kw_subscriptions *subscriptions, kw_status status);

#endif
