/* Inner seam of the store room. */
#ifndef KW_STORE_INTERNAL_H
#define KW_STORE_INTERNAL_H

#include "store/pool.h"
#include "store/sql.h"
#include "store/store.h"

#include <pthread.h>

/* Appends that wait for a common commit; see audit_append.c. */
typedef struct kw_audit_queue {
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct kw_audit_waiter *first, **last;
    bool has_leader;
} kw_audit_queue;

struct kw_store {
    char *location;
    kw_pool writers;
    kw_pool readers; /* their own: who looks something up does not wait for the disk of who writes */
    const kw_clock *clock;
    kw_audit_queue audit;
    _Atomic uint64_t changes; /* of the configuration, committed by this process */
    pthread_mutex_t lately_lock;
    uint64_t lately_version, lately_changes, lately_ms; /* what was read last; version 0: nothing yet */
    _Atomic uint64_t audit_written;                     /* records, since it was opened */
    _Atomic size_t used_secret_room; /* rows that may be added before they are counted again; written in KW_TURN_SECRETS */
};

/*
 * One transaction, done again when another one was in its way or the connection was lost before it was committed:
 *
 *     kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
 *     while (kw_turn_begin(&t)) {
 *         kw_turn_end(&t, add(&t, user));
 *     }
 *     return t.status;
 *
 * `add` uses t->sql and nothing else of the engine; what it gives out counts only when t.status is good.
 */
typedef struct kw_turn {
    kw_store *store;
    kw_sql *sql;
    kw_sql_turn kind;
    unsigned tries;
    bool is_over;
    kw_status status;
} kw_turn;

kw_turn kw_turn_of(kw_store *s, kw_sql_turn kind);
bool kw_turn_begin(kw_turn *t);
/* Commit or roll back by `status`. */
void kw_turn_end(kw_turn *t, kw_status status);

/* In a transaction: what kw_store_version tells. */
kw_status kw_store_read_counter(kw_sql *sql, uint64_t *value);
/* In a turn: the configuration changed. */
kw_status kw_turn_touch(kw_turn *t);
/* Bad_NotFound when the statement that ended with `status` changed nothing. */
kw_status kw_turn_expect_change(kw_turn *t, kw_status status);
int64_t kw_turn_now(const kw_turn *t);
/* What rows are found by: not empty, UTF-8 without NUL (engines differ about the rest). Bad_InvalidArgument. */
kw_status kw_store_check_key(kw_string key);

/* revoked_tokens.c; in a turn of the configuration. */
kw_status kw_token_revoke(kw_turn *t, const kw_revoked_token *token);
/* refresh_grants.c; in a transaction: what this user was granted ends. */
kw_status kw_refresh_grants_end(kw_sql *sql, kw_string account);
kw_status kw_oauth_codes_end(kw_sql *sql, kw_string account);
kw_status kw_oauth_devices_end(kw_sql *sql, kw_string account);

/* migrations.c. *why: a sentence, static or in the arena. */
kw_status kw_store_migrate(kw_sql *sql, kw_arena *arena, kw_string *why);
/* In KW_TURN_SCHEMA: the steps up to `last`. Bad_ConfigurationError: the store is of a newer version. */
#define KW_STORE_NEWEST INT64_MAX
kw_status kw_store_run_steps(kw_sql *sql, int64_t last, kw_arena *arena, kw_string *why);
kw_status kw_store_read_version(kw_sql *sql, int64_t *version);
kw_status kw_store_check_version(int64_t version, kw_arena *arena, kw_string *why);

/* audit_append.c */
void kw_audit_queue_init(kw_audit_queue *queue);
void kw_audit_queue_clear(kw_audit_queue *queue);

#endif
