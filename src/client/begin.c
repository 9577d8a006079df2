/* Requests that nobody waits for: they overlap, and their answers come to functions. */
#include "base/try.h"
#include "client/client_internal.h"

#include <stdlib.h>

struct kw_client_request {
    struct kw_client_request *next;
    kw_awaited awaited;
    const kw_type *response_type;
    kw_client_done done;
    void *ctx;
    uint64_t deadline;
};

kw_status kw_client_begin(kw_client *client, const kw_type *request_type, void *request, const kw_type *response_type, kw_client_done done,
                          void *ctx)
{
    if (!client->is_activated) {
        return kw_client_fail(client, client->has_session ? KW_BAD_SESSION_NOT_ACTIVATED : KW_BAD_SERVER_NOT_CONNECTED,
                              "there is no Session with a user: connect and activate first");
    }
    KW_TRY(kw_client_ready(client));
    struct kw_client_request *r = client->request_count < KW_CLIENT_REQUESTS_MAX ? calloc(1, sizeof(*r)) : NULL;
    if (r == NULL) {
        return kw_client_fail(client, KW_BAD_TOO_MANY_OPERATIONS,
                              "%u requests are under way already: let kw_client_idle take answers first", client->request_count);
    }
    r->response_type = response_type;
    r->done = done;
    r->ctx = ctx;
    r->deadline = kw_clock_ms(client->env.clock) + client->timeout_ms;
    const kw_status status =
        kw_client_send(client, client->link, &client->authentication_token, request_type, request, client->timeout_ms, &r->awaited);
    if (kw_status_is_bad(status)) {
        free(r);
        return kw_client_fail(client, status, "the request could not be sent");
    }
    r->next = client->requests;
    client->requests = r;
    client->request_count++;
    client->last_used = kw_clock_ms(client->env.clock);
    return KW_GOOD;
}

size_t kw_client_pending(const kw_client *client)
{
    return client->request_count;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------- */

static void take_out(kw_client *client, struct kw_client_request *request)
{
    struct kw_client_request **link = &client->requests;
    while (*link != request) {
        link = &(*link)->next;
    }
    *link = request->next;
    client->request_count--;
}

static void deliver(kw_client *client, struct kw_client_request *r)
{
    kw_link *link = r->awaited.link; /* NULL: of a connection that is gone */
    void *response = NULL;
    kw_status status = kw_awaited_is_answered(&r->awaited) ? r->awaited.error : KW_BAD_TIMEOUT;
    kw_link_let_go(&r->awaited);
    take_out(client, r);
    if (!kw_status_is_bad(status)) {
        status = kw_client_decode(client, &r->awaited, r->response_type, r->awaited.arena, &response);
    }
    if (link != NULL) {
        kw_client_note_end(client, link, status);
    }
    r->done(r->ctx, status, response);
    kw_arena_free(r->awaited.arena);
    free(r);
}

static bool is_due(const kw_client *client, const struct kw_client_request *r)
{
    return kw_awaited_is_answered(&r->awaited) || r->deadline <= kw_clock_ms(client->env.clock);
}

/* In the order in which they were answered. */
static struct kw_client_request *first_due(const kw_client *client)
{
    struct kw_client_request *first = NULL;
    for (struct kw_client_request *r = client->requests; r != NULL; r = r->next) {
        if (is_due(client, r) && (first == NULL || r->awaited.order < first->awaited.order)) {
            first = r;
        }
    }
    return first;
}

/* At most those that there are now: functions that begin others do not keep the rest of the Client waiting. */
void kw_client_requests_turn(kw_client *client)
{
    size_t left = client->request_count;
    for (struct kw_client_request *r; left > 0 && (r = first_due(client)) != NULL; left--) {
        deliver(client, r);
    }
}

uint64_t kw_client_requests_due(const kw_client *client)
{
    uint64_t first = UINT64_MAX;
    for (const struct kw_client_request *r = client->requests; r != NULL; r = r->next) {
        const uint64_t due = is_due(client, r) ? 0 : r->deadline;
        first = due < first ? due : first;
    }
    return first;
}

void kw_client_requests_end(kw_client *client)
{
    while (client->requests != NULL) {
        struct kw_client_request *r = client->requests;
        kw_link_let_go(&r->awaited);
        take_out(client, r);
        r->done(r->ctx, KW_BAD_CONNECTION_CLOSED, NULL);
        kw_arena_free(r->awaited.arena);
        free(r);
    }
}
