#include "authority/facade.h"

#include "authority/provider.h"
#include "base/try.h"
#include "identity/jwt.h"

typedef struct facade_question {
    kw_token_call *call;
    kw_string token;   /* what the provider gave */
    kw_status verdict; /* what it said of what was asked for */
} facade_question;

/* RT-27: the service has to know the resource before the provider is asked. */
static kw_status check_resource(const kw_token_call *t, const char **why)
{
    kw_resource found;
    kw_status status = kw_authority_serves(t->authority, t->resource) ? KW_GOOD : KW_BAD_NOT_FOUND;
    if (t->authority->config.resource_count == 0) {
        status = kw_store_resource_get(t->authority->env->store, t->resource, t->call->arena, &found);
    }
    if (status == KW_BAD_NOT_FOUND || status == KW_BAD_INVALID_ARGUMENT) {
        *why = "the resource is not registered";
        return KW_BAD_NOT_FOUND;
    }
    return status;
}

static bool is_for(const kw_jwt *jwt, kw_string resource)
{
    for (size_t i = 0; i < jwt->aud_count; i++) {
        if (kw_bytes_equal(jwt->aud[i], resource)) {
            return true;
        }
    }
    return false;
}

/* What no Server could accept is not handed out (RT-24). Whether it is genuine is for the Server to check. */
static kw_status check_token(const kw_token_call *t, kw_string token, kw_arena *arena, kw_string *subject, const char **why)
{
    const char *ignored;
    kw_jwt jwt;
    if (kw_status_is_bad(kw_jwt_parse(token, arena, &jwt, &ignored))) {
        *why = "the access token of the provider is no JSON Web Token";
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    if (!is_for(&jwt, t->resource)) {
        *why = "the access token of the provider is for another resource";
        return KW_BAD_NOT_FOUND;
    }
    *subject = jwt.sub;
    return KW_GOOD;
}

static kw_status prove(void *ctx, kw_string name, kw_bytes secret, kw_arena *arena, kw_string *subject, const char **why)
{
    facade_question *f = ctx;
    kw_token_call *t = f->call;
    const kw_provider_question question = {.user = name, .secret = secret, .resource = t->resource};
    kw_provider_answer answer = {.id_token = KW_BYTES_NULL};
    f->verdict = kw_provider_ask(t->authority->config.provider, &question, arena, &answer, why);
    if (!kw_status_is_bad(f->verdict)) {
        f->verdict = check_token(t, answer.access_token, arena, subject, why);
    }
    if (!kw_status_is_bad(f->verdict)) {
        f->token = kw_arena_copy(t->call->arena, answer.access_token);
        f->verdict = f->token.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    }
    return f->verdict;
}

kw_status kw_facade_request(kw_token_call *t, const kw_identity_claim *claim, size_t index, kw_identity **who, const char **why)
{
    facade_question f = {.call = t, .verdict = KW_GOOD};
    const kw_identity_keeper keeper = {prove, &f};
    kw_identity_claim mine = *claim;
    mine.keeper = &keeper;
    KW_TRY(check_resource(t, why));
    const kw_status status = kw_token_call_prove(t, &mine, who, why);
    if (f.verdict == KW_BAD_USER_ACCESS_DENIED) { /* RT-28: not the token was refused */
        return f.verdict;
    }
    KW_TRY(status);
    return kw_token_call_put_text(t, index, f.token);
}
