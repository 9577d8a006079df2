#include "authority/provider.h"

#include "authority/provider_internal.h"
#include "base/try.h"
#include "identity/jwt.h"
#include "identity/key_fetch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINT_MS 600000u /* how long what the metadata said is believed */
#define LINE_MAX 1024
#define ERROR_MAX 128u
#define TOKEN_MAX KW_JWT_MAX

/* One question. */
typedef struct kw_provider_talk {
    kw_provider *provider;
    const kw_provider_question *question;
    kw_arena *arena;
    uint64_t deadline;
    const char *why;    /* static */
    const char *detail; /* what the other side or the network said; static or in the arena, NULL: nothing */
    bool is_unreachable;
} kw_provider_talk;

static void say(const kw_provider_talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const kw_provider_talk *talk, const char *format, ...)
{
    char line[LINE_MAX];
    va_list args;
    if (talk->question->listener == NULL) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    talk->question->listener->say(talk->question->listener->ctx, line);
}

static kw_status refuse(kw_provider_talk *talk, kw_status status, const char *why)
{
    talk->why = why;
    return status;
}

static kw_status refuse_unreachable(kw_provider_talk *talk, const char *why, const char *detail)
{
    talk->is_unreachable = true;
    talk->detail = detail;
    say(talk, "%s: %s", why, detail != NULL ? detail : "");
    return refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, why);
}

static uint32_t time_left(const kw_provider_talk *talk)
{
    const uint64_t now = kw_clock_ms(talk->provider->clock);
    return now < talk->deadline ? (uint32_t)(talk->deadline - now) : 0;
}

/* --- where to ask ----------------------------------------------------------------------------------------------------------------- */

static kw_string remembered_endpoint(kw_provider_talk *talk)
{
    kw_provider *p = talk->provider;
    kw_string endpoint = KW_BYTES_NULL;
    pthread_mutex_lock(&p->lock);
    if (p->endpoint != NULL && kw_clock_ms(p->clock) < p->endpoint_until) {
        endpoint = kw_arena_copy(talk->arena, kw_string_from(p->endpoint));
    }
    pthread_mutex_unlock(&p->lock);
    return endpoint;
}

static void remember_endpoint(kw_provider *p, kw_string endpoint)
{
    char *copy = strndup((const char *)endpoint.data, endpoint.len);
    pthread_mutex_lock(&p->lock);
    free(p->endpoint);
    p->endpoint = copy;
    p->endpoint_until = kw_clock_ms(p->clock) + ENDPOINT_MS;
    pthread_mutex_unlock(&p->lock);
}

static kw_status discover(kw_provider_talk *talk, kw_string *out)
{
    const kw_provider *p = talk->provider;
    const kw_issuer issuer = {.uri = p->config.issuer, .location = p->config.issuer, .ca = p->config.ca};
    json_t *metadata = NULL;
    const char *why = "";
    kw_status status = kw_issuer_fetch_metadata(p->fetch, p->clock, &issuer, time_left(talk), talk->arena, &metadata, &why);
    if (!kw_status_is_bad(status)) {
        status = kw_issuer_take_url(&issuer, metadata, "token_endpoint", talk->arena, out, &why);
        json_decref(metadata);
    }
    return kw_status_is_bad(status) ? refuse_unreachable(talk, "the metadata of the provider cannot be had", why) : KW_GOOD;
}

static kw_status find_endpoint(kw_provider_talk *talk, kw_string *out)
{
    *out = talk->provider->config.token_endpoint;
    if (out->len == 0) {
        *out = remembered_endpoint(talk);
    }
    if (out->len == 0) {
        KW_TRY(discover(talk, out));
        remember_endpoint(talk->provider, *out);
    }
    say(talk, "its token endpoint is %.*s", KW_STRING_ARGS(*out));
    return KW_GOOD;
}

/* --- what it says ------------------------------------------------------------------------------------------------------------------ */

