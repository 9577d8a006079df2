/* Inner seam of OAuth: a request is a call; what it is about runs in a job and leaves an answer. */
#ifndef KW_AUTHORITY_OAUTH_INTERNAL_H
#define KW_AUTHORITY_OAUTH_INTERNAL_H

#include "authority/authority_internal.h"
#include "authority/oauth.h"
#include "http/form.h"

#include <jansson.h>

#define KW_OAUTH_HEADERS_MAX 8
#define KW_OAUTH_RECORDS_MAX 4

typedef struct kw_oauth_call kw_oauth_call;

struct kw_oauth {
    kw_authority *authority;
    kw_server *server;
    const kw_server_env *env;
    kw_arena *arena;
    kw_string issuer;
    bool is_stopping;
    kw_rate *clients, *addresses; /* oauth_rate.c */
    kw_oauth_call *waiting;       /* whose answer is delayed */
    size_t waiting_count;
};

typedef struct kw_oauth_route {
    const char *method, *path;
    void (*run)(kw_oauth_call *call); /* in a job: leaves an answer */
    bool proves_client;               /* it is counted as the client's own, not as its address's */
    bool proves_user;                 /* a password may be in it: it waits for its turn (base/job.h) */
} kw_oauth_route;

struct kw_oauth_call {
    kw_job job;
    kw_oauth *oauth;
    const kw_oauth_route *route;
    kw_http_exchange *exchange;
    const kw_http_request *request;
    kw_arena *arena;   /* of the exchange */
    kw_http_form form; /* of the content with POST, of the query with GET */
    kw_http_response response;
    kw_http_header headers[KW_OAUTH_HEADERS_MAX];
    kw_ledger_entry records[KW_OAUTH_RECORDS_MAX]; /* for the trail, before the answer leaves */
    size_t record_count, records_left;
    uint32_t delay_ms; /* before the answer */
    uint32_t retry_s;  /* what an answer of 429 says; 0: 1 */
    kw_token_way way;  /* which grant, for the metrics */
    bool is_pending;   /* nobody has agreed yet */
    kw_timer delay;
    kw_oauth_call *next, **link; /* among those that wait */
};

/* --- oauth_answer.c: what is said; the last one counts ------------------------------------------------------------------- */
/* Takes the value. */
void kw_oauth_answer_json(kw_oauth_call *call, int status, json_t *value);
/* RFC 6749, 5.2: {"error":…,"error_description":…}; 401 also says how to come again. Both texts static. */
void kw_oauth_answer_error(kw_oauth_call *call, int status, const char *error, const char *description);
void kw_oauth_answer_header(kw_oauth_call *call, const char *name, kw_string value);
/* A StatusCode of ours as what OAuth has for it. */
void kw_oauth_answer_failure(kw_oauth_call *call, kw_status status);

/* --- oauth_parameters.c --------------------------------------------------------------------------------------------------- */
/* A parameter; null when it is not there or empty. False: it came twice, and that is answered. */
bool kw_oauth_parameter(kw_oauth_call *call, const char *name, kw_string *value);
/* Is `word` one of those between spaces (or newlines)? */
bool kw_oauth_has_word(kw_string words, kw_string word);

/* --- oauth_client_auth.c -------------------------------------------------------------------------------------------------- */
/* Which client calls, proven the way it was registered; public clients by their id alone. False: refused and answered. In a job. */
bool kw_oauth_authenticate(kw_oauth_call *call, kw_oauth_client *out);
/* As whom it comes, before anything is believed; null: nobody can tell. On the loop. */
kw_string kw_oauth_claimed_client(kw_oauth_call *call);
/* Does a public key or certificate stand for it, or a secret? */
bool kw_oauth_is_public(const kw_oauth_client *client);
/* oauth_assertion.c: the client signed that it is itself, now and here (RFC 7523, 2.2). *why: static. False: it did not. */
bool kw_oauth_assertion_holds(kw_oauth_call *call, const kw_oauth_client *client, kw_string assertion, const char **why);
/* Whom an assertion is of, before it is believed; null: nobody can tell. */
kw_string kw_oauth_assertion_subject(kw_oauth_call *call, kw_string assertion);
/* SHA-256 of the certificate that the client showed in TLS; null: none. */
kw_bytes kw_oauth_certificate_hash(kw_oauth_call *call);
/* May this client use the grant? False: refused and answered. */
bool kw_oauth_may_use(kw_oauth_call *call, const kw_oauth_client *client, kw_string grant_type);

