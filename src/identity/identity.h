/*
 * Identity: who somebody is, how that was proven, and until when. Immutable once made; counted references, thread safe.
 */
#ifndef KW_IDENTITY_IDENTITY_H
#define KW_IDENTITY_IDENTITY_H

#include "crypto/certificate.h"
#include "store/store.h"

#include <keyway/types.h>

typedef struct kw_identity kw_identity;

typedef struct kw_granted_role {
    uint16_t ns; /* index in the server's NamespaceArray */
    uint32_t id; /* numeric NodeId of the Role */
    kw_string name;
} kw_granted_role;

/* Everything borrowed from the identity's own arena. */
struct kw_identity {
    kw_user_token_type kind; /* KW_USER_TOKEN_TYPE_ANONYMOUS, …_USER_NAME, …_CERTIFICATE, …_ISSUED_TOKEN */
    kw_string name;      /* user name; subject of the certificate; `sub` of the token; null: anonymous. What diagnostics and audit show */
    kw_string issuer;    /* `iss`; null for others */
    kw_string policy_id; /* of the UserTokenPolicy it came by */
    kw_string application_uri;        /* of the client, only if the channel authenticated it; null otherwise */
    kw_string certificate_thumbprint; /* uppercase hex; null unless X509 */
    kw_bytes certificate;             /* DER; null unless X509: mapping rules ask for it again when they change */
    int64_t account_created;          /* UserName: a later account of the same name is another user */
    kw_string directory_id;           /* UserName: the entry of the directory that proved it; null: a user of the store */
    kw_date_time looked_up;           /* when the directory was asked for the groups */
    kw_string token_id;               /* `jti` of the token; null for others, and when it has none */
    kw_string key_thumbprint;         /* RFC 7638, of the key that signed the token; null for others */
    kw_string *claimed_roles;         /* `roles` of a token or a directory: input of the mapping rules, never Roles themselves */
    size_t claimed_role_count;
    kw_string *groups;
    size_t group_count;
    kw_date_time expires;    /* of the token; 0: never */
    kw_date_time rights_end; /* the same, and the time by which clocks may differ: as long as it would be accepted anew; 0: never */
    bool must_change_password;
    bool is_restricted;           /* Role Anonymous alone, whatever the rules say, until the next ActivateSession */
    uint64_t store_version;       /* the state of the store that the Roles come from */
    const kw_granted_role *roles; /* result of the mapping rules; Anonymous is always in it */
    size_t role_count;
};

kw_identity *kw_identity_retain(kw_identity *identity);
void kw_identity_release(kw_identity *identity); /* NULL is fine */
bool kw_identity_has_role(const kw_identity *identity, uint16_t ns, uint32_t id);
/* The same user by the same kind of proof (AS-12: what a transfer to another channel demands). */
bool kw_identity_is_same_user(const kw_identity *a, const kw_identity *b);

#endif
