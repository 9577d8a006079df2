/* EventFilters: which fields of which events. OPC 10000-4, 7.22.3 and 7.7. */
#include "base/try.h"
#include "service/event_fields.h"
#include "service/subscription_internal.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

#define ATTRIBUTE_NODE_ID 1
#define ATTRIBUTE_VALUE 13
#define ELEMENTS_MAX 1000 /* whatever is configured */

/* --- fields -------------------------------------------------------------------------------------------------------------------- */

static kw_node_id type_of(const kw_event *event)
{
    return KW_NODE_ID(event->type_ns, event->type);
}

/* One of those that BaseEventType has; false: none of them. `room` holds what the Variant points to. */
static bool base_field(const kw_space *space, const kw_access *access, const kw_event *event, kw_string name, kw_event_field_room *room,
                       kw_variant *out)
{
    if (kw_string_equals(name, "EventId")) {
        room->bytes = (kw_bytes){event->id, sizeof(event->id)};
        *out = kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &room->bytes);
    } else if (kw_string_equals(name, "EventType")) {
        room->node_id = type_of(event);
        *out = kw_variant_scalar(KW_BUILTIN_NODE_ID, &room->node_id);
    } else if (kw_string_equals(name, "SourceNode")) {
        *out = kw_variant_scalar(KW_BUILTIN_NODE_ID, &event->source_node);
    } else if (kw_string_equals(name, "SourceName")) {
        *out = kw_variant_scalar(KW_BUILTIN_STRING, &event->source_name);
    } else if (kw_string_equals(name, "Time") || kw_string_equals(name, "ReceiveTime")) {
        *out = kw_variant_scalar(KW_BUILTIN_DATE_TIME, &event->time);
    } else if (kw_string_equals(name, "Message")) {
        room->text = kw_event_message(space, access, event, room->message);
        *out = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, &room->text);
    } else if (kw_string_equals(name, "Severity")) {
        *out = kw_variant_scalar(KW_BUILTIN_UINT16, &event->severity);
    } else {
        return false;
    }
    return true;
}

kw_variant kw_event_select(const kw_space *space, const kw_access *access, const kw_event *event, const kw_simple_attribute_operand *clause,
                           kw_event_field_room *room)
{
    const kw_node_id type = type_of(event);
    kw_variant out = KW_VARIANT_NULL;
    if (clause->attribute_id != ATTRIBUTE_VALUE || clause->browse_path_count != 1 || clause->browse_path[0].ns != 0 ||
        clause->index_range.len > 0 || !kw_space_is_subtype(space, &type, &clause->type_definition_id)) {
        return out;
    }
    const kw_string name = clause->browse_path[0].name;
    if (base_field(space, access, event, name, room, &out)) {
        return out;
    }
    for (size_t i = 0; i < event->field_count; i++) {
        if (kw_string_equals(name, event->fields[i].name)) {
            return event->fields[i].value;
        }
    }
    return out;
}

/* --- operands ------------------------------------------------------------------------------------------------------------------ */

typedef struct evaluation {
    const kw_space *space;
    const kw_event *event;
    const kw_content_filter *where;
    bool *results; /* of the elements from the end; an element may name those after it */
} evaluation;

static kw_variant operand_value(const evaluation *e, const kw_extension_object *operand, kw_event_field_room *room)
{
    const kw_literal_operand *literal = kw_extension_object_get(operand, KW_TYPE_LITERAL_OPERAND);
    const kw_simple_attribute_operand *field = kw_extension_object_get(operand, KW_TYPE_SIMPLE_ATTRIBUTE_OPERAND);
    const kw_element_operand *element = kw_extension_object_get(operand, KW_TYPE_ELEMENT_OPERAND);
    if (literal != NULL) {
        return literal->value;
    }
    if (field != NULL) {
        return kw_event_select(e->space, NULL, e->event, field, room); /* what passes does not hang on who listens */
    }
    return kw_variant_scalar(KW_BUILTIN_BOOLEAN, &e->results[element->index]);
}

