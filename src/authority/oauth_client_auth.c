/* Which client calls. RFC 6749, 2.3. */
#include "authority/oauth_internal.h"
#include "base/secret.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "ua/base64.h"

#include <string.h>
#include <strings.h>

#define SECRET_HASH_LEN 32
#define ASSERTION_MAX 16384u /* that is looked into on the loop */

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

typedef struct credentials {
    kw_string id, secret, assertion; /* null: did not come */
} credentials;

/* `name` and ':' cut off; both parts are encoded as in a form (RFC 6749, 2.3.1). */
static kw_status split_basic(kw_oauth_call *call, kw_bytes pair, credentials *out)
{
    const uint8_t *colon = pair.len > 0 ? memchr(pair.data, ':', pair.len) : NULL;
    kw_http_form form;
    if (colon == NULL) {
        return KW_BAD_DECODING_ERROR;
    }
    const size_t id_len = (size_t)(colon - pair.data);
    const kw_string text = kw_arena_format(call->arena, "i=%.*s&s=%.*s", (int)id_len, (const char *)pair.data, (int)(pair.len - id_len - 1),
                                           (const char *)colon + 1);
    KW_TRY(kw_http_form_parse(text, call->arena, &form));
    out->id = kw_http_form_get(&form, "i", NULL);
    out->secret = kw_http_form_get(&form, "s", NULL);
    return form.count == 2 ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static kw_status read_basic(kw_oauth_call *call, credentials *out)
{
    static const char SCHEME[] = "Basic ";
    const size_t len = sizeof(SCHEME) - 1;
    const kw_string header = call->request->authorization;
    kw_bytes pair;
    if (header.len <= len || strncasecmp((const char *)header.data, SCHEME, len) != 0) {
        return KW_BAD_DECODING_ERROR;
    }
    KW_TRY(kw_base64_decode((kw_string){header.data + len, header.len - len}, call->arena, &pair));
    return split_basic(call, pair, out);
}

static bool read_assertion(kw_oauth_call *call, credentials *out)
{
    kw_string type;
    if (!kw_oauth_parameter(call, "client_assertion_type", &type) || !kw_oauth_parameter(call, "client_assertion", &out->assertion)) {
        return false;
    }
    if ((type.len > 0 || out->assertion.len > 0) && (!kw_string_equals(type, ASSERTION_TYPE) || out->assertion.len == 0)) {
        kw_oauth_answer_error(call, 400, "invalid_request", "client_assertion and its type do not go together");
        return false;
    }
    if (out->assertion.len > 0 && out->secret.len > 0) {
        kw_oauth_answer_error(call, 400, "invalid_request", "the client proves itself in two ways");
        return false;
    }
    if (out->assertion.len > 0 && out->id.len == 0) {
        out->id = kw_oauth_assertion_subject(call, out->assertion);
    }
    return true;
}

/* False: what came cannot be, and that is answered. */
static bool read_credentials(kw_oauth_call *call, credentials *out)
{
    credentials basic = {.id = KW_BYTES_NULL};
    if (!kw_oauth_parameter(call, "client_id", &out->id) || !kw_oauth_parameter(call, "client_secret", &out->secret) ||
        !read_assertion(call, out)) {
        return false;
    }
    if (call->request->authorization.len == 0) {
        return true;
    }
    if (kw_status_is_bad(read_basic(call, &basic))) {
        kw_oauth_answer_error(call, 401, "invalid_client", "the Authorization header cannot be read");
        return false;
    }
    if (out->secret.len > 0 || out->assertion.len > 0 ||
        (out->id.len > 0 && !kw_bytes_equal(out->id, basic.id))) { /* one way per request (2.3) */
        kw_oauth_answer_error(call, 400, "invalid_request", "the client proves itself in two ways");
        return false;
    }
    *out = basic;
    return true;
}

kw_string kw_oauth_claimed_client(kw_oauth_call *call)
{
    credentials basic = {.id = KW_BYTES_NULL};
    const kw_string id = kw_http_form_get(&call->form, "client_id", NULL);
    if (id.len > 0) {
        return id;
    }
    if (call->request->authorization.len > 0) {
        return kw_status_is_bad(read_basic(call, &basic)) ? KW_BYTES_NULL : basic.id;
    }
    const kw_string assertion = kw_http_form_get(&call->form, "client_assertion", NULL);
    return assertion.len > 0 && assertion.len <= ASSERTION_MAX ? kw_oauth_assertion_subject(call, assertion) : KW_BYTES_NULL;
}

static bool secret_matches(const kw_oauth_client *client, kw_string secret)
{
    uint8_t hash[SECRET_HASH_LEN];
    const bool is_hashed = !kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &secret, 1, hash));
    return is_hashed && client->secret_hash.len == sizeof(hash) && kw_secret_equal(client->secret_hash, (kw_bytes){hash, sizeof(hash)});
}

