/* What Read answers for one node, and what a MonitoredItem samples. */
#include "service/read_value.h"

#include "base/try.h"

#define ATTRIBUTE_VALUE 13

/* Structures and what contains them could be asked for in another encoding; binary is the one there is. */
static kw_status check_encoding(const kw_read_value_id *what)
{
    if (what->data_encoding.name.len == 0) {
        return KW_GOOD;
    }
    if (what->attribute_id != ATTRIBUTE_VALUE) {
        return KW_BAD_DATA_ENCODING_INVALID;
    }
    if (what->data_encoding.ns == 0 && kw_string_equals(what->data_encoding.name, "Default Binary")) {
        return KW_GOOD;
    }
    const bool is_known = what->data_encoding.ns == 0 && (kw_string_equals(what->data_encoding.name, "Default XML") ||
                                                          kw_string_equals(what->data_encoding.name, "Default JSON"));
    return is_known ? KW_BAD_DATA_ENCODING_UNSUPPORTED : KW_BAD_DATA_ENCODING_INVALID;
}

kw_status kw_read_value(kw_space *space, const kw_access *access, const kw_read_value_id *what, kw_arena *arena, kw_data_value *out)
{
    kw_node_ref node;
    if (!kw_space_find(space, &what->node_id, &node)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    KW_TRY(kw_node_read(space, access, &node, what->attribute_id, arena, out)); /* first: who may not see it learns nothing below */
    KW_TRY(check_encoding(what));
    if (what->index_range.len > 0) {
        kw_variant part;
        KW_TRY(kw_range_select(what->index_range, &out->value, arena, &part));
        out->value = part;
    }
    return KW_GOOD;
}

void kw_keep_timestamps(kw_data_value *v, kw_timestamps_to_return wanted)
{
    const bool source = wanted == KW_TIMESTAMPS_TO_RETURN_SOURCE || wanted == KW_TIMESTAMPS_TO_RETURN_BOTH;
    const bool server = wanted == KW_TIMESTAMPS_TO_RETURN_SERVER || wanted == KW_TIMESTAMPS_TO_RETURN_BOTH;
    v->has_source_timestamp = v->has_source_timestamp && source;
    v->has_source_picoseconds = v->has_source_picoseconds && source;
    v->has_server_timestamp = v->has_server_timestamp && server;
    v->has_server_picoseconds = v->has_server_picoseconds && server;
}
