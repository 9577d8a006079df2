/* Searching: the one entry of a user, and the groups it is in. What comes back is bounded. */
#include "authority/ldap_internal.h"
#include "base/try.h"
#include "base/utf8.h"

#include <string.h>

#define VALUE_MAX 1024u /* bytes of a DN or of a group's name */
#define HEX_OF_ID 128u
#define ENTRY_UUID "entryUUID"   /* RFC 4530 */
#define OBJECT_GUID "objectGUID" /* Active Directory */

static kw_status search(kw_ldap_talk *talk, const char *base, const char *filter, const char *const *attributes, int max, LDAPMessage **out)
{
    const uint32_t ms = talk->ldap->config.timeout_ms;
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    char **names = (char **)(uintptr_t)attributes; /* only read */
    const int code = ldap_search_ext_s(talk->link, base, LDAP_SCOPE_SUBTREE, filter, names, 0, NULL, NULL, &time, max, out);
    switch (code) {
    case LDAP_SUCCESS:
        return KW_GOOD;
    case LDAP_SIZELIMIT_EXCEEDED:
        return kw_ldap_refuse(talk, KW_BAD_RESPONSE_TOO_LARGE, "the search finds too much", code);
    case LDAP_NO_SUCH_OBJECT:
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "has no such base, or does not show it to this account", code);
    case LDAP_FILTER_ERROR:
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "the filter is not one of RFC 4515", code);
    default:
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "did not answer the search", code);
    }
}

/* Null: nothing that could be shown or compared. */
static kw_string text_of(kw_arena *arena, const struct berval *value)
{
    const kw_string text = {(const uint8_t *)value->bv_val, value->bv_len};
    return text.len > 0 && text.len <= VALUE_MAX && kw_utf8_is_valid(text, false) ? kw_arena_copy(arena, text) : KW_BYTES_NULL;
}

static bool has_value(LDAP *link, LDAPMessage *entry, const char *attribute, kw_string wanted)
{
    struct berval **values = ldap_get_values_len(link, entry, attribute);
    bool found = false;
    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        found = found || kw_bytes_equal((kw_bytes){(const uint8_t *)values[i]->bv_val, values[i]->bv_len}, wanted);
    }
    ldap_value_free_len(values);
    return found;
}

static kw_string hex_of(kw_arena *arena, const struct berval *value)
{
    static const char HEX[] = "0123456789abcdef";
    char text[HEX_OF_ID];
    size_t len = 0;
    for (size_t i = 0; i < value->bv_len && len + 2 <= sizeof(text); i++) {
        text[len++] = HEX[(uint8_t)value->bv_val[i] >> 4];
        text[len++] = HEX[(uint8_t)value->bv_val[i] & 15];
    }
    return kw_arena_copy(arena, (kw_string){(const uint8_t *)text, len});
}

/* What stays when an entry is renamed or moved, and changes when it is made anew; where the directory has none, its DN. */
static kw_string id_of(kw_ldap_talk *talk, LDAPMessage *entry, const char *dn)
{
    static const char *const ATTRIBUTES[] = {ENTRY_UUID, OBJECT_GUID};
    kw_string id = KW_BYTES_NULL;
    for (size_t i = 0; i < 2 && id.data == NULL; i++) {
        struct berval **values = ldap_get_values_len(talk->link, entry, ATTRIBUTES[i]);
        if (values != NULL && values[0] != NULL && values[0]->bv_len > 0) {
            id = i == 0 ? text_of(talk->arena, values[0]) : hex_of(talk->arena, values[0]);
        }
        ldap_value_free_len(values);
    }
    return id.data != NULL ? id : kw_arena_copy(talk->arena, kw_string_from(dn));
}

/* --- groups ------------------------------------------------------------------------------------------------------------- */

/* False: too many, or out of memory. */
static bool add_group(kw_directory_user *user, kw_string name)
{
    for (size_t i = 0; i < user->group_count; i++) {
        if (kw_bytes_equal(user->groups[i], name)) {
            return true;
        }
    }
    if (name.data == NULL || user->group_count == KW_DIRECTORY_GROUPS_MAX) {
        return false;
    }
    user->groups[user->group_count++] = name;
    return true;
}

static kw_status too_many(kw_ldap_talk *talk)
{
    return kw_ldap_refuse(talk, KW_BAD_RESPONSE_TOO_LARGE, "the user has more groups than are looked at (1024)", LDAP_SUCCESS);
}

static kw_status add_values(kw_ldap_talk *talk, LDAPMessage *entry, const char *attribute, kw_directory_user *user)
{
    struct berval **values = ldap_get_values_len(talk->link, entry, attribute);
    bool fits = true;
    for (size_t i = 0; fits && values != NULL && values[i] != NULL; i++) {
        const kw_string name = text_of(talk->arena, values[i]);
        fits = name.data == NULL || add_group(user, name);
    }
    ldap_value_free_len(values);
    return fits ? KW_GOOD : too_many(talk);
}

/* The DNs of groups whose own groups are looked for: each once, however they contain each other. */
typedef struct to_visit {
    kw_string *dns;
    size_t count, next;
} to_visit;

static bool visit_later(to_visit *queue, kw_string dn)
{
    for (size_t i = 0; i < queue->count; i++) {
        if (kw_bytes_equal(queue->dns[i], dn)) {
            return true;
        }
    }
    if (dn.data == NULL || queue->count == KW_DIRECTORY_GROUPS_MAX) {
        return false;
    }
    queue->dns[queue->count++] = dn;
    return true;
}

