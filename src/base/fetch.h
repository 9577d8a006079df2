/*
 * Fetching a small document from elsewhere, or asking a question by a form: the core says what it wants, the network room gets it.
 * Blocks: for jobs.
 */
#ifndef KW_BASE_FETCH_H
#define KW_BASE_FETCH_H

#include <keyway/arena.h>

typedef struct kw_fetch_request {
    kw_string url;
    kw_bytes ca;         /* PEM: who may vouch for the other side; null: the authorities of the system */
    uint32_t timeout_ms; /* for all of it */
} kw_fetch_request;

/* A form that is posted (application/x-www-form-urlencoded); the answer is JSON. */
typedef struct kw_fetch_form {
    kw_string url;
    kw_bytes ca;             /* as above */
    uint32_t timeout_ms;     /* for all of it */
    kw_bytes content;        /* a secret, as what follows: not kept, wiped where it was copied to */
    kw_string authorization; /* value of the header Authorization; null: none */
} kw_fetch_form;

typedef struct kw_fetch {
    /*
     * The content to *out, in the arena. Bad_InvalidArgument: such a URL is not fetched; Bad_RequestNotAllowed: nor from such an
     * address; Bad_SecurityChecksFailed: the other side could not prove who it is; Bad_NotFound: it has no such document;
     * Bad_ResponseTooLarge; Bad_Timeout; Bad_CommunicationError: any other failure. Then *why is half a sentence, static or in
     * the arena.
     */
    kw_status (*get)(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why);
    void *ctx;
    /*
     * The answer, whatever its HTTP status code (to *code) is: Good. No redirect is followed: what goes out is a secret. Bad codes as
     * above, but Bad_NotFound. NULL where nothing is ever posted.
     */
    kw_status (*post)(void *ctx, const kw_fetch_form *form, kw_arena *arena, unsigned *code, kw_bytes *out, const char **why);
} kw_fetch;

#endif
