/* Inner seam of the store room. */
#ifndef KW_STORE_INTERNAL_H
#define KW_STORE_INTERNAL_H

#include "store/sql.h"
#include "store/store.h"

#include <pthread.h>

typedef struct kw_connection {
    pthread_mutex_t lock;
    kw_sql *sql;
} kw_connection;

/* Appends that wait for a common commit; see audit_append.c. */
typedef struct kw_audit_queue {
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct kw_audit_waiter *first, **last;
    bool has_leader;
} kw_audit_queue;

struct kw_store {
    kw_connection writer;
    kw_connection reader; /* its own: who looks something up does not wait for the disk of who writes */
    const kw_clock *clock;
    kw_audit_queue audit;
    size_t used_secret_room; /* rows that may be added before they are counted again; the writer's */
};

/* Lock the writer and begin a transaction; commit or roll back by `status`, and unlock. */
kw_status kw_store_begin(kw_store *s);
kw_status kw_store_end(kw_store *s, kw_status status);
/* The same with the reader, for one state across several statements. */
kw_status kw_store_look(kw_store *s);
kw_status kw_store_looked(kw_store *s, kw_status status);

/* In a transaction: the configuration changed. */
kw_status kw_store_touch(kw_store *s);
/* Bad_NotFound when the statement that ended with `status` changed nothing. */
kw_status kw_store_expect_change(kw_store *s, kw_status status);
int64_t kw_store_now(const kw_store *s);
/* What rows are found by: not empty, UTF-8 without NUL (engines differ about the rest). Bad_InvalidArgument. */
kw_status kw_store_check_key(kw_string key);

/* migrations.c. *why: a sentence, static or in the arena. */
kw_status kw_store_migrate(kw_sql *sql, kw_arena *arena, kw_string *why);

/* audit_append.c */
void kw_audit_queue_init(kw_audit_queue *queue);
void kw_audit_queue_clear(kw_audit_queue *queue);

#endif
