#include "authority/ledger.h"

#include <stdlib.h>

#define BATCH_MAX 256 /* records of one commit */

struct kw_ledger {
    kw_job job; /* first: the one commit at a time */
    kw_store *store;
    const kw_executor *executor;
    kw_ledger_entry *waiting, **waiting_end;
    kw_ledger_entry *batch[BATCH_MAX]; /* of the commit under way */
    size_t batch_count;
    kw_status status;
};

static void settle(kw_ledger_entry *entry, kw_status status)
{
    entry->status = status;
    entry->done(entry);
}

static void run(kw_job *job)
{
    kw_ledger *ledger = (kw_ledger *)job;
    kw_audit_record records[BATCH_MAX];
    for (size_t i = 0; i < ledger->batch_count; i++) {
        records[i] = ledger->batch[i]->record;
    }
    ledger->status = kw_store_audit_append_all(ledger->store, records, ledger->batch_count);
}

static void fill_batch(kw_ledger *ledger)
{
    ledger->batch_count = 0;
    while (ledger->waiting != NULL && ledger->batch_count < BATCH_MAX) {
        ledger->batch[ledger->batch_count++] = ledger->waiting;
        ledger->waiting = ledger->waiting->next;
    }
    if (ledger->waiting == NULL) {
        ledger->waiting_end = &ledger->waiting;
    }
}

static void begin(kw_ledger *ledger);

static void committed(kw_job *job)
{
    kw_ledger *ledger = (kw_ledger *)job;
    kw_ledger_entry *batch[BATCH_MAX];
    const size_t count = ledger->batch_count;
    const kw_status status = ledger->status;
    for (size_t i = 0; i < count; i++) {
        batch[i] = ledger->batch[i];
    }
    ledger->batch_count = 0;
    begin(ledger); /* the disk does not wait for the answers */
    for (size_t i = 0; i < count; i++) {
        settle(batch[i], status);
    }
}

/* The next commit, unless one is under way. */
static void begin(kw_ledger *ledger)
{
    if (ledger->batch_count > 0 || ledger->waiting == NULL) {
        return;
    }
    fill_batch(ledger);
    ledger->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    const kw_status status = kw_executor_submit(ledger->executor, &ledger->job);
    if (kw_status_is_bad(status)) {
        ledger->status = status;
        committed(&ledger->job);
    }
}

kw_status kw_ledger_new(kw_store *store, const kw_executor *executor, kw_ledger **out)
{
    kw_ledger *ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    ledger->job.run = run;
    ledger->job.done = committed;
    ledger->store = store;
    ledger->executor = executor;
    ledger->waiting_end = &ledger->waiting;
    *out = ledger;
    return KW_GOOD;
}

void kw_ledger_free(kw_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    while (ledger->waiting != NULL) {
        kw_ledger_entry *entry = ledger->waiting;
        ledger->waiting = entry->next;
        settle(entry, KW_BAD_SHUTDOWN);
    }
    free(ledger);
}

void kw_ledger_add(kw_ledger *ledger, kw_ledger_entry *entry)
{
    entry->next = NULL;
    *ledger->waiting_end = entry;
    ledger->waiting_end = &entry->next;
    begin(ledger);
}