/* --- oauth_rate.c: false: too often, and that is answered -------------------------------------------------------------------- */
/* On the loop, before anything else. */
bool kw_oauth_rate_admit(kw_oauth_call *call);
/* In the job: a request of this client, or of nobody who is proven. */
bool kw_oauth_rate_client(kw_oauth_call *call, const kw_oauth_client *client);
bool kw_oauth_rate_stranger(kw_oauth_call *call, kw_string client_id);
/* The latter, who has said that he is this client; null: there is no such client. */
bool kw_oauth_rate_failure(kw_oauth_call *call, kw_string client_id);

/* --- oauth_issue.c ---------------------------------------------------------------------------------------------------------- */
/* The resource that the call asks for (RFC 8707 `resource`, or `audience`); without one the only one there is. False: answered. */
bool kw_oauth_target(kw_oauth_call *call, const kw_oauth_client *client, kw_string *resource);
/* The same for one that was named elsewhere; `wanted` null: the only one there is. */
bool kw_oauth_target_of(kw_oauth_call *call, const kw_oauth_client *client, kw_string wanted, kw_string *resource);
/*
 * Sign an access token for this user, write it into the audit trail, and answer {"access_token":…}. Of the wish: resource, scope and
 * actor. `more` (may be NULL, taken) has further members; `grant_type` is for the trail.
 */
void kw_oauth_issue(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, const kw_token_wish *wanted,
                    const char *grant_type, json_t *more);
/* Into the audit trail, before the answer leaves; what cannot be written turns a good answer into 503. Borrows; `why`: static or NULL. */
void kw_oauth_record(kw_oauth_call *call, const char *event, kw_status status, kw_string user, kw_string client_id, kw_string resource,
                     const char *grant_type, const char *why);

/* --- oauth_own_token.c ------------------------------------------------------------------------------------------------------ */
/* An access token of this service, under whichever of its names, that is good now; revoked or not. */
typedef struct kw_own_token {
    kw_jwt claims;
    kw_string client_id; /* whom it was issued to; null: not by OAuth */
    bool is_revoked;
} kw_own_token;

/* Bad_IdentityTokenInvalid, Bad_IdentityTokenRejected: it is none, or not good any more. Other codes: nobody can tell now. In a job. */
kw_status kw_oauth_read_own_token(kw_oauth_call *call, kw_string token, kw_own_token *out);

/* --- oauth_user.c ------------------------------------------------------------------------------------------------------------ */
/* The context of a user who comes by way of this client. */
kw_identity_claim kw_oauth_claim(const kw_oauth_call *call, const kw_oauth_client *client);
/* By the one gate; the answer is to wait as long as it says. *who: one reference. */
/* An access token of this service or of an issuer that it believes, for this service or for the client itself. *who: one reference. */
kw_status kw_oauth_prove_token(kw_oauth_call *call, const kw_oauth_client *client, kw_string token, kw_identity **who, const char **why);
kw_status kw_oauth_prove_password(kw_oauth_call *call, const kw_oauth_client *client, kw_string name, kw_string password, kw_identity **who,
                                  const char **why);
/* Who was proven before, with the Roles of now. Bad_IdentityTokenRejected: is not let in any more. */
kw_status kw_oauth_look_again(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *was, kw_identity **who);

/* --- oauth_request.c: what a client wants a user to agree to ------------------------------------------------------------------- */
typedef struct kw_oauth_request {
    kw_oauth_client client;
    kw_string redirect_uri, state, scope, nonce, challenge, resource;
} kw_oauth_request;

/* False: it cannot be, and that is answered: to the user when nobody knows where to lead back to, otherwise there. */
bool kw_oauth_read_request(kw_oauth_call *call, kw_oauth_request *out);
/* Lead back with these members of the query (RFC 9207: and the issuer). `error` NULL: none. */
void kw_oauth_lead_back(kw_oauth_call *call, const kw_oauth_request *request, const char *name, kw_string value, const char *description);

/* --- oauth_refresh.c ---------------------------------------------------------------------------------------------------------------- */
/* What is issued from now on is one grant, named in the wish, with a refresh token in `more` for a client that is registered for them.
 * `origin` as in kw_grant_begin. False: failed, and that is answered. */
