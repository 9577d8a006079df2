#include "authority/provider_users.h"

#include "base/try.h"
#include "identity/json.h"
#include "identity/jwt.h"

#include <stdlib.h>
#include <string.h>

#define RECHECK_S 60 /* costs nothing: nobody is asked */
#define SKEW_S 60
#define VALUE_MAX 256u
#define PATH_MAX_PARTS 8

struct kw_provider_users {
    kw_provider_users_config config;
    kw_provider *provider;
    const kw_clock *clock;
    kw_user_directory directory;
};

const kw_provider_users_config KW_PROVIDER_USERS_DEFAULT = {
    .subject_claim = "sub", .groups_claim = "groups", .roles_claim = "roles", .max_age_s = 3600};

static kw_status refuse(const char **why, const char *reason)
{
    *why = reason;
    return KW_BAD_RESOURCE_UNAVAILABLE;
}

/* --- claims ------------------------------------------------------------------------------------------------------------------------- */

/* The object that holds the member of this path, and its last name; a claim that has the whole path for its name comes first. NULL: none. */
static const json_t *holder_of(const json_t *claims, const char *path, const char **name)
{
    const json_t *at = claims;
    *name = path;
    for (int i = 0; json_is_object(at) && i < PATH_MAX_PARTS; i++) {
        const char *dot = strchr(*name, '.');
        if (json_object_get(at, *name) != NULL || dot == NULL) {
            return at;
        }
        at = json_object_getn(at, *name, (size_t)(dot - *name));
        *name = dot + 1;
    }
    return NULL;
}

static bool take_strings(const json_t *claims, const char *path, kw_arena *arena, kw_string **out, size_t *count)
{
    const char *name;
    const json_t *holder = holder_of(claims, path, &name);
    *count = 0;
    return holder == NULL || kw_json_take_strings(holder, name, VALUE_MAX, KW_DIRECTORY_GROUPS_MAX, arena, out, count);
}

static kw_status take_user(const kw_provider_users *users, const json_t *claims, kw_arena *arena, kw_directory_user *out, const char **why)
{
    const kw_provider_users_config *c = &users->config;
    const kw_string issuer = kw_provider_config_of(users->provider)->issuer;
    const char *name;
    kw_string subject = KW_BYTES_NULL;
    const json_t *holder = holder_of(claims, c->subject_claim, &name);
    if (holder == NULL || !kw_json_take_string(holder, name, VALUE_MAX, arena, &subject) || subject.len == 0) {
        return refuse(why, "the token of the provider does not say who the user is (subject_claim)");
    }
    if (!take_strings(claims, c->groups_claim, arena, &out->groups, &out->group_count)) {
        return refuse(why, "groups_claim of the provider's token is neither a text nor a list of them, or too long");
    }
    if (!take_strings(claims, c->roles_claim, arena, &out->roles, &out->role_count)) {
        return refuse(why, "roles_claim of the provider's token is neither a text nor a list of them, or too long");
    }
    out->id = kw_arena_format(arena, "%.*s#%.*s", KW_STRING_ARGS(issuer), KW_STRING_ARGS(subject));
    return out->id.data != NULL ? KW_GOOD : refuse(why, "out of memory");
}

/* --- tokens ------------------------------------------------------------------------------------------------------------------------- */

static bool is_for(const kw_jwt *jwt, kw_string audience)
{
    for (size_t i = 0; i < jwt->aud_count; i++) {
        if (kw_bytes_equal(jwt->aud[i], audience)) {
            return true;
        }
    }
    return false;
}

/* OpenID Connect Core, 3.1.3.7: it came from the provider itself, which has proven by TLS who it is. */
static kw_status check_token(const kw_provider_users *users, const kw_jwt *jwt, bool is_id_token, const char **why)
{
    const kw_provider_config *c = kw_provider_config_of(users->provider);
    const int64_t now = kw_datetime_to_unix(kw_clock_utc(users->clock));
    if (!kw_bytes_equal(jwt->iss, c->issuer)) {
        return refuse(why, "the token of the provider is of another issuer");
    }
    if (is_id_token && !is_for(jwt, c->client_id)) {
        return refuse(why, "the id_token of the provider is for another client");
    }
    return jwt->has_exp && jwt->exp + SKEW_S > now ? KW_GOOD : refuse(why, "the token of the provider has expired");
}

