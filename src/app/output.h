/* What people and machines read: messages, tables, JSON. */
#ifndef KW_APP_OUTPUT_H
#define KW_APP_OUTPUT_H

#include "app/app.h"

#include <keyway/arena.h>

#include <jansson.h>

/* "keyway: Bad_UserAccessDenied: sentence" on stderr; returns KW_EXIT_FAILED. */
int kw_fail(kw_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The status of the last kw_fail; Good before the first. */
kw_status kw_failure(void);
/* Pretty JSON and a newline on stdout; takes the value. Returns KW_EXIT_DONE. */
int kw_print_json(json_t *value);
/* A kw_string as JSON: null when null; bytes that are no UTF-8 are replaced. */
json_t *kw_json_string(kw_string s);

/* Text of others for a terminal: control characters as \\xNN, so that nobody writes into it what he likes (attack A-206). */
kw_string kw_escaped(kw_arena *arena, kw_string text);

/* Columns that line up; cells are copied. */
typedef struct kw_table kw_table;
kw_table *kw_table_new(const char *const *headings, size_t columns);
void kw_table_cell(kw_table *table, const char *text); /* row by row, left to right; control characters are escaped */
void kw_table_cell_string(kw_table *table, kw_string text);
void kw_table_print(kw_table *table); /* and free it */

/* Rows of one kind, as a table or as JSON. */
typedef struct kw_listing {
    const char *const *headings; /* ended by NULL */
    const char *nothing;         /* what a person reads when there are none */
    json_t *(*to_json)(const void *row, kw_arena *arena);
    void (*to_cells)(const void *row, kw_table *table, kw_arena *arena);
} kw_listing;
/* `size`: of a row. Returns KW_EXIT_DONE. */
int kw_print_listing(const kw_listing *listing, const void *rows, size_t size, size_t count, kw_arena *arena, bool json);

#endif
