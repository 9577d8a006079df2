/* Inner seam of the store room. */
#ifndef KW_STORE_INTERNAL_H
#define KW_STORE_INTERNAL_H

#include "store/sql.h"
#include "store/store.h"

#include <pthread.h>

/* Appends that wait for a common commit; see audit.c. */
typedef struct kw_audit_queue {
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct kw_audit_waiter *first, **last;
    bool has_leader;
} kw_audit_queue;

struct kw_store {
    pthread_mutex_t lock; /* of sql */
    kw_sql *sql;
    const kw_clock *clock;
    kw_audit_queue audit;
};

/* store.c: lock and begin a write transaction; commit or roll back by `status`, and unlock. Good_NoData counts as good. */
kw_status kw_store_begin(kw_store *s);
kw_status kw_store_end(kw_store *s, kw_status status);
void kw_store_lock(kw_store *s);
void kw_store_unlock(kw_store *s);
/* In a transaction: the configuration changed. */
kw_status kw_store_touch(kw_store *s);
/* Bad_NotFound when the last statement changed nothing. */
kw_status kw_store_expect_change(kw_store *s, kw_status status);
int64_t kw_store_now(const kw_store *s);

/* migrations.c */
kw_status kw_store_migrate(kw_sql *sql, const char **why);

/* audit.c */
void kw_audit_queue_init(kw_audit_queue *queue);
void kw_audit_queue_clear(kw_audit_queue *queue);

#define KW_STATEMENT(name, store, text)                        \
    kw_statement *name = kw_sql_statement((store)->sql, text); \
    if (name == NULL) {                                        \
        return KW_BAD_RESOURCE_UNAVAILABLE;                    \
    }

#endif
