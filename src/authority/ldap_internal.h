/* Between ldap.c, ldap_link.c and ldap_search.c. */
#ifndef KW_AUTHORITY_LDAP_INTERNAL_H
#define KW_AUTHORITY_LDAP_INTERNAL_H

#include "authority/ldap.h"

#include <lber.h>
#include <ldap.h>
#include <pthread.h>

/* One question to the directory, from its first server to the last. */
typedef struct kw_ldap_talk {
    kw_ldap *ldap;
    const kw_ldap_listener *listener; /* NULL: nobody wants to know */
    kw_arena *arena;                  /* of the answer */
    const char *server;               /* which is asked now */
    LDAP *link;                       /* NULL: none */
    struct ldap_conncb on_connect;    /* of the link */
    const char *why;                  /* static, after a failure */
} kw_ldap_talk;

struct kw_ldap {
    kw_ldap_config config;
    const kw_clock *clock;
    const kw_log *log;
    kw_user_directory directory;
    pthread_mutex_t lock;
    uint64_t *asked_again; /* for each server: down, and not asked before this time; 0: not known to be down */
};

void kw_ldap_say(const kw_ldap_talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Note the reason, tell the listener with what the directory said, and hand the code back. */
kw_status kw_ldap_refuse(kw_ldap_talk *talk, kw_status status, const char *why, int code);

/* --- ldap_link.c: Bad_ResourceUnavailable: the server cannot be used. */
/* Connect, and switch TLS on. */
kw_status kw_ldap_connect(kw_ldap_talk *talk);
void kw_ldap_hang_up(kw_ldap_talk *talk);
/* As the service account, or anonymously. */
kw_status kw_ldap_bind_service(kw_ldap_talk *talk);
/* Bad_UserAccessDenied: not with this password. */
kw_status kw_ldap_bind_user(kw_ldap_talk *talk, const char *bind_name, kw_bytes password);

/* --- ldap_wait.c: before it connects: a server that says nothing for connect_timeout while it is read from is given up. */
bool kw_ldap_bound_waiting(kw_ldap_talk *talk);

/* --- ldap_search.c --- */
typedef struct kw_ldap_entry {
    char *dn;
    kw_directory_user user;
} kw_ldap_entry;

/* The one user of this name. Bad_UserAccessDenied: none, or more than one. */
kw_status kw_ldap_find_user(kw_ldap_talk *talk, kw_string name, kw_ldap_entry *out);
/* entry->user.groups: those of the entry, and those that are searched. Bad_ResponseTooLarge: there are too many. */
kw_status kw_ldap_find_groups(kw_ldap_talk *talk, kw_string name, kw_ldap_entry *entry);

#endif
