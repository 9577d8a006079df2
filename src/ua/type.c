#include "ua/type_table.h"

#define BUILTIN_COUNT 26

static const kw_type *find(const struct kw_type_id *rows, size_t count, uint32_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows[middle].id == id) {
            return &kw_type_table[rows[middle].index];
        }
        if (rows[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const kw_type *kw_type_builtin(kw_builtin id)
{
    return id > KW_BUILTIN_NULL && id < BUILTIN_COUNT ? &kw_type_table[id] : NULL;
}

const kw_type *kw_type_by_data_type(uint32_t data_type_id)
{
    return find(kw_type_data_type_ids, kw_type_data_type_ids_count, data_type_id);
}

const kw_type *kw_type_by_binary_id(uint32_t binary_id)
{
    return find(kw_type_binary_ids, kw_type_binary_ids_count, binary_id);
}

kw_builtin kw_builtin_of_data_type(uint32_t data_type_id)
{
    const kw_type *type = find(kw_type_builtins, kw_type_builtins_count, data_type_id);
    return type != NULL ? (kw_builtin)type->builtin : KW_BUILTIN_NULL;
}

size_t kw_type_count(void)
{
    return kw_type_table_count - BUILTIN_COUNT;
}

const kw_type *kw_type_at(size_t index)
{
    return index < kw_type_count() ? &kw_type_table[BUILTIN_COUNT + index] : NULL;
}
