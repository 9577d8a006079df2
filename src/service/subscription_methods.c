/* Methods of the Server Object about Subscriptions: GetMonitoredItems and ResendData. OPC 10000-5, 9.1 and 9.2. */
#include "base/try.h"
#include "service/subscription_internal.h"

#include <keyway/node_ids.h>

/* The one that the argument names, if it is of the Session that calls. */
static kw_status find(kw_subscriptions *manager, const kw_call *call, kw_subscription **out)
{
    const uint32_t *id = kw_variant_get(&call->inputs[0], KW_BUILTIN_UINT32);
    kw_subscription *s = id != NULL ? kw_subscription_find_any(manager, *id) : NULL;
    if (s == NULL) {
        return KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    if (s->publisher == NULL || !kw_node_id_equal(kw_session_id(s->publisher->session), &call->session_id)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    *out = s;
    return KW_GOOD;
}

static kw_status list_items(kw_subscriptions *manager, kw_call *call)
{
    kw_subscription *s = NULL;
    KW_TRY(find(manager, call, &s));
    uint32_t *server_handles = KW_ARENA_ARRAY(call->arena, uint32_t, s->item_count);
    uint32_t *client_handles = KW_ARENA_ARRAY(call->arena, uint32_t, s->item_count);
    size_t count = 0;
    if (server_handles == NULL || client_handles == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (const kw_monitored_item *item = s->first_item; item != NULL; item = item->next) {
        server_handles[count] = item->id;
        client_handles[count++] = item->client_handle;
    }
    call->outputs[0] = kw_variant_array(KW_BUILTIN_UINT32, server_handles, count);
    call->outputs[1] = kw_variant_array(KW_BUILTIN_UINT32, client_handles, count);
    return KW_GOOD;
}

static void get_monitored_items(void *ctx, kw_call *call)
{
    call->finish(call, list_items(ctx, call));
}

static void resend_data(void *ctx, kw_call *call)
{
    kw_subscription *s = NULL;
    const kw_status status = find(ctx, call, &s);
    if (!kw_status_is_bad(status)) {
        kw_subscription_resend(s);
    }
    call->finish(call, status);
}

kw_status kw_subscriptions_bind_methods(kw_subscriptions *manager)
{
    kw_space *space = manager->context->space;
    KW_TRY(kw_space_bind_method(space, &KW_NODE_ID(0, KW_ID_SERVER_GET_MONITORED_ITEMS), get_monitored_items, manager));
    return kw_space_bind_method(space, &KW_NODE_ID(0, KW_ID_SERVER_RESEND_DATA), resend_data, manager);
}