/* RFC 6749, 5.2; RFC 8693, 2.2.2; RFC 8707, 2. What is wrong with us says nothing about the user. */
static const struct refusal {
    const char *error;
    kw_status status;
    const char *why;
} REFUSALS[] = {
    {"invalid_grant", KW_BAD_IDENTITY_TOKEN_REJECTED, "the provider refused the user"},
    {"access_denied", KW_BAD_USER_ACCESS_DENIED, "the provider gives this user no token"},
    {"invalid_scope", KW_BAD_USER_ACCESS_DENIED, "the provider does not give this scope to the user"},
    {"invalid_target", KW_BAD_NOT_FOUND, "the provider does not know the resource"},
    {"invalid_client", KW_BAD_RESOURCE_UNAVAILABLE, "the provider does not take the credentials of our client"},
    {"unauthorized_client", KW_BAD_RESOURCE_UNAVAILABLE, "the provider does not let our client ask in this way"},
    {"unsupported_grant_type", KW_BAD_RESOURCE_UNAVAILABLE, "the provider does not answer questions of this kind"},
};

static kw_status take_error(kw_provider_talk *talk, const json_t *answer, unsigned code)
{
    kw_string error, description;
    (void)kw_json_take_string(answer, "error", ERROR_MAX, talk->arena, &error);
    (void)kw_json_take_string(answer, "error_description", LINE_MAX / 2, talk->arena, &description);
    say(talk, "it says HTTP %u %.*s %.*s", code, KW_STRING_ARGS(error), KW_STRING_ARGS(description));
    const kw_string both = kw_arena_format(talk->arena, "%.*s %.*s", KW_STRING_ARGS(error), KW_STRING_ARGS(description));
    talk->detail = kw_arena_cstring(talk->arena, both);
    for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++) {
        if (kw_string_equals(error, REFUSALS[i].error)) {
            return refuse(talk, REFUSALS[i].status, REFUSALS[i].why);
        }
    }
    /* RFC 8693, 2.2.2: so it speaks of a token that it does not take. */
    if (kw_string_equals(error, "invalid_request") && talk->question->user.data == NULL) {
        return refuse(talk, KW_BAD_IDENTITY_TOKEN_REJECTED, "the provider refused the token");
    }
    return refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "the provider does not understand the question");
}

static kw_status take_tokens(kw_provider_talk *talk, const json_t *answer, kw_provider_answer *out)
{
    if (!kw_json_take_string(answer, "access_token", TOKEN_MAX, talk->arena, &out->access_token) || out->access_token.len == 0 ||
        !kw_json_take_string(answer, "id_token", TOKEN_MAX, talk->arena, &out->id_token)) {
        return refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "the answer of the provider has no access token");
    }
    say(talk, "it gives an access token%s", out->id_token.len > 0 ? " and an id_token" : "");
    return KW_GOOD;
}

/* Whoever stands before the provider says by these that it is away; any other failure may be for this question alone. */
static bool is_away(unsigned code)
{
    return code >= 502 && code <= 504;
}

static kw_status take_answer(kw_provider_talk *talk, unsigned code, kw_bytes content, kw_provider_answer *out)
{
    if (is_away(code)) {
        return refuse_unreachable(talk, "the provider is not available", code == 503 ? "HTTP 503" : "HTTP 502 or 504");
    }
    json_t *answer = kw_json_parse_object(content);
    if (answer == NULL) {
        say(talk, "it says HTTP %u, and no JSON object", code);
        return refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "the answer of the provider is no JSON object");
    }
    const kw_status status = code == 200 ? take_tokens(talk, answer, out) : take_error(talk, answer, code);
    json_decref(answer);
    return status;
}

/* --- one question ------------------------------------------------------------------------------------------------------------------- */

static kw_status post(kw_provider_talk *talk, kw_string endpoint, const kw_provider_form *form, kw_provider_answer *out)
{
    const kw_provider *p = talk->provider;
    const kw_fetch_form posted = {.url = endpoint,
                                  .ca = p->config.ca,
                                  .timeout_ms = time_left(talk),
                                  .content = kw_secret_bytes(&form->content),
                                  .authorization = form->authorization};
    kw_bytes content;
    unsigned code = 0;
    const char *why = "";
    if (posted.timeout_ms == 0) {
        return refuse_unreachable(talk, "the provider does not answer", "it took too long");
    }
    const kw_status status = p->fetch->post(p->fetch->ctx, &posted, talk->arena, &code, &content, &why);
    return kw_status_is_bad(status) ? refuse_unreachable(talk, "the provider does not answer", why) : take_answer(talk, code, content, out);
}

