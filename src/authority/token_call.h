/*
 * A Call that has to do with a token. What is the same for each of these Methods is done here: the caller's right to ask, the job,
 * the answer that waits (AS-25), and what the log, the audit trail and the audit events say of it.
 */
#ifndef KW_AUTHORITY_TOKEN_CALL_H
#define KW_AUTHORITY_TOKEN_CALL_H

#include "authority/grant.h"

typedef struct kw_token_call kw_token_call;

typedef struct kw_token_method {
    const char *name; /* as log and trail have it */
    size_t size;      /* of the Method's own structure, which begins with a kw_token_call */
    /* On the loop, before the job: take the arguments. May be refused here. */
    kw_status (*take)(kw_token_call *t);
    /* In the job: do it, and set what the answer says. *who: one reference, of the user if one was proven, also when refused; *why: static. */
    kw_status (*run)(kw_token_call *t, kw_identity **who, const char **why);
    /* On the loop, after the job, before the answer; may still refuse. NULL: nothing is left to do. */
    kw_status (*settle)(kw_token_call *t);
    bool issues;      /* a token comes of it: AZ-16 */
    kw_token_way way; /* for the metrics, where it issues */
    /* The inputs of the call without secrets, for the events, as many as it has. Only where it issues. */
    void (*redact)(const kw_call *call, kw_variant *inputs);
} kw_token_method;

struct kw_token_call {
    kw_job job;
    kw_authority *authority;
    const kw_token_method *method;
    kw_call *call;
    kw_identity *session_identity; /* retained: the Session's user */
    kw_string resource;            /* borrowed from the request, as the call and its arena */
    kw_string grant, subject;      /* the refresh tokens that it is about and whose they are, for the trail; null: none */
    kw_receiver_use use;           /* of the key that a secret in it is sealed for; one reference. NULL: none */
    kw_status status;
    kw_status certificate_verdict; /* what is wrong with the Certificate of an X509 user; Good: nothing that is known */
    kw_bytes certificate;          /* that one; borrowed as `resource` */
    kw_ledger_entry entry;         /* what the trail gets before the answer; without an event: nothing */
    uint32_t delay_ms;             /* before the answer */
    kw_timer delay;
    kw_token_call *next, **link; /* among those that wait */
};

/* The whole of a Method: finishes the call. */
void kw_token_call_start(kw_authority *authority, const kw_token_method *method, kw_call *call);

/* --- for take ------------------------------------------------------------------------------------------------------------- */
/* Whose turn it is with this token (NULL: none). A Client that is locked out is refused here, before anything is computed (AS-23). */
kw_status kw_token_call_admit(kw_token_call *t, const kw_extension_object *token);

/* --- for run -------------------------------------------------------------------------------------------------------------- */
/* Prove a user who comes as an argument. In these Methods a refused user is a refused token (RT-07, RT-26); Bad_UserAccessDenied
 * speaks of the caller (RT-28). `claim`: the context, with token and policies. */
kw_status kw_token_call_prove(kw_token_call *t, const kw_identity_claim *claim, kw_identity **who, const char **why);
/* An access token for what this user has here, as output number `index`; *expires (may be NULL). */
kw_status kw_token_call_issue(kw_token_call *t, const kw_identity *who, size_t index, kw_date_time *expires, const char **why);
/* The token without what proves somebody, for an event; NULL is fine. */
kw_variant kw_token_call_redacted(const kw_call *call, const kw_extension_object *token);
/* The refresh tokens of this caller for this resource. */
kw_grant_context kw_token_call_grants(kw_token_call *t);
/* Outputs in the call's arena; they borrow. */
kw_status kw_token_call_put_text(kw_token_call *t, size_t index, kw_string text);
kw_status kw_token_call_put_time(kw_token_call *t, size_t index, kw_date_time time);

#endif
