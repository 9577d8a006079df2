/* The claims of a JWT. RFC 7519, 4.1; OPC 10000-6, 6.5.2. Over a limit means refused, never cut. */
#include "identity/json.h"
#include "identity/jwt_internal.h"

#include <math.h>

#define SUBJECT_MAX 256u
#define TEXT_MAX 1024u /* iss, aud, and texts that are only shown */
#define ROLE_MAX 256u
#define LIST_MAX 256u
#define NUMERIC_DATE_MAX ((int64_t)253402300799) /* 9999-12-31T23:59:59Z, the last DateTime of OPC UA */

/* Fractions are legal (RFC 7519, 2): rounded towards the earlier end for exp, the later for the others. */
static bool take_date(const json_t *object, const char *name, bool round_up, bool *has, int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL) {
        return true;
    }
    if (!json_is_number(value)) {
        return false;
    }
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        *has = *out >= 0 && *out <= NUMERIC_DATE_MAX;
        return *has;
    }
    const double real = json_real_value(value);
    if (!(real >= 0 && real <= (double)NUMERIC_DATE_MAX)) {
        return false;
    }
    *out = (int64_t)(round_up ? ceil(real) : floor(real));
    *has = true;
    return true;
}

/* A token that is bound to a key must not pass as one that is not (RFC 7800, A-157). */
static bool take_confirmation(const json_t *object, kw_arena *arena, kw_jwt *out)
{
    const json_t *cnf = json_object_get(object, "cnf");
    if (cnf == NULL) {
        return true;
    }
    return json_is_object(cnf) && kw_json_take_string(cnf, "x5t#S256", 64, arena, &out->confirmation_x5t_s256) &&
           out->confirmation_x5t_s256.data != NULL && json_object_size(cnf) == 1;
}

static const char *take_claims(const json_t *o, kw_arena *arena, kw_jwt *out)
{
    if (!kw_json_take_string(o, "sub", SUBJECT_MAX, arena, &out->sub)) {
        return "token: sub";
    }
    if (!kw_json_take_string(o, "iss", TEXT_MAX, arena, &out->iss)) {
        return "token: iss";
    }
    if (!kw_json_take_strings(o, "aud", TEXT_MAX, LIST_MAX, arena, &out->aud, &out->aud_count)) {
        return "token: aud";
    }
    if (!take_date(o, "exp", false, &out->has_exp, &out->exp) || !take_date(o, "nbf", true, &out->has_nbf, &out->nbf) ||
        !take_date(o, "iat", true, &out->has_iat, &out->iat)) {
        return "token: exp, nbf or iat is no date";
    }
    if (!kw_json_take_strings(o, "roles", ROLE_MAX, LIST_MAX, arena, &out->roles, &out->role_count) ||
        !kw_json_take_strings(o, "groups", ROLE_MAX, LIST_MAX, arena, &out->groups, &out->group_count)) {
        return "token: roles or groups";
    }
    if (!kw_json_take_string(o, "name", TEXT_MAX, arena, &out->name) || !kw_json_take_string(o, "jti", TEXT_MAX, arena, &out->jti) ||
        !kw_json_take_string(o, "nonce", TEXT_MAX, arena, &out->nonce) ||
        !kw_json_take_string(o, "scope", LIST_MAX * ROLE_MAX, arena, &out->scope) ||
        !kw_json_take_string(o, "client_id", TEXT_MAX, arena, &out->client_id)) {
        return "token: name, jti, nonce, scope or client_id";
    }
    return take_confirmation(o, arena, out) ? NULL : "token: cnf";
}

const char *kw_claims_parse(kw_bytes json, kw_arena *arena, kw_jwt *out)
{
    json_t *claims = kw_json_parse_object(json);
    if (claims == NULL) {
        return "token: payload is no JSON object";
    }
    const char *failure = take_claims(claims, arena, out);
    json_decref(claims);
    return failure;
}
