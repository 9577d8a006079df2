/*
 * When the keys of issuers are fetched: ahead of need, by the clock; and at once, when a token names a key that is not known.
 *
 * What was fetched goes to the store, and from there into the snapshot: a restart, and other nodes, have it too. Fetches of one
 * issuer never overlap, and however many tokens ask for one, there is at most one in `retry_s`. Thread safe; blocks where it says so.
 */
#ifndef KW_IDENTITY_KEY_SOURCE_H
#define KW_IDENTITY_KEY_SOURCE_H

#include "identity/gate.h"
#include "identity/snapshot.h"

typedef struct kw_key_source kw_key_source;

/* Borrows all but the rules. */
kw_status kw_key_source_new(const kw_key_rules *rules, kw_store *store, const kw_clock *clock, const kw_log *log, kw_key_source **out);
void kw_key_source_free(kw_key_source *source); /* no call is under way */
/* Before the first use; without it nothing is fetched. Borrowed. */
void kw_key_source_set_fetch(kw_key_source *source, const kw_fetch *fetch);

/* May the keys that are there be used? Always, when they are not fetched. */
bool kw_key_source_is_fresh(kw_key_source *source, const kw_issuer *issuer);
/*
 * For jobs: fetch, or wait for the fetch that is under way. True: look into the store again. False: nothing was done, because it
 * was tried less than retry_s ago, or too many wait already: threads that wait are threads that let nobody in.
 */
bool kw_key_source_renew(kw_key_source *source, const kw_issuer *issuer);
/* For jobs: fetch for the first issuer that is due. True: there may be others. */
bool kw_key_source_renew_due(kw_key_source *source, const kw_snapshot *snapshot);

#endif
