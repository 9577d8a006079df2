/* Databases in the PostgreSQL that with_postgres.sh started. */
#ifndef KW_TEST_POSTGRES_H
#define KW_TEST_POSTGRES_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool kw_test_postgres_is_there(void);
/* A new database; `url` gets where it is. */
void kw_test_postgres_create(char *url, size_t room);
/* With all connections to it. */
void kw_test_postgres_drop(const char *url);
/* A connection behind the back of the store, which sees the store's tables; to be closed by PQfinish. */
PGconn *kw_test_postgres_connect(const char *url);
/* Statements; the first value of the last result (NULL: there is none), to be freed. */
char *kw_test_postgres_run(PGconn *db, const char *sql);

#endif
