/* Filters for data changes: which of two readings is news. OPC 10000-4, 7.22.2. */
#include "base/try.h"
#include "service/event_fields.h"
#include "service/subscription_internal.h"

#include <keyway/node_ids.h>

#include <math.h>
#include <string.h>

#define ATTRIBUTE_VALUE 13
#define ATTRIBUTE_DATA_TYPE 14
#define ATTRIBUTE_EVENT_NOTIFIER 12
#define FILTER_ARENA ((size_t)64 << 10)

/* --- taking one -------------------------------------------------------------------------------------------------------------- */

/* Is what this Variable has a number? Of BaseDataType it may be one. */
static bool may_be_number(const kw_subscription *s, const kw_node_id *id, kw_arena *arena)
{
    kw_space *space = s->manager->context->space;
    const kw_access access = kw_subscription_access(s);
    static const kw_node_id NUMBER = KW_NODE_ID(0, KW_ID_NUMBER), ANY = KW_NODE_ID(0, KW_ID_BASE_DATA_TYPE);
    kw_data_value value;
    kw_node_ref node;
    if (!kw_space_find(space, id, &node) || kw_status_is_bad(kw_node_read(space, &access, &node, ATTRIBUTE_DATA_TYPE, arena, &value))) {
        return false;
    }
    const kw_node_id *type = kw_variant_get(&value.value, KW_BUILTIN_NODE_ID);
    return type != NULL && (kw_space_is_subtype(space, type, &NUMBER) || kw_node_id_equal(type, &ANY));
}

static kw_status take_data_filter(const kw_data_change_filter *wanted, uint32_t attribute, kw_item_filter *out)
{
    if (attribute != ATTRIBUTE_VALUE) {
        return KW_BAD_FILTER_NOT_ALLOWED;
    }
    if (wanted->trigger < KW_DATA_CHANGE_TRIGGER_STATUS || wanted->trigger > KW_DATA_CHANGE_TRIGGER_STATUS_VALUE_TIMESTAMP) {
        return KW_BAD_MONITORED_ITEM_FILTER_INVALID;
    }
    if (wanted->deadband_type == KW_DEADBAND_TYPE_PERCENT) { /* needs an EURange */
        return KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED;
    }
    if (wanted->deadband_type > KW_DEADBAND_TYPE_PERCENT ||
        (wanted->deadband_type != KW_DEADBAND_TYPE_NONE && !(wanted->deadband_value >= 0))) {
        return KW_BAD_DEADBAND_FILTER_INVALID;
    }
    out->trigger = wanted->trigger;
    out->has_deadband = wanted->deadband_type == KW_DEADBAND_TYPE_ABSOLUTE;
    out->deadband = wanted->deadband_value;
    return KW_GOOD;
}

static kw_status keep_event_filter(const kw_event_filter *wanted, kw_item_filter *out)
{
    kw_arena *arena = kw_arena_new(FILTER_ARENA);
    kw_event_filter *copy = arena != NULL ? KW_ARENA_NEW(arena, kw_event_filter) : NULL;
    if (copy == NULL || kw_status_is_bad(kw_ua_copy(arena, KW_TYPE_EVENT_FILTER, wanted, copy))) {
        kw_arena_free(arena);
        return copy == NULL ? KW_BAD_OUT_OF_MEMORY : KW_BAD_EVENT_FILTER_INVALID; /* more than any filter of use needs */
    }
    out->arena = arena;
    out->event = copy;
    return KW_GOOD;
}