/* The claims: second of the three parts, which kw_jwt_parse has looked at. */
static json_t *claims_of(kw_string token, kw_arena *arena)
{
    const uint8_t *first = memchr(token.data, '.', token.len);
    const size_t from = first != NULL ? (size_t)(first - token.data) + 1 : token.len;
    const uint8_t *second = memchr(token.data + from, '.', token.len - from);
    kw_bytes text;
    if (second == NULL ||
        kw_status_is_bad(kw_base64url_decode((kw_string){token.data + from, (size_t)(second - token.data) - from}, arena, &text))) {
        return NULL;
    }
    return kw_json_parse_object(text);
}

/* The id_token is made for us; where none is given, the access token may say the same. */
static kw_status read_answer(const kw_provider_users *users, const kw_provider_answer *answer, kw_arena *arena, kw_directory_user *out,
                             const char **why)
{
    const bool is_id_token = answer->id_token.len > 0;
    const kw_string token = is_id_token ? answer->id_token : answer->access_token;
    const char *ignored;
    kw_jwt jwt;
    if (kw_status_is_bad(kw_jwt_parse(token, arena, &jwt, &ignored))) {
        return refuse(why, "the provider gives no id_token, and an access token that cannot be read; its scope should have openid");
    }
    KW_TRY(check_token(users, &jwt, is_id_token, why));
    json_t *claims = claims_of(token, arena);
    const kw_status status = claims != NULL ? take_user(users, claims, arena, out, why) : refuse(why, "out of memory");
    json_decref(claims);
    return status;
}

/* --- public --------------------------------------------------------------------------------------------------------------------------- */

kw_status kw_provider_users_explain(kw_provider_users *users, kw_string name, kw_bytes password, const kw_provider_listener *listener,
                                    kw_arena *arena, kw_directory_user *out, const char **why)
{
    const kw_provider_question question = {.user = name, .secret = password, .listener = listener};
    kw_provider_answer answer = {.id_token = KW_BYTES_NULL};
    const kw_status status = kw_provider_ask(users->provider, &question, arena, &answer, why);
    if (kw_status_is_bad(status)) { /* that we may not ask so says nothing about the user: no guess */
        return status == KW_BAD_IDENTITY_TOKEN_REJECTED ? KW_BAD_USER_ACCESS_DENIED : KW_BAD_RESOURCE_UNAVAILABLE;
    }
    *out = (kw_directory_user){.group_count = 0};
    return read_answer(users, &answer, arena, out, why);
}

static kw_status prove(void *ctx, kw_string name, kw_bytes password, kw_arena *arena, kw_directory_user *out, const char **why)
{
    return kw_provider_users_explain(ctx, name, password, NULL, arena, out, why);
}

static kw_status look_up(void *ctx, kw_string name, kw_arena *arena, kw_directory_user *out, const char **why)
{
    (void)ctx;
    (void)name;
    (void)arena;
    (void)out;
    return refuse(why, "the provider tells about a user with the password only");
}

kw_status kw_provider_users_new(const kw_provider_users_config *config, kw_provider *provider, const kw_clock *clock,
                                kw_provider_users **out)
{
    kw_provider_users *users = calloc(1, sizeof(*users));
    if (users == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    users->config = *config;
    users->provider = provider;
    users->clock = clock;
    users->directory = (kw_user_directory){
        .prove = prove, .look_up = look_up, .ctx = users, .recheck_s = RECHECK_S, .max_age_s = config->max_age_s, .needs_password = true};
    *out = users;
    return KW_GOOD;
}

void kw_provider_users_free(kw_provider_users *users)
{
    free(users);
}

const kw_user_directory *kw_provider_users_directory(kw_provider_users *users)
{
    return &users->directory;
}
