/*
 * The audit trail inside the room: each record is chained to the one before it by SHA-256. The head (number and hash of the last
 * record) is kept apart and written in the same transaction, so that a tail cut off shows too.
 */
#ifndef KW_STORE_AUDIT_H
#define KW_STORE_AUDIT_H

#include "store/store_internal.h"

#define KW_AUDIT_HASH_LEN 32
#define KW_AUDIT_COLUMNS "sequence, time, event, source, status, account, client, detail, hash"

typedef struct kw_audit_head {
    uint64_t sequence; /* 0: nothing was written yet, and the hash is zero */
    uint8_t hash[KW_AUDIT_HASH_LEN];
} kw_audit_head;

/* The hash of the record that follows `former`. */
kw_status kw_audit_hash(const uint8_t former[KW_AUDIT_HASH_LEN], const kw_audit_record *record, uint8_t out[KW_AUDIT_HASH_LEN]);
/* Bad_SecurityChecksFailed: it is gone, or nothing that was written here. */
kw_status kw_audit_head_read(kw_sql *sql, kw_audit_head *out);
kw_status kw_audit_head_write(kw_sql *sql, const kw_audit_head *head);

#endif
