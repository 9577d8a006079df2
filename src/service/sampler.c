/* Sampling: all MonitoredItems of one interval share a timer. */
#include "service/subscription_internal.h"

#include <stdlib.h>

static kw_bytes key_of(const uint64_t *interval_ms)
{
    return (kw_bytes){(const uint8_t *)interval_ms, sizeof(*interval_ms)};
}

static void on_timer(kw_timer *timer)
{
    kw_sampler *sampler = (kw_sampler *)timer; /* its first field */
    const uint64_t now = kw_clock_ms(sampler->manager->context->clock), due = timer->due + sampler->interval_ms;
    kw_timer_start(sampler->manager->timers, timer, due > now ? due : now + sampler->interval_ms);
    for (kw_monitored_item *item = sampler->first; item != NULL; item = item->next_sampled) {
        kw_item_sample(item, false);
    }
}

static kw_sampler *sampler_of(kw_subscriptions *manager, uint64_t interval_ms)
{
    kw_sampler *sampler = kw_map_get(manager->samplers, key_of(&interval_ms));
    if (sampler != NULL) {
        return sampler;
    }
    sampler = calloc(1, sizeof(*sampler));
    if (sampler == NULL) {
        return NULL;
    }
    *sampler = (kw_sampler){.timer = {.fire = on_timer}, .manager = manager, .interval_ms = interval_ms};
    if (kw_status_is_bad(kw_map_put(manager->samplers, key_of(&interval_ms), sampler, NULL))) {
        free(sampler);
        return NULL;
    }
    kw_timer_start(manager->timers, &sampler->timer, kw_clock_ms(manager->context->clock) + interval_ms);
    return sampler;
}

kw_status kw_sampler_add(kw_monitored_item *item)
{
    kw_sampler *sampler = sampler_of(item->subscription->manager, (uint64_t)item->sampling_interval);
    if (sampler == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    item->sampler = sampler;
    item->prev_sampled = NULL;
    item->next_sampled = sampler->first;
    if (sampler->first != NULL) {
        sampler->first->prev_sampled = item;
    }
    sampler->first = item;
    sampler->item_count++;
    sampler->most_items = sampler->item_count > sampler->most_items ? sampler->item_count : sampler->most_items;
    return KW_GOOD;
}

void kw_sampler_remove(kw_monitored_item *item)
{
    kw_sampler *sampler = item->sampler;
    if (sampler == NULL) {
        return;
    }
    item->sampler = NULL;
    sampler->item_count--;
    *(item->prev_sampled != NULL ? &item->prev_sampled->next_sampled : &sampler->first) = item->next_sampled;
    if (item->next_sampled != NULL) {
        item->next_sampled->prev_sampled = item->prev_sampled;
    }
    if (sampler->first == NULL) {
        kw_timer_stop(&sampler->timer);
        kw_map_remove(sampler->manager->samplers, key_of(&sampler->interval_ms));
        free(sampler);
    }
}
