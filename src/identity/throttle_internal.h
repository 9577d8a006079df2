/* Between the files of the throttle: tables of counts, bounded whatever comes. */
#ifndef KW_IDENTITY_THROTTLE_INTERNAL_H
#define KW_IDENTITY_THROTTLE_INTERNAL_H

#include "base/map.h"
#include "identity/throttle.h"

#include <pthread.h>

#define KW_COUNT_KEY_MAX 384 /* "client:", 256 bytes of ApplicationUri, "#", 40 hex digits; "user:" and 256 bytes of name */
#define KW_COUNT_SUBJECTS 8  /* of one Client, whose failures can be told apart to be forgiven */

typedef struct kw_count kw_count;

typedef struct kw_count_list {
    kw_count *oldest, *newest;
} kw_count_list;

typedef struct kw_count_subject {
    uint64_t hash;     /* of the name, or of the kind of token */
    uint32_t failures; /* thousandths; all together at most those of the count */
} kw_count_subject;

struct kw_count {
    kw_count *prev, *next;             /* by time of use, in the list of the harmless or of the notable */
    kw_count *dirty_prev, *dirty_next; /* to be written */
    bool is_notable, is_dirty;
    uint32_t failures; /* thousandths at `as_of` */
    uint64_t as_of;    /* monotonic ms */
    uint64_t locked_until;
    int64_t unsent; /* thousandths that the store does not know of */
    bool is_stored; /* a row of the store has (or had) it */
    uint64_t known; /* number of the store's last change when this was begun: an earlier clearing does not concern it */
    kw_count_subject subjects[KW_COUNT_SUBJECTS];
    size_t key_len;
    uint8_t key[];
};

/* The least recent harmless one makes room, then the least recent that is not locked; those that are locked stay. */
typedef struct kw_count_table {
    kw_map *map;
    kw_count_list harmless, notable;
    size_t count, max;
} kw_count_table;

typedef struct kw_throttle_moment {
    bool was;
    uint64_t at;
} kw_throttle_moment;

enum { KW_COUNT_CLIENTS, KW_COUNT_ADDRESSES, KW_COUNT_USERS, KW_COUNT_FAMILIAR, KW_COUNT_TABLES };

struct kw_throttle {
    kw_throttle_config config;
    kw_lockout_rule rule;
    kw_store *store;
    const kw_clock *clock;
    const kw_log *log;
    pthread_mutex_t lock;
    kw_count_table tables[KW_COUNT_TABLES];
    kw_count *overflow; /* where there is no room: counted together, delayed, never locked */
    kw_count *dirty_first, *dirty_last;
    uint64_t seen; /* last change of the store that was taken up */
    bool is_syncing, is_write_wanted;
    kw_throttle_moment read, written;
};

/* throttle_table.c; the lock is held */
bool kw_count_table_init(kw_count_table *table, size_t max);
void kw_throttle_forget_all(kw_throttle *t);
kw_count_table *kw_throttle_table_of(kw_throttle *t, kw_string key); /* by its prefix; NULL: none of ours */
kw_count *kw_throttle_find(kw_throttle *t, kw_count_table *table, kw_string key, uint64_t now);
/* Never NULL: the overflow when there is no room. */
kw_count *kw_throttle_need(kw_throttle *t, kw_count_table *table, kw_string key, uint64_t now);
/* Let fade what has faded by now. */
void kw_throttle_fade(const kw_throttle *t, kw_count *c, uint64_t now);
/* After a change: to its list, and to be written if it matters. */
void kw_throttle_changed(kw_throttle *t, kw_count_table *table, kw_count *c, uint64_t now);
void kw_throttle_clean(kw_throttle *t, kw_count *c);
/* Failures as people count them. */
uint32_t kw_count_failures(const kw_count *c);

/* throttle_sync.c; the lock is not held */
typedef enum kw_throttle_sync { KW_THROTTLE_READ, KW_THROTTLE_WRITE, KW_THROTTLE_WRITE_NOW } kw_throttle_sync;
void kw_throttle_synchronize(kw_throttle *t, kw_throttle_sync how);
/* The lock is held. Was the store read so lately that it would not be read now? */
bool kw_throttle_has_read(const kw_throttle *t, uint64_t now);

#endif