static bool is_true(const kw_variant *v)
{
    const bool *b = kw_variant_get(v, KW_BUILTIN_BOOLEAN);
    return b != NULL && *b;
}

/* False: it is no number. */
static bool as_number(const kw_variant *v, double *out)
{
    if (v->is_array || v->data == NULL) {
        return false;
    }
    if (v->type >= KW_BUILTIN_SBYTE && v->type <= KW_BUILTIN_DOUBLE) {
        *out = kw_variant_number(v, 0);
        return true;
    }
    const kw_date_time *time = kw_variant_get(v, KW_BUILTIN_DATE_TIME);
    const kw_status *status = kw_variant_get(v, KW_BUILTIN_STATUS_CODE);
    *out = time != NULL ? (double)*time : status != NULL ? (double)*status : 0;
    return time != NULL || status != NULL;
}

static bool is_equal(const kw_variant *a, const kw_variant *b)
{
    double x, y;
    if (a->type == b->type) {
        return kw_ua_equal(kw_type_builtin(KW_BUILTIN_VARIANT), a, b);
    }
    return as_number(a, &x) && as_number(b, &y) && x == y;
}

static bool compare(kw_filter_operator how, const kw_variant *a, const kw_variant *b)
{
    double x, y;
    if (!as_number(a, &x) || !as_number(b, &y)) {
        return false;
    }
    switch (how) {
    case KW_FILTER_OPERATOR_GREATER_THAN:
        return x > y;
    case KW_FILTER_OPERATOR_LESS_THAN:
        return x < y;
    case KW_FILTER_OPERATOR_GREATER_THAN_OR_EQUAL:
        return x >= y;
    default:
        return x <= y;
    }
}

/* --- elements ------------------------------------------------------------------------------------------------------------------- */

/* How many operands an operator takes; 0: it is not supported. */
static size_t arity(kw_filter_operator how)
{
    switch (how) {
    case KW_FILTER_OPERATOR_IS_NULL:
    case KW_FILTER_OPERATOR_NOT:
    case KW_FILTER_OPERATOR_OF_TYPE:
        return 1;
    case KW_FILTER_OPERATOR_EQUALS:
    case KW_FILTER_OPERATOR_GREATER_THAN:
    case KW_FILTER_OPERATOR_LESS_THAN:
    case KW_FILTER_OPERATOR_GREATER_THAN_OR_EQUAL:
    case KW_FILTER_OPERATOR_LESS_THAN_OR_EQUAL:
    case KW_FILTER_OPERATOR_AND:
    case KW_FILTER_OPERATOR_OR:
        return 2;
    default:
        return 0;
    }
}

static bool evaluate(const evaluation *e, const kw_content_filter_element *element)
{
    kw_event_field_room rooms[2];
    kw_variant v[2] = {KW_VARIANT_NULL, KW_VARIANT_NULL};
    for (size_t i = 0; i < element->filter_operands_count; i++) {
        v[i] = operand_value(e, &element->filter_operands[i], &rooms[i]);
    }
    const kw_node_id *type = kw_variant_get(&v[0], KW_BUILTIN_NODE_ID), own = type_of(e->event);
    switch (element->filter_operator) {
    case KW_FILTER_OPERATOR_OF_TYPE:
        return type != NULL && kw_space_is_subtype(e->space, &own, type);
    case KW_FILTER_OPERATOR_IS_NULL:
        return v[0].type == KW_BUILTIN_NULL;
    case KW_FILTER_OPERATOR_NOT:
        return !is_true(&v[0]);
    case KW_FILTER_OPERATOR_AND:
        return is_true(&v[0]) && is_true(&v[1]);
    case KW_FILTER_OPERATOR_OR:
        return is_true(&v[0]) || is_true(&v[1]);
    case KW_FILTER_OPERATOR_EQUALS:
        return is_equal(&v[0], &v[1]);
    default:
        return compare(element->filter_operator, &v[0], &v[1]);
    }
}

