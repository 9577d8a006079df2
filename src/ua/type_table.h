/* Indexes into the generated table of types. */
#ifndef KW_UA_TYPE_TABLE_H
#define KW_UA_TYPE_TABLE_H

#include <keyway/types.h>

struct kw_type_id {
    uint32_t id;
    uint16_t index; /* into kw_type_table */
};

extern const size_t kw_type_table_count; /* built-in types included */

/* Each ordered by id. */
extern const struct kw_type_id kw_type_data_type_ids[], kw_type_binary_ids[];
extern const struct kw_type_id kw_type_builtins[]; /* every DataType of ns 0, with the built-in type of its values */
extern const size_t kw_type_data_type_ids_count, kw_type_binary_ids_count, kw_type_builtins_count;

#endif
