#include "space/event.h"

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

bool kw_event_is_visible(const kw_event *event, const kw_access *access)
{
    if (!event->is_security) {
        return true;
    }
    return access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT && access->identity != NULL &&
           (kw_identity_has_role(access->identity, 0, ROLE_SECURITY_ADMIN) ||
            kw_identity_has_role(access->identity, 0, ROLE_CONFIGURE_ADMIN));
}