bool kw_oauth_begin_grant(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, kw_string origin, kw_token_wish *wish,
                          json_t *more);
/* All that came of this origin is void. */
kw_status kw_oauth_end_grant(kw_oauth_call *call, const kw_oauth_client *client, kw_string origin);
/* Is this a refresh token of the client? Then it is ended, with all that came from it. */
bool kw_oauth_end_refresh_token(kw_oauth_call *call, const kw_oauth_client *client, kw_string token);

/* --- oauth_agreement.c -------------------------------------------------------------------------------------------------------------- */
/* What a user agreed to on a page, on the way to the client. */
typedef struct kw_oauth_agreement {
    kw_identity user; /* as proven then, without Roles */
    kw_string scope, nonce, resource;
    int64_t signed_in; /* seconds since 1970; when read */
} kw_oauth_agreement;

/* As JSON, for the store. */
kw_status kw_oauth_agreement_write(kw_oauth_call *call, const kw_oauth_agreement *agreement, kw_string *out);
/* The user is looked at again, and the tokens that follow are answered; or what is against it. `grant_type` for the trail; `origin` as
 * in kw_grant_begin. */
void kw_oauth_agreement_fulfil(kw_oauth_call *call, const kw_oauth_client *client, kw_string text, const char *grant_type,
                               kw_string origin);
/* SHA-256, 32 bytes in the arena. */
kw_status kw_oauth_hash(kw_oauth_call *call, kw_string text, kw_bytes *out);

/* --- oauth_code.c ---------------------------------------------------------------------------------------------------------------- */
/* A code for this user, good once and for a minute. In the arena. */
kw_status kw_oauth_code_make(kw_oauth_call *call, const kw_oauth_request *request, const kw_identity *who, kw_string *code);

/* --- oauth_page.c ------------------------------------------------------------------------------------------------------------------ */
/* Text of others in HTML, also within quotes. Null on exhaustion. */
kw_string kw_oauth_html(kw_arena *arena, kw_string text);
/* A whole page around `body`; `forms_to`: where else than here its form may lead ("https://app.example"), or null. */
void kw_oauth_answer_page(kw_oauth_call *call, int status, const char *title, kw_string body, kw_string forms_to);
/* A page that says one thing. Both static. */
void kw_oauth_answer_notice(kw_oauth_call *call, int status, const char *title, const char *text);
/* A field that the form carries along. */
kw_string kw_oauth_hidden(kw_arena *arena, const char *name, kw_string value);

/* --- oauth_form.c: only forms that this service gave to this browser come back ------------------------------------------------------ */
/* Sets the cookie, and yields the field that goes with it; null on failure. */
kw_string kw_oauth_form_seal(kw_oauth_call *call);
/* False: it came from elsewhere, and that is answered. */
bool kw_oauth_form_is_ours(kw_oauth_call *call);

/* --- the endpoints, each in its file ---------------------------------------------------------------------------------------- */
void kw_oauth_metadata(kw_oauth_call *call);
void kw_oauth_keys(kw_oauth_call *call);
void kw_oauth_token(kw_oauth_call *call);
void kw_oauth_authorize_page(kw_oauth_call *call);
void kw_oauth_authorize(kw_oauth_call *call);
void kw_oauth_device_start(kw_oauth_call *call);
void kw_oauth_device_page(kw_oauth_call *call);
void kw_oauth_device_answer(kw_oauth_call *call);
void kw_oauth_style(kw_oauth_call *call);
void kw_oauth_user_info(kw_oauth_call *call);
void kw_oauth_introspect(kw_oauth_call *call);
void kw_oauth_revoke(kw_oauth_call *call);

/* --- the grants of the token endpoint --------------------------------------------------------------------------------------- */
void kw_oauth_grant_client_credentials(kw_oauth_call *call, const kw_oauth_client *client);
void kw_oauth_grant_device(kw_oauth_call *call, const kw_oauth_client *client);
void kw_oauth_grant_exchange(kw_oauth_call *call, const kw_oauth_client *client);
void kw_oauth_grant_refresh(kw_oauth_call *call, const kw_oauth_client *client);
void kw_oauth_grant_code(kw_oauth_call *call, const kw_oauth_client *client);

#endif
