/* What the files about trust lists share. */
#ifndef KW_CRYPTO_TRUST_INTERNAL_H
#define KW_CRYPTO_TRUST_INTERNAL_H

#include "crypto/certificate_internal.h"
#include "crypto/trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
    KW_FOLDER_TRUSTED,
    KW_FOLDER_TRUSTED_CRL,
    KW_FOLDER_ISSUERS,
    KW_FOLDER_ISSUERS_CRL,
    KW_FOLDER_WATCHED,
    KW_FOLDER_REJECTED = KW_FOLDER_WATCHED,
    KW_FOLDER_COUNT
};

/* What was in the folders at one moment; immutable, counted: a check works on one state from begin to end. */
typedef struct kw_trust_state {
    atomic_uint references;
    kw_certificate **trusted, **issuers;
    size_t trusted_count, issuer_count;
    X509_CRL **crls;
    size_t crl_count;
} kw_trust_state;

struct kw_trust_list {
    bool trusts_any;
    char *folders[KW_FOLDER_COUNT]; /* NULL: there is none */
    const kw_clock *clock;
    const kw_log *log;
    pthread_mutex_t lock;
    kw_trust_state *state;
    struct timespec changed[KW_FOLDER_WATCHED]; /* mtime of the folders when state was read */
    bool is_fresh[KW_FOLDER_WATCHED];           /* … so recent that a later change could bear the same time */
};

/* trust_files.c */
kw_status kw_trust_state_read(const kw_trust_list *trust, kw_trust_state **out);
void kw_trust_state_release(kw_trust_state *state);
/* Keep a refused certificate for the administrator; never over a file that is there, at most 100 of them. */
void kw_trust_keep_rejected(const kw_trust_list *trust, const kw_certificate *certificate);

/* trust_list.c: the state of now; release it. */
kw_status kw_trust_state_get(kw_trust_list *trust, kw_trust_state **out);

#endif