static kw_status ask(kw_provider_talk *talk, kw_provider_answer *out)
{
    kw_provider_form form;
    kw_string endpoint;
    KW_TRY(find_endpoint(talk, &endpoint));
    kw_status status = kw_provider_form_make(talk->provider, talk->question, talk->arena, &form);
    status = kw_status_is_bad(status) ? refuse(talk, status, "the question could not be put together") : post(talk, endpoint, &form, out);
    kw_provider_form_clear(&form);
    return status;
}

/* One that was down is for one caller alone, until it has answered. */
static bool may_ask(kw_provider *p)
{
    const uint64_t now = kw_clock_ms(p->clock);
    pthread_mutex_lock(&p->lock);
    const bool is_down = p->asked_again != 0, may = !is_down || now >= p->asked_again;
    if (is_down && may) {
        p->asked_again = now + (uint64_t)p->config.retry_s * 1000;
    }
    pthread_mutex_unlock(&p->lock);
    return may;
}

static void note(const kw_provider_talk *talk, kw_status status)
{
    kw_provider *p = talk->provider;
    pthread_mutex_lock(&p->lock);
    const bool was_down = p->asked_again != 0;
    p->asked_again = talk->is_unreachable ? kw_clock_ms(p->clock) + (uint64_t)p->config.retry_s * 1000 : 0;
    pthread_mutex_unlock(&p->lock);
    if (kw_status_is_bad(status)) {
        KW_LOG(p->log, status == KW_BAD_RESOURCE_UNAVAILABLE ? KW_LOG_WARN : KW_LOG_INFO, "provider refuses",
               kw_field_str("provider", p->config.name), kw_field_text("why", talk->why),
               kw_field_text("detail", talk->detail != NULL ? talk->detail : ""));
    } else if (was_down) {
        KW_LOG(p->log, KW_LOG_INFO, "provider answers again", kw_field_str("provider", p->config.name));
    }
}

kw_status kw_provider_ask(kw_provider *provider, const kw_provider_question *question, kw_arena *arena, kw_provider_answer *out,
                          const char **why)
{
    kw_provider_talk talk = {.provider = provider,
                             .question = question,
                             .arena = arena,
                             .deadline = kw_clock_ms(provider->clock) + provider->config.timeout_ms,
                             .why = ""};
    if (!may_ask(provider)) {
        say(&talk, "it did not answer a moment ago, and is left alone");
        *why = "the provider did not answer a moment ago";
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    const kw_status status = ask(&talk, out);
    note(&talk, status);
    *why = talk.why;
    return status;
}

/* --- life ----------------------------------------------------------------------------------------------------------------------------- */

kw_status kw_provider_new(const kw_provider_config *config, const kw_fetch *fetch, const kw_clock *clock, const kw_random *random,
                          const kw_log *log, kw_provider **out)
{
    kw_provider *p = calloc(1, sizeof(*p));
    if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return KW_BAD_OUT_OF_MEMORY;
    }
    p->config = *config;
    p->config.timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : KW_PROVIDER_TIMEOUT_MS;
    p->config.retry_s = config->retry_s != 0 ? config->retry_s : KW_PROVIDER_RETRY_S;
    p->fetch = fetch;
    p->clock = clock;
    p->random = random;
    p->log = log;
    *out = p;
    return KW_GOOD;
}

void kw_provider_free(kw_provider *provider)
{
    if (provider != NULL) {
        pthread_mutex_destroy(&provider->lock);
        free(provider->endpoint);
        free(provider);
    }
}

const kw_provider_config *kw_provider_config_of(const kw_provider *provider)
{
    return &provider->config;
}
