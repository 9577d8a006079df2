/* Values between the wire, people and JSON. */
#ifndef KW_APP_VALUES_H
#define KW_APP_VALUES_H

#include "app/output.h"
#include "base/arena.h"

#include <keyway/types.h>

json_t *kw_variant_json(kw_arena *arena, const kw_variant *v);
/* {value, type, status, sourceTimestamp, serverTimestamp} */
json_t *kw_data_value_json(kw_arena *arena, const kw_data_value *v);
/* A scalar, or with JSON brackets an array, of this built-in type. Bad_TypeMismatch: the text is no such value. */
kw_status kw_variant_parse(kw_arena *arena, kw_builtin type, bool is_array, const char *text, kw_variant *out);
/* The built-in type by which values of a ns 0 DataType travel; KW_BUILTIN_NULL: unknown or abstract. */
kw_builtin kw_builtin_of_node_id(const kw_node_id *data_type);
const char *kw_builtin_name(kw_builtin type);

#endif
