/* How a user was proven, kept as JSON with the grant: what kw_identity_review needs to look again. Nothing in it is secret. */
#include "authority/grant.h"
#include "base/try.h"
#include "identity/json.h"
#include "identity/jwt.h"

#define TEXT_MAX 65536
#define LIST_MAX 10000

static bool set_text(json_t *o, const char *name, kw_string value)
{
    return value.len == 0 || kw_json_set_string(o, name, value);
}

static bool set_texts(json_t *o, const char *name, const kw_string *values, size_t count)
{
    json_t *list = json_array();
    bool is_whole = list != NULL;
    for (size_t i = 0; is_whole && i < count; i++) {
        is_whole = json_array_append_new(list, json_stringn((const char *)values[i].data, values[i].len)) == 0;
    }
    return json_object_set_new(o, name, list) == 0 && is_whole;
}

static bool set_number(json_t *o, const char *name, int64_t value)
{
    return json_object_set_new(o, name, json_integer(value)) == 0;
}

static bool describe(json_t *o, const kw_identity *who, const kw_wanted_roles *wanted, kw_string scope, kw_string certificate)
{
    return o != NULL && set_number(o, "kind", who->kind) && set_text(o, "name", who->name) &&
           set_number(o, "accountCreated", who->account_created) && set_text(o, "directoryId", who->directory_id) &&
           set_text(o, "issuer", who->issuer) && set_text(o, "keyThumbprint", who->key_thumbprint) &&
           set_text(o, "certificate", certificate) && set_text(o, "thumbprint", who->certificate_thumbprint) &&
           set_texts(o, "roles", who->claimed_roles, who->claimed_role_count) && set_texts(o, "groups", who->groups, who->group_count) &&
           set_number(o, "lookedUp", who->looked_up) && set_number(o, "expires", who->expires) &&
           set_number(o, "rightsEnd", who->rights_end) && set_texts(o, "wanted", wanted->names, wanted->count) &&
           set_text(o, "scope", scope);
}

kw_status kw_grant_detail_write(const kw_identity *who, const kw_wanted_roles *wanted, kw_string scope, kw_arena *arena, kw_string *out)
{
    const kw_string certificate = who->certificate.len > 0 ? kw_base64url_encode(arena, who->certificate) : KW_BYTES_NULL;
    json_t *o = json_object();
    *out = describe(o, who, wanted, scope, certificate) ? kw_json_dump(o, arena) : KW_BYTES_NULL;
    json_decref(o);
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static bool take_text(const json_t *o, const char *name, kw_arena *arena, kw_string *out)
{
    return kw_json_take_string(o, name, TEXT_MAX, arena, out);
}

static bool take_texts(const json_t *o, const char *name, kw_arena *arena, kw_string **out, size_t *count)
{
    return kw_json_take_strings(o, name, TEXT_MAX, LIST_MAX, arena, out, count);
}

static int64_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static bool take(const json_t *o, kw_arena *arena, kw_identity *was, kw_wanted_roles *wanted, kw_string *scope)
{
    kw_string certificate = KW_BYTES_NULL, *names = NULL;
    was->kind = (kw_user_token_type)number(o, "kind");
    was->account_created = number(o, "accountCreated");
    was->looked_up = number(o, "lookedUp");
    was->expires = number(o, "expires");
    was->rights_end = number(o, "rightsEnd");
    const bool is_whole = take_text(o, "name", arena, &was->name) && take_text(o, "directoryId", arena, &was->directory_id) &&
                          take_text(o, "issuer", arena, &was->issuer) && take_text(o, "keyThumbprint", arena, &was->key_thumbprint) &&
                          take_text(o, "thumbprint", arena, &was->certificate_thumbprint) &&
                          take_text(o, "certificate", arena, &certificate) &&
                          take_texts(o, "roles", arena, &was->claimed_roles, &was->claimed_role_count) &&
                          take_texts(o, "groups", arena, &was->groups, &was->group_count) &&
                          take_texts(o, "wanted", arena, &names, &wanted->count) && take_text(o, "scope", arena, scope);
    wanted->names = names;
    return is_whole && (certificate.len == 0 || !kw_status_is_bad(kw_base64url_decode(certificate, arena, &was->certificate)));
}

kw_status kw_grant_detail_read(kw_string text, kw_arena *arena, kw_identity *was, kw_wanted_roles *wanted, kw_string *scope)
{
    json_t *o = kw_json_parse_object(text);
    const bool is_whole = o != NULL && take(o, arena, was, wanted, scope);
    json_decref(o);
    return is_whole ? KW_GOOD : KW_BAD_DECODING_ERROR;
}
