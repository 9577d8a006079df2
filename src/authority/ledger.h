/*
 * Records that have to be durable before an answer leaves. A commit costs a write to the disk; those that come while one is under way
 * share the next one, and no thread of the pool waits but the one that writes. For one loop.
 */
#ifndef KW_AUTHORITY_LEDGER_H
#define KW_AUTHORITY_LEDGER_H

#include "base/job.h"
#include "store/store.h"

typedef struct kw_ledger kw_ledger;
typedef struct kw_ledger_entry kw_ledger_entry;

struct kw_ledger_entry {
    kw_audit_record record; /* borrows until it is done */
    kw_status status;       /* when done: what became of it */
    void (*done)(kw_ledger_entry *entry);
    void *owner; /* for done */
    kw_ledger_entry *next;
};

/* Borrows both. */
kw_status kw_ledger_new(kw_store *store, const kw_executor *executor, kw_ledger **out);
/* When no job is under way any more; what still waits is done with Bad_Shutdown. NULL is fine. */
void kw_ledger_free(kw_ledger *ledger);
/* done is called once, perhaps before this returns: Bad_TooManyOperations when the executor is full. */
void kw_ledger_add(kw_ledger *ledger, kw_ledger_entry *entry);

#endif
