/* Sign-in for machines without a browser: RFC 8628. The page for people is in oauth_device_page.c. */
#include "authority/oauth_internal.h"
#include "base/try.h"

#define GRANT_TYPE "urn:ietf:params:oauth:grant-type:device_code"
#define CODE_BYTES 32
#define USER_CODE_LEN 8
#define LIFETIME_S 600
#define INTERVAL_S 5
#define TRIES 5 /* user codes that happen to be taken */

/* Without vowels there are no words in it, and nothing that looks like something else. 20^8 of them, for ten minutes. */
static const char LETTERS[] = "BCDFGHJKLMNPQRSTVWXZ";

#define LETTER_COUNT (sizeof(LETTERS) - 1)

static kw_status make_user_code(kw_oauth_call *call, kw_string *out)
{
    char *text = kw_arena_alloc(call->arena, USER_CODE_LEN);
    size_t len = 0;
    while (text != NULL && len < USER_CODE_LEN) {
        uint8_t byte;
        KW_TRY(kw_random_fill(call->oauth->env->random, &byte, 1));
        if (byte < 256 / LETTER_COUNT * LETTER_COUNT) { /* each letter as likely as any other */
            text[len++] = LETTERS[byte % LETTER_COUNT];
        }
    }
    *out = (kw_string){(const uint8_t *)text, USER_CODE_LEN};
    return text != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status make_device(kw_oauth_call *call, kw_oauth_device *device, kw_string *code)
{
    const kw_server_env *env = call->oauth->env;
    uint8_t bytes[CODE_BYTES];
    kw_status status = KW_BAD_ALREADY_EXISTS;
    KW_TRY(kw_random_fill(env->random, bytes, sizeof(bytes)));
    *code = kw_base64url_encode(call->arena, (kw_bytes){bytes, sizeof(bytes)});
    KW_TRY(kw_oauth_hash(call, *code, &device->hash));
    device->expires = kw_clock_utc(env->clock) + LIFETIME_S * KW_TICKS_PER_S;
    for (int i = 0; status == KW_BAD_ALREADY_EXISTS && i < TRIES; i++) {
        KW_TRY(make_user_code(call, &device->user_code));
        status = kw_store_oauth_device_add(env->store, device);
    }
    return status;
}

static void answer(kw_oauth_call *call, const kw_oauth_device *device, kw_string code)
{
    const char *shown = (const char *)device->user_code.data;
    const kw_string where = kw_arena_format(call->arena, "%.*s/device", KW_STRING_ARGS(call->oauth->issuer));
    const kw_string there = kw_arena_format(call->arena, "%.*s?user_code=%.4s-%.4s", KW_STRING_ARGS(where), shown, shown + 4);
    const kw_string typed = kw_arena_format(call->arena, "%.4s-%.4s", shown, shown + 4);
    kw_oauth_answer_json(call, 200,
                         json_pack("{s:s%,s:s%,s:s%,s:s%,s:i,s:i}", "device_code", code.data, code.len, "user_code", typed.data, typed.len,
                                   "verification_uri", where.data, where.len, "verification_uri_complete", there.data, there.len,
                                   "expires_in", LIFETIME_S, "interval", INTERVAL_S));
}

void kw_oauth_device_start(kw_oauth_call *call)
{
    kw_oauth_client client;
    kw_oauth_device device = {.state = KW_DEVICE_WAITS};
    kw_string code;
    if (!kw_oauth_authenticate(call, &client) || !kw_oauth_may_use(call, &client, KW_STRING(GRANT_TYPE)) ||
        !kw_oauth_parameter(call, "scope", &device.scope) || !kw_oauth_target(call, &client, &device.resource)) {
        return;
    }
    device.client = client.id;
    const kw_status status = make_device(call, &device, &code);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
    } else {
        answer(call, &device, code);
    }
}

/* --- the token endpoint ---------------------------------------------------------------------------------------------------------- */

static bool is_hasty(const kw_oauth_call *call, const kw_oauth_device *device)
{
    return device->asked != 0 && kw_clock_utc(call->oauth->env->clock) - device->asked < (INTERVAL_S - 1) * KW_TICKS_PER_S;
}

void kw_oauth_grant_device(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_oauth_device device = {.state = KW_DEVICE_WAITS};
    kw_string code;
    kw_bytes hash;
    if (!kw_oauth_parameter(call, "device_code", &code)) {
        return;
    }
    kw_status status = kw_oauth_hash(call, code, &hash);
    status = kw_status_is_bad(status) ? status : kw_store_oauth_device_ask(call->oauth->env->store, hash, call->arena, &device);
    if (status == KW_BAD_NOT_FOUND) {
        kw_oauth_answer_error(call, 400, "expired_token", "the device code is unknown, used, or has expired");
    } else if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
    } else if (!kw_bytes_equal(device.client, client->id)) {
        kw_oauth_answer_error(call, 400, "invalid_grant", "the device code is of another client");
    } else if (device.state == KW_DEVICE_REFUSED) {
        kw_oauth_answer_error(call, 400, "access_denied", "the user did not agree");
    } else if (device.state == KW_DEVICE_AGREED) {
        kw_oauth_agreement_fulfil(call, client, device.detail, "device_code", KW_BYTES_NULL);
    } else if (is_hasty(call, &device)) {
        call->is_pending = true;
        kw_oauth_answer_error(call, 400, "slow_down", "ask less often");
    } else {
        call->is_pending = true;
        kw_oauth_answer_error(call, 400, "authorization_pending", "nobody has signed in yet");
    }
}
