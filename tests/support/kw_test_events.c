#include "support/kw_test_events.h"

#include "support/test.h"
#include "ua/codec.h"

#include <string.h>

static kw_bytes copy(kw_test_events *all, kw_bytes from)
{
    return kw_arena_copy(all->world->arena, from);
}

static void on_event(void *ctx, const kw_event *event)
{
    kw_test_events *all = ctx;
    kw_arena *arena = all->world->arena;
    assert_true(all->count < KW_TEST_EVENTS);
    kw_event *to = &all->events[all->count++];
    *to = *event;
    to->source_name = copy(all, event->source_name);
    char room[KW_EVENT_MESSAGE_MAX];
    to->message = copy(all, kw_event_message(kw_server_space(all->world->server), NULL, event, room).text);
    assert_status(kw_ua_copy(arena, kw_type_builtin(KW_BUILTIN_NODE_ID), &event->source_node, &to->source_node), KW_GOOD);
    kw_event_field *fields = KW_ARENA_ARRAY(arena, kw_event_field, event->field_count);
    assert_non_null(fields);
    for (size_t i = 0; i < event->field_count; i++) {
        fields[i].name = event->fields[i].name;
        assert_status(kw_ua_copy(arena, kw_type_builtin(KW_BUILTIN_VARIANT), &event->fields[i].value, &fields[i].value), KW_GOOD);
    }
    to->fields = fields;
}

void kw_test_events_init(kw_test_events *events, kw_test_world *world)
{
    *events = (kw_test_events){.world = world};
    assert_status(kw_space_listen(kw_server_space(world->server), on_event, events), KW_GOOD);
}

void kw_test_events_forget(kw_test_events *events)
{
    events->count = 0;
}

size_t kw_test_event_count(const kw_test_events *events, uint32_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < events->count; i++) {
        count += events->events[i].type == type;
    }
    return count;
}

const kw_event *kw_test_event_one(const kw_test_events *events, uint32_t type)
{
    const kw_event *found = NULL;
    assert_int_equal(kw_test_event_count(events, type), 1);
    for (size_t i = 0; i < events->count; i++) {
        found = events->events[i].type == type ? &events->events[i] : found;
    }
    return found;
}

const kw_variant *kw_test_event_variant(const kw_event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++) {
        if (strcmp(event->fields[i].name, name) == 0) {
            return &event->fields[i].value;
        }
    }
    fail_msg("the event has no field %s", name);
    return NULL;
}

const void *kw_test_event_field(const kw_event *event, const char *name, kw_builtin type)
{
    const void *value = kw_variant_get(kw_test_event_variant(event, name), type);
    if (value == NULL) {
        fail_msg("the field %s is of another type", name);
    }
    return value;
}

bool kw_test_event_holds(const kw_event *event, kw_bytes needle)
{
    bool found = memmem(event->message.data, event->message.len, needle.data, needle.len) != NULL;
    for (size_t i = 0; i < event->field_count; i++) {
        kw_writer w;
        kw_writer_init(&w, (size_t)1 << 20);
        assert_status(kw_ua_encode(&w, kw_type_builtin(KW_BUILTIN_VARIANT), &event->fields[i].value), KW_GOOD);
        found = found || memmem(w.data, w.len, needle.data, needle.len) != NULL;
        kw_writer_clear(&w);
    }
    return found;
}