bool kw_oauth_is_public(const kw_oauth_client *client)
{
    return client->secret_hash.len == 0 && client->jwks.len == 0 && client->certificate_hash.len == 0;
}

kw_bytes kw_oauth_certificate_hash(kw_oauth_call *call)
{
    const kw_bytes der = call->request->client_certificate;
    uint8_t *hash = der.len > 0 ? kw_arena_alloc(call->arena, SECRET_HASH_LEN) : NULL;
    if (hash == NULL || kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &der, 1, hash))) {
        return KW_BYTES_NULL;
    }
    return (kw_bytes){hash, SECRET_HASH_LEN};
}

/* By what it shows, and only in a way that it is registered for. */
static bool is_proven(kw_oauth_call *call, const kw_oauth_client *client, const credentials *shown, const char **why)
{
    *why = "the client is not proven";
    if (shown->assertion.len > 0) {
        return client->jwks.len > 0 && kw_oauth_assertion_holds(call, client, shown->assertion, why);
    }
    if (shown->secret.len > 0) {
        return secret_matches(client, shown->secret);
    }
    if (client->certificate_hash.len > 0) { /* RFC 8705, 2.2: TLS has shown that it has the key */
        return kw_bytes_equal(client->certificate_hash, kw_oauth_certificate_hash(call));
    }
    return kw_oauth_is_public(client);
}

static bool is_disabled(const kw_oauth_client *client, const char **why)
{
    *why = "disabled client";
    return client->is_disabled;
}

bool kw_oauth_authenticate(kw_oauth_call *call, kw_oauth_client *out)
{
    credentials shown = {.id = KW_BYTES_NULL};
    if (!read_credentials(call, &shown)) {
        (void)kw_oauth_rate_stranger(call, KW_BYTES_NULL); /* its answer is the one or the other */
        return false;
    }
    const kw_status found =
        shown.id.len > 0 ? kw_store_oauth_client_get(call->oauth->env->store, shown.id, call->arena, out) : KW_BAD_NOT_FOUND;
    if (kw_status_is_bad(found) && found != KW_BAD_NOT_FOUND && found != KW_BAD_INVALID_ARGUMENT) {
        kw_oauth_answer_failure(call, found);
        return false;
    }
    const char *why = "unknown client";
    if (kw_status_is_bad(found) || !is_proven(call, out, &shown, &why) || is_disabled(out, &why)) {
        if (!kw_oauth_rate_failure(call, kw_status_is_bad(found) ? KW_BYTES_NULL : shown.id)) {
            return false;
        }
        kw_oauth_answer_error(call, 401, "invalid_client", "the client is unknown or not proven");
        kw_oauth_record(call, "ClientRefused", KW_BAD_USER_ACCESS_DENIED, KW_BYTES_NULL, shown.id, KW_BYTES_NULL, NULL, why);
        return false;
    }
    return kw_oauth_rate_client(call, out);
}

bool kw_oauth_may_use(kw_oauth_call *call, const kw_oauth_client *client, kw_string grant_type)
{
    if (!kw_oauth_has_word(client->grants, grant_type)) {
        kw_oauth_answer_error(call, 400, "unauthorized_client", "the client is not registered for this grant");
        return false;
    }
    return true;
}