static kw_status take_groups(kw_ldap_talk *talk, LDAPMessage *found, to_visit *queue, kw_directory_user *user)
{
    const kw_ldap_config *config = &talk->ldap->config;
    for (LDAPMessage *e = ldap_first_entry(talk->link, found); e != NULL; e = ldap_next_entry(talk->link, e)) {
        char *dn = ldap_get_dn(talk->link, e);
        const bool fits = dn != NULL && (!config->nested_groups || visit_later(queue, kw_arena_copy(talk->arena, kw_string_from(dn))));
        ldap_memfree(dn);
        if (!fits) {
            return too_many(talk);
        }
        KW_TRY(add_values(talk, e, config->group_name, user));
    }
    return KW_GOOD;
}

/* The groups that this entry (a user, or a group) is a member of. */
static kw_status search_groups(kw_ldap_talk *talk, kw_string name, kw_string dn, to_visit *queue, kw_directory_user *user)
{
    const kw_ldap_config *config = &talk->ldap->config;
    const char *const attributes[] = {config->group_name, NULL};
    const char *filter = kw_ldap_filter(talk->arena, config->group_filter, name, dn);
    LDAPMessage *found = NULL;
    if (filter == NULL) {
        return kw_ldap_refuse(talk, KW_BAD_RESPONSE_TOO_LARGE, "the DN is too long for group_filter", LDAP_SUCCESS);
    }
    kw_status status = search(talk, config->group_base, filter, attributes, (int)KW_DIRECTORY_GROUPS_MAX, &found);
    status = status == KW_BAD_RESPONSE_TOO_LARGE ? too_many(talk) : status;
    if (!kw_status_is_bad(status)) {
        status = take_groups(talk, found, queue, user);
    }
    ldap_msgfree(found);
    return status;
}

kw_status kw_ldap_find_groups(kw_ldap_talk *talk, kw_string name, kw_ldap_entry *entry)
{
    const kw_ldap_config *config = &talk->ldap->config;
    to_visit queue = {.dns = KW_ARENA_ARRAY(talk->arena, kw_string, KW_DIRECTORY_GROUPS_MAX)};
    if (queue.dns == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (config->group_base != NULL) {
        KW_TRY(search_groups(talk, name, kw_string_from(entry->dn), &queue, &entry->user));
        while (queue.next < queue.count) {
            KW_TRY(search_groups(talk, KW_BYTES_NULL, queue.dns[queue.next++], &queue, &entry->user));
        }
    }
    kw_ldap_say(talk, "%s: the user is in %zu group%s", talk->server, entry->user.group_count, entry->user.group_count == 1 ? "" : "s");
    return KW_GOOD;
}

/* --- the user ------------------------------------------------------------------------------------------------------------ */

static kw_status take_user(kw_ldap_talk *talk, LDAPMessage *entry, kw_string name, kw_ldap_entry *out)
{
    const kw_ldap_config *config = &talk->ldap->config;
    char *dn = ldap_get_dn(talk->link, entry);
    out->dn = dn != NULL ? kw_arena_cstring(talk->arena, kw_string_from(dn)) : NULL;
    ldap_memfree(dn);
    if (out->dn == NULL) {
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "gave an entry without a DN", LDAP_SUCCESS);
    }
    kw_ldap_say(talk, "%s: found %s", talk->server, out->dn);
    /* Directories take letters of any case and spaces for the same; a name that is counted, shown and granted is one text alone. */
    if (!has_value(talk->link, entry, config->name_attribute, name)) {
        return kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED,
                              "the name is spelt otherwise in the directory; letter by letter is asked for", LDAP_SUCCESS);
    }
    out->user =
        (kw_directory_user){.id = id_of(talk, entry, out->dn), .groups = KW_ARENA_ARRAY(talk->arena, kw_string, KW_DIRECTORY_GROUPS_MAX)};
    if (out->user.id.data == NULL || out->user.groups == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return config->group_attribute != NULL ? add_values(talk, entry, config->group_attribute, &out->user) : KW_GOOD;
}

kw_status kw_ldap_find_user(kw_ldap_talk *talk, kw_string name, kw_ldap_entry *out)
{
    const kw_ldap_config *config = &talk->ldap->config;
    const char *const attributes[] = {config->name_attribute, ENTRY_UUID, OBJECT_GUID, config->group_attribute, NULL};
    const kw_string pattern = config->user_filter != NULL ? kw_string_from(config->user_filter)
                                                          : kw_arena_format(talk->arena, "(%s=%%u)", config->name_attribute);
    const char *filter = pattern.data != NULL ? kw_arena_cstring(talk->arena, pattern) : NULL;
    filter = filter != NULL ? kw_ldap_filter(talk->arena, filter, name, KW_BYTES_NULL) : NULL;
    if (filter == NULL) {
        return kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "the name is too long for user_filter", LDAP_SUCCESS);
    }
    LDAPMessage *found = NULL;
    kw_ldap_say(talk, "%s: looking below %s for %s", talk->server, config->base, filter);
    kw_status status = search(talk, config->base, filter, attributes, 2, &found);
    const int count = kw_status_is_bad(status) ? 0 : ldap_count_entries(talk->link, found);
    if (status == KW_BAD_RESPONSE_TOO_LARGE || count > 1) {
        status = kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "more than one entry has this name; make user_filter or base narrower",
                                LDAP_SUCCESS);
    } else if (!kw_status_is_bad(status)) {
        status = count == 1 ? take_user(talk, ldap_first_entry(talk->link, found), name, out)
                            : kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "unknown user", LDAP_SUCCESS);
    }
    ldap_msgfree(found);
    return status;
}
