#include <keyway/types.h>

#include <string.h>

bool kw_guid_equal(const kw_guid *a, const kw_guid *b)
{
    return a->data1 == b->data1 && a->data2 == b->data2 && a->data3 == b->data3 && memcmp(a->data4, b->data4, sizeof a->data4) == 0;
}

bool kw_node_id_equal(const kw_node_id *a, const kw_node_id *b)
{
    if (a->ns != b->ns || a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case KW_NODE_ID_NUMERIC:
        return a->id.numeric == b->id.numeric;
    case KW_NODE_ID_GUID:
        return kw_guid_equal(&a->id.guid, &b->id.guid);
    default:
        return kw_bytes_equal(a->id.string, b->id.string);
    }
}

/* The null NodeId has no identifier, whatever its form. OPC 10000-3, 8.2.4. */
bool kw_node_id_is_null(const kw_node_id *id)
{
    static const kw_guid none = {0};
    if (id->ns != 0) {
        return false;
    }
    switch (id->kind) {
    case KW_NODE_ID_NUMERIC:
        return id->id.numeric == 0;
    case KW_NODE_ID_GUID:
        return kw_guid_equal(&id->id.guid, &none);
    default:
        return id->id.string.len == 0;
    }
}

bool kw_qualified_name_equal(const kw_qualified_name *a, const kw_qualified_name *b)
{
    return a->ns == b->ns && kw_bytes_equal(a->name, b->name);
}
