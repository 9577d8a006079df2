/*
 * A store of its own, and the tools to look at it from outside. It is a file in a folder; or, where with_postgres.sh runs the test, a
 * database.
 */
#ifndef KW_TEST_STORE_H
#define KW_TEST_STORE_H

#include "store/store.h"
#include "support/kw_test_env.h"

typedef struct kw_test_store {
    char *folder;
    char path[512]; /* or URL */
    kw_test_clock clock;
    kw_arena *arena;
    kw_store *store;
} kw_test_store;

/* Setup and teardown of cmocka: *state is an open, new store. */
int kw_test_store_setup(void **state);
int kw_test_store_teardown(void **state);
/* The same store, another handle; to be closed by the caller. */
kw_store *kw_test_store_open(kw_test_store *t);
/* Close and open: what is seen then was on the disk. */
void kw_test_store_reopen(kw_test_store *t);
/* Statements behind the back of the store, in words that every engine knows. */
void kw_test_store_tamper(kw_test_store *t, const char *sql);
int64_t kw_test_store_query(kw_test_store *t, const char *sql);
/* Be another process that writes, and keeps all others from writing. */
void *kw_test_store_hold(kw_test_store *t);
void kw_test_store_let_go(kw_test_store *t, void *hold);

#define assert_status(call, expected) assert_string_equal(kw_status_name(call), kw_status_name(expected))
#define assert_text(value, expected) assert_true(kw_string_equals((value), (expected)) && (value).data != NULL)
#define assert_null_text(value) assert_null((value).data)

#endif
