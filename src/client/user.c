/* Who the Session belongs to, and what proves it once more. */
#include "base/try.h"
#include "client/client_internal.h"
#include "identity/jwt.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_ARENA ((size_t)16 << 20)
#define AHEAD_MS 30000

static void drop(kw_client_user *user)
{
    free(user->name);
    free(user->certificate_file);
    free(user->key_file);
    kw_secret_clear(&user->secret);
    *user = (kw_client_user){.is_known = false};
}

void kw_client_forget(kw_client *client)
{
    if (client->user.source.release != NULL) {
        client->user.source.release(client->user.source.ctx);
    }
    drop(&client->user);
}

/* --- when a token is renewed --------------------------------------------------------------------------------------------- */

/* What is left of it in ms; 0: it does not say. Nothing else in it is believed, and a clock that differs is not either. */
static uint64_t time_left(const kw_client *client, kw_bytes token)
{
    kw_arena *arena = kw_arena_new(TOKEN_ARENA);
    kw_jwt jwt = {.has_exp = false};
    const char *why = "";
    int64_t left = 0;
    if (arena != NULL && !kw_status_is_bad(kw_jwt_parse(token, arena, &jwt, &why)) && jwt.has_exp && jwt.exp > 0 && jwt.iat >= 0) {
        const int64_t life = jwt.exp - jwt.iat;
        left = jwt.exp - kw_datetime_to_unix(kw_clock_utc(client->env.clock));
        left = jwt.has_iat && life > 0 && (left <= 0 || left > life) ? life : left;
    }
    kw_arena_free(arena);
    return left > 0 && left < UINT32_MAX ? (uint64_t)left * 1000 : 0;
}

/* IT-17: at its share of the life, and 30 s before the end; a life too short for that is halved. */
static void plan_renewal(const kw_client *client, kw_client_user *user)
{
    const uint64_t left = time_left(client, kw_secret_bytes(&user->secret)), now = kw_clock_ms(client->env.clock);
    const uint64_t share = left * client->renew_percent / 100;
    const uint64_t ahead = left > 2 * AHEAD_MS ? left - AHEAD_MS : left / 2;
    user->renew_at = left > 0 ? now + (share < ahead ? share : ahead) : UINT64_MAX;
    user->expires_at = left > 0 ? now + left : UINT64_MAX;
}

/* --- keeping --------------------------------------------------------------------------------------------------------------- */

static kw_status copy_user(const kw_client *client, const kw_client_identity *identity, kw_client_user *user)
{
    const bool is_token = identity->kind == KW_USER_TOKEN_TYPE_ISSUED_TOKEN;
    const bool keeps = client->reconnect_ms != KW_CLIENT_NEVER || identity->source.fetch != NULL;
    *user = (kw_client_user){.is_known = true, .kind = identity->kind, .source = identity->source};
    user->renew_at = user->expires_at = UINT64_MAX;
    if (identity->kind == KW_USER_TOKEN_TYPE_USER_NAME) {
        user->name = strndup(identity->user_name.data != NULL ? (const char *)identity->user_name.data : "", identity->user_name.len);
    }
    if (identity->kind == KW_USER_TOKEN_TYPE_CERTIFICATE) {
        user->certificate_file = strdup(identity->user_certificate_file);
        user->key_file = strdup(identity->user_key_file);
    }
    if (keeps && (is_token || identity->kind == KW_USER_TOKEN_TYPE_USER_NAME)) {
        KW_TRY(kw_secret_copy(&user->secret, is_token ? identity->token : identity->password));
    }
    if (identity->source.fetch != NULL) {
        plan_renewal(client, user);
    }
    return KW_GOOD;
}

kw_status kw_client_remember(kw_client *client, const kw_client_identity *identity)
{
    kw_client_user user;
    const kw_status status = copy_user(client, identity, &user);
    if (kw_status_is_bad(status)) {
        drop(&user);
        return status;
    }
    const kw_token_source *former = &client->user.source;
    if (former->release != NULL && (former->release != user.source.release || former->ctx != user.source.ctx)) {
        former->release(former->ctx);
    }
    drop(&client->user);
    client->user = user;
    return KW_GOOD;
}

/* --- activation -------------------------------------------------------------------------------------------------------------- */

static kw_status fetch(const kw_token_source *source, kw_secret *out)
{
    kw_arena *arena = kw_arena_new(TOKEN_ARENA);
    kw_string token = KW_BYTES_NULL;
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = source->fetch(source->ctx, arena, &token);
    if (!kw_status_is_bad(status)) {
        status = kw_secret_copy(out, token);
        kw_wipe((void *)token.data, token.len);
    }
    kw_arena_free(arena);
    return status;
}

static kw_status activate_as(kw_client *client, const kw_client_identity *identity)
{
    kw_secret token = KW_SECRET_NONE;
    kw_client_identity who = *identity;
    if (who.source.fetch != NULL) {
        KW_TRY(fetch(&who.source, &token));
        who.token = kw_secret_bytes(&token);
    }
    kw_status status = kw_client_prove(client, &who);
    if (!kw_status_is_bad(status)) {
        const kw_status kept = kw_client_remember(client, &who);
        client->is_activated = true;
        status = kw_status_is_bad(kept) ? kept : status;
    }
    kw_secret_clear(&token);
    return status;
}

static kw_client_identity known(const kw_client_user *user)
{
    return (kw_client_identity){.kind = user->kind,
                                .user_name = kw_string_from(user->name),
                                .password = kw_secret_bytes(&user->secret),
                                .user_certificate_file = user->certificate_file,
                                .user_key_file = user->key_file,
                                .token = kw_secret_bytes(&user->secret),
                                .source = user->source};
}

kw_status kw_client_activate_afresh(kw_client *client)
{
    const kw_client_identity who = known(&client->user);
    return who.source.fetch != NULL ? activate_as(client, &who) : kw_client_prove(client, &who);
}

kw_status kw_client_activate_again(kw_client *client)
{
    kw_client_identity who = known(&client->user);
    const bool is_overdue = kw_clock_ms(client->env.clock) >= client->user.renew_at || kw_status_is_bad(client->user.renew_status);
    if (who.source.fetch != NULL && is_overdue) {
        return kw_client_activate_afresh(client);
    }
    return kw_client_prove(client, &who);
}

kw_status kw_client_activate(kw_client *client, const kw_client_identity *identity)
{
    if (!client->has_session) {
        return kw_client_fail(client, KW_BAD_SERVER_NOT_CONNECTED, "there is no Session to activate");
    }
    client->error[0] = '\0';
    KW_TRY(kw_client_mend(client));
    client->is_occupied = true;
    const kw_status status = activate_as(client, identity);
    client->is_occupied = false;
    return status;
}
