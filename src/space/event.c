#include "space/event.h"

#include "base/cursor.h"
#include "space/locale.h"
#include "space/space_internal.h"

#define ROLE_CONFIGURE_ADMIN 15716u
#define ROLE_SECURITY_ADMIN 15704u

kw_status kw_space_listen(kw_space *space, kw_event_heard heard, void *ctx)
{
    if (space->listener_count == KW_EVENT_LISTENERS_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    space->listeners[space->listener_count++] = (kw_event_listener){heard, ctx};
    return KW_GOOD;
}

void kw_space_unlisten(kw_space *space, kw_event_heard heard, void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->listener_count; i++) {
        if (space->listeners[i].heard != heard || space->listeners[i].ctx != ctx) {
            space->listeners[kept++] = space->listeners[i];
        }
    }
    space->listener_count = kept;
}

void kw_space_raise(kw_space *space, const kw_event *event)
{
    for (size_t i = 0; i < space->listener_count; i++) {
        space->listeners[i].heard(space->listeners[i].ctx, event);
    }
}

/* --- what it says ------------------------------------------------------------------------------------------------------------- */

static void append(kw_writer *w, const char *before, kw_string text)
{
    if (text.len > 0) {
        kw_write_raw(w, kw_string_from(before));
        kw_write_raw(w, text);
    }
}

static kw_string in_locale(const kw_space *space, const kw_access *access, kw_string text)
{
    return kw_space_localize(space, access, (kw_localized_text){KW_STRING(KW_LOCALE_OWN), text}).text;
}

kw_localized_text kw_event_message(const kw_space *space, const kw_access *access, const kw_event *event, char *room)
{
    const kw_access no_wishes = {.locale_count = 0};
    const kw_access *eyes = access != NULL ? access : &no_wishes;
    const bool is_refused = kw_status_is_bad(event->refused), has_reason = event->why != NULL && event->why[0] != '\0';
    kw_localized_text message = kw_space_localize(space, eyes, (kw_localized_text){KW_STRING(KW_LOCALE_OWN), event->message});
    kw_writer w;
    if (!is_refused && !has_reason) {
        return message;
    }
    kw_writer_init_fixed(&w, (uint8_t *)room, KW_EVENT_MESSAGE_MAX);
    append(&w, "", message.text);
    append(&w, ": ", is_refused ? kw_string_from(kw_status_name(event->refused)) : KW_BYTES_NULL);
    append(&w, is_refused ? ", " : ": ", in_locale(space, eyes, kw_string_from(event->why)));
    if (!kw_status_is_bad(kw_writer_status(&w))) { /* otherwise the sentence has to do */
        message.text = kw_writer_bytes(&w);
    }
    return message;
}

/* --- who may see it ----------------------------------------------------------------------------------------------------------- */

/* A SourceNode that is no node of this Server guards nothing. */
static bool may_receive(const kw_space *space, const kw_access *access, const kw_node_id *id)
{
    kw_node_ref node;
    return !kw_space_find(space, id, &node) || kw_node_check(space, access, &node, KW_PERMISSION_RECEIVE_EVENTS) == KW_GOOD;
}

static bool watches_over_security(const kw_access *access)
{
    return access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT && access->identity != NULL &&
           (kw_identity_has_role(access->identity, 0, ROLE_SECURITY_ADMIN) ||
            kw_identity_has_role(access->identity, 0, ROLE_CONFIGURE_ADMIN));
}

static bool may_see_what_it_names(const kw_space *space, const kw_access *access, const kw_event *event)
{
    for (size_t i = 0; i < event->affected_count; i++) {
        kw_node_ref node;
        if (!kw_space_find(space, &event->affected[i], &node) || !kw_node_is_visible(space, access, &node)) {
            return false;
        }
    }
    return true;
}

bool kw_event_is_visible(const kw_space *space, const kw_event *event, const kw_access *access)
{
    const kw_node_id type = KW_NODE_ID(event->type_ns, event->type);
    if (event->is_security && !watches_over_security(access)) {
        return false;
    }
    return may_see_what_it_names(space, access, event) && may_receive(space, access, &type) &&
           (kw_node_id_is_null(&event->source_node) || may_receive(space, access, &event->source_node));
}
