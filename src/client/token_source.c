/* A kw_token_source that keeps the refresh token, and the user for when that is not good any more. */
#include "base/try.h"
#include "client/client_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct token_source {
    kw_client *client;
    char *authority_url, *resource;        /* NULL: as the connected Server says */
    char *certificate_file, *key_file;     /* of the user; NULL: not that kind */
    kw_secret name, secret, refresh_token; /* the name is none, but lives as long */
    kw_client_identity self;               /* borrows from above */
} token_source;

static void release(void *ctx)
{
    token_source *s = ctx;
    free(s->authority_url);
    free(s->resource);
    free(s->certificate_file);
    free(s->key_file);
    kw_secret_clear(&s->name);
    kw_secret_clear(&s->secret);
    kw_secret_clear(&s->refresh_token);
    free(s);
}

static kw_status fetch(void *ctx, kw_arena *arena, kw_string *token)
{
    token_source *s = ctx;
    kw_token_grant grant = {.access_token = KW_BYTES_NULL};
    const kw_client_token_wish wish = {
        .authority_url = s->authority_url, .resource = s->resource, .self = &s->self, .refresh_token = kw_secret_bytes(&s->refresh_token)};
    const kw_status status = kw_client_get_token(s->client, &wish, arena, &grant);
    if (kw_status_is_bad(status)) {
        return status;
    }
    kw_secret_clear(&s->refresh_token); /* good once */
    KW_TRY(kw_secret_copy(&s->refresh_token, grant.refresh_token));
    kw_wipe((void *)grant.refresh_token.data, grant.refresh_token.len);
    *token = grant.access_token;
    return KW_GOOD;
}

static bool copy_text(char **out, const char *text)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

static kw_status copy_self(token_source *s, const kw_client_identity *self)
{
    const kw_bytes secret = self->kind == KW_USER_TOKEN_TYPE_ISSUED_TOKEN ? self->token : self->password;
    if (!copy_text(&s->certificate_file, self->user_certificate_file) || !copy_text(&s->key_file, self->user_key_file)) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_secret_copy(&s->name, self->user_name));
    KW_TRY(kw_secret_copy(&s->secret, secret));
    s->self = (kw_client_identity){.kind = self->kind,
                                   .user_name = kw_secret_bytes(&s->name),
                                   .password = kw_secret_bytes(&s->secret),
                                   .token = kw_secret_bytes(&s->secret),
                                   .user_certificate_file = s->certificate_file,
                                   .user_key_file = s->key_file};
    return KW_GOOD;
}

kw_status kw_client_token_source(kw_client *client, const char *authority_url, const char *resource, const kw_client_identity *self,
                                 kw_token_source *out)
{
    token_source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    s->client = client;
    kw_status status = copy_text(&s->authority_url, authority_url) && copy_text(&s->resource, resource) ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = copy_self(s, self);
    }
    if (kw_status_is_bad(status)) {
        release(s);
        return status;
    }
    *out = (kw_token_source){fetch, release, s};
    return KW_GOOD;
}
