/* What a Server of a kw_test_world raises, kept to be looked at. */
#ifndef KW_TEST_EVENTS_H
#define KW_TEST_EVENTS_H

#include "space/event.h"
#include "support/kw_test_world.h"

enum { KW_TEST_EVENTS = 256 };

typedef struct kw_test_events {
    kw_test_world *world;
    size_t count;
    kw_event events[KW_TEST_EVENTS]; /* copies in the world's arena */
} kw_test_events;

/* Listens from now on; it must live as long as the world. */
void kw_test_events_init(kw_test_events *events, kw_test_world *world);
void kw_test_events_forget(kw_test_events *events);
/* The only event of this type; the test fails when there are none or several. */
const kw_event *kw_test_event_one(const kw_test_events *events, uint32_t type);
size_t kw_test_event_count(const kw_test_events *events, uint32_t type);
/* The value of a field; the test fails without it, or when it is of another type. */
const void *kw_test_event_field(const kw_event *event, const char *name, kw_builtin type);
const kw_variant *kw_test_event_variant(const kw_event *event, const char *name);

#define kw_test_event_text(event, name) (*(const kw_string *)kw_test_event_field((event), (name), KW_BUILTIN_STRING))

/* Is this string of bytes anywhere in what the event says, as UA binary? For secrets that must not be. */
bool kw_test_event_holds(const kw_event *event, kw_bytes needle);

#endif
