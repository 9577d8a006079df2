/*
 * A directory (LDAP, Active Directory) as a source of users and groups, on OpenLDAP's library. Blocks: for jobs. Thread safe.
 *
 * An entry is found by a search and proves itself by a bind. Servers are asked in their order; one that did not answer is left out
 * for a while, and then one caller alone tries it again.
 */
#ifndef KW_AUTHORITY_LDAP_H
#define KW_AUTHORITY_LDAP_H

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "identity/user_directory.h"

/* Texts may be NULL where it says so. In filters and patterns %u is the user's name and %d the DN of the entry, escaped. */
typedef struct kw_ldap_config {
    const char *const *servers; /* ldaps://HOST[:PORT], ldap://…, ldapi://… */
    size_t server_count;
    const char *ca_file; /* who may vouch for the servers; NULL: the authorities that the library is set up with */
    bool start_tls;      /* with ldap://: nothing is said before TLS is on */
    const char *bind_dn; /* of the service account that searches; NULL: searches are anonymous */
    kw_bytes bind_password;
    const char *base;              /* below which users are */
    const char *name_attribute;    /* uid; sAMAccountName with Active Directory */
    const char *user_filter;       /* NULL: (NAME_ATTRIBUTE=%u) */
    const char *bind_pattern;      /* how a name becomes what a user binds with, instead of the DN that was found; may be NULL */
    const char *group_attribute;   /* of the user, with the DNs of groups: memberOf; may be NULL */
    const char *group_base;        /* below which groups are searched; NULL: they are not */
    const char *group_filter;      /* (member=%d) */
    const char *group_name;        /* attribute of a group that names it: cn */
    bool nested_groups;            /* groups of groups too, by group_filter */
    uint32_t connect_timeout_ms;   /* also of TLS */
    uint32_t timeout_ms;           /* of each question */
    uint32_t retry_s;              /* before a server that did not answer is asked again */
    uint32_t recheck_s, max_age_s; /* see identity/user_directory.h */
} kw_ldap_config;

extern const kw_ldap_config KW_LDAP_CONFIG_DEFAULT;

typedef struct kw_ldap kw_ldap;

/* Borrows all; the configuration is copied but for its texts. */
kw_status kw_ldap_new(const kw_ldap_config *config, const kw_clock *clock, const kw_log *log, kw_ldap **out);
void kw_ldap_free(kw_ldap *ldap);
const kw_user_directory *kw_ldap_directory(kw_ldap *ldap);

/* Whoever wants to know what is said step by step: lines without secrets, borrowed for the call. */
typedef struct kw_ldap_listener {
    void (*say)(void *ctx, const char *line);
    void *ctx;
} kw_ldap_listener;

/* As prove (password empty: look_up) of the directory, told step by step. */
kw_status kw_ldap_explain(kw_ldap *ldap, kw_string name, kw_bytes password, const kw_ldap_listener *listener, kw_arena *arena,
                          kw_directory_user *out, const char **why);

/* --- ldap_text.c --- */
/* A filter of RFC 4515, the name and the DN in it as values. NULL: out of memory, or too long. */
char *kw_ldap_filter(kw_arena *arena, const char *pattern, kw_string name, kw_string dn);
/* What a user binds with: a DN of RFC 4514, or NAME@DOMAIN. NULL too: such a name cannot stand there. */
char *kw_ldap_bind_name(kw_arena *arena, const char *pattern, kw_string name);
/* May this server be talked to? NULL: yes; else half a sentence that says what would be right. */
const char *kw_ldap_server_refused(const char *url, bool start_tls, bool allow_plain);

#endif
