/* The names of the StatusCodes; the table is generated from schema/status_codes.csv. */
#ifndef KW_UA_STATUS_TABLE_H
#define KW_UA_STATUS_TABLE_H

#include <keyway/status.h>

#include <stddef.h>

struct kw_status_row {
    kw_status code;
    const char *name;
};

extern const struct kw_status_row kw_status_table[]; /* ordered by code */
extern const size_t kw_status_table_count;

#endif