static kw_status take_event_filter(kw_subscriptions *manager, const kw_event_filter *wanted, kw_arena *arena, kw_item_filter *out,
                                   kw_extension_object *result)
{
    kw_event_filter_result *details = KW_ARENA_NEW(arena, kw_event_filter_result);
    if (details == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (wanted->select_clauses_count > manager->context->limits->max_select_clauses ||
        wanted->where_clause.elements_count > manager->context->limits->max_where_elements) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    const kw_status status = kw_event_filter_check(manager->context->space, wanted, arena, details);
    *result = kw_extension_object_of(KW_TYPE_EVENT_FILTER_RESULT, details);
    return kw_status_is_bad(status) ? status : keep_event_filter(wanted, out);
}

kw_status kw_item_filter_of(const kw_subscription *s, const kw_read_value_id *what, const kw_extension_object *wanted, kw_arena *arena,
                            kw_item_filter *out, kw_extension_object *result)
{
    const kw_data_change_filter *data = kw_extension_object_get(wanted, KW_TYPE_DATA_CHANGE_FILTER);
    const kw_event_filter *event = kw_extension_object_get(wanted, KW_TYPE_EVENT_FILTER);
    if (what->attribute_id == ATTRIBUTE_EVENT_NOTIFIER) {
        return event != NULL ? take_event_filter(s->manager, event, arena, out, result) : KW_BAD_EVENT_FILTER_INVALID;
    }
    if (data != NULL) {
        KW_TRY(take_data_filter(data, what->attribute_id, out));
        return out->has_deadband && !may_be_number(s, &what->node_id, arena) ? KW_BAD_FILTER_NOT_ALLOWED : KW_GOOD;
    }
    if (event != NULL) {
        return KW_BAD_FILTER_NOT_ALLOWED;
    }
    return wanted->encoding == KW_EXTENSION_NONE && wanted->type == NULL ? KW_GOOD : KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED;
}

void kw_item_filter_clear(kw_item_filter *filter)
{
    kw_arena_free(filter->arena);
    *filter = (kw_item_filter){.trigger = KW_DATA_CHANGE_TRIGGER_STATUS_VALUE};
}

/* --- comparing ------------------------------------------------------------------------------------------------------------------- */

double kw_variant_number(const kw_variant *v, size_t i)
{
    switch (v->type) {
    case KW_BUILTIN_SBYTE:
        return ((const int8_t *)v->data)[i];
    case KW_BUILTIN_BYTE:
        return ((const uint8_t *)v->data)[i];
    case KW_BUILTIN_INT16:
        return ((const int16_t *)v->data)[i];
    case KW_BUILTIN_UINT16:
        return ((const uint16_t *)v->data)[i];
    case KW_BUILTIN_INT32:
        return ((const int32_t *)v->data)[i];
    case KW_BUILTIN_UINT32:
        return ((const uint32_t *)v->data)[i];
    case KW_BUILTIN_INT64:
        return (double)((const int64_t *)v->data)[i];
    case KW_BUILTIN_UINT64:
        return (double)((const uint64_t *)v->data)[i];
    case KW_BUILTIN_FLOAT:
        return (double)((const float *)v->data)[i];
    default:
        return ((const double *)v->data)[i];
    }
}

static bool is_numeric(const kw_variant *v)
{
    return v->type >= KW_BUILTIN_SBYTE && v->type <= KW_BUILTIN_DOUBLE && v->data != NULL;
}

/* False: the deadband says nothing about these two. */
static bool is_comparable(const kw_variant *a, const kw_variant *b)
{
    return is_numeric(a) && a->type == b->type && a->is_array == b->is_array && b->data != NULL && (!a->is_array || a->count == b->count);
}

static bool exceeds_deadband(const kw_variant *now, const kw_variant *before, double deadband)
{
    const size_t count = now->is_array ? now->count : 1;
    for (size_t i = 0; i < count; i++) {
        const double a = kw_variant_number(now, i), b = kw_variant_number(before, i);
        if (isnan(a) != isnan(b) || fabs(a - b) > deadband) {
            return true;
        }
    }
    return false;
}

static bool is_other_value(const kw_monitored_item *item, const kw_data_value *now, kw_bytes encoded, kw_arena *arena)
{
    const kw_bytes before = {item->value->data, item->value->len};
    kw_variant former;
    if (kw_bytes_equal(before, encoded)) {
        return false;
    }
    if (!item->filter.has_deadband || before.len == 0 || encoded.len == 0 ||
        kw_status_is_bad(kw_ua_decode_all(before, arena, NULL, kw_type_builtin(KW_BUILTIN_VARIANT), &former)) ||
        !is_comparable(&now->value, &former)) {
        return true;
    }
    return exceeds_deadband(&now->value, &former, item->filter.deadband);
}

static kw_status status_of(const kw_data_value *v)
{
    return v->has_status ? v->status : KW_GOOD;
}

bool kw_item_filter_passes(const kw_monitored_item *item, const kw_data_value *now, kw_bytes encoded, kw_arena *arena)
{
    const kw_data_value *before = &item->value->head;
    if (status_of(now) != status_of(before)) {
        return true;
    }
    if (item->filter.trigger == KW_DATA_CHANGE_TRIGGER_STATUS) {
        return false;
    }
    if (item->filter.trigger == KW_DATA_CHANGE_TRIGGER_STATUS_VALUE_TIMESTAMP && now->source_timestamp != before->source_timestamp) {
        return true;
    }
    return is_other_value(item, now, encoded, arena);
}