bool kw_event_filter_passes(const kw_space *space, const kw_event_filter *filter, const kw_event *event)
{
    bool results[ELEMENTS_MAX];
    const evaluation e = {space, event, &filter->where_clause, results};
    for (size_t i = filter->where_clause.elements_count; i-- > 0;) { /* each once, whoever names it how often (attack A-32) */
        results[i] = evaluate(&e, &filter->where_clause.elements[i]);
    }
    return filter->where_clause.elements_count == 0 || results[0];
}

/* --- checking ------------------------------------------------------------------------------------------------------------------------ */

static kw_status check_clause(const kw_space *space, const kw_simple_attribute_operand *clause)
{
    const kw_node_id base = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE);
    if (clause->attribute_id != ATTRIBUTE_VALUE && clause->attribute_id != ATTRIBUTE_NODE_ID) {
        return KW_BAD_ATTRIBUTE_ID_INVALID;
    }
    return kw_space_is_subtype(space, &clause->type_definition_id, &base) ? KW_GOOD : KW_BAD_TYPE_DEFINITION_INVALID;
}

static kw_status check_operand(const kw_space *space, const kw_content_filter *where, size_t at, const kw_extension_object *operand)
{
    const kw_simple_attribute_operand *field = kw_extension_object_get(operand, KW_TYPE_SIMPLE_ATTRIBUTE_OPERAND);
    const kw_element_operand *element = kw_extension_object_get(operand, KW_TYPE_ELEMENT_OPERAND);
    if (kw_extension_object_get(operand, KW_TYPE_LITERAL_OPERAND) != NULL) {
        return KW_GOOD;
    }
    if (field != NULL) {
        return check_clause(space, field);
    }
    return element != NULL && element->index > at && element->index < where->elements_count ? KW_GOOD : KW_BAD_FILTER_OPERAND_INVALID;
}

static kw_status check_element(const kw_space *space, const kw_content_filter *where, size_t at)
{
    const kw_content_filter_element *element = &where->elements[at];
    const size_t wanted = arity(element->filter_operator);
    if (wanted == 0) {
        return KW_BAD_FILTER_OPERATOR_UNSUPPORTED;
    }
    if (element->filter_operands_count != wanted) {
        return KW_BAD_FILTER_OPERAND_COUNT_MISMATCH;
    }
    for (size_t i = 0; i < wanted; i++) {
        KW_TRY(check_operand(space, where, at, &element->filter_operands[i]));
    }
    return KW_GOOD;
}

static kw_status check_where(const kw_space *space, const kw_content_filter *where, kw_arena *arena, kw_content_filter_result *result)
{
    kw_status status = KW_GOOD;
    if (where->elements_count > ELEMENTS_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    result->element_results = KW_ARENA_ARRAY(arena, kw_content_filter_element_result, where->elements_count);
    if (result->element_results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    result->element_results_count = where->elements_count;
    for (size_t i = 0; i < where->elements_count; i++) {
        const kw_status of_element = check_element(space, where, i);
        result->element_results[i].status_code = of_element;
        if (of_element == KW_BAD_FILTER_OPERATOR_UNSUPPORTED) {
            status = KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED;
        } else if (kw_status_is_bad(of_element) && !kw_status_is_bad(status)) {
            status = KW_BAD_EVENT_FILTER_INVALID;
        }
    }
    return status;
}

/* A clause that selects nothing yields null for every event; only when none is any good the filter is refused. */
kw_status kw_event_filter_check(const kw_space *space, const kw_event_filter *filter, kw_arena *arena, kw_event_filter_result *result)
{
    size_t good = 0;
    result->select_clause_results = KW_ARENA_ARRAY(arena, kw_status, filter->select_clauses_count);
    if (result->select_clause_results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    result->select_clause_results_count = filter->select_clauses_count;
    for (size_t i = 0; i < filter->select_clauses_count; i++) {
        result->select_clause_results[i] = check_clause(space, &filter->select_clauses[i]);
        good += result->select_clause_results[i] == KW_GOOD;
    }
    KW_TRY(check_where(space, &filter->where_clause, arena, &result->where_clause_result));
    return good > 0 ? KW_GOOD : KW_BAD_EVENT_FILTER_INVALID;
}
